"""The guard against spikes: what is one, where a run goes back to, and which batches it moves past.

    a value is a spike if it is not finite, or  (x - median) / (1.4826 MAD)  is above the threshold, over the window

of the last steps' losses, or four times the threshold for the logarithms of gradient norms, which vary by factors and
jump where a network begins to learn something new (18-fold, harmless, in one run here). Median and MAD (the median
distance from the median) stay where they are inside a burst of bad values; mean and deviation follow it and go blind.
Over 87 runs of the recipes (17 000 steps) the highest were 2.8 spreads for the loss and 7.4 for the norm, with a window
of 128; 3.4 and 11.6 with one of 64.

The step numbers k of a run and the numbers of its batches are the same until batches are moved past; from then on step
k takes the k-th batch of those that are left (place_of). The list of them is in each checkpoint, so that a run that is
killed goes on with the same rows. PaLM went back about 100 steps and moved past 200 to 500 batches by hand (Chowdhery
et al. 2022).
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, isfinite, log

from foretell.train.config import Guard

FLOORS = {"loss": 0.05, "grad_norm": 0.2}
"""least spread: nats of loss, and of the norm's logarithm; a run that hardly varies is not on guard against noise"""
RELATIVE_FLOOR = 0.01  # of the loss
TIMES = {"loss": 1.0, "grad_norm": 4.0}  # the threshold
NORMAL = 1.4826  # the standard deviation of a normal law whose MAD is 1


@dataclass(kw_only=True, slots=True)
class Seen:
    """What the guard remembers; a checkpoint keeps it."""

    recent: dict[str, list[float]] = field(default_factory=dict)
    """the last values, as they are measured, oldest first"""
    rising: int = 0
    """steps in a row up to now that are above half of the threshold"""
    passed: list[int] = field(default_factory=list)
    """the batches that were moved past, in order"""
    place: int = -1
    """the step of the last find"""
    tries: int = 0
    """finds at about that step"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Find:
    """A spike. Steps are counted from 0."""

    step: int
    began: int
    """the first step of the rise: a checkpoint made before it is good"""
    name: str
    value: float
    usual: float
    why: str


def reach(cfg: Guard) -> int:
    """How many steps back a rise may begin: a checkpoint that so many steps have followed without a find is good."""
    return cfg.window // 8


def look(cfg: Guard, seen: Seen, step: int, values: Mapping[str, float]) -> Find | None:
    """The spike that a step's values are, or None; `seen` then holds them."""
    if not cfg.window:
        return None
    measured = {name: values[name] for name in FLOORS if name in values}
    most = 0.0
    for name, value in measured.items():
        recent = seen.recent.setdefault(name, [])
        z, usual = rise(name, recent, value, cfg.window // 2)
        if not z <= cfg.threshold:
            return found(cfg, seen, step, name, value, usual)
        most = max(most, z)
    for name, value in measured.items():
        recent = seen.recent[name]
        recent.append(scaled(name, value))
        del recent[: -cfg.window]
    seen.rising = seen.rising + 1 if most > cfg.threshold / 2 else 0
    return None


def found(cfg: Guard, seen: Seen, step: int, name: str, value: float, usual: float) -> Find:
    """The find, with the step at which the rise before it began."""
    began = step - min(seen.rising, reach(cfg), step)
    why = f"{name} {value:.4g} at step {step + 1}" + (f" where {usual:.4g} is usual" if isfinite(usual) else "")
    return Find(step=step, began=began, name=name, value=value, usual=usual, why=why)


def rise(name: str, recent: Sequence[float], value: float, at_least: int) -> tuple[float, float]:
    """How far a value lies above what is usual, as it compares with the threshold, and what is usual.

    Infinity if it is not finite; 0 until there are `at_least` values to compare with.
    """
    if not recent:
        return (0.0 if isfinite(value) else float("inf")), float("nan")
    middle = median(recent)
    usual = middle if name == "loss" else exp(middle)
    if not isfinite(value):
        return float("inf"), usual
    if len(recent) < at_least:
        return 0.0, usual
    spread = NORMAL * median([abs(one - middle) for one in recent])
    floor = max(FLOORS[name], RELATIVE_FLOOR * abs(middle)) if name == "loss" else FLOORS[name]
    return (scaled(name, value) - middle) / max(spread, floor) / TIMES[name], usual


def scaled(name: str, value: float) -> float:
    """A value as it is compared: a norm by its logarithm."""
    return value if name == "loss" else log(max(value, 1e-30))


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two."""
    ordered, n = sorted(values), len(values)
    return (ordered[n // 2] + ordered[(n - 1) // 2]) / 2


def move_past(cfg: Guard, seen: Seen, find: Find) -> tuple[int, list[int]]:
    """The step to go back to, or before it, and the batches from there on that are moved past, which `seen` then knows.

    Those of the rise at first; where it is found again at the same place, twice as many at each try, and half as many
    before it: the step that did the harm may have looked harmless.
    """
    near = seen.tries > 0 and find.step <= seen.place + reach(cfg)
    seen.tries = seen.tries + 1 if near else 1
    seen.place = find.step
    more = 2 ** (seen.tries - 1)
    first = max(find.began - more // 2, 0)
    last = place_of(max(find.step, find.began + more - 1), seen.passed)
    moved = [n for n in range(place_of(first, seen.passed), last + 1) if n not in seen.passed]
    seen.passed = sorted([*seen.passed, *moved])
    return first, moved


def place_of(step: int, passed: Sequence[int]) -> int:
    """The number of the batch that a step takes: the step-th, from 0, of those that are not passed (ordered)."""
    place = step
    while (moved := step + bisect_right(passed, place)) != place:
        place = moved
    return place
