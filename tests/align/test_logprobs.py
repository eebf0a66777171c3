import itertools
from math import exp, log

import pytest
import torch

from foretell.align import logprobs
from foretell.align.episodes import Sampled, episodes_of
from foretell.align.logprobs import all_logprobs, all_scores, all_values, response_logprobs, response_values, selected
from foretell.model.attention import written_out
from foretell.model.config import Heads, NetworkConfig
from foretell.model.init import build

TINY = {"n_vocab": 11, "n_ctx": 24, "n_layers": 2, "d_model": 8, "n_heads": 2, "d_head": 4, "d_ff": 16}


def network(seed=0, **changes):
    model = build(NetworkConfig(kind="decoder", norm_place="pre", **{**TINY, **changes}), seed).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(seed)))
    return model


def scalar(seed=0):
    return network(seed, heads=Heads(lm=False, n_outputs=1))


PROMPTS = [[3, 4, 0], [5], [6, 7, 8, 9, 10], [0, 0]]
ANSWERS = [[1, 2], [0, 0, 0, 4, 1], [9], [3, 0, 1]]


def batch(prompts=PROMPTS, answers=ANSWERS):
    return episodes_of(prompts, [Sampled(a, [-1.0] * len(a), True) for a in answers])


def slow(model, prompt, answer, temperature=1.0):
    """Each response token's log-probability and its distribution's entropy, read one by one."""
    found = []
    for t in range(len(answer)):
        logits = model(torch.tensor([[*prompt, *answer[:t]]]))[0, -1].double() / temperature
        logs = logits - logits.logsumexp(0)
        found.append((logs[answer[t]].item(), -(logs.exp() * logs).sum().item()))
    return found


@pytest.mark.parametrize("temperature", [1.0, 0.7, 2.0])
def test_each_token_is_foretold_by_the_position_before_it_as_one_by_one(temperature):
    model = network()
    logp, entropy = all_logprobs(model, batch(), temperature)
    for i, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        want = slow(model, prompt, answer, temperature)
        assert logp[i, : len(answer)].tolist() == pytest.approx([one for one, _ in want], abs=1e-5)
        assert entropy[i, : len(answer)].tolist() == pytest.approx([one for _, one in want], abs=1e-5)
        assert not logp[i, len(answer) :].any()


def test_a_model_of_three_tokens_by_hand():
    model = network(n_vocab=3, n_layers=1, d_model=2, n_heads=1, d_head=2, d_ff=2)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        model.embed.token.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, -1]]))
        model.decoder.norm.weight.fill_(1)
    # a token's own embedding, normed to (1, -1), (-1, 1) and 0, is multiplied by the embeddings again
    after = {0: [1, -1, 0], 1: [-1, 1, 0], 2: [0, 0, 0]}
    logp, _ = all_logprobs(model, batch([[0], [2]], [[1, 0], [0, 2]]))
    for row, (prompt, answer) in enumerate([(0, [1, 0]), (2, [0, 2])]):
        for t, (before, token) in enumerate(itertools.pairwise([prompt, *answer])):
            want = after[before][token] - log(sum(exp(x) for x in after[before]))
            assert logp[row, t].item() == pytest.approx(want, abs=1e-4)


def test_a_token_with_the_id_of_padding_or_the_end_is_a_token_like_any_other():
    model, episodes = network(), batch()
    ids = episodes.ids.clone()
    for i, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        ids[i, len(prompt) + len(answer) :] = 7  # other padding than 0, which is within prompts and answers too
    one, other = (response_logprobs(model, x, episodes.starts, episodes.lengths) for x in (episodes.ids, ids))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])


