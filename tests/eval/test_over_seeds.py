"""The interval over seeds: Student's, beside scipy's; what one or two seeds may say."""

import numpy as np
import pytest

from foretell.eval.over_seeds import note, over_seeds, paired


@pytest.mark.parametrize("n", [2, 3, 5, 12, 40])
def test_the_mean_and_its_interval_are_those_of_scipy(n):
    from scipy import stats

    values = np.random.default_rng(n).normal(0.7, 0.1, n).tolist()
    low, high = stats.t.interval(0.95, n - 1, loc=np.mean(values), scale=stats.sem(values))
    assert over_seeds(values) == pytest.approx({"value": np.mean(values), "low": low, "high": high, "n": n}, abs=1e-4)


def test_an_interval_holds_the_truth_as_often_as_it_says():
    draw = np.random.default_rng(0)
    found = [over_seeds(draw.normal(0.5, 0.1, 3).tolist()) for _ in range(2000)]
    assert 0.93 < np.mean([one["low"] < 0.5 < one["high"] for one in found]) < 0.97


def test_one_seed_has_no_interval_and_too_few_are_told():
    assert over_seeds([0.5]) == {"value": 0.5, "low": None, "high": None, "n": 1}
    assert note(1).startswith("1 seed, so no interval over seeds; 3 or more are needed")
    assert note(2).startswith("2 seeds, so the interval is very wide")
    assert note(3) == ""


def test_what_both_sides_share_in_a_seed_cancels():
    shared = np.random.default_rng(0).normal(0, 10, 5)
    found = paired((shared + 0.3).tolist(), shared.tolist())
    assert (found["value"], found["low"], found["high"]) == pytest.approx((0.3, 0.3, 0.3))
    with pytest.raises(ValueError, match="zip"):
        paired([1.0, 2.0], [1.0])
