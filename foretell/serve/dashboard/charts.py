"""Charts of a run as the numbers that an SVG needs: a path for each line, and where the axes have which words.

The page draws them once and a script sets the same attributes when more has come, so that no markup is ever sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10

from foretell.serve.dashboard.lines import Points

WIDTH, HEIGHT = 640, 260  # of the drawing's own units
LEFT, RIGHT, TOP, BOTTOM = 70, 14, 12, 30
MOST_POINTS = 300
TICKS = 5

Tick = tuple[float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart: the path of each line, and the ticks of both axes, always five (empty words where there are fewer)."""

    name: str
    lines: dict[str, str]
    x: list[Tick]
    y: list[Tick]
    said: str
    """the last values in words, for whoever does not see the lines"""


def chart(name: str, series: Mapping[str, Points]) -> Chart:
    """The chart of some lines that share their axes."""
    thin = {one: thinned(points) for one, points in series.items()}
    every = [point for points in thin.values() for point in points]
    low_x, high_x = span([x for x, _ in every])
    low_y, high_y = span([y for _, y in every])

    def right(x: float) -> float:
        return round(LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT), 1)

    def down(y: float) -> float:
        return round(HEIGHT - BOTTOM - (y - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM), 1)

    return Chart(
        name=name,
        lines={one: path([(right(x), down(y)) for x, y in points]) for one, points in thin.items()},
        x=padded(zip(map(right, (ticks := nice(low_x, high_x))), words(ticks), strict=True)) if every else padded([]),
        y=padded(zip(map(down, (ticks := nice(low_y, high_y))), words(ticks), strict=True)) if every else padded([]),
        said="; ".join(said(one, points) for one, points in series.items() if points),
    )


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most so many points: the mean of each stretch of equally many, at its last step."""
    if len(points) <= most:
        return points
    ends = [len(points) * (i + 1) // most for i in range(most)]
    starts = [0, *ends[:-1]]
    return [
        (points[end - 1][0], sum(y for _, y in points[start:end]) / (end - start))
        for start, end in zip(starts, ends, strict=True)
    ]


def span(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the most of the values, and never nothing."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high > low:
        return low, high
    room = abs(low) / 2 or 1.0
    return low - room, high + room


def nice(low: float, high: float, most: int = TICKS) -> list[float]:
    """Round numbers within a span, at most so many: multiples of 1, 2 or 5 times a power of ten."""
    least = (high - low) / most
    power = 10.0 ** floor(log10(least))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first = -floor(-low / step)
        found = [round(first + i) * step for i in range(floor(high / step + 1e-9) - first + 1)]
        if len(found) <= most:
            return found
    return [low]


def path(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path through points; a single one is a dot."""
    if len(points) == 1:
        return f"M{points[0][0]} {points[0][1]}h0.1"
    return "M" + "L".join(f"{x} {y}" for x, y in points) if points else ""


def padded(ticks: Iterable[Tick]) -> list[Tick]:
    """As many ticks as the drawing has places for."""
    found = list(ticks)
    return [*found, *[(0.0, "")] * (TICKS - len(found))]


def words(ticks: Sequence[float]) -> list[str]:
    """The words of an axis: with as many digits as tell its ticks apart."""
    for digits in range(3, 12):
        found = [figure(value, digits) for value in ticks]
        if len(set(found)) == len(found):
            break
    return found


def said(name: str, points: Points) -> str:
    """What a line comes to: its last value and its extremes."""
    values = [y for _, y in points]
    return (
        f"{name} {figure(values[-1])} at step {points[-1][0]:g} (from {figure(min(values))} to {figure(max(values))})"
    )


def figure(value: float, digits: int = 3) -> str:
    """A number in few letters: 12.1k, 0.0021, 3.4e-06."""
    if value == 0:
        return "0"
    size = abs(value)
    for least, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= least:
            return f"{value / least:.{digits + 1}g}{letter}"
    return f"{value:.{digits}g}" if size >= 1e-3 else f"{value:.{digits - 2}e}"
