"""What prompts begin with is kept: as many bytes as were allowed, and the same numbers as read anew."""

import pytest
import torch

from foretell.generate.config import Sampling
from foretell.generate.engine import Asked, Batch, generate
from foretell.model.cache import empty_cache
from foretell.serve.prefix import BLOCK, Prefixes, size
from tests.generate.conftest import BASE, CONFIGS, Numbers, random_network

SYSTEM = [3, 9, 1, 22, 7, 8, 4, 11, 2, 5, 6, 10, 12, 13, 14, 15, 16, 17, 18, 19]
HOW = Sampling(max_new_tokens=6, temperature=1.2, seed=5)


def run(network, prompts, kept):
    """Each prompt in a batch of its own, one after another."""
    found = []
    with torch.inference_mode():
        for number, prompt in enumerate(prompts):
            batch = Batch(network, Numbers())
            batch.join([Asked(prompt, HOW, number, number)], kept=kept)
            while batch.rows:
                batch.step()
            found.append(batch.done[number])
    return found


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_kept_changes_no_answer(name):
    network = random_network(CONFIGS[name])
    prompts = [[*SYSTEM, 1], [*SYSTEM, 2, 3], [*SYSTEM[:16], 4], [5], [*SYSTEM, 2, 3], [*SYSTEM[::-1], 1]]
    kept = Prefixes(2**20)
    found, expected = run(network, prompts, kept), generate(network, Numbers(), prompts, HOW)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.ids == theirs.ids
        assert mine.logprobs == pytest.approx(theirs.logprobs, abs=1e-5)
    assert kept.found == 3 * BLOCK  # the second, the third and the fifth


def test_rows_that_join_together_take_what_each_has_kept():
    network, kept = random_network(BASE), Prefixes(2**20)
    prompts = [[*SYSTEM, 1], [4, 4], [*SYSTEM, 2], [*SYSTEM[::-1], 1], [7]]
    run(network, [prompts[0], prompts[3]], kept)
    batch = Batch(network, Numbers())
    with torch.inference_mode():
        batch.join([Asked(prompt, HOW, n, n) for n, prompt in enumerate(prompts)], kept=kept)
        while batch.rows:
            batch.step()
    expected = generate(network, Numbers(), prompts, HOW)
    assert [batch.done[n].ids for n in range(5)] == [one.ids for one in expected]
    assert kept.found == 3 * BLOCK


def test_the_bytes_are_bounded_and_what_is_used_stays():
    network = random_network(BASE)
    one = 2 * 2 * 2 * BLOCK * 8 * 4  # keys and values, layers, heads, tokens, d_head, bytes
    kept = Prefixes(3 * one)
    cache = empty_cache(BASE, 1, 40, network.embed.token.weight)
    kept.keep(SYSTEM, cache, 0)
    for first in range(6):
        kept.keep([first] * BLOCK, cache, 0)
        assert kept.known(SYSTEM) == BLOCK
        assert kept.bytes == sum(map(size, kept.blocks.values())) <= kept.most
    assert kept.known([0] * BLOCK) == 0
    assert kept.known([5] * BLOCK) == BLOCK


def test_where_not_even_one_block_fits_nothing_is_kept():
    kept = Prefixes(10)
    kept.keep(SYSTEM, empty_cache(BASE, 1, 40, torch.zeros(1)), 0)
    assert not kept.blocks


def test_a_block_is_known_after_the_same_blocks_only():
    network = random_network(BASE)
    one, two, three = ([n] * BLOCK for n in (1, 2, 3))
    prompts = [[*one, *two, 5], [*three, 5], [*three, *two, 5], [*two, 5], [*one, *two, 6]]
    kept = Prefixes(2**20)
    found = run(network, prompts, kept)
    assert kept.found == 0 + 0 + BLOCK + 0 + 2 * BLOCK
    assert [one.ids for one in found] == [one.ids for one in run(network, prompts, None)]
    assert [one.logprobs[0] for one in found] == pytest.approx(
        [one.logprobs[0] for one in run(network, prompts, None)], abs=1e-5
    )
