"""The report's kinds of figures: learning curves, intervals, bars, and the map of an attention.

Each function returns what draws the figure at a width in inches. Curves and dots carry their names and values directly,
so that no legend is needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from foretell.report.drawing import FAINT, INK, PALETTE, WIDE
from foretell.report.measured import Measured
from foretell.report.words import count, three_digits, visible


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve: points in the order of x. Thin and pale for training, thick and named at its end for what was held out."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    thick: bool = True


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The curves that share two axes."""

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A measured value; hollow where it is the one compared against."""

    name: str
    measured: Measured
    colour: str
    hollow: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """Values that are compared with each other, and a score that needs no model."""

    name: str
    dots: Sequence[Dot]
    baseline: float | None = None
    baseline_name: str = ""


def curves(panels: Sequence[Panel], x_label: str, y_label: str, *, share: bool = False) -> Callable[[float], Figure]:
    """Learning curves, a panel beside the other (two a row at most); the thick ones carry name and last value."""

    def draw(width: float) -> Figure:
        across = min(len(panels), 2)
        down = ceil(len(panels) / across)
        height = 2.9 if len(panels) == 1 else 1.75 * down + 0.3
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        for axes, panel in zip(grid.flat, panels, strict=False):
            curve(axes, panel, share=share, named=len(panels) == 1 or width == WIDE)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        figure.supxlabel(x_label, fontsize=9)
        figure.supylabel(y_label, fontsize=9)
        return figure

    return draw


def curve(axes: Axes, panel: Panel, *, share: bool, named: bool) -> None:
    """One panel."""
    ends = []
    for line in panel.lines:
        points = [(x, y) for x, y in line.points if isfinite(x) and isfinite(y)]
        if not points:
            continue
        style: dict[str, Any] = {"linewidth": 2.0} if line.thick else {"linewidth": 0.7, "alpha": 0.45}
        axes.plot(*zip(*points, strict=True), color=PALETTE[line.colour], **style)
        if line.thick:
            axes.plot(*points[-1], "o", color=PALETTE[line.colour], markersize=4)
            ends.append((points[-1][1], points[-1][0], line))
    if share:
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))
    axes.grid(axis="y", color=FAINT, alpha=0.18, linewidth=0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: count(x) if x >= 0 else ""))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(length=0)
    axes.set_xlim(left=0)
    if panel.title:
        axes.set_title(panel.title, loc="left", fontweight="bold")
    name_ends(axes, sorted(ends, key=lambda end: end[0]), share=share, named=named)


def name_ends(axes: Axes, ends: Sequence[tuple[float, float, Line]], *, share: bool, named: bool) -> None:
    """Names and last values right of the curves, moved apart where they would cover each other."""
    low, high = axes.get_ylim()
    room, last = 0.085 * (high - low) * (1.0 if named and len(axes.figure.axes) == 1 else 1.9), -float("inf")
    for y, x, line in ends:
        last = max(y, last + room)
        value = f"{100 * y:.0f} %" if share else three_digits(y)
        text = f"{line.name} {value}" if named else value
        axes.annotate(
            text,
            (x, y),
            xytext=(x, last),
            textcoords="data",
            color=PALETTE[line.colour],
            va="center",
            annotation_clip=False,
        ).set_position((x + 0.02 * (axes.get_xlim()[1] - axes.get_xlim()[0]), last))


def intervals(groups: Sequence[Group], x_label: str, *, share: bool) -> Callable[[float], Figure]:
    """Measured values with their intervals, one a line, the groups below each other with their baselines dashed."""

    def draw(width: float) -> Figure:
        n = sum(len(group.dots) + 1.3 for group in groups)
        figure = Figure(figsize=(width, 0.235 * n + 0.55), layout="constrained")
        axes = figure.subplots()
        ticks: list[tuple[float, str]] = []
        y = 0.0
        for group in groups:
            axes.annotate(
                visible(group.name),
                (0, y),
                xycoords=("axes fraction", "data"),
                fontweight="bold",
                va="center",
                fontsize=9,
            )
            if group.baseline is not None:
                baseline(axes, group, y, share=share)
            for dot in group.dots:
                y -= 1
                ticks.append((y, visible(dot.name)))
                interval(axes, dot, y, share=share)
            y -= 1.3
        dress(axes, ticks, y + 0.6, groups, share=share)
        axes.set_xlabel(x_label)
        return figure

    return draw


def interval(axes: Axes, dot: Dot, y: float, *, share: bool) -> None:
    """A value's dot, its interval as a bar, its number."""
    m, colour = dot.measured, PALETTE[dot.colour]
    axes.plot([m.low, m.high], [y, y], color=colour, linewidth=2.2, alpha=0.55)
    face = "none" if dot.hollow else colour
    axes.plot(m.value, y, "o", color=colour, markerfacecolor=face, markersize=6, markeredgewidth=1.6)
    text = f"{100 * m.value:.1f} %" if share else f"{m.value:.1f}"
    axes.annotate(text, (m.high, y), xytext=(5, 0), textcoords="offset points", va="center", color=INK, fontsize=8.5)


