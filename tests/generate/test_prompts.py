"""Prompts that begin alike are read once, which changes nothing but the time."""

from itertools import product

import pytest
import torch

from foretell.generate.beam import beam_search
from foretell.generate.config import Beam, Sampling
from foretell.generate.engine import generate
from foretell.generate.prompts import AT_ONCE, WORTH, families, in_order, parts, read_prompts, rows_at_once
from foretell.model.cache import empty_cache
from tests.generate.conftest import BASE, Numbers, random_network

ONE, TWO = [1, 2, 3, 4] * 5, [9, 8, 7] * 6
PROMPTS = [
    [*ONE, 5], [*ONE, 6, 7, 8], ONE, [*ONE, 5], [5], [*TWO, 1], [*TWO, 2, 3], [], [*ONE[:17], 9], [4] * 12, [*TWO, 1],
]  # fmt: skip
HOT = Sampling(max_new_tokens=9, temperature=1.0, seed=3)
COLD = Sampling(max_new_tokens=9, temperature=0)


@pytest.mark.parametrize("how", [HOT, COLD], ids=["drawn", "greedy"])
def test_completions_are_the_same_with_sharing_and_without_in_any_batch(network, how):
    network = network.double()
    plain = generate(network, Numbers(), PROMPTS, how, largest=1, share=False)
    for largest, share in product((1, 7, None), (True, False)):
        found = generate(network, Numbers(), PROMPTS, how, largest=largest, share=share)
        assert [(c.ids, c.finish) for c in found] == [(c.ids, c.finish) for c in plain]


def test_log_probabilities_are_the_same_up_to_rounding(network):
    plain = generate(network, Numbers(), PROMPTS, COLD, largest=1, share=False)
    for largest, share in product((1, 7, None), (True, False)):
        for one, other in zip(
            plain, generate(network, Numbers(), PROMPTS, COLD, largest=largest, share=share), strict=True
        ):
            n = next((i for i, (a, b) in enumerate(zip(one.ids, other.ids, strict=False)) if a != b), len(one.ids))
            assert other.logprobs[:n] == pytest.approx(one.logprobs[:n], abs=1e-5)


@pytest.mark.parametrize("stop", [(), ("7", "1 2")], ids=str)
def test_searches_are_the_same_with_sharing_and_without_in_any_batch(network, stop):
    network, how = network.double(), Beam(max_new_tokens=6, width=3, stop=stop)
    plain = beam_search(network, Numbers(), PROMPTS, how, largest=1, share=False)
    for largest, share in product((1, 7, None), (True, False)):
        found = beam_search(network, Numbers(), PROMPTS, how, largest=largest, share=share)
        assert [(c.text, c.finish) for c in found] == [(c.text, c.finish) for c in plain]
        assert [c.logprobs[0] for c in found] == pytest.approx([c.logprobs[0] for c in plain], abs=1e-5)


def test_what_is_shared_is_read_once(monkeypatch):
    network, read = random_network(BASE), []
    hidden = network.hidden
    monkeypatch.setattr(network, "hidden", lambda ids, **given: read.append(ids.shape) or hidden(ids, **given))
    read_prompts(network, [[*ONE, 5, 6], [*ONE, 7, 8], [*ONE, 5, 6], [*ONE, 9, 1]], fresh(network, 4))
    assert read == [(1, 20), (3, 2)]


def test_two_texts_with_questions_are_each_read_once(monkeypatch):
    network, read = random_network(BASE), []
    hidden = network.hidden
    monkeypatch.setattr(network, "hidden", lambda ids, **given: read.append(tuple(ids.shape)) or hidden(ids, **given))
    read_prompts(network, [[*ONE, 5], [*TWO, 7], [*ONE, 6, 6], [*TWO, 9], [3, 3]], fresh(network, 5))
    assert sorted(read) == [(1, 2), (1, 18), (1, 20), (2, 1), (2, 2)]


def test_keys_and_values_are_those_of_prompts_read_alone(network):
    cache = fresh(network, len(PROMPTS))
    with torch.inference_mode():
        read_prompts(network, PROMPTS, cache)
        for row, prompt in enumerate(PROMPTS):
            alone = fresh(network, 1)
            read_prompts(network, [prompt], alone, share=False)
            for mine, theirs in zip(cache.layers, alone.layers, strict=True):
                for one, other in ((mine.keys, theirs.keys), (mine.values, theirs.values)):
                    n = len(prompt)
                    torch.testing.assert_close(one[row, :, :n], other[0, :, :n], rtol=0, atol=1e-5)
    assert cache.lengths == [len(prompt) for prompt in PROMPTS]


