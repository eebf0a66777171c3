"""Ids that the tokenizer lacks, of a vocabulary that was padded to a round number, are never chosen."""

from dataclasses import replace

import pytest
import torch

from foretell.generate.beam import beam_search
from foretell.generate.config import Beam, Contrastive, Sampling
from foretell.generate.contrastive import contrastive_search
from foretell.generate.engine import generate
from foretell.generate.stops import Ending, n_spelled
from tests.generate.conftest import BASE, Numbers, random_network

KNOWN = 11
PROMPTS = [[5], [3, 9, 1, 2, 7], [8, 8], [], [10, 4, 6]]
MEASURES = {
    "greedy": {"temperature": 0},
    "plain": {"seed": 3},
    "hot": {"temperature": 2.0, "top_k": 15, "top_p": 0.99, "seed": 1},
    "penalties": {"repetition_penalty": 1.7, "no_repeat_ngram": 2, "presence_penalty": 2.0, "frequency_penalty": 2.0},
    "no word twice": {"temperature": 0, "no_repeat_ngram": 1},
    "one that is biased": {"bias": ((KNOWN + 3, 100.0),), "seed": 2},
}


class Few(Numbers):
    """Words that have no ids from KNOWN on, and say so."""

    n_vocab = KNOWN

    def decode(self, ids):
        assert all(i < KNOWN for i in ids)
        return super().decode(ids)


class Unsaid(Numbers):
    """The same words, which do not say how many they are."""


@pytest.fixture
def padded():
    """A network that would nearly always choose an id without a word."""
    network = random_network(replace(BASE, tied=False))
    with torch.no_grad():
        network.lm_head.weight[KNOWN:] *= 6
    return network


@pytest.mark.parametrize("how", MEASURES.values(), ids=MEASURES)
def test_no_such_id_is_sampled_or_told(padded, how):
    sampling = Sampling(max_new_tokens=20, alternatives=20, **how)
    found = generate(padded, Few(), PROMPTS, sampling)
    assert max(i for one in found for i in one.ids) < KNOWN
    assert {len(told) for one in found for told in one.alternatives} == {KNOWN}
    unsaid = generate(padded, Unsaid(), PROMPTS, replace(sampling, alternatives=0))
    assert max(i for one in unsaid for i in one.ids) >= KNOWN  # the network would have


def test_what_is_told_of_a_token_is_of_the_full_distribution(padded):
    found = generate(padded, Few(), [[5]], Sampling(max_new_tokens=6, seed=4))[0]
    with torch.inference_mode():
        logprobs = padded(torch.tensor([[5, *found.ids]]))[0].float().log_softmax(-1)
    expected = [logprobs[place, token].item() for place, token in enumerate(found.ids)]
    assert found.logprobs[: len(found.ids)] == pytest.approx(expected, abs=1e-4)


def test_no_search_finds_such_an_id(padded):
    beam = beam_search(padded, Few(), PROMPTS, Beam(max_new_tokens=8, width=4))
    contrastive = contrastive_search(padded, Few(), PROMPTS, Contrastive(max_new_tokens=8, k=20))
    assert all(i < KNOWN for one in [*beam, *contrastive] for i in one.ids)
    assert any(i >= KNOWN for one in beam_search(padded, Unsaid(), PROMPTS, Beam(max_new_tokens=8)) for i in one.ids)


@pytest.mark.parametrize("how", MEASURES.values(), ids=MEASURES)
def test_words_that_have_every_id_change_no_bit(how):
    network, sampling = random_network(BASE), Sampling(max_new_tokens=12, alternatives=3, **how)
    every = Ending(0, Numbers().decode, BASE.n_vocab)
    assert generate(network, every, PROMPTS, sampling) == generate(network, Numbers(), PROMPTS, sampling)


def test_words_may_be_more_than_a_network_has_ids():
    assert n_spelled(Ending(0, str, 30), 23) == 23
    assert n_spelled(Ending(0, str), 23) == 23
    assert n_spelled(Few(), 23) == KNOWN
