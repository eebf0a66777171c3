"""What several seeds of the same training say: the mean with Student's t interval, and paired differences.

This interval is of the training's randomness; that of the held-out examples goes with each run (measured.py). They
answer different questions, and neither holds the other.
"""

from collections.abc import Sequence

from foretell.eval.t_test import mean_interval

OverSeeds = dict[str, float | None]
ENOUGH = 3  # seeds


def over_seeds(values: Sequence[float]) -> OverSeeds:
    """The mean of the values with its 95 % t interval; of one value there is none, and both ends are None."""
    if len(values) == 1:
        return {"value": values[0], "low": None, "high": None, "n": 1}
    return dict(mean_interval(values))


def paired(ones: Sequence[float], others: Sequence[float]) -> OverSeeds:
    """The mean of ones - others, seed by seed, with its t interval: what both share in a seed cancels."""
    return over_seeds([one - other for one, other in zip(ones, others, strict=True)])


def note(n: int) -> str:
    """What must be said of a row with so few seeds; nothing where there are enough."""
    if n >= ENOUGH:
        return ""
    said = "1 seed, so no interval over seeds" if n == 1 else f"{n} seeds, so the interval is very wide"
    return f"{said}; {ENOUGH} or more are needed to tell a difference"
