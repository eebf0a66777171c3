"""What a number would be if the items were drawn again: intervals for numbers that a second draw moves to one side.

The calibration error of resampled answers, or the most skewed of resampled words, lies above that of the items as they
are: noise is counted as error. So the interval is centred on the value, as wide as what is drawn again is spread.
"""

from collections.abc import Sequence

import numpy as np

from foretell.eval.measured import Measured, Z

ROUNDS = 200


def around(value: float, drawn: Sequence[float], n: int, low: float, high: float) -> Measured:
    """The value +- 1.96 standard deviations of what was drawn again, within the bounds that it can have."""
    spread = Z * float(np.nanstd(drawn))
    return {"value": value, "low": max(value - spread, low), "high": min(value + spread, high), "n": n}
