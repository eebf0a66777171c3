"""Student's and Welch's t-test and the interval of a mean, without scipy (Student 1908, Welch 1947).

The tail of the t distribution is a regularised incomplete beta function, computed as a continued fraction (DLMF
8.17.22).
"""

from collections.abc import Sequence
from functools import cache
from math import exp, inf, lgamma, log, log1p, sqrt
from statistics import fmean, variance
from typing import NamedTuple

from foretell.errors import BadUse
from foretell.eval.measured import Measured

TINY, CLOSE, CLOSE_T, MOST_STEPS = 1e-300, 1e-16, 1e-12, 10_000


class Comparison(NamedTuple):
    """The statistic, its degrees of freedom and the two-sided probability of one as large under no difference."""

    t: float
    degrees: float
    p: float


def t_test(a: Sequence[float], b: Sequence[float], equal_variances: bool = True) -> Comparison:
    """Whether the means of two samples differ: Student's test, or Welch's where their variances may differ.

    BadUse where a sample has fewer than 2 values. Samples that do not vary give an infinite t, or 0 for equal means.
    """
    if min(len(a), len(b)) < 2:
        raise BadUse(f"a t-test of {len(a)} and {len(b)} values says nothing; each side needs 2 or more")
    of_a, of_b = variance(a) / len(a), variance(b) / len(b)
    degrees = float(len(a) + len(b) - 2)
    if equal_variances:
        pooled = (variance(a) * (len(a) - 1) + variance(b) * (len(b) - 1)) / degrees
        error = pooled * (1 / len(a) + 1 / len(b))
    else:
        error = of_a + of_b
        degrees = error**2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1)) if error else degrees
    difference = fmean(a) - fmean(b)
    t = difference / sqrt(error) if error else 0.0 if difference == 0 else inf if difference > 0 else -inf
    return Comparison(t, degrees, two_sided(t, degrees))


def mean_interval(values: Sequence[float], level: float = 0.95) -> Measured:
    """The mean with Student's interval; BadUse for fewer than 2 values."""
    if len(values) < 2:
        raise BadUse(f"the mean of {len(values)} values has no interval; 2 or more are needed")
    mean = fmean(values)
    width = t_quantile(1 - level, len(values) - 1) * sqrt(variance(values) / len(values))
    return {"value": mean, "low": mean - width, "high": mean + width, "n": len(values)}


@cache
def t_quantile(p: float, degrees: float) -> float:
    """The t that is exceeded on either side with probability p, by halving."""
    low, high = 0.0, 1.0
    while two_sided(high, degrees) > p:
        low, high = high, 2 * high
    while high - low > CLOSE_T * high:
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, degrees) > p else (low, middle)
    return high


def two_sided(t: float, degrees: float) -> float:
    """The probability that a t of so many degrees of freedom is at least as far from 0."""
    return incomplete_beta(degrees / 2, 0.5, 1 / (1 + t * t / degrees))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), x in [0, 1]."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side only
        return 1 - incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front * continued_fraction(a, b, x)


def continued_fraction(a: float, b: float, x: float) -> float:
    """1/(1 + d1/(1 + d2/(1 + ...))) of the incomplete beta function, by Lentz's method (Lentz 1976)."""
    c, d = 1.0, 1 / nonzero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1 / nonzero(1 + term * d), nonzero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < CLOSE:
            break
    return value


def nonzero(value: float) -> float:
    """The value, or a tiny one in its place where it is zero."""
    return value if abs(value) > TINY else TINY
