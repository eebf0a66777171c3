"""The loss of a run that has not begun, with an interval that has to be right 95 times in 100.

    half-width of ln L, the root of the sum of the squares of
        noise      t (n - p degrees) times the spread of the law under a bootstrap over runs, and of one run
        between    how far the laws that foretell the left-out rungs about as well lie from the chosen one, or the
                   chosen one without the smallest size, whichever is more
        left out   how far the chosen law missed the largest rungs, times how much further the target lies

The bootstrap weighs the runs by draws of an exponential (Rubin 1981): one that draws some runs twice and others never
leaves too few to fit. Goodness of fit has no part in it but as noise: see choose.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log, nan, sqrt

import numpy as np

from foretell.errors import BadUse
from foretell.eval.t_test import t_quantile
from foretell.scaling.choose import ALIKE, FEWEST, Fitted, fit_all, fit_law, path, problem, rungs
from foretell.scaling.laws import NOISE, design
from foretell.scaling.points import Point
from foretell.scaling.robust import fit, predicted

DRAWS = 200
AS_GOOD = 3.0  # a law that missed the left-out rungs by less than so many times the best's is believed too


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What is foretold of a target."""

    value: float
    low: float
    high: float
    law: str
    extrapolation: float
    """the target's compute over the largest rung's"""
    noise: float
    """parts of the half-width of ln L"""
    between: float
    left_out: float
    n: int
    """runs that the chosen law was fitted to"""


def target(parameters: float, tokens: float, flops: float) -> Point:
    """A run whose loss is not known."""
    return Point(name="target", parameters=parameters, tokens=tokens, flops=flops, loss=nan)


def forecast(fitted: Sequence[Fitted], aim: Point, draws: int = DRAWS, seed: int = 0) -> Forecast:
    """The target's loss by the law that foretold the left-out rungs best, among those that hold for such a target.

    BadUse where the target reads many more or fewer tokens for each parameter than the ladder, or is not above it.
    """
    holding = [one for one in fitted if holds(one, aim)]
    if not holding:
        ratios = sorted(point.ratio for one in fitted for point in one.points)
        rule = f"the ladder {ratios[0]:.3g} to {ratios[-1]:.3g}: what it says holds for such runs only"
        raise BadUse(f"the target reads {aim.ratio:.3g} tokens a parameter, {rule}; give --steps that match")
    chosen = holding[0]
    middle = log(chosen.loss(aim))
    near = [one for one in holding if one.left_out <= AS_GOOD * chosen.left_out + NOISE]
    others = [log(one.loss(aim)) for one in near] + without_smallest(chosen, aim)
    between = max(abs(other - middle) for other in others)
    noise = noise_of(chosen, aim, draws, seed)
    missed = chosen.left_out * further(chosen.points, aim)
    half = sqrt(noise**2 + between**2 + missed**2)
    return Forecast(
        value=exp(middle),
        low=exp(middle - half),
        high=exp(middle + half),
        law=chosen.law.name,
        extrapolation=aim.flops / max(point.flops for point in chosen.points),
        noise=noise,
        between=between,
        left_out=missed,
        n=len(chosen.points),
    )


def without_smallest(one: Fitted, aim: Point) -> list[float]:
    """ln L of the target by the law fitted without the smallest size, where enough are left: the choice of rungs moves
    a forecast as much as the choice of a law does."""
    rest = [point for group in rungs(one.points)[1:] for point in group]
    if len(rungs(rest)) < FEWEST - 1 or len(rest) < len(one.law.names):
        return []
    theta, middle = fit_law(one.law, rest)
    return [float(predicted(design(one.law, [aim], middle), theta[None])[0, 0])]


def holds(one: Fitted, aim: Point) -> bool:
    """Whether a law says anything of the target: it has the ladder's tokens for each parameter."""
    own = path(one.points) if one.law.of_compute else one.points
    ratios = [point.ratio for point in own]
    return min(ratios) / ALIKE <= aim.ratio <= max(ratios) * ALIKE


def further(points: Sequence[Point], aim: Point) -> float:
    """The way from the largest rung to the target, over that from the second largest to the largest; at least 1."""
    groups = rungs(points)
    last, before = (max(point.flops for point in group) for group in (groups[-1], groups[-2]))
    return max(1.0, log(max(aim.flops / last, 1.0)) / log(last / before))


def noise_of(one: Fitted, aim: Point, draws: int, seed: int) -> float:
    """The half-width of ln L that the runs' own randomness makes: of the law, and of the target's one run."""
    n, p = len(one.points), len(one.law.names)
    free = max(n - p, 1)
    values = drawn(one, aim, draws, seed)
    of_law = float(np.var(values)) * n / free
    of_run = max(NOISE**2, one.in_sample**2 * n / free)
    return t_quantile(0.05, free) * sqrt(of_law + of_run)


def drawn(one: Fitted, aim: Point, draws: int, seed: int) -> np.ndarray:  # -> (draws,)
    """ln L of the target by the law fitted to the runs in so many random weightings; branches of a run go together."""
    families = sorted({(point.parameters, point.seed) for point in one.points})
    weight = np.random.default_rng(seed).exponential(size=(draws, len(families)))
    weight /= weight.mean(1, keepdims=True)
    columns = [families.index((point.parameters, point.seed)) for point in one.points]
    asked = problem(one.law, one.points, one.middle)
    theta, _ = fit(asked, weight[:, columns], np.tile(one.theta, (draws, 1)))
    found: np.ndarray = predicted(design(one.law, [aim], one.middle), theta)[:, 0]
    return found


def foretell(points: Sequence[Point], aim: Point, draws: int = DRAWS) -> Forecast:
    """The forecast straight from the points of a ladder."""
    return forecast(fit_all(points), replace(aim, loss=nan), draws)
