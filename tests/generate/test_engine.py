"""The engine says what a loop of full forward passes says, whatever the batch."""

import pytest
import torch

from foretell.errors import BadUse
from foretell.generate.config import Sampling
from foretell.generate.decode import reader
from foretell.generate.engine import Asked, Batch, generate
from foretell.generate.pick import pick, uniform
from foretell.generate.prompts import read_prompts
from foretell.model.cache import empty_cache
from tests.generate.conftest import BASE, Numbers, random_network

PROMPTS = [[5], [3, 9, 1, 22, 7], [8, 8], [1, 2, 3, 4, 5, 6, 7], [], [11, 4, 6], [19]]


def slow(network, prompt, how, number):
    """One prompt, one full forward pass a token."""
    prompt, ids, logprobs = list(prompt) or [0], [], []
    for step in range(how.max_new_tokens):
        with torch.no_grad():
            logits = network(torch.tensor([[*prompt, *ids]]))[:, -1].float()
        token = pick(logits, how.temperature, how.top_k, how.top_p, [uniform(how.seed, number, step)]).item()
        ids.append(token)
        logprobs.append(torch.log_softmax(logits, -1)[0, token].item())
        if token == 0:
            return ids[:-1], logprobs
    return ids, logprobs


@pytest.mark.parametrize(
    "how",
    [
        Sampling(max_new_tokens=12, temperature=0),
        Sampling(max_new_tokens=12, temperature=1.3, top_k=9, top_p=0.9, seed=4),
    ],
    ids=["greedy", "sampled"],
)
def test_equals_a_loop_of_full_forward_passes(network, how):
    found = generate(network, Numbers(), PROMPTS, how)
    for number, (prompt, completion) in enumerate(zip(PROMPTS, found, strict=True)):
        ids, logprobs = slow(network, prompt, how, number)
        assert completion.ids == ids
        assert completion.logprobs == pytest.approx(logprobs, abs=1e-5)
        assert completion.text == Numbers().decode(ids)


def test_hidden_states_equal_the_full_forward_pass(network):
    ids = torch.randint(1, 23, (3, 9))
    cache, read = empty_cache(network.cfg, 3, 9, network.embed.token.weight), reader(network)
    with torch.inference_mode():
        read_prompts(network, ids[:, :4].tolist(), cache)
        steps = [read(ids[:, t], cache) for t in range(4, 9)]
        torch.testing.assert_close(torch.stack(steps, 1), network.hidden(ids)[:, 4:], rtol=0, atol=1e-5)


def test_a_rows_sample_does_not_depend_on_its_company():
    network, how = random_network(BASE), Sampling(max_new_tokens=10, temperature=1.5, seed=1)
    together = generate(network, Numbers(), PROMPTS, how)
    two_at_a_time = generate(network, Numbers(), PROMPTS, how, largest=2)
    assert [c.ids for c in together] == [c.ids for c in two_at_a_time]


def test_requests_with_other_settings_join_a_running_batch():
    network = random_network(BASE)
    greedy, hot = Sampling(max_new_tokens=9, temperature=0), Sampling(max_new_tokens=6, temperature=2.0, seed=8)
    batch = Batch(network, Numbers())
    with torch.inference_mode():
        batch.add(PROMPTS[:3], greedy)
        batch.step()
        batch.step()
        batch.add(PROMPTS[3:5], hot)
        while batch.rows:
            batch.step()
    for number, (prompt, how) in enumerate(zip(PROMPTS[:5], [greedy] * 3 + [hot] * 2, strict=True)):
        assert batch.done[number].ids == slow(network, prompt, how, number)[0]


def test_a_stop_text_is_found_across_tokens_and_cut_off():
    network, how = random_network(BASE), Sampling(max_new_tokens=12, temperature=0)
    whole = generate(network, Numbers(), [[3, 9]], how)[0].text
    stop = whole[4:9]
    found = generate(network, Numbers(), [[3, 9]], Sampling(max_new_tokens=12, temperature=0, stop=("zz", stop)))[0]
    assert found.finish == "stop"
    assert found.text == whole[: whole.find(stop)]


def test_alternatives_are_the_likeliest_tokens():
    network = random_network(BASE)
    found = generate(network, Numbers(), [[4, 2]], Sampling(max_new_tokens=3, temperature=0, alternatives=4))[0]
    for token, logprob, best in zip(found.ids, found.logprobs, found.alternatives, strict=False):
        assert best[0] == (token, pytest.approx(logprob))
        assert [p for _, p in best] == sorted((p for _, p in best), reverse=True)


def test_a_translator_reads_its_source_once_and_equals_the_full_pass(translator):
    sources, how = [[4, 5, 6], [9, 1, 2, 3, 8], [7]], Sampling(max_new_tokens=8, temperature=0)
    for source, found in zip(sources, generate(translator, Numbers(), sources, how), strict=True):
        ids = [0]
        with torch.no_grad():
            while len(ids) <= len(found.ids):
                ids.append(translator(torch.tensor([ids]), source=torch.tensor([source]))[0, -1].argmax().item())
        assert ids[1:] == found.ids


