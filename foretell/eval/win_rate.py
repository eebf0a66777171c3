"""How often one model's outputs are preferred to another's, with an interval that knows who judged what.

A comparison is a mapping with `preference` (1 the first model, 0 the other, 0.5 a tie), `prompt_id`, `labeller` and
what it may be grouped by: size, use case, group of labellers. Judgements of one prompt, and those of one labeller, are
alike, so the interval holds for new prompts and new labellers. Ties as a half are ours: Ouyang et al. (2022) do not say
how they count, nor how their intervals are computed.

The variance is that of Cameron, Gelbach and Miller (2011): by prompt, plus by labeller, less by both at once. It is a
sum and needs no draws, where a bootstrap that resamples prompts and labellers at once can have up to three times the
true variance, when only chance is at work (McCullagh 2000, Owen 2007). By chance the sum can be less than one of its
parts, or negative: then the larger part is taken. The interval is Wilson's with as many judgements as would have that
variance, which stays inside [0, 1], and Student's quantile for the smaller number of clusters less one. N comparisons,
G clusters.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from math import sqrt
from typing import Any

import numpy as np

from foretell.errors import BadUse
from foretell.eval.measured import Measured
from foretell.eval.t_test import t_quantile

Record = Mapping[str, Any]
PREFERENCES = (0.0, 0.5, 1.0)
CLUSTERS = ("prompt_id", "labeller")


def win_rate(comparisons: Sequence[Record], clusters: Sequence[str] = CLUSTERS) -> Measured:
    """The mean preference with `low` and `high` (95 %), `se`, the share of `ties`, n, and the number of each cluster.

    clusters: one or two names; what only has one value (a single judge) cannot vary and is left out: the interval then
    says nothing of other judges. A labeller who is not known is taken for somebody else each time. BadUse where there
    is no comparison or a preference is none of 0, 0.5 and 1.
    """
    values = np.asarray([_checked(one) for one in comparisons])  # (N,)
    if not len(values):
        raise BadUse("a win rate of no comparisons; give one or more")
    numbered = {name: _numbered([one.get(name, "") for one in comparisons]) for name in clusters}
    counts = {name: int(of.max()) + 1 for name, of in numbered.items()}
    vary = [name for name in clusters if counts[name] > 1]
    variance = clustered_variance(values, [numbered[name] for name in vary])
    fewest = min((counts[name] for name in vary), default=1)
    low, high = wilson(float(values.mean()), variance, fewest)
    told = {"value": float(values.mean()), "low": low, "high": high, "se": sqrt(variance), "n": len(values)}
    return {**told, "ties": float((values == 0.5).mean()), **counts}


def win_rates(
    comparisons: Sequence[Record], by: str | Sequence[str], clusters: Sequence[str] = CLUSTERS
) -> dict[Any, Measured]:
    """The win rate of each group of comparisons: by one name, such as "size", or by several, then keyed by tuples."""
    groups: dict[Any, list[Record]] = {}
    for one in comparisons:
        key = one.get(by, "") if isinstance(by, str) else tuple(one.get(name, "") for name in by)
        groups.setdefault(key, []).append(one)
    return {key: win_rate(part, clusters) for key, part in sorted(groups.items(), key=lambda pair: str(pair[0]))}


def clustered_variance(values: np.ndarray, clusters: Sequence[np.ndarray]) -> float:  # values (N,), each (N,)
    """The variance of the mean of values that are alike within the clusters of none, one or two kinds.

    Each part has the usual factor G / (G - 1). Without clusters every value is one of its own.
    """
    rest = values - values.mean()
    if not clusters:
        clusters = [np.arange(len(values))]
    parts = [_one_way(rest, of) for of in clusters]
    if len(parts) == 1:
        return parts[0]
    both = _numbered(list(zip(clusters[0].tolist(), clusters[1].tolist(), strict=True)))
    return max(sum(parts) - _one_way(rest, both), *parts)


def _one_way(rest: np.ndarray, of: np.ndarray) -> float:  # rest (N,), of (N,)
    sums = np.bincount(np.unique(of, return_inverse=True)[1], weights=rest)  # (G,)
    groups = len(sums)
    return float(sums @ sums) / len(rest) ** 2 * groups / (groups - 1) if groups > 1 else 0.0


def wilson(share: float, variance: float, clusters: int) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share of that variance, with Student's quantile of clusters - 1 degrees.

    n is what would have the variance: share (1 - share) / variance. Where nothing varied, as when all are preferred,
    n is the number of clusters; with a single one nothing is known, and the interval is [0, 1].
    """
    if clusters < 2:
        return 0.0, 1.0
    n = share * (1 - share) / variance if variance > 0 else clusters
    z = t_quantile(0.05, clusters - 1)
    middle, width = share + z**2 / (2 * n), z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return max((middle - width) / scale, 0.0), min((middle + width) / scale, 1.0)


def from_rankings(rankings: Sequence[Record], a: str, b: str, name: str = "model") -> list[dict[str, Any]]:
    """The comparisons of two models that rankings hold: each output of a with each of b; a lower rank is preferred.

    name: the output's field that a and b are values of. What else the ranking tells of prompt and labeller goes along.
    """
    found = []
    for one in rankings:
        ranked = list(zip(one["outputs"], one["ranks"], strict=True))
        firsts, others = ([rank for output, rank in ranked if output.get(name) == each] for each in (a, b))
        about = {key: value for key, value in one.items() if key not in ("outputs", "ranks", "prompt")}
        for first, other in product(firsts, others):
            found.append({**about, "preference": 0.5 + 0.5 * ((first < other) - (first > other))})
    return found


def _checked(comparison: Record) -> float:
    told = comparison["preference"]
    if told not in PREFERENCES:
        raise BadUse(f"a preference of {told!r}; it is 1 for the first, 0 for the other, 0.5 for a tie")
    return float(told)


def _numbered(names: Sequence[Any]) -> np.ndarray:  # -> (N,)
    """A number from 0 for each different name; "" and None are different each time."""
    places: dict[Any, int] = {}
    keys = [name if name not in ("", None) else ("", number) for number, name in enumerate(names)]
    return np.asarray([places.setdefault(key, len(places)) for key in keys])
