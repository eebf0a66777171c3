"""Calibration before and after: one model against itself, against its own sharpened answers, and wrong pairs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foretell.audit.before_after import OPTIONS, compared, next_tokens, of_same, told
from foretell.audit.reliability import Answers, ece, figures
from foretell.errors import BadUse
from foretell.generate.model import Model
from foretell.recipes import gpt2
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network


def calibrated(n=500, k=4, seed=0):
    """Answers whose right options are drawn from the very probabilities: calibrated."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, 1.5, (n, k))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    gold = np.array([draw.choice(k, p=row) for row in p])
    return Answers(logits=logits, gold=gold)


def test_sharpened_answers_are_worse_calibrated_by_what_the_eces_differ():
    before = calibrated()
    after = Answers(logits=before.logits * 2.5, gold=before.gold)
    found = compared(before, after)
    assert found["less"]["value"] == pytest.approx(ece(after, "equal width") - ece(before, "equal width"))
    assert found["less"]["low"] > 0
    assert "worse after" in told(found)
    assert found["before"]["figures"]["accuracy"] == found["after"]["figures"]["accuracy"]
    assert found["after"]["figures"]["temperature"]["value"] == pytest.approx(2.5, rel=0.2)
    assert found["before"]["figures"] == figures(before)
    assert {row["bins"] for row in found["after"]["rows"]} == {"equal width", "equal mass"}


def test_a_model_beside_itself_differs_by_nothing():
    some = calibrated(200)
    found = compared(some, some)
    assert found["less"]["value"] == found["less"]["low"] == found["less"]["high"] == 0
    assert "not measurably other" in told(found)


def test_better_is_told_too():
    some = calibrated()
    assert "better after" in told(compared(Answers(logits=some.logits * 3, gold=some.gold), some))


def test_other_questions_are_refused():
    some = calibrated(10)
    with pytest.raises(BadUse, match="different questions"):
        compared(some, some.at(np.arange(5)))
    with pytest.raises(BadUse, match="no question was asked of both"):
        of_same({"a": ([0.0, 1.0], 0)}, {"b": ([0.0, 1.0], 0)})


def test_only_what_both_were_asked_counts():
    one = {name: ([0.0, -1.0 - i], i % 2) for i, name in enumerate("abcd")}
    found = of_same(one, {name: one[name] for name in "bcd"})
    assert found["less"]["n"] == 3


def test_next_tokens_are_the_models_own_logits_with_the_token_that_comes_first():
    words = train_tokenizer("bpe", ["Where does Anna live? Anna lives in Oslo. " * 9] * 4, 280, quiet=True)
    model = Model(random_network(replace(gpt2.network("smoke"), n_vocab=280, n_ctx=16), 0, spread=0.2), words)
    text = "Anna lives in Oslo. Where does Ben live? " * 6
    found = next_tokens(model, text, most=10**6)
    ids = words.encode(text)
    windows = (len(ids) - 1) // 16
    assert found.logits.shape == (windows * 16, OPTIONS)
    assert not found.gold.any()
    logits = model.logits(torch.tensor([ids[16:32]]))[0]
    for place in (0, 7, 15):
        others = sorted((x for i, x in enumerate(logits[place].tolist()) if i != ids[17 + place]), reverse=True)
        slow = [logits[place, ids[17 + place]].item(), *others[: OPTIONS - 1]]
        assert found.logits[16 + place] == pytest.approx(slow, abs=1e-4)
    assert len(next_tokens(model, text, most=20).gold) == pytest.approx(20, abs=8)
    with pytest.raises(BadUse, match="must fill a context of 16"):
        next_tokens(model, "Anna")
