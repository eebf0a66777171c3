from math import sqrt

import numpy as np
import pytest

from foretell.eval.measured import share
from foretell.report.measured import Measured, difference, mean, shifted


def measured(value, low, high, n=100, seeds=1):
    return Measured(value=value, low=low, high=high, n=n, seeds=seeds)


def test_the_difference_of_two_shares_is_newcombes_published_example():
    gain = difference(Measured(**share(56, 70)), Measured(**share(48, 80)))  # Newcombe 1998, table II (a), method 10
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.2000, 0.0524, 0.3339), abs=5e-5)
    assert gain.n == 70


def test_a_difference_is_its_formula():
    a, b = measured(5.0, 4.0, 7.0), measured(2.0, 1.5, 4.0)
    gain = difference(a, b)
    assert gain.low == pytest.approx(3 - sqrt((5 - 4) ** 2 + (4 - 2) ** 2))
    assert gain.high == pytest.approx(3 + sqrt((7 - 5) ** 2 + (2 - 1.5) ** 2))


def test_a_difference_turned_round_is_its_mirror():
    a, b = measured(0.7, 0.6, 0.75), measured(0.5, 0.3, 0.6)
    there, back = difference(a, b), difference(b, a)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))


def test_a_mean_is_as_sure_as_its_parts_together():
    parts = [measured(0.1, 0.0, 0.3, n=10, seeds=3), measured(0.3, 0.1, 0.4, n=20), measured(0.5, 0.2, 0.6, n=30)]
    found = mean(parts)
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - sqrt(0.1**2 + 0.2**2 + 0.3**2) / 3)
    assert found.high == pytest.approx(0.3 + sqrt(0.2**2 + 0.1**2 + 0.1**2) / 3)
    assert (found.n, found.n_seeds) == (60, 1)
    assert mean(parts[:1]).low == pytest.approx(parts[0].low)


@pytest.mark.slow
def test_ninety_five_of_a_hundred_intervals_hold_the_true_mean_gain():
    draw = np.random.default_rng(0)
    truths = [(0.6, 0.5), (0.3, 0.35), (0.9, 0.7)]
    wanted = sum(p - q for p, q in truths) / 3
    held = 0
    for _ in range(1000):
        drawn = [(draw.binomial(100, p), draw.binomial(100, q)) for p, q in truths]
        gains = [difference(Measured(**share(a, 100)), Measured(**share(b, 100))) for a, b in drawn]
        held += mean(gains).low <= wanted <= mean(gains).high
    assert 925 <= held <= 975


def test_chance_moves_the_whole_interval():
    moved = shifted(measured(0.4, 0.3, 0.5), 0.25)
    assert (moved.value, moved.low, moved.high) == pytest.approx((0.15, 0.05, 0.25))


@pytest.mark.parametrize("bad", [{"low": 0.9}, {"value": float("nan")}, {"n": 0}, {"high": float("inf")}])
def test_what_is_no_measured_value_is_refused(bad):
    with pytest.raises(ValueError, match="is no measured value"):
        Measured(**({"value": 0.5, "low": 0.4, "high": 0.6, "n": 9} | bad))


def test_seeds_are_a_count_or_a_list():
    assert measured(1, 0, 2, seeds=[0, 1, 2]).n_seeds == 3
    assert measured(1, 0, 2, seeds=4).n_seeds == 4


def test_a_bootstrap_interval_that_misses_its_value_never_reaches_backwards():
    odd = measured(0.5, 0.6, 0.7)
    assert (odd.below, odd.above) == pytest.approx((0.0, 0.2))