def test_too_long_a_prompt_is_refused_with_both_numbers():
    with pytest.raises(BadUse, match=r"35 tokens and 6 new ones are 41; the context holds 40"):
        generate(random_network(BASE), Numbers(), [[1] * 35], Sampling(max_new_tokens=6))


@pytest.mark.parametrize(
    ("field", "value"),
    [("temperature", -1), ("temperature", float("nan")), ("top_k", -1), ("top_p", 0.0), ("stop", ("",))],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(field, value):
    with pytest.raises(ValueError, match=field.split("_")[0]):
        Sampling(**{"max_new_tokens": 1, field: value})


def test_rows_that_join_with_settings_of_their_own_draw_what_each_draws_alone():
    network = random_network(BASE)
    hows = [Sampling(max_new_tokens=4 + n, temperature=1.3, seed=n, stop=("11 ",)[: n % 2]) for n in range(5)]
    hows += [Sampling(max_new_tokens=6, temperature=t, top_k=k, seed=9) for t, k in ((0.0, 0), (1.3, 3), (0.7, 0))]
    asked = [Asked(PROMPTS[n % 7], how, 100 + n, n) for n, how in enumerate(hows)]
    batch = Batch(network, Numbers())
    with torch.inference_mode():
        batch.join(asked[:3])
        batch.step()
        batch.join(asked[3:])
        while batch.rows:
            batch.step()
    for n, how in enumerate(hows):
        ids = slow(network, PROMPTS[n % 7], how, n)[0]
        found = batch.done[100 + n]
        assert ids[: len(found.ids)] == found.ids
        assert found.finish == "stop" or found.ids == ids


def test_seeds_alone_make_no_group_of_their_own(monkeypatch):
    groups = []
    monkeypatch.setattr(Batch, "drawn", lambda self, logits, rows, how: groups.append(len(rows)) or [1] * len(rows))
    batch = Batch(random_network(BASE), Numbers())
    with torch.inference_mode():
        batch.join([Asked([3], Sampling(max_new_tokens=9, seed=n), n, 0) for n in range(6)])
        batch.step()
    assert groups == [6]


def test_a_row_that_is_cancelled_leaves_the_others_as_they_are():
    network, how = random_network(BASE), Sampling(max_new_tokens=9, temperature=1.2, seed=2)
    batch = Batch(network, Numbers())
    with torch.inference_mode():
        batch.add(PROMPTS, how)
        batch.step()
        batch.cancel({0, 3, 77})
        while batch.rows:
            batch.step()
    assert sorted(batch.done) == [1, 2, 4, 5, 6]
    for number, found in batch.done.items():
        assert found.ids == slow(network, PROMPTS[number], how, number)[0]


def test_a_batch_that_lives_long_does_not_remember_every_stop_text():
    batch = Batch(random_network(BASE), Numbers())
    for n in range(200):
        assert batch.stops((f"stop {n}",))([1]) is None
    assert batch.stops.cache_info().currsize <= 64


def test_a_row_ends_at_its_own_ends():
    network, how = random_network(BASE), Sampling(max_new_tokens=12, temperature=1.2, seed=2)
    whole = slow(network, [5], how, 0)[0]
    batch = Batch(network, Numbers())
    with torch.inference_mode():
        batch.join([Asked([5], how, 0, 0, frozenset({whole[4]})), Asked([5], how, 1, 0)])
        while batch.rows:
            batch.step()
    assert batch.done[0].finish == "end"
    assert batch.done[0].ids == whole[: whole.index(whole[4])]
    assert batch.done[1].ids == whole


def test_a_refused_row_leaves_the_batch_as_it_was():
    batch = Batch(random_network(BASE), Numbers())
    with torch.inference_mode():
        batch.add([[5]], Sampling(max_new_tokens=3))
        for prompt in ([1] * 39, [99, 1]):
            with pytest.raises((BadUse, IndexError)):
                batch.join([Asked(prompt, Sampling(max_new_tokens=5), 7, 7)])
        assert [row.number for row in batch.rows] == [0]
        batch.step()


def test_a_bias_moves_one_token_and_what_is_told_is_without_it():
    network = random_network(BASE)
    forced = Sampling(max_new_tokens=3, temperature=0.7, bias=((4, 100.0), (5, -100.0)), alternatives=1)
    plain = generate(network, Numbers(), [[3, 9]], Sampling(max_new_tokens=1, temperature=0, alternatives=1))[0]
    found = generate(network, Numbers(), [[3, 9]], forced)[0]
    assert found.ids == [4, 4, 4]
    assert found.alternatives[0] == plain.alternatives[0]


class Watched(list):
    """Log-probabilities that are looked at whenever one comes, as another thread may."""

    def __init__(self, row):
        super().__init__()
        self.row, self.lengths = row, []

    def append(self, value):
        super().append(value)
        self.lengths.append((len(self.row.ids), len(self.row.alternatives), len(self)))


def test_all_that_is_told_of_a_token_is_there_when_its_logprob_is():
    batch = Batch(random_network(BASE), Numbers())
    with torch.inference_mode():
        batch.add([[5]], Sampling(max_new_tokens=4, seed=2, alternatives=2))
        row = batch.rows[0]
        row.logprobs = Watched(row)
        while batch.rows:
            batch.step()
    assert row.logprobs.lengths == [(n, n, n) for n in range(1, len(row.ids) + 1)]
