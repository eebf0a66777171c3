"""How well predictions agree with labels, where the share that is right says too little (Wang et al. 2018, GLUE).

    matthews             CoLA           classes of unequal frequency
    f1                   MRPC, QQP      the positive class
    pearson, spearman    STS-B          numbers, and their ranks

Where one side is constant nothing can be said, and 0 is returned, what a guess would have on average. N examples.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np


def matthews(labels: Sequence[int], predictions: Sequence[int]) -> float:
    """Matthews' correlation of two lists of classes, -1 to 1; for more than two classes Gorodkin's R_K (2004)."""
    truth, guess = np.asarray(labels), np.asarray(predictions)  # (N,), (N,)
    classes, n = np.unique(np.concatenate([truth, guess])), len(truth)
    each = [((truth == one).sum(), (guess == one).sum()) for one in classes]
    together = n * int((truth == guess).sum()) - sum(int(t) * int(p) for t, p in each)
    spread = [n * n - sum(int(pair[side]) ** 2 for pair in each) for side in (0, 1)]
    return together / sqrt(spread[0] * spread[1]) if all(spread) else 0.0


def f1(labels: Sequence[int], predictions: Sequence[int], positive: int = 1) -> float:
    """The harmonic mean of precision and recall of one class, 0 to 1; 0 where neither list has it."""
    truth, guess = np.asarray(labels) == positive, np.asarray(predictions) == positive  # (N,), (N,)
    either = int(truth.sum()) + int(guess.sum())
    return 2 * int((truth & guess).sum()) / either if either else 0.0


def pearson(labels: Sequence[float], predictions: Sequence[float]) -> float:
    """Pearson's correlation of two lists of numbers, -1 to 1."""
    x, y = np.asarray(labels, dtype=np.float64), np.asarray(predictions, dtype=np.float64)  # (N,), (N,)
    if not np.ptp(x) or not np.ptp(y):  # before the mean is taken away, which leaves a rest of rounding
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / sqrt(float(x @ x)) / sqrt(float(y @ y)), -1, 1))


def spearman(labels: Sequence[float], predictions: Sequence[float]) -> float:
    """Pearson's correlation of the ranks; equal numbers share the mean of their ranks."""
    return pearson(ranks(labels).tolist(), ranks(predictions).tolist())


def ranks(values: Sequence[float]) -> np.ndarray:  # -> (N,)
    """The rank of each value, from 1."""
    _, of, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[of]


def rmse(labels: Sequence[float], predictions: Sequence[float]) -> float:
    """The root of the mean squared error; that of the mean is the labels' standard deviation."""
    error = np.asarray(labels, dtype=np.float64) - np.asarray(predictions, dtype=np.float64)  # (N,)
    return float(np.sqrt((error**2).mean()))


def accuracy(labels: Sequence[int], predictions: Sequence[int]) -> float:
    """The share of equal ones."""
    return float((np.asarray(labels) == np.asarray(predictions)).mean())
