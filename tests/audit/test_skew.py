"""Words that lean: the formulas against slow twins, planted words found, random words left alone."""

import random
from math import erfc, log, sqrt

import pytest

from foretell.audit.skew import Skew, average, counted, factor, false_discovery, log_odds, skewed

WORDS = [f"w{i}" for i in range(60)]


def texts(n, seed, planted=None, chance=0.0):
    draw = random.Random(seed)
    found = []
    for _ in range(n):
        text = {word for i, word in enumerate(WORDS) if draw.random() < 1 / (i + 2)}
        found.append(text | {planted} if planted and draw.random() < chance else text)
    return found


def test_a_text_counts_once_for_a_word():
    assert counted([["a", "a", "b"], ["a"]]) == {"a": 2, "b": 1}


def test_log_odds_are_the_formula_of_the_paper():
    y, n, y2, n2, a, a0 = 7, 100, 3, 150, 1.0, 25.0
    d, sd = log_odds(y, n, y2, n2, a, a0)
    first = (y + a) / (n + a0 - (y + a))
    second = (y2 + a) / (n2 + a0 - (y2 + a))
    assert d == pytest.approx(log(first / second))
    assert sd == pytest.approx(sqrt(1 / (y + a) + 1 / (y2 + a)))


def test_false_discovery_is_the_least_level_at_which_each_passes():
    draw = random.Random(0)
    p = [draw.random() ** 3 for _ in range(40)] + [0.5, 0.5, 1.0]
    found = false_discovery(p)

    def passes(i, level):  # Benjamini and Hochberg's own words: the largest k with p_(k) <= k / m * level
        ordered = sorted(p)
        good = [k for k in range(1, len(p) + 1) if ordered[k - 1] <= k / len(p) * level]
        return bool(good) and p[i] <= ordered[max(good) - 1]

    for i, q in enumerate(found):
        assert passes(i, q + 1e-9)
        assert q >= p[i]
        assert q < 1e-6 or not passes(i, q - 1e-6)


def test_random_words_lean_to_nobody():
    wrong = 0
    for seed in range(20):
        found = skewed({"he": texts(200, seed), "she": texts(200, seed + 1000)})
        wrong += sum(skew.significant for skews in found.values() for skew in skews)
    assert wrong <= 2  # at most one in twenty of the 20 tables may have one


def test_a_planted_word_is_first_and_alone():
    found = skewed({"he": texts(200, 1), "she": texts(200, 2, planted="gentle", chance=0.3)})
    assert found["she"][0].word == "gentle"
    assert {skew.word for skew in found["she"] if skew.significant} == {"gentle"}
    first = found["she"][0]
    assert first.other == 0
    assert first.ratio > 50
    assert first.low > 0
    there = next(skew for skew in found["he"] if skew.word == "gentle")
    assert there.log_odds == pytest.approx(-first.log_odds)
    assert there.q == pytest.approx(first.q)


def test_rates_are_of_texts_though_groups_differ_in_size():
    found = skewed({"few": [{"a"}] * 10, "many": [{"a"}] * 40})
    assert found["few"][0].ratio == pytest.approx(1.0, abs=0.05)


def test_a_word_of_fewer_than_five_texts_is_not_looked_at():
    found = skewed({"a": [{"rare", "x"}] * 4 + [{"x"}] * 3, "b": [{"x"}] * 7})
    assert [skew.word for skew in found["a"]] == ["x"]


def test_the_average_is_of_the_words_that_were_looked_at_and_of_none_is_zero():
    found = skewed({"a": [{"x", "y"}] * 6, "b": [{"x"}] * 4})
    assert average(found["a"]) == 6
    assert average([]) == 0


def test_the_interval_of_a_factor_holds_its_z_value():
    skew = skewed({"a": [{"x", "z"}] * 20 + [{"y"}] * 20, "b": [{"x", "y"}] * 10 + [{"y"}] * 30})["a"][0]
    value, low, high = factor(skew)
    assert low < value < high
    sd = (skew.high - skew.low) / (2 * 1.959964)
    assert erfc(abs(skew.log_odds) / sd / sqrt(2)) <= skew.q + 1e-12
    assert isinstance(skew, Skew)
