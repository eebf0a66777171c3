"""A score is the sum of the completion's log-probabilities, whatever is read together and whatever is shared."""

import copy
import math
import random
from dataclasses import replace

import pytest
import torch

from foretell.errors import BadUse
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.generate import score as module
from foretell.generate.score import score
from foretell.model.init import build
from tests.generate.conftest import BASE, random_network

PAIRS = [([1, 2, 3], [4, 5]), ([9], [8, 7, 6, 5]), ([2] * 30, [1]), ([4, 4], [4]), ([7, 1, 2], [22, 3, 19]), ([5], [])]
N_CTX, N_VOCAB = BASE.n_ctx, BASE.n_vocab


def random_pairs(seed, n=12):
    """Contexts that branch off each other with several completions each: none, long ones, the whole context's length.

    Some are copies of others, some are beginnings of others, some do not fit.
    """
    draw = random.Random(seed)

    def text(least, most):
        return [draw.randrange(N_VOCAB) for _ in range(draw.randint(least, most))]

    contexts, pairs = [text(5, 30)], []
    while len(pairs) < n:
        old = draw.choice(contexts)
        context = old[: draw.randint(1, len(old))] + text(0, 9)
        contexts.append(context)
        pairs += [(context, text(0, 5)) for _ in range(draw.randint(1, 4))]
        pairs += [draw.choice(pairs), (context, text(N_CTX, N_CTX))] if draw.random() < 0.2 else []
        if draw.random() < 0.2:
            pairs.append((text(30, 60), text(1, 20)))
    draw.shuffle(pairs)
    return pairs


def slow(network, context, completion):
    """One full forward pass a row, in double."""
    if not completion:
        return 0.0, True
    row = [*context, *completion][-(N_CTX + 1) :]
    with torch.no_grad():
        logprobs = torch.log_softmax(network(torch.tensor([row[:-1]]))[0, -len(completion) :], -1)
    wanted = torch.tensor(completion)
    return logprobs.gather(1, wanted[:, None]).sum().item(), bool((logprobs.argmax(-1) == wanted).all())


def same(found, other):
    """Whether two lists of scores differ by rounding only: 1.9e-6 a token, 1.4e-5 in 40, is the most that was seen."""
    return all(
        abs(one.logprob - two.logprob) < max(1e-5, 1e-6 * one.n) and one[1:] == two[1:]
        for one, two in zip(found, other, strict=True)
    )


@pytest.mark.parametrize("seed", range(2))
def test_is_the_sum_of_the_tokens_log_probabilities(network, seed):
    pairs, double = PAIRS + random_pairs(seed), copy.deepcopy(network).double()
    for (context, completion), found in zip(pairs, score(network, pairs), strict=True):
        logprob, greedy = slow(double, context, completion)
        assert found.logprob == pytest.approx(logprob, abs=1e-4)
        assert (found.n, found.greedy) == (len(completion), greedy)


@pytest.mark.parametrize("seed", range(2))
def test_is_the_same_however_it_is_read(network, seed):
    pairs = PAIRS + random_pairs(seed)
    found, draw = score(network, pairs), random.Random(seed)
    assert same(found, score(network, pairs, share=False))
    for tokens in (1, 50) if seed else (7,):
        assert same(found, score(network, pairs, tokens=tokens))
        assert same(found, score(network, pairs, tokens=tokens, share=False))
    for batch in (7,) if seed else (1, 7):
        assert same(found, [one for i in range(0, len(pairs), batch) for one in score(network, pairs[i : i + batch])])
    order = draw.sample(range(len(pairs)), len(pairs))
    assert same([found[i] for i in order], score(network, [pairs[i] for i in order]))


@pytest.mark.parametrize("most", [1, 23 * 5])
def test_is_the_same_in_small_blocks_of_logits_and_small_trees(monkeypatch, most):
    network, pairs = random_network(BASE), PAIRS + random_pairs(9)
    found = score(network, pairs)
    monkeypatch.setattr(module, "MOST_LOGITS", most)
    monkeypatch.setattr(module, "MOST_TOKENS", most)
    assert same(found, score(network, pairs))


def read_tokens(network, pairs, **how):
    """How many tokens go through the network."""
    seen = []
    hook = network.embed.register_forward_hook(lambda *given: seen.append(given[1][0].numel()))
    score(network, pairs, **how)
    hook.remove()
    return sum(seen), len(seen)


def test_four_options_cost_one_context_and_four_tails():
    context, options = list(range(1, 21)), [[3, 1, 4], [3, 1, 5], [9, 2, 6, 5], [8]]
    pairs = [(context, option) for option in options]
    assert read_tokens(random_network(BASE), pairs) == (20 + 2 + 3, 1)
    assert read_tokens(random_network(BASE), pairs, share=False) == (22 + 22 + 23 + 20, 1)


