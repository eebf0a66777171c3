"""What several seeds of the same training say: the mean with Student's t interval, and paired differences.

This interval is of the training's randomness; that of the held-out examples goes with each run (measured.py). They
answer different questions, and neither holds the other.
"""

from collections.abc import Sequence
from math import sqrt

OverSeeds = dict[str, float | None]
ENOUGH = 3  # seeds
T_95 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
)  # fmt: skip
"""two-sided 95 % quantiles of Student's t with 1, 2, ... degrees of freedom (Student 1908)"""


def over_seeds(values: Sequence[float]) -> OverSeeds:
    """The mean of the values with its 95 % t interval; of one value there is none, and both ends are None."""
    n = len(values)
    mean = sum(values) / n
    if n == 1:
        return {"value": mean, "low": None, "high": None, "n": n}
    spread = sqrt(sum((value - mean) ** 2 for value in values) / (n - 1) / n)
    width = T_95[min(n - 2, len(T_95) - 1)] * spread
    return {"value": mean, "low": mean - width, "high": mean + width, "n": n}


def paired(ones: Sequence[float], others: Sequence[float]) -> OverSeeds:
    """The mean of ones - others, seed by seed, with its t interval: what both share in a seed cancels."""
    return over_seeds([one - other for one, other in zip(ones, others, strict=True)])


def note(n: int) -> str:
    """What must be said of a row with so few seeds; nothing where there are enough."""
    if n >= ENOUGH:
        return ""
    said = "1 seed, so no interval over seeds" if n == 1 else f"{n} seeds, so the interval is very wide"
    return f"{said}; {ENOUGH} or more are needed to tell a difference"