@pytest.mark.parametrize("most", [8192, 9, 1])
def test_what_a_row_is_batched_with_changes_nothing(monkeypatch, most):
    from foretell.align import episodes as cutting

    policy, value = network(), scalar()
    whole = [all_logprobs(policy, batch())[0], all_values(value, batch()), all_scores(value, batch())]
    real = cutting.in_pieces
    monkeypatch.setattr(logprobs, "in_pieces", lambda totals: real(totals, most))
    parts = [all_logprobs(policy, batch())[0], all_values(value, batch()), all_scores(value, batch())]
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_a_score_is_read_at_the_last_token_and_nowhere_else():
    model = scalar()
    scores = all_scores(model, batch())
    for i, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        alone = model.task_outputs(model.hidden(torch.tensor([[*prompt, *answer]])))[0, -1, 0]
        assert scores[i].item() == pytest.approx(alone.item(), abs=1e-6)
    other = [[*answer[:-1], (answer[-1] + 3) % 11] for answer in ANSWERS]
    assert (all_scores(model, batch(answers=other)) - scores).abs().min() > 1e-4


def test_a_value_is_what_the_scalar_head_says_before_each_token():
    model, episodes = scalar(), batch()
    values = all_values(model, episodes)
    everywhere = model.task_outputs(model.hidden(episodes.ids))[..., 0]
    for i, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        want = everywhere[i, len(prompt) - 1 : len(prompt) + len(answer) - 1]
        torch.testing.assert_close(values[i, : len(answer)], want, atol=1e-6, rtol=0)


@pytest.mark.parametrize("chunk", [2**26, 200])
@pytest.mark.parametrize("kept", [2**28, 0])
def test_the_gradient_is_that_of_the_whole_softmax(monkeypatch, chunk, kept):
    monkeypatch.setattr(logprobs, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(logprobs, "KEPT_BYTES", kept)
    hidden, weight, bias = torch.randn(9, 4).double(), torch.randn(11, 4).double(), torch.randn(11).double()
    targets, upstream = torch.randint(11, (9,)), torch.randn(9).double()
    found = []
    for way in ("chunked", "whole"):
        leaves = [x.clone().requires_grad_() for x in (hidden, weight, bias)]
        if way == "chunked":
            logp, entropy = selected(*leaves, targets, 0.7)
            assert not entropy.requires_grad
        else:
            logs = torch.log_softmax((leaves[0] @ leaves[1].T + leaves[2]) / 0.7, -1)
            logp = logs[torch.arange(9), targets]
        (logp * upstream).sum().backward()
        found.append([logp.detach(), *(x.grad for x in leaves)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_bf16_is_near_fp32_and_its_gradient_too():
    model, episodes = network(), batch()
    found = []
    for precision in ("fp32", "bf16"):
        with logprobs.precisely("cpu", precision):
            logp, _ = response_logprobs(model, episodes.ids, episodes.starts, episodes.lengths)
        logp.sum().backward()
        found.append((logp.detach(), model.embed.token.weight.grad.clone()))
        model.zero_grad()
    assert 0 < (found[0][0] - found[1][0]).abs().max() < 0.2
    cosine = torch.nn.functional.cosine_similarity(found[0][1].flatten(), found[1][1].flatten(), 0)
    assert cosine > 0.99


def test_short_attention_written_out_in_bf16_is_that_of_torch():
    q, k, v = (torch.randn(3, 2, 7, 4, dtype=torch.bfloat16).requires_grad_() for _ in range(3))
    upstream, found = torch.randn(3, 2, 7, 4, dtype=torch.bfloat16), []
    for attend in (written_out, lambda *x: torch.nn.functional.scaled_dot_product_attention(*x, is_causal=True)):
        y = attend(q, k, v)
        found.append([y.detach(), *torch.autograd.grad(y, (q, k, v), upstream)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=0.06, rtol=0.05)


def test_values_in_half_precision_are_told_in_fp32():
    episodes = batch()
    with logprobs.precisely("cpu", "bf16"):
        values = response_values(scalar(), episodes.ids, episodes.starts, episodes.lengths)
    assert values.dtype == torch.float32
