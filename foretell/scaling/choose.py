"""Which rungs may be used, and which law: what the largest rung says of a fit to the others, never how well it fits.

On published ladders the laws fit what they were fitted to within 0.4 % and miss by 4 to 50 %; so a law is judged by
the largest rungs, left out one by one. Below some size a model learns word frequencies and little else: the loss lies
on a plateau, and its slope against compute first falls, then rises. No law of this kind holds across that, and a fit
that is made there is confidently wrong: small rungs are dropped until the slope only falls, and further where that
foretells the left-out rungs better; or the fit is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from foretell.errors import BadUse
from foretell.scaling.laws import LAWS, NOISE, Centre, Law, bounds, centre, design, prior, starts
from foretell.scaling.points import Point
from foretell.scaling.robust import Problem, best, predicted

FEWEST = 4  # rungs: three parameters, and one that tests them
ALIKE = 1.25  # ratios of tokens to parameters that lie this near are one path


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """A law with parameters, and how far it missed the largest rungs when they were left out."""

    law: Law
    theta: np.ndarray
    middle: Centre
    points: tuple[Point, ...]
    left_out: float
    """root mean square of ln(predicted / measured) of the largest rungs, left out one by one"""
    in_sample: float
    """the same of the points that it was fitted to"""

    def loss(self, point: Point) -> float:
        """The loss that the law gives."""
        return float(np.exp(predicted(design(self.law, [point], self.middle), self.theta[None])[0, 0]))


def problem(law: Law, points: Sequence[Point], middle: Centre) -> Problem:
    """The law's fit to the points as arrays."""
    losses = np.array([point.loss for point in points])
    mean, weight = prior(law)
    return Problem(design(law, points, middle), np.log(losses), bounds(law, losses), mean, weight)


def fit_law(law: Law, points: Sequence[Point]) -> tuple[np.ndarray, Centre]:
    """The best parameters of a law from all its starts."""
    middle = centre(points)
    found, _ = best(problem(law, points, middle), np.ones(len(points)), starts(law, np.array([p.loss for p in points])))
    return found, middle


def path(points: Sequence[Point]) -> list[Point]:
    """The points along which compute alone decides: those of the tokens for each parameter that most sizes have.

    Where several ratios are had by as many sizes, the largest. Of each size and seed there is one point.
    """
    middle = max((p.ratio for p in points), key=lambda ratio: (len({p.parameters for p in near(points, ratio)}), ratio))
    nearest: dict[tuple[float, int], Point] = {}
    for point in sorted(near(points, middle), key=lambda point: -abs(log(point.ratio / middle))):
        nearest[(point.parameters, point.seed)] = point
    return sorted(nearest.values(), key=lambda point: point.flops)


def near(points: Sequence[Point], ratio: float) -> list[Point]:
    """The points with about so many tokens for each parameter."""
    return [point for point in points if ratio / ALIKE <= point.ratio <= ratio * ALIKE]


def rungs(points: Sequence[Point]) -> list[list[Point]]:
    """The points by size, the smallest first."""
    sizes = sorted({point.parameters for point in points})
    return [[point for point in points if point.parameters == size] for size in sizes]


def steepening(points: Sequence[Point]) -> float:
    """By how many standard errors the slope of ln L against ln C rises along a path, at its worst; 0 if it only falls.

    A rung's loss is the mean of its seeds; a seed's noise is 0.3 %, or what the seeds show if that is more.
    """
    groups = rungs(points)
    x = [log(group[0].flops) for group in groups]
    y = [float(np.mean([log(p.loss) for p in group])) for group in groups]
    spread = [float(np.var([log(p.loss) for p in group], ddof=1)) for group in groups if len(group) > 1]
    noise = max(NOISE, sqrt(float(np.mean(spread))) if spread else 0.0)
    worst = 0.0
    for i in range(len(groups)):
        for k in range(i + 2, len(groups)):
            for j in range(i + 1, k):  # does the curve from i to k lie above its chord at j? then it steepens
                share = (x[j] - x[i]) / (x[k] - x[i])
                above = y[j] - (1 - share) * y[i] - share * y[k]
                n = [len(groups[at]) for at in (i, j, k)]
                error = noise * sqrt(1 / n[1] + (1 - share) ** 2 / n[0] + share**2 / n[2])
                worst = max(worst, above / error)
    return worst


