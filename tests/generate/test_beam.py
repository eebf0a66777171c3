"""Beam search against an exhaustive one, and its ends."""

import math
from dataclasses import replace
from itertools import product

import pytest
import torch

from foretell.generate.beam import beam_search, length_penalty
from foretell.generate.config import Beam, Sampling
from foretell.generate.engine import generate
from foretell.model.init import build
from tests.generate.conftest import BASE, Numbers, random_network

SMALL = replace(BASE, n_vocab=4)


def total(network, prompt, ids):
    """log P(ids | prompt) by one full pass."""
    with torch.no_grad():
        logprobs = torch.log_softmax(network(torch.tensor([[*prompt, *ids]]))[0].double(), -1)
    return sum(logprobs[len(prompt) - 1 + i, token].item() for i, token in enumerate(ids))


def exhaustive(network, prompt, longest, alpha, stop=()):
    """The best of all completions that end or stop, else of those cut at the greatest length."""

    def closed(ids):
        return ids[-1] == 0 or any(text in Numbers().decode(ids) for text in stop)

    ended, cut = [], []
    for n in range(1, longest + 1):
        for ids in product(range(4), repeat=n):
            if not any(closed(ids[:k]) for k in range(1, n)) and (closed(ids) or n == longest):
                score = total(network, prompt, ids) / length_penalty(n, alpha)
                (ended if closed(ids) else cut).append((score, ids))
    return max(ended or cut)


@pytest.mark.parametrize("stop", [(), ("3 2 ",), ("2", "1 1"), ("1 3 1 ", "zz")], ids=str)
@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_best_of_all(alpha, seed, stop):
    network = random_network(SMALL, seed)
    how = Beam(max_new_tokens=4, width=64, length_penalty=alpha, stop=stop)
    found = beam_search(network, Numbers(), [[2, 1]], how)[0]
    score, ids = exhaustive(network, [2, 1], 4, alpha, stop)
    kept = tuple(found.ids) + ((0,) if found.finish == "end" else ())
    assert kept == ids
    assert found.logprobs[0] / length_penalty(len(kept), alpha) == pytest.approx(score, abs=1e-5)
    if found.finish == "stop":
        whole = Numbers().decode(ids)
        assert found.text == whole[: min(whole.find(text) for text in stop if text in whole)]


@pytest.mark.parametrize("stop", [(), ("1",), ("4 2", "7 "), (" 2",)], ids=str)
def test_width_1_is_greedy(stop):
    network = random_network(BASE)
    prompts = [[5], [3, 9, 1], [8, 8], [1, 2, 3], [14]]
    greedy = generate(network, Numbers(), prompts, Sampling(max_new_tokens=9, temperature=0, stop=stop))
    beams = beam_search(network, Numbers(), prompts, Beam(max_new_tokens=9, width=1, length_penalty=0.0, stop=stop))
    assert [(c.ids, c.text, c.finish) for c in beams] == [(c.ids, c.text, c.finish) for c in greedy]
    assert [c.logprobs[0] for c in beams] == pytest.approx([sum(c.logprobs) for c in greedy], abs=1e-5)
    assert not stop or "stop" in {c.finish for c in beams}


class Answers:
    """Words for answers: token 5 is a line break."""

    end_of_text = 0

    def decode(self, ids):
        return "".join(("<end>", "A:", " 34", " 345", "5", "\n", ".\n")[i] for i in ids)


def answers(**chances):
    """A network in which the next word depends on the last one alone: {word before: {word: probability}}."""
    network = build(replace(BASE, n_vocab=7, positions="rotary", norm="rms", tied=False), 0).eval()
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
        network.embed.token.weight[:, :7] = torch.eye(7)
        hidden = network.hidden(torch.arange(7)[:, None])[:, 0]  # (7, D)
        wanted = torch.full((7, 7), 1e-6)
        for before, row in chances.items():
            for word, chance in row.items():
                wanted[int(before[1:]), word] = chance
        network.lm_head.weight[:, :7] = wanted.log().T / hidden.diagonal()  # hidden states are one-hot
    return network


def test_an_answer_that_goes_on_is_not_the_answer_it_begins_with():
    network = answers(w1={2: 0.9, 3: 0.1}, w2={4: 0.9, 5: 0.1}, w4={5: 1.0}, w3={5: 1.0})
    found = beam_search(network, Answers(), [[1]], Beam(max_new_tokens=8, stop=("\n",)))[0]
    assert (found.text, found.finish) == (" 345", "stop")


def test_the_log_probability_counts_the_stop():
    network = answers(w1={2: 0.75, 3: 0.25}, w2={5: 0.5, 4: 0.25, 6: 0.25})
    found = beam_search(network, Answers(), [[1]], Beam(max_new_tokens=8, stop=("\n",)))[0]
    assert (found.ids, found.text) == ([2, 5], " 34")
    assert found.logprobs == [pytest.approx(math.log(0.75 * 0.5), abs=1e-3)]


def test_an_answer_that_ends_is_preferred_to_a_likelier_one_that_is_cut():
    network = answers(w1={4: 0.9, 5: 0.1}, w4={4: 1.0})
    found = beam_search(network, Answers(), [[1]], Beam(max_new_tokens=5, stop=("\n",)))[0]
    assert (found.text, found.finish) == ("", "stop")


def test_an_answer_that_never_stops_is_one_that_was_cut():
    network = answers(w1={4: 1.0}, w4={4: 1.0})
    found = beam_search(network, Answers(), [[1]], Beam(max_new_tokens=3, width=1, stop=("\n",)))[0]
    assert (found.text, found.finish) == ("555", "length")


def test_beginnings_stay_open_where_more_than_half_of_the_candidates_stop():
    network = answers(w1={5: 0.3, 6: 0.3, 0: 0.3, 2: 0.06, 4: 0.04}, w4={5: 1.0})
    how = Beam(max_new_tokens=2, width=2, length_penalty=9.0, stop=("\n",))  # so that longer is better
    assert beam_search(network, Answers(), [[1]], how)[0].text == "5"  # the fifth of the candidates goes on to it


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
