"""Calibration: slow twins, a perfectly calibrated model, one that is too sure by a known temperature."""

import numpy as np
import pytest

from foretell.audit.reliability import (
    BINS,
    Answers,
    answers,
    bins,
    brier,
    confidence,
    diagram,
    ece,
    figures,
    less,
    mce,
    nll,
    probabilities,
    scaled_ece,
    temperature,
)


def calibrated(n, seed=0, k=4, sharp=2.0):
    """Answers that are right as often as the probabilities say."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(n, k)) * sharp
    p = probabilities(Answers(logits=logits, gold=np.zeros(n, int)))
    gold = np.array([draw.choice(k, p=row) for row in p])
    return Answers(logits=logits, gold=gold)


def too_sure(given, t):
    return Answers(logits=given.logits * t, gold=given.gold)


def twin(given, kind):
    """ECE and MCE as the definition says, one answer at a time."""
    told = []
    for logits, gold in zip(given.logits, given.gold, strict=True):
        p = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        told.append((p.max(), float(p.argmax() == gold)))
    groups = {}
    order = sorted(range(len(told)), key=lambda i: told[i][0])
    for rank, i in enumerate(order):
        where = min(int(told[i][0] * BINS), BINS - 1) if kind == "equal width" else rank * BINS // len(told)
        groups.setdefault(where, []).append(told[i])
    apart = {g: abs(np.mean([c for c, _ in some]) - np.mean([r for _, r in some])) for g, some in groups.items()}
    return sum(len(groups[g]) / len(told) * apart[g] for g in groups), max(apart.values())


@pytest.mark.parametrize("kind", ["equal width", "equal mass"])
def test_errors_are_those_of_a_slow_twin(kind):
    given = too_sure(calibrated(203), 2.0)
    assert (ece(given, kind), mce(given, kind)) == pytest.approx(twin(given, kind))


def test_scores_are_their_formulas():
    given = answers([[0.0, 1.0], [2.0, 0.0, 1.0]], [1, 2])
    p = [1 / (1 + np.exp(-1)), np.exp(1) / (np.exp(2) + 1 + np.exp(1))]
    assert nll(given) == pytest.approx(-np.log(p).mean())
    rest = 1 - p[0], np.exp(2) / (np.exp(2) + 1 + np.exp(1)), 1 / (np.exp(2) + 1 + np.exp(1))
    assert brier(given) == pytest.approx(
        (rest[0] ** 2 + rest[0] ** 2 + (1 - p[1]) ** 2 + rest[1] ** 2 + rest[2] ** 2) / 2
    )
    assert probabilities(given)[0].tolist()[2] == 0  # an option that is not there


def test_a_calibrated_model_has_a_small_error():
    for seed in range(5):
        given = calibrated(2500, seed)
        assert ece(given, "equal width") < 2 / 2500**0.5
        assert temperature(given) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("t", [0.3, 1.7, 4.0])
def test_scaled_logits_give_their_temperature_back(t):
    given = calibrated(400)
    own = temperature(given)
    assert temperature(too_sure(given, t)) / own == pytest.approx(t, rel=1e-3)
    big = calibrated(20_000, seed=3)
    assert temperature(too_sure(big, t)) == pytest.approx(t, rel=0.02)


def test_temperature_has_the_least_nll_of_a_fine_grid():
    given = too_sure(calibrated(300, 2), 2.2)
    grid = np.exp(np.linspace(-1, 2, 3001))
    best = min(grid, key=lambda t: nll(given, t))
    assert temperature(given) == pytest.approx(best, rel=2e-3)


def test_scaling_mends_a_model_that_is_too_sure():
    given = too_sure(calibrated(2000), 3.0)
    assert ece(given, "equal width") > 0.1
    assert scaled_ece(given) < 0.05


def test_every_figure_has_an_interval_around_it():
    found = figures(too_sure(calibrated(150), 3.0))
    assert set(found) >= {
        "accuracy",
        "ECE, equal width",
        "ECE, equal mass",
        "MCE, equal width",
        "Brier score",
        "temperature",
    }
    assert all(one["low"] <= one["value"] <= one["high"] and one["n"] == 150 for one in found.values())
    assert found["ECE, equal width"]["low"] > 0.05


def test_two_models_are_compared_on_the_same_questions():
    base = calibrated(600)
    found = less(too_sure(base, 3.0), base)
    assert found["low"] > 0
    assert less(base, base) == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 600}


def test_bins_hold_all_answers_and_equal_mass_ones_as_many_each():
    given = calibrated(100)
    told, _ = confidence(given)
    assert np.bincount(bins(told, "equal mass")).tolist() == [10] * 10
    assert bins(np.array([0.0, 0.1, 0.99, 1.0]), "equal width").tolist() == [0, 1, 9, 9]
    rows = diagram(given)
    for kind in ("equal width", "equal mass"):
        assert sum(row["n"] for row in rows if row["bins"] == kind) == 100
    assert all(row["from"] <= row["confidence"] <= row["to"] for row in rows)


def test_one_answer_is_enough_to_be_told():
    assert np.isnan(scaled_ece(answers([[0.0, 1.0]], [0])))
    assert ece(answers([[0.0, 0.0]], [0]), "equal mass") == 0.5
