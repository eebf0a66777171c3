"""Agreement beyond chance as one number: Kendall's tau-b, Krippendorff's alpha, Fleiss' kappa.

    kendall        two rankings of the same things, with ties      Kendall 1945
    krippendorff   ratings by any number of raters, some missing   Krippendorff 2011, Computing Krippendorff's Alpha
    fleiss         classes, such as flags                          Fleiss 1971

1 is perfect, 0 what chance would give. Where nothing varies, or nothing was rated twice, there is no such number and
None is returned: raters who all say the same have shown nothing of how they would tell different things apart.
U units, V different values.
"""

from collections.abc import Hashable, Sequence
from math import sqrt
from typing import Literal

import numpy as np

from foretell.errors import BadUse, nearest

Level = Literal["nominal", "ordinal", "interval"]
LEVELS = ("nominal", "ordinal", "interval")


def kendall(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Kendall's tau-b of two rankings, -1 to 1; None where either calls everything equal or has fewer than 2 things."""
    if len(a) != len(b):
        raise BadUse(f"rankings of {len(a)} and of {len(b)} things cannot be compared; rank the same things twice")
    upper = np.triu_indices(len(a), 1)
    x, y = (np.sign(np.subtract.outer(one, one))[upper] for one in (np.asarray(a), np.asarray(b)))  # (pairs,) each
    spread = int(np.abs(x).sum()) * int(np.abs(y).sum())
    return float(x @ y) / sqrt(spread) if spread else None


def krippendorff(units: Sequence[Sequence[float | None]], level: Level = "nominal") -> float | None:
    """Krippendorff's alpha; a unit is what its raters said of it, None where one said nothing.

    level tells how far two values are apart: equal or not, their distance in ranks, or their squared difference.
    """
    values = sorted({one for unit in units for one in unit if one is not None})
    return alpha(count(units, values), values, level)


def count(units: Sequence[Sequence[Hashable]], values: Sequence[Hashable]) -> np.ndarray:  # -> (U, V)
    """How many raters gave each unit each value; None, and what is no value here, is not counted."""
    place = {one: number for number, one in enumerate(values)}
    counts = np.zeros((len(units), len(values)))
    for row, unit in enumerate(units):
        for one in unit:
            if one in place:
                counts[row, place[one]] += 1
    return counts


def alpha(counts: np.ndarray, values: Sequence[float], level: Level = "nominal") -> float | None:  # counts (U, V)
    """Krippendorff's alpha of counted values, in rising order: 1 - observed disagreement / disagreement by chance."""
    counts = counts[counts.sum(axis=1) >= 2]  # what one rater alone has rated pairs with nothing
    pairs = counts / (counts.sum(axis=1, keepdims=True) - 1)  # (U, V)
    together = pairs.T @ counts - np.diag(pairs.sum(axis=0))  # (V, V) coincidences
    often = counts.sum(axis=0)  # (V,)
    apart = distance(values, often, level)  # (V, V)
    by_chance = float(often @ apart @ often)
    return 1 - (often.sum() - 1) * float((together * apart).sum()) / by_chance if by_chance > 0 else None


def distance(values: Sequence[float], often: np.ndarray, level: Level) -> np.ndarray:  # often (V,) -> (V, V)
    """The squared distance of each two values; that of ranks counts how many ratings lie between them."""
    if level not in LEVELS:
        raise BadUse(f"level {level!r} is not known{nearest(level, list(LEVELS))}")
    if level == "nominal":
        return 1 - np.eye(len(values))
    at = np.cumsum(often) - often / 2 if level == "ordinal" else np.asarray(values, dtype=np.float64)
    return np.subtract.outer(at, at) ** 2


def fleiss(counts: np.ndarray) -> float | None:  # counts (U, V)
    """Fleiss' kappa: how often two raters of a unit give it the same class, beyond chance.

    The paper has as many raters for every unit; where they differ, a unit still counts once and the classes' shares
    are those of all ratings. Units with one rater are left out.
    """
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return None
    raters = counts.sum(axis=1)  # (U,)
    agree = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))  # (U,)
    shares = counts.sum(axis=0) / counts.sum()  # (V,)
    by_chance = float((shares**2).sum())
    return (float(agree.mean()) - by_chance) / (1 - by_chance) if (counts.sum(axis=0) > 0).sum() > 1 else None
