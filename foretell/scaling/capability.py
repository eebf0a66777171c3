"""A capability foretold from smaller models: the mean logarithm of the pass rate, by problems of one difficulty.

    - mean over problems of ln(pass rate(C))  =  a C^-b        OpenAI 2023, section 3.2

A rate of 0 has no logarithm, so that the law is for problems that every model solves at least once in so many tries
(theirs likewise). Problems are put into buckets by how often the smaller models solve them, all but the largest: the
model that is foretold, or tests the law, must not say what is hard.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf
from pathlib import Path
from typing import Any

import numpy as np

from foretell.errors import BadUse
from foretell.runs import read_text
from foretell.scaling.choose import FEWEST, fit_law
from foretell.scaling.laws import POWER, design
from foretell.scaling.points import Point
from foretell.scaling.robust import predicted

DRAWS = 200
FIELDS = ("flops", "problem", "passes", "tries")


@dataclass(frozen=True, kw_only=True, slots=True)
class Passes:
    """How often each model solved each problem."""

    flops: np.ndarray  # (M,)
    rates: np.ndarray  # (M, Q)
    problems: tuple[str, ...]
    dropped: int
    """problems that some model never solved"""


def read_passes(path: Path) -> Passes:
    """The rates of a file with a line {flops, problem, passes, tries} for each model and problem, the cheapest first.

    BadUse where a line is not so or comes twice, a model lacks a problem, or no problem is solved by all.
    """
    found: dict[float, dict[str, float]] = {}
    for number, line in enumerate(filter(None, read_text(path).splitlines()), 1):
        row = parsed(line, f"{path}, line {number}")
        of, name = found.setdefault(float(row["flops"]), {}), str(row["problem"])
        if name in of:
            rule = "a model is known by its compute and answers a problem once"
            raise BadUse(f"{path}, line {number}: {name!r} of {row['flops']:.3g} FLOPs is there twice; {rule}")
        of[name] = row["passes"] / row["tries"]
    if not found:
        raise BadUse(f"{path} is empty; give a line with {', '.join(FIELDS)} for each model and problem")
    names = sorted(set().union(*found.values()))
    for flops, of in found.items():
        if missing := [name for name in names if name not in of]:
            raise BadUse(f"{path}: the model of {flops:.3g} FLOPs was not asked {missing[0]!r}; ask all the same")
    computes = sorted(found)
    rates = np.array([[found[c][name] for name in names] for c in computes])
    return solved_by_all(np.array(computes), rates, names)


def parsed(line: str, where: str) -> dict[str, Any]:
    """A line's fields; BadUse where one is missing or no count."""
    try:
        row = json.loads(line)
        good = 0 < row["flops"] < inf and 0 <= row["passes"] <= row["tries"] and row["tries"] >= 1 and "problem" in row
    except (ValueError, KeyError, TypeError) as error:
        raise BadUse(f"{where} is no JSON with {', '.join(FIELDS)}") from error
    if not good:
        raise BadUse(f"{where}: flops must be positive, and passes a count of 0 to tries")
    return dict(row)


def solved_by_all(flops: np.ndarray, rates: np.ndarray, problems: Sequence[str]) -> Passes:
    """The problems that every model solved at least once; BadUse where there is none."""
    kept = np.all(rates > 0, axis=0)
    if not kept.any():
        raise BadUse("no problem was solved by every model, and ln 0 has no value; take more tries or easier problems")
    names = tuple(name for name, keep in zip(problems, kept.tolist(), strict=True) if keep)
    return Passes(flops=flops, rates=rates[:, kept], problems=names, dropped=int((~kept).sum()))


def buckets(passes: Passes, n: int) -> list[np.ndarray]:
    """The problems of each bucket by number, about equally many, the hardest first, by all but the largest model."""
    if not 1 <= n <= len(passes.problems):
        raise BadUse(f"{n} buckets of {len(passes.problems)} problems; give 1 to {len(passes.problems)}")
    hard = np.log(passes.rates[:-1]).mean(0)
    return np.array_split(np.argsort(hard, kind="stable"), n)


def foretell_passes(passes: Passes, flops: float, n_buckets: int = 1, draws: int = DRAWS) -> list[dict[str, float]]:
    """Of each bucket: the mean ln pass rate foretold at a compute, its interval over problems, and the rate it means.

    BadUse for fewer than FEWEST models.
    """
    if len(passes.flops) < FEWEST:
        raise BadUse(f"{len(passes.flops)} models say nothing of a larger one; {FEWEST} or more are needed")
    return [of_bucket(passes, which, flops, draws) for which in buckets(passes, n_buckets)]


def of_bucket(passes: Passes, which: np.ndarray, flops: float, draws: int) -> dict[str, float]:
    """The forecast of one bucket, with the percentile bootstrap over its problems."""
    logs = np.log(passes.rates[:, which])  # (M, q)
    value = at(passes.flops, logs.mean(1), flops)
    draw = np.random.default_rng(0)
    drawn = [at(passes.flops, logs[:, draw.integers(0, len(which), len(which))].mean(1), flops) for _ in range(draws)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"value": value, "low": float(low), "high": float(high), "n": len(which), "rate": exp(value)}


def at(computes: np.ndarray, means: np.ndarray, flops: float) -> float:
    """The mean ln pass rate that the law of the given ones has at a compute."""
    heights = np.maximum(-means, 1e-9)  # all solved always: no logarithm of 0
    points = [
        Point(name="", parameters=c, tokens=1.0, flops=c, loss=float(y)) for c, y in zip(computes, heights, strict=True)
    ]
    theta, middle = fit_law(POWER, points)
    aim = Point(name="", parameters=flops, tokens=1.0, flops=flops, loss=1.0)
    return -exp(float(predicted(design(POWER, [aim], middle), theta[None])[0, 0]))