def test_demonstrations_that_all_questions_share_are_read_once():
    draw = random.Random(0)
    shots, pairs = [draw.randrange(1, 9) for _ in range(25)], []
    for question in range(10, 20):
        context = [*shots, question, 20, 21]
        pairs += [(context, [option, 22, option]) for option in range(4)]
    assert read_tokens(random_network(BASE), pairs)[0] == 25 + 10 * (3 + 4 * 2)


def bigram(table):
    """A network whose next token depends on the last one only: logits are table[last] (V, V), not yet normed."""
    n = len(table)
    cfg = replace(BASE, n_vocab=n, d_model=n, tied=False, n_layers=1)
    network = build(cfg).eval()
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
        network.embed.token.weight.copy_(torch.eye(n))
        spread = torch.tensor((1 - 1 / n) / n + cfg.norm_eps).sqrt()
        network.decoder.norm.weight.fill_(spread)  # so that the norm of a unit vector is the vector itself
        network.decoder.norm.bias.fill_(1 / n)
        network.lm_head.weight.copy_(torch.tensor(table).log().t())
    return network


@pytest.mark.parametrize("share", [True, False])
def test_a_bigram_networks_scores_by_hand(share):
    network = bigram([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    pairs = [([0, 1], [2, 0]), ([0, 1], [2, 1]), ([0, 1], [0]), ([2, 2, 0], [0, 0, 1]), ([0, 1, 2], [0])]
    found = score(network, pairs, share=share)
    wanted = [0.7 * 0.6, 0.7 * 0.3, 0.1, 0.5 * 0.5 * 0.25, 0.6]
    assert [one.logprob for one in found] == pytest.approx([math.log(p) for p in wanted], abs=1e-6)
    assert [one.greedy for one in found] == [True, False, False, False, True]


STOCK = {
    "GPT2": BASE,
    "OpenAIGPT": replace(BASE, norm_place="post", d_ff=4 * BASE.d_model),
    "GPTNeo": replace(BASE, attention=("dense", "banded"), window=5, qkv_bias=False),
}


@pytest.mark.parametrize("name", STOCK)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_equals_transformers_on_the_same_weights(name, tmp_path):
    transformers = pytest.importorskip("transformers")
    network = random_network(STOCK[name], spread=0.2)
    save_model(tmp_path / "m", network, None, Card(recipe="a test"))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "m").eval()
    assert type(theirs).__name__.startswith(name)
    pairs = PAIRS + random_pairs(3)
    for (context, completion), found in zip(pairs, score(network, pairs), strict=True):
        logprob, greedy = slow(lambda ids: theirs(ids).logits, context, completion)
        assert found.logprob == pytest.approx(logprob, abs=1e-4)
        assert found.greedy == greedy


def test_greedy_says_whether_each_token_was_the_likeliest():
    network = random_network(BASE)
    with torch.no_grad():
        best = network(torch.tensor([[3, 9]]))[0, -1].argmax().item()
    assert [s.greedy for s in score(network, [([3, 9], [best]), ([3, 9], [(best + 1) % 23])])] == [True, False]


def test_a_long_context_loses_its_beginning():
    network, context = random_network(BASE), [i % 22 + 1 for i in range(60)]
    assert score(network, [(context, [5, 6])])[0].logprob == pytest.approx(
        score(network, [(context[-39:], [5, 6])])[0].logprob
    )


def test_in_half_precision_scores_are_near():
    network, pairs = random_network(BASE, spread=0.1), PAIRS + random_pairs(2)
    rough = score(copy.deepcopy(network).bfloat16(), pairs)
    for one, other in zip(score(network, pairs), rough, strict=True):
        assert other.logprob == pytest.approx(one.logprob, abs=0.02 * (one.n + 1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is visible to torch")
def test_a_gpus_scores_are_the_cpus(network):
    pairs = PAIRS + random_pairs(4)
    wanted = [one.logprob for one in score(network, pairs)]
    for how in ({}, {"share": False}, {"tokens": 9}):
        assert [one.logprob for one in score(network.cuda(), pairs, **how)] == pytest.approx(wanted, abs=1e-3)


def test_nothing_has_no_scores_and_an_empty_completion_0():
    network = random_network(BASE)
    assert score(network, []) == []
    assert score(network, [([1], []), ([2, 3], [])]) == [(0.0, 0, True)] * 2


def test_too_long_a_completion_and_an_empty_context_are_refused():
    with pytest.raises(BadUse, match="41 tokens, the context holds 40"):
        score(random_network(BASE), [([1], [1] * 41)])
    with pytest.raises(BadUse, match="context is empty"):
        score(random_network(BASE), [([1], [2]), ([], [1])])