MOST_STEEPENING = 2.0  # standard errors: refuses fewer than 1 in 100 laws that flatten, 1 in 10 that do not


def without_plateau(points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """The points kept and those dropped: the smallest sizes go until the loss falls ever more slowly.

    Of what is left, more go where the left-out rungs are missed by less for it, by more than one run's noise.
    BadUse where fewer than FEWEST sizes are given or would be left.
    """
    sizes = sorted({point.parameters for point in points})
    check_rungs(len(sizes))
    missed: dict[float, float] = {}
    for first in sizes[: len(sizes) - FEWEST + 1]:
        kept = [point for point in points if point.parameters >= first]
        if steepening(path(kept)) <= MOST_STEEPENING:
            missed[first] = fit_all(kept)[0].left_out
    if not missed:
        rule = "the loss falls faster, not slower, with compute among the largest: no law of scale holds there"
        raise BadUse(f"{rule}; add larger rungs, and leave out the smallest")
    lowest = min(size for size, miss in missed.items() if miss <= min(missed.values()) + NOISE)
    return [p for p in points if p.parameters >= lowest], [p for p in points if p.parameters < lowest]


def check_rungs(n: int) -> None:
    """BadUse for a ladder too short to be judged."""
    if n < FEWEST:
        rule = f"a law with three parameters needs {FEWEST}, so that one is left to test it"
        raise BadUse(f"a ladder with {n} size{'s' * (n != 1)} says nothing of a larger run: {rule}; train more")


def fit_all(points: Sequence[Point]) -> list[Fitted]:
    """Every law that the points can hold, the one that foretold the left-out rungs best first."""
    found = []
    for law in LAWS.values():
        own = path(points) if law.of_compute else list(points)
        if can_hold(law, own):
            theta, middle = fit_law(law, own)
            misses = np.log([p.loss for p in own]) - predicted(design(law, own, middle), theta[None])[0]
            in_sample, missed = float(np.sqrt(np.mean(misses**2))), left_out(law, own)
            found.append(
                Fitted(law=law, theta=theta, middle=middle, points=tuple(own), left_out=missed, in_sample=in_sample)
            )
    if not found:
        check_rungs(len(rungs(path(points))))
    return sorted(found, key=lambda one: one.left_out)


def can_hold(law: Law, points: Sequence[Point]) -> bool:
    """Whether there are points to fit a law to when the largest size is left out; size and tokens must differ apart."""
    if law.of_compute:
        return len(rungs(points)) >= FEWEST
    groups, ratios = rungs(points), [point.ratio for point in points]
    enough = len(points) > len(law.names) + 1 and len(points) - len(groups[-1]) >= len(law.names)
    return len(groups) >= FEWEST and enough and max(ratios) > ALIKE * min(ratios)


def left_out(law: Law, points: Sequence[Point]) -> float:
    """How far, as ln(predicted / measured), a fit to the smaller sizes misses the largest: over the last one or two."""
    groups, misses = rungs(points), []
    for last in range(len(groups) - 1, len(groups) - 3, -1):
        rest = [point for group in groups[:last] for point in group]
        if last < FEWEST - 1 or len(rest) < len(law.names):
            break
        theta, middle = fit_law(law, rest)
        aim = groups[last]
        aim = [point for point in aim if point.tokens == max(p.tokens for p in aim)]
        misses += list(predicted(design(law, aim, middle), theta[None])[0] - np.log([p.loss for p in aim]))
    return float(np.sqrt(np.mean(np.square(misses))))
