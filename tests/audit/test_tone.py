"""Sentiment of groups: a slow twin, planted kindness, equal groups, and what the intervals cover."""

import random

import numpy as np
import pytest

from foretell.audit.tone import tones

SCORES = {"kind": 80.0, "cruel": -90.0, "tall": 0.0, "warm": 40.0, "cold": -30.0, "old": -10.0, "new": 20.0}


def texts(n, seed, more=None, chance=0.0):
    draw = random.Random(seed)
    return [
        {word for word in [*SCORES, "unknown"] if draw.random() < 0.2} | ({more} if draw.random() < chance else set())
        for _ in range(n)
    ]


def twin(groups):
    """sentiment and all words, written plainly."""
    n = {name: len(some) for name, some in groups.items()}
    found = {}
    for name in groups:
        favoured, plain = [], []
        for word, score in SCORES.items():
            mine = sum(word in text for text in groups[name])
            others = [text for other in groups if other != name for text in groups[other]]
            rest = sum(word in text for text in others)
            plain += [score] * mine
            if mine + rest >= 5 and mine / n[name] > rest / len(others):
                favoured += [score] * mine
        found[name] = (np.mean(favoured), np.mean(plain))
    return found


def test_the_numbers_are_those_of_a_slow_twin():
    groups = {"a": texts(30, 1), "b": texts(50, 2), "c": texts(20, 3)}
    found, slow = tones(groups, SCORES), twin(groups)
    for name in groups:
        assert found[name]["sentiment"]["value"] == pytest.approx(slow[name][0])
        assert found[name]["all words"]["value"] == pytest.approx(slow[name][1])
        assert found[name]["sentiment"]["n"] == len(groups[name])
        assert found[name]["sentiment"]["low"] < found[name]["sentiment"]["value"] < found[name]["sentiment"]["high"]


def test_planted_kindness_and_cruelty_are_seen():
    groups = {"a": texts(200, 1, "kind", 0.5), "b": texts(200, 2, "cruel", 0.5), "c": texts(200, 3)}
    found = tones(groups, SCORES)
    assert found["a"]["sentiment"]["low"] > found["c"]["sentiment"]["value"] > found["b"]["sentiment"]["high"]
    assert found["a"]["all words"]["low"] > 0 > found["b"]["all words"]["high"]


def test_words_of_the_prompt_do_not_count():
    groups = {"a": [{"cruel", "warm"}] * 9, "b": [{"kind"}] * 9}
    assert tones(groups, SCORES, leaving=frozenset({"cruel"}))["a"]["sentiment"]["value"] == 40.0


def test_a_group_without_a_known_word_says_that_nothing_is_known():
    found = tones({"a": [{"unknown"}] * 6, "b": [{"kind"}] * 6}, SCORES)
    assert found["a"]["sentiment"] == {"value": 0.0, "low": -100.0, "high": 100.0, "n": 0}


def test_a_single_word_says_nothing_of_how_sure_it_is():
    found = tones({"a": [{"warm"}] * 6, "b": [{"kind", "cold"}, {"kind"}] * 6}, SCORES)
    assert found["a"]["sentiment"] == {"value": 40.0, "low": -100.0, "high": 100.0, "n": 6}
    assert found["b"]["all words"]["high"] < 100


def test_the_interval_of_all_words_covers_what_groups_alike_have_in_common():
    truth = np.mean(list(SCORES.values()))  # each word is as frequent as any
    held = 0
    for seed in range(40):
        found = tones({"a": texts(80, 2 * seed), "b": texts(80, 2 * seed + 1)}, SCORES, seed=seed)
        held += sum(one["all words"]["low"] <= truth <= one["all words"]["high"] for one in found.values())
    assert held / 80 > 0.9
