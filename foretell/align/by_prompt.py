"""Intervals where the prompts are what was drawn: all that was said of one stays together in a resample.

Comparisons of the same outputs are not independent, so a bootstrap over single comparisons gives too narrow an
interval. Efron 1979 for the bootstrap; the standard error is the deviation of the resampled values, the interval their
2.5 and 97.5 percentiles. P prompts, U units.
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np

from foretell.eval.measured import Measured

ROUNDS = 1000


def ratio(
    prompts: Sequence[str], over: Sequence[float], under: Sequence[float], rounds: int = ROUNDS, seed: int = 0
) -> Measured | None:
    """Sum of `over` / sum of `under`, with `se` and interval by prompt; None where the lower sum is 0.

    n is the lower sum, of whole numbers, `prompts` the number of those that add to it. One prompt, resampled, is always
    itself: its interval has no width and says nothing, which prompts = 1 tells the reader.
    """
    _, of = np.unique(np.asarray(prompts, dtype=np.str_), return_inverse=True)
    sums = np.stack([np.bincount(of, weights=np.asarray(each, dtype=np.float64)) for each in (over, under)])  # (2, P)
    sums = sums[:, sums[1] > 0]
    if not sums.shape[1]:
        return None
    again = np.stack([sums @ weights for weights in resamples(sums.shape[1], rounds, seed)])  # (rounds, 2)
    value = float(sums[0].sum() / sums[1].sum())
    return interval(value, again[:, 0] / again[:, 1], round(sums[1].sum()), sums.shape[1])


def coefficient(
    prompts: Sequence[str],
    parts: np.ndarray,
    measure: Callable[[np.ndarray], float | None],
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Measured | None:
    """The measure of the summed parts of all units, with `se` and interval by prompt.

    parts[u], of any shape, is what unit u of prompt prompts[u] adds. None where the measure is. n is the number of
    units whose part is not all zeros. Resamples in which the measure is None, since nothing varies in them, are passed
    over.
    """
    shape, rows = parts.shape[1:], parts.reshape(len(parts), prod(parts.shape[1:]))  # (U, S)
    told = rows.any(axis=1)
    value = measure(rows.sum(axis=0).reshape(shape))
    if value is None:
        return None
    names, of = np.unique(np.asarray(prompts, dtype=np.str_)[told], return_inverse=True)
    sums = np.stack([np.bincount(of, weights=column) for column in rows[told].T], axis=1)  # (P, S)
    again = [measure((weights @ sums).reshape(shape)) for weights in resamples(len(names), rounds, seed)]
    return interval(value, np.asarray([one for one in again if one is not None]), int(told.sum()), len(names))


def resamples(n: int, rounds: int, seed: int) -> Iterator[np.ndarray]:  # each (P,)
    """How often each of n prompts is drawn in each of the resamples."""
    draw = np.random.default_rng(seed)
    for _round in range(rounds):
        yield np.bincount(draw.integers(0, n, n), minlength=n)


def interval(value: float, again: np.ndarray, n: int, prompts: int) -> Measured:  # again (rounds,)
    """A measured value with the standard error and the percentiles of its resamples."""
    low, high = np.percentile(again, [2.5, 97.5]) if len(again) else (value, value)
    se = float(again.std(ddof=1)) if len(again) > 1 else 0.0
    return {"value": value, "low": float(low), "high": float(high), "se": se, "n": n, "prompts": prompts}
