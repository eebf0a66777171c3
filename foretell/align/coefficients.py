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
    return alpha(coincidences(count(units, values)).sum(axis=0), values, level)


def count(units: Sequence[Sequence[Hashable]], values: Sequence[Hashable]) -> np.ndarray:  # -> (U, V)
    """How many raters gave each unit each value; None, and what is no value here, is not counted."""
    place = {one: number for number, one in enumerate(values)}
    counts = np.zeros((len(units), len(values)))
    for row, unit in enumerate(units):
        for one in unit:
            if one in place:
                counts[row, place[one]] += 1
    return counts


def coincidences(counts: np.ndarray) -> np.ndarray:  # (U, V) -> (U, V, V)
    """How often each two values of a unit were given by two raters, so weighted that each rating counts once.

    What one rater alone has rated pairs with nothing: zeros.
    """
    others = counts.sum(axis=1, keepdims=True) - 1  # (U, 1)
    pairs = np.where(others > 0, counts / np.where(others > 0, others, 1), 0)  # (U, V)
    return pairs[:, :, None] * counts[:, None, :] - pairs[:, :, None] * np.eye(counts.shape[1])


def alpha(together: np.ndarray, values: Sequence[float], level: Level = "nominal") -> float | None:  # together (V, V)
    """Krippendorff's alpha of summed coincidences of values in rising order: 1 - disagreement / that by chance."""
    often = together.sum(axis=1)  # (V,)
    apart = distance(values, often, level)  # (V, V)
    by_chance = float(often @ apart @ often)
    within = float((together * apart).sum())
    return 1 - float(often.sum() - 1) * within / by_chance if by_chance > 0 else None


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
    return kappa(agreements(counts).sum(axis=0))


def agreements(counts: np.ndarray) -> np.ndarray:  # (U, V) -> (U, 2 + V)
    """Of each unit: 1, the share of its pairs of raters that agree, its ratings of each class; else zeros."""
    raters = counts.sum(axis=1)  # (U,)
    pairs = np.where(raters >= 2, raters * (raters - 1), 1)  # (U,)
    parts = np.column_stack([np.ones(len(counts)), ((counts**2).sum(axis=1) - raters) / pairs, counts])  # (U, 2 + V)
    return np.where(raters[:, None] >= 2, parts, 0)


def kappa(parts: np.ndarray) -> float | None:  # parts (2 + V,)
    """Fleiss' kappa of summed agreements."""
    units, agree, often = parts[0], parts[1], parts[2:]
    if (often > 0).sum() < 2:
        return None
    by_chance = float(((often / often.sum()) ** 2).sum())
    return (float(agree) / float(units) - by_chance) / (1 - by_chance)
