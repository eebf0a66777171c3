"""Intervals where prompts are what was drawn: all that was said of one prompt stays together in every resample.

Comparisons of the same outputs are not independent, so a bootstrap over single comparisons gives too narrow an
interval. Efron 1979 for the bootstrap; the standard error is the deviation of the resampled values, the interval their
2.5 and 97.5 percentiles. P prompts.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from foretell.eval.measured import Measured

ROUNDS = 1000


def ratio(
    prompts: Sequence[str], over: Sequence[float], under: Sequence[float], rounds: int = ROUNDS, seed: int = 0
) -> Measured | None:
    """Sum of `over` / sum of `under`, with `se` and interval by prompt; None where the lower sum is 0.

    n is the lower sum, `prompts` the number of those that add to it. One prompt, resampled, is always itself: its
    interval has no width and says nothing, which prompts = 1 tells the reader.
    """
    _, of = np.unique(np.asarray(prompts, dtype=np.str_), return_inverse=True)
    sums = np.stack([np.bincount(of, weights=np.asarray(each, dtype=np.float64)) for each in (over, under)])  # (2, P)
    sums = sums[:, sums[1] > 0]
    if not sums.shape[1]:
        return None
    again = np.stack([sums @ weights for weights in resamples(sums.shape[1], rounds, seed)])  # (rounds, 2)
    value = float(sums[0].sum() / sums[1].sum())
    return interval(value, again[:, 0] / again[:, 1], float(sums[1].sum()), sums.shape[1])


def coefficient(
    prompts: Sequence[str],
    counts: np.ndarray,  # (U, V)
    measure: Callable[[np.ndarray], float | None],
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Measured | None:
    """measure(counts) with `se` and interval by prompt; unit u, a row of counts, belongs to prompts[u].

    None where the measure is. n is the number of units that two or more have rated. Resamples in which the measure is
    None, since nothing varies in them, are passed over.
    """
    rated = counts.sum(axis=1) >= 2
    counts = counts[rated]
    value = measure(counts)
    if value is None:
        return None
    names, of = np.unique(np.asarray(prompts, dtype=np.str_)[rated], return_inverse=True)
    times = (weights[of] for weights in resamples(len(names), rounds, seed))  # each (U,)
    again = [measure(np.repeat(counts, each, axis=0)) for each in times]
    return interval(value, np.asarray([one for one in again if one is not None]), len(counts), len(names))


def resamples(n: int, rounds: int, seed: int) -> Iterator[np.ndarray]:  # each (P,)
    """How often each of n prompts is drawn in each of the resamples."""
    draw = np.random.default_rng(seed)
    for _round in range(rounds):
        yield np.bincount(draw.integers(0, n, n), minlength=n)


def interval(value: float, again: np.ndarray, n: float, prompts: int) -> Measured:  # again (rounds,)
    """A measured value with the standard error and the percentiles of its resamples."""
    low, high = np.percentile(again, [2.5, 97.5]) if len(again) else (value, value)
    se = float(again.std(ddof=1)) if len(again) > 1 else 0.0
    return {"value": value, "low": float(low), "high": float(high), "se": se, "n": n, "prompts": prompts}
