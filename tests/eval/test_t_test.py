from math import gamma, inf, pi, sqrt

import numpy as np
import pytest

from foretell.errors import BadUse
from foretell.eval.t_test import incomplete_beta, mean_interval, t_quantile, t_test, two_sided

SHAPES = [(2, 2, 0.0), (3, 40, 1.0), (80, 75, 0.3), (500, 20, 5.0)]


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize(("n", "m", "shift"), SHAPES)
def test_it_is_scipys_test(n, m, shift, equal):
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(n + m)
    for scale in (0.1, 1.0, 7.0):
        a, b = draw.normal(shift, scale, n), draw.normal(0, 1, m)
        ours, theirs = t_test(a.tolist(), b.tolist(), equal), stats.ttest_ind(a, b, equal_var=equal)
        assert ours.t == pytest.approx(theirs.statistic, rel=1e-10)
        assert ours.degrees == pytest.approx(theirs.df, rel=1e-10)
        assert ours.p == pytest.approx(theirs.pvalue, rel=1e-8, abs=1e-280)


def test_the_tail_is_the_area_under_the_density():
    """The slow twin: Student's density summed on a fine grid."""
    for degrees in (1, 3, 8.5, 40):
        front = gamma((degrees + 1) / 2) / (sqrt(degrees * pi) * gamma(degrees / 2))
        for t in (0.5, 1.7, 4.0):
            x = (np.arange(200_000) + 0.5) * t / 200_000
            inside = 2 * front * ((1 + x**2 / degrees) ** (-(degrees + 1) / 2)).sum() * t / 200_000
            assert two_sided(t, degrees) == pytest.approx(1 - inside, abs=1e-9)


@pytest.mark.parametrize("t", [0.0, 0.01, 1.0, 12.7, 1e6])
def test_the_tail_of_one_and_two_degrees_is_known_in_closed_form(t):
    assert two_sided(t, 1) == pytest.approx(1 - 2 / pi * np.arctan(t), rel=1e-9, abs=1e-12)
    assert two_sided(-t, 2) == pytest.approx(1 - t / sqrt(2 + t * t), rel=1e-9, abs=1e-12)


def test_the_beta_function_is_symmetric_and_grows():
    xs = np.linspace(0, 1, 101)
    values = [incomplete_beta(3.5, 0.5, x) for x in xs]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0, 1)
    for x in xs:
        assert incomplete_beta(3.5, 1.25, x) == pytest.approx(1 - incomplete_beta(1.25, 3.5, 1 - x), abs=1e-13)


@pytest.mark.parametrize(("degrees", "t"), [(1, 12.7062), (4, 2.77645), (10, 2.22814), (79, 1.99045), (1e6, 1.95997)])
def test_quantiles_are_those_of_the_tables(degrees, t):
    assert t_quantile(0.05, degrees) == pytest.approx(t, rel=1e-5)


def test_the_interval_covers_the_mean_as_often_as_it_says():
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        found = mean_interval(draw.normal(3, 2, 6).tolist())
        covered += found["low"] <= 3 <= found["high"]
    assert 925 < covered < 975


def test_samples_that_do_not_vary_are_equal_or_infinitely_apart():
    for equal in (True, False):
        assert (t_test([1, 1], [1, 1, 1], equal).t, t_test([1, 1], [1, 1, 1], equal).p) == (0, 1)
        assert (t_test([2, 2], [1, 1], equal).t, t_test([2, 2], [1, 1], equal).p) == (inf, 0)
        assert t_test([1, 1], [2, 2], equal).t == -inf


def test_too_few_values_are_refused():
    with pytest.raises(BadUse, match="a t-test of 1 and 2 values"):
        t_test([1], [1, 2])
    with pytest.raises(BadUse, match="the mean of 1 values has no interval"):
        mean_interval([1])
