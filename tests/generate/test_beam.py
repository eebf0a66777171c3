"""Beam search against an exhaustive one, and its ends."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from foretell.generate.beam import beam_search, length_penalty
from foretell.generate.config import Beam, Sampling
from foretell.generate.engine import generate
from tests.generate.conftest import BASE, Numbers, random_network

SMALL = replace(BASE, n_vocab=4)


def total(network, prompt, ids):
    """log P(ids | prompt) by one full pass."""
    with torch.no_grad():
        logprobs = torch.log_softmax(network(torch.tensor([[*prompt, *ids]]))[0].double(), -1)
    return sum(logprobs[len(prompt) - 1 + i, token].item() for i, token in enumerate(ids))


def exhaustive(network, prompt, longest, alpha):
    """The best of all completions: those that end, and those cut at the greatest length."""
    every = []
    for n in range(1, longest + 1):
        for ids in product(range(4), repeat=n):
            if 0 not in ids[:-1] and (ids[-1] == 0 or n == longest):
                every.append((total(network, prompt, ids) / length_penalty(n, alpha), ids))
    return max(every)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.5])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_best_of_all(alpha, seed):
    network = random_network(SMALL, seed)
    found = beam_search(network, Numbers(), [[2, 1]], Beam(max_new_tokens=4, width=64, length_penalty=alpha))[0]
    score, ids = exhaustive(network, [2, 1], 4, alpha)
    kept = tuple(found.ids) + ((0,) if found.finish == "end" else ())
    assert kept == ids
    assert found.logprobs[0] / length_penalty(len(kept), alpha) == pytest.approx(score, abs=1e-5)


def test_width_1_is_greedy():
    network = random_network(BASE)
    prompts = [[5], [3, 9, 1], [8, 8]]
    greedy = generate(network, Numbers(), prompts, Sampling(max_new_tokens=9, temperature=0))
    beams = beam_search(network, Numbers(), prompts, Beam(max_new_tokens=9, width=1, length_penalty=0.0))
    assert [c.ids for c in beams] == [c.ids for c in greedy]


def test_sources_of_a_batch_do_not_disturb_each_other(translator):
    sources, how = [[4, 5, 6], [9, 1, 2, 3, 8], [7], [2, 2]], Beam(max_new_tokens=7, width=3)
    together = beam_search(translator, Numbers(), sources, how)
    alone = [beam_search(translator, Numbers(), [source], how)[0] for source in sources]
    assert [c.ids for c in together] == [c.ids for c in alone]


def test_a_wider_beam_is_never_less_likely(translator):
    scores = []
    for width in (1, 3, 9):
        found = beam_search(translator, Numbers(), [[4, 5, 6]], Beam(max_new_tokens=6, width=width, length_penalty=0.0))
        scores.append(found[0].logprobs[0])
    assert scores[2] >= scores[0] - 1e-6
