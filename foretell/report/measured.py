"""A measured value with its 95 % interval, and what can be computed of two or more of them.

    a - b:   low  = (a - b) - sqrt((a - a_low)^2  + (b_high - b)^2)
             high = (a - b) + sqrt((a_high - a)^2 + (b - b_low)^2)

(Zou and Donner 2008; for two shares with Wilson's intervals it is method 10 of Newcombe 1998.) The two are taken as
independent: where both models answered the same examples, the true interval is narrower.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, isfinite


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A value, its 95 % interval, the number of examples and of training seeds (a count, or the seeds themselves)."""

    value: float
    low: float
    high: float
    n: int
    seeds: int | list[int] = 1

    def __post_init__(self) -> None:
        if not all(isfinite(x) for x in (self.value, self.low, self.high)) or self.low > self.high or self.n < 1:
            raise ValueError(
                f"value={self.value} low={self.low} high={self.high} n={self.n} is no measured value: finite, "
                "low <= high and n >= 1 are needed"
            )

    @property
    def n_seeds(self) -> int:
        """The number of training runs with different seeds behind the value."""
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds)

    @property
    def below(self) -> float:
        """How far the interval reaches below the value."""
        return max(self.value - self.low, 0.0)

    @property
    def above(self) -> float:
        """How far the interval reaches above the value."""
        return max(self.high - self.value, 0.0)


def difference(a: Measured, b: Measured) -> Measured:
    """a - b with its interval."""
    value = a.value - b.value
    return Measured(
        value=value,
        low=value - hypot(a.below, b.above),
        high=value + hypot(a.above, b.below),
        n=min(a.n, b.n),
        seeds=min(a.n_seeds, b.n_seeds),
    )


def shifted(a: Measured, by: float) -> Measured:
    """a - by, where `by` is known exactly, such as the chance of a right guess."""
    return replace(a, value=a.value - by, low=a.low - by, high=a.high - by)


def mean(values: Sequence[Measured]) -> Measured:
    """The mean of independent values with its interval; n is the sum of theirs."""
    assert values, "the mean of nothing is not defined"
    k = len(values)
    value = sum(v.value for v in values) / k
    return Measured(
        value=value,
        low=value - hypot(*(v.below for v in values)) / k,
        high=value + hypot(*(v.above for v in values)) / k,
        n=sum(v.n for v in values),
        seeds=min(v.n_seeds for v in values),
    )