def baseline(axes: Axes, group: Group, y: float, *, share: bool) -> None:
    """The dashed line of the score that needs no model, named above."""
    assert group.baseline is not None, "a group without a baseline has no line"
    axes.plot(
        [group.baseline] * 2, [y - len(group.dots) - 0.4, y - 0.45], color=INK, linewidth=1, linestyle=(0, (2, 2))
    )
    text = (
        f"{group.baseline_name} {100 * group.baseline:.0f} %"
        if share
        else f"{group.baseline_name} {group.baseline:.1f}"
    )
    right = share and group.baseline > 0.75
    axes.annotate(text, (group.baseline, y), va="center", ha="right" if right else "center", fontsize=8, alpha=0.8)


def dress(
    axes: Axes, ticks: Sequence[tuple[float, str]], bottom: float, groups: Sequence[Group], *, share: bool
) -> None:
    """The axes of a figure of intervals."""
    axes.set_yticks([y for y, _ in ticks], [name for _, name in ticks])
    axes.set_ylim(bottom, 0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(axis="x", color=FAINT, alpha=0.18, linewidth=0.6)
    if share:
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.0f} %"))
    else:
        axes.set_xlim(0, 1.12 * max([dot.measured.high for group in groups for dot in group.dots] + [1e-3]))


def bars(rows: Sequence[tuple[str, float, str]], x_label: str) -> Callable[[float], Figure]:
    """Amounts as bars, the largest on top: a name, a value, and the value in words."""

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 0.27 * len(rows) + 0.5), layout="constrained")
        axes = figure.subplots()
        places = range(len(rows), 0, -1)
        axes.barh(places, [value for _, value, _ in rows], color=PALETTE["blue"], height=0.62)
        for y, (_, value, text) in zip(places, rows, strict=True):
            axes.annotate(text, (value, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5)
        axes.set_yticks(places, [visible(name) for name, _, _ in rows])
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(x_label)
        return figure

    return draw


def attention(
    sources: Sequence[str], targets: Sequence[str], weights: Sequence[Sequence[float]]
) -> Callable[[float], Figure]:
    """A map of target tokens (down) by source tokens (across): the darker, the more the target attends to the source."""

    def draw(width: float) -> Figure:
        cell = min((width - 1.0) / max(len(sources), 1), 0.3)
        letters = min(8.5, 66 * cell)
        figure = Figure(figsize=(width, cell * len(targets) + 1.1), layout="constrained")
        axes = figure.subplots()
        most = max((w for row in weights for w in row), default=1.0) or 1.0
        for t, row in enumerate(weights):
            for s, w in enumerate(row):
                if w > 0.02 * most:
                    axes.add_patch(Rectangle((s, t), 1, 1, color=PALETTE["blue"], alpha=w / most, linewidth=0))
        axes.set_xticks(
            [s + 0.5 for s in range(len(sources))], [visible(x) for x in sources], rotation=90, fontsize=letters
        )
        axes.set_yticks([t + 0.5 for t in range(len(targets))], [visible(x) for x in targets], fontsize=letters)
        axes.set_xlim(0, len(sources))
        axes.set_ylim(len(targets), 0)
        axes.set_aspect("equal", anchor="W")
        axes.tick_params(length=0)
        axes.xaxis.tick_top()
        axes.set_xlabel("source tokens")
        axes.xaxis.set_label_position("top")
        axes.set_ylabel("target tokens")
        return figure

    return draw
