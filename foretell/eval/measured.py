"""A measured value is never alone: its 95 % interval and the number of examples go with it."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Measured = dict[str, float]
Z = 1.959964  # two-sided 95 %


def share(right: float, n: int) -> Measured:
    """The share right/n with Wilson's interval (Wilson 1927), which stays inside [0, 1] at small n."""
    p = right / n
    middle, width = p + Z**2 / (2 * n), Z * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    scale = 1 + Z**2 / n
    return {"value": p, "low": max((middle - width) / scale, 0.0), "high": min((middle + width) / scale, 1.0), "n": n}


def bootstrap(
    items: Sequence[T], measure: Callable[[Sequence[T]], float], rounds: int = 200, seed: int = 0, top: float = 0.0
) -> Measured:
    """measure(items) with the percentile bootstrap over items (Efron 1979): for what is no mean, such as BLEU.

    Of a measure from 0 to `top` every draw can be 0, or `top`: that tells of no doubt where the most is left. The
    interval is then `top` times Wilson's of a share of 0, or of all, of so many items: as if of other items a share p
    had brought the measure p times `top` away from there. Our choice, as the rule of three is of shares.
    """
    draw = np.random.default_rng(seed)
    values = [measure([items[i] for i in draw.integers(0, len(items), len(items))]) for _ in range(rounds)]
    value = measure(items)
    if top and all(one == value for one in values) and value in (0.0, top):
        end = share(len(items) if value else 0, len(items))
        return {"value": value, "low": top * end["low"], "high": top * end["high"], "n": len(items)}
    low, high = np.percentile(values, [2.5, 97.5])
    return {"value": value, "low": float(low), "high": float(high), "n": len(items)}


def mean_of_shares(values: Sequence[float], rounds: int = 200) -> Measured:
    """The mean of values from 0 to 1: a share where each is 0 or 1, with Wilson's interval, else with the bootstrap's.

    Drawn again, values that are all 0 are still all 0: the bootstrap would tell of no doubt where the most is left.
    """
    if all(value in (0.0, 1.0) for value in values):
        return share(sum(values), len(values))
    return bootstrap(values, lambda some: sum(some) / len(some), rounds)
