"""What an interval says about a claim. A claim is put so that it is true when a gain is above zero.

low > 0            holds here
high < 0           does not hold here
0 in [low, high]   too small to tell
"""

from collections.abc import Sequence

from foretell.report.measured import Measured

HOLDS, FAILS, UNCLEAR = "holds here", "does not hold here", "too small to tell"
ENOUGH_SEEDS = 3


def verdict(gain: Measured) -> str:
    """One of the three, by where zero lies."""
    if gain.low > 0:
        return HOLDS
    return FAILS if gain.high < 0 else UNCLEAR


def together(verdicts: Sequence[str]) -> str:
    """The verdict of a claim with several parts: it holds if all hold, and fails if one fails."""
    assert verdicts, "a claim has at least one part"
    if FAILS in verdicts:
        return FAILS
    return HOLDS if set(verdicts) == {HOLDS} else UNCLEAR


def caution(n_seeds: int) -> str:
    """What a comparison of few training runs must say; empty from three seeds on."""
    if n_seeds >= ENOUGH_SEEDS:
        return ""
    runs = "1 seed" if n_seeds == 1 else f"{n_seeds} seeds"
    return f"{runs}: the interval covers the examples, not the luck of training"