def fresh(network, rows):
    return empty_cache(network.cfg, rows, 30, network.embed.token.weight)


def test_families_share_a_beginning_and_lose_nobody():
    texts = [[*range(100 * t, 100 * t + 30)] for t in range(4)]
    prompts = [[*range(1000, 1020), *texts[i % 4], i] for i in range(16)]
    assert sorted(map(sorted, families(prompts))) == [[t, t + 4, t + 8, t + 12] for t in range(4)]
    assert sorted(i for family in families(PROMPTS) for i in family) == list(range(len(PROMPTS)))


def test_the_order_keeps_families_together_and_begins_with_the_longest():
    order = in_order(PROMPTS)
    assert sorted(order) == list(range(len(PROMPTS)))
    assert [len(PROMPTS[i]) for i in order] == [23, 21, 21, 20, 18, 20, 19, 19, 12, 1, 0]
    assert in_order([[1], [2, 2], [3] * 9]) == [2, 1, 0]


def test_parts_are_bounded_and_complete():
    prompts = [[7] * n for n in (3000, 900, 4000, 5, 2000, 5000, 9000)]
    found = list(parts(range(len(prompts)), prompts, 0))
    assert sorted(i for part in found for i in part) == list(range(len(prompts)))
    for part in found:
        assert len(part) == 1 or len(part) * max(len(prompts[i]) for i in part) <= AT_ONCE


def test_many_parts_say_what_one_says(monkeypatch):
    network = random_network(BASE).double()
    plain = generate(network, Numbers(), PROMPTS, HOT)
    monkeypatch.setattr("foretell.generate.prompts.AT_ONCE", 4)
    assert [c.ids for c in generate(network, Numbers(), PROMPTS, HOT)] == [c.ids for c in plain]


def test_rows_fit_the_memory():
    network = random_network(BASE)
    assert rows_at_once(network, 40, 7) == 7
    few, many = rows_at_once(network, 10**6, None), rows_at_once(network, 40, None)
    assert 1 <= few < many
    assert few * 10**6 * 2 * 2 * 16 * 4 <= 512 * 2**20
    assert rows_at_once(network, 10**12, None) == 1


def test_a_short_beginning_is_not_read_apart():
    rows = [[*range(WORTH - 1), 90], [*range(WORTH - 1), 91]]
    assert families(rows) == [[0, 1]]
    assert families([[*range(WORTH), 90], [*range(WORTH), 91]]) == [[0, 1]]
    assert len(families([[*range(WORTH), 90], [*range(WORTH), 91], [5]])) == 2


@pytest.mark.parametrize("staying", [[0, 1, 2, 3, 4], [4], [0, 3], [1, 2, 4], [2, 3, 4]], ids=str)
def test_rows_that_stay_keep_what_they_have_read(staying):
    cache, whole = fresh(random_network(BASE), 5), fresh(random_network(BASE), 5)
    for one in (cache, whole):
        one.lengths = [10, 11, 12, 13, 14]
        for layer in one.layers:
            layer.keys += torch.arange(5.0)[:, None, None, None]
            layer.values -= torch.arange(5.0)[:, None, None, None]
            layer.memory = (torch.arange(5), torch.arange(5))
    order = cache.leave(staying)
    whole.select(torch.tensor([staying[i] for i in order_of(order, staying)]))
    assert cache.lengths == whole.lengths
    for mine, theirs in zip(cache.layers, whole.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
        assert torch.equal(mine.values, theirs.values)
        assert torch.equal(mine.memory[0], theirs.memory[0])


def order_of(order, staying):
    """The places in `staying` of the rows that leave() says remain."""
    assert sorted(order) == staying
    return [staying.index(row) for row in order]


def test_beams_of_one_prompt_change_places_as_selected_rows_do():
    cache, whole = fresh(random_network(BASE), 4), fresh(random_network(BASE), 4)
    for one in (cache, whole):
        stream = torch.Generator().manual_seed(0)
        one.lengths = [9] * 4
        for layer in one.layers:
            layer.end = 9
            for kept in (layer.keys, layer.values):
                kept[:, :, :6] = torch.randn(kept[:1, :, :6].shape, generator=stream)  # the prompt, the same in all
                kept[:, :, 6:9] = torch.randn(kept[:, :, 6:9].shape, generator=stream)
    rows = torch.tensor([2, 2, 0, 3])
    cache.reorder(rows, 6)
    whole.select(rows)
    for mine, theirs in zip(cache.layers, whole.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
        assert torch.equal(mine.values, theirs.values)
