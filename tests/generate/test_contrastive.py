"""Contrastive search says what the formula says, worked out with full forward passes."""

from dataclasses import replace

import pytest
import torch

from foretell.errors import BadUse
from foretell.generate.config import Contrastive, Sampling
from foretell.generate.contrastive import contrastive_search
from foretell.generate.engine import generate
from tests.generate.conftest import BASE, Numbers, random_network

PROMPTS = [[5], [3, 9, 1, 22, 7], [8, 8], [1, 2, 3, 4, 5, 6, 7], [], [11, 4, 6]]


def slow(network, prompt, how):
    """One prompt, one full pass for each candidate, in plain words."""
    ids = list(prompt) or [0]
    n = len(ids)
    while len(ids) - n < how.max_new_tokens:
        with torch.no_grad():
            before = network.hidden(torch.tensor([ids]))[0]
            chances = network.logits(before[-1]).double().softmax(-1)
            scores = {}
            for token in chances.topk(how.k).indices.tolist():
                after = network.hidden(torch.tensor([[*ids, token]]))[0, -1]
                worst = max(torch.cosine_similarity(after, one, dim=0).item() for one in before)
                scores[token] = (1 - how.alpha) * chances[token].item() - how.alpha * worst
        ids.append(max(scores, key=scores.get))
        if ids[-1] == 0:
            return ids[n:-1]
    return ids[n:]


@pytest.mark.parametrize("alpha", [0.3, 0.6, 1.0])
def test_it_equals_the_formula_worked_out_slowly(network, alpha):
    how = Contrastive(max_new_tokens=9, k=5, alpha=alpha)
    found = contrastive_search(network, Numbers(), PROMPTS, how)
    assert [one.ids for one in found] == [slow(network, prompt, how) for prompt in PROMPTS]
    assert all(one.text == Numbers().decode(one.ids) for one in found)


def test_the_company_changes_nothing():
    network, how = random_network(BASE), Contrastive(max_new_tokens=9, k=3)
    together = contrastive_search(network, Numbers(), PROMPTS, how)
    two = contrastive_search(network, Numbers(), PROMPTS, how, largest=6)
    assert [one.ids for one in together] == [one.ids for one in two]


@pytest.mark.parametrize(
    "how", [Contrastive(max_new_tokens=9, alpha=0.0), Contrastive(max_new_tokens=9, k=1, alpha=1.0)]
)
def test_without_contrast_it_is_greedy(how):
    network = random_network(BASE)
    greedy = generate(network, Numbers(), PROMPTS, Sampling(max_new_tokens=9, temperature=0))
    found = contrastive_search(network, Numbers(), PROMPTS, how)
    assert [(one.ids, one.finish) for one in found] == [(one.ids, one.finish) for one in greedy]
    for ours, theirs in zip(found, greedy, strict=True):
        assert ours.logprobs == pytest.approx(theirs.logprobs, abs=1e-5)


def test_a_stop_text_ends_a_row_and_no_other():
    network, how = random_network(BASE), Contrastive(max_new_tokens=8)
    whole = contrastive_search(network, Numbers(), PROMPTS[:3], how)
    stop = whole[1].text[2:6]
    found = contrastive_search(network, Numbers(), PROMPTS[:3], replace(how, stop=(stop,)))
    for before, after in zip(whole, found, strict=True):
        cut = before.text.find(stop)
        assert after.text == (before.text if cut < 0 else before.text[:cut])
        assert after.finish == (before.finish if cut < 0 else "stop")


def test_more_candidates_than_words_are_all_words():
    network = random_network(BASE)
    found = contrastive_search(network, Numbers(), [[5]], Contrastive(max_new_tokens=3, k=99))
    assert found == contrastive_search(network, Numbers(), [[5]], Contrastive(max_new_tokens=3, k=23))


def test_what_cannot_be_is_refused(translator):
    for wrong in ({"k": 0}, {"alpha": 1.5}, {"alpha": float("nan")}, {"max_new_tokens": 0}, {"stop": ("",)}):
        with pytest.raises(ValueError, match=r"must|not in|empty"):
            Contrastive(**{"max_new_tokens": 4, **wrong})
    with pytest.raises(BadUse, match="needs a decoder"):
        contrastive_search(translator, Numbers(), [[5]], Contrastive(max_new_tokens=3))
    with pytest.raises(BadUse, match="the context holds 40"):
        contrastive_search(random_network(BASE), Numbers(), [[5] * 39], Contrastive(max_new_tokens=3))
