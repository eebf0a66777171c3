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
from foretell.report.words import label, three_digits, tick

LETTERS = 8.5  # points: the labels of an attention map, smaller where there are many
LONGEST = 16  # characters of a token's label


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve, its points in the order of x: thin and pale for training, thick and named at its end for held-out."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    thick: bool = True
    spread: Sequence[tuple[float, float]] = ()
    """low and high of each point, shaded"""


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
    """Learning curves, the panels two a row on a page and one on a phone; the thick ones carry name and last value."""

    def draw(width: float) -> Figure:
        across = 2 if len(panels) > 1 and width == WIDE else 1
        down = ceil(len(panels) / across)
        figure = Figure(figsize=(width, 2.9 if len(panels) == 1 else 1.6 * down + 0.3), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        for axes, panel in zip(grid.flat, panels, strict=False):
            curve(axes, panel, share=share)
            name_ends(axes, panel, 1 / down, share=share)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        figure.supxlabel(x_label, fontsize=9)
        figure.supylabel(y_label, fontsize=9)
        return figure

    return draw


def finite(line: Line) -> list[tuple[float, float]]:
    """The points of a curve that can be drawn."""
    return [(x, y) for x, y in line.points if isfinite(x) and isfinite(y)]


def curve(axes: Axes, panel: Panel, *, share: bool) -> None:
    """One panel."""
    for line in panel.lines:
        points = finite(line)
        if points:
            style: dict[str, Any] = {"linewidth": 2.0} if line.thick else {"linewidth": 0.7, "alpha": 0.45}
            axes.plot(*zip(*points, strict=True), color=PALETTE[line.colour], **style)
            if line.thick:
                axes.plot(*points[-1], "o", color=PALETTE[line.colour], markersize=4)
            if line.spread:
                low, high = [low for low, _ in line.spread], [high for _, high in line.spread]
                shade = PALETTE[line.colour]
                axes.fill_between([x for x, _ in points], low, high, color=shade, alpha=0.14, linewidth=0)
    if share:
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))
        axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.grid(axis="y", color=FAINT, alpha=0.18, linewidth=0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick(x)))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))  # steps, tokens, examples: all are counts
    axes.tick_params(length=0)
    axes.set_xlim(left=0)
    if panel.title:
        axes.set_title(label(panel.title, 30), loc="left", fontweight="bold")


def name_ends(axes: Axes, panel: Panel, height: float, *, share: bool) -> None:
    """Names and last values right of the thick curves, moved apart where they would cover each other."""
    ends = sorted(
        (finite(line)[-1][::-1], line.name, line.colour) for line in panel.lines if line.thick and finite(line)
    )
    low, high = axes.get_ylim()
    room, place = 0.085 * (high - low) / height**0.75, float("-inf")
    for (y, x), name, colour in ends:
        place = max(y, place + room)
        axes.annotate(
            f"{name} {100 * y:.0f} %" if share else f"{name} {three_digits(y)}",
            (x, place),
            xytext=(7, 0),
            textcoords="offset points",
            color=PALETTE[colour],
            va="center",
            annotation_clip=False,
        )


def intervals(groups: Sequence[Group], x_label: str, *, share: bool) -> Callable[[float], Figure]:
    """Measured values with their intervals, one a line, the groups below each other with their baselines dashed."""

    def draw(width: float) -> Figure:
        n = sum(len(group.dots) + 1.3 for group in groups)
        figure = Figure(figsize=(width, 0.235 * n + 0.55), layout="constrained")
        axes = figure.subplots()
        y, ticks = 0.0, []
        for group in groups:
            head(axes, group, y, share=share)
            for dot in group.dots:
                y -= 1
                ticks.append((y, label(dot.name, 20)))
                interval(axes, dot, y, share=share)
            y -= 1.3
        axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
        axes.set_ylim(y + 0.6, 0.6)
        dress(axes, max(dot.measured.high for group in groups for dot in group.dots), share=share)
        axes.set_xlabel(x_label)
        return figure

    return draw


def head(axes: Axes, group: Group, y: float, *, share: bool) -> None:
    """The group's name, and its baseline: a dashed line through its values, with its number beside the name."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes are drawn in a figure"
    across = "axes fraction" if figure.get_figwidth() == WIDE else "figure fraction"  # a phone has no room to spare
    name = axes.annotate(
        label(group.name, 44), (0, y), xycoords=(across, "data"), fontweight="bold", va="center", fontsize=9
    )
    if group.baseline is None:
        return
    axes.plot(
        [group.baseline] * 2, [y - len(group.dots) - 0.4, y - 0.55], color=INK, linewidth=1, linestyle=(0, (2, 2))
    )
    value = f"{100 * group.baseline:.0f} %" if share else f"{group.baseline:.1f}"
    axes.annotate(
        f"{group.baseline_name} {value}",
        (1, 0.5),
        xycoords=name,
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        alpha=0.8,
    )


def interval(axes: Axes, dot: Dot, y: float, *, share: bool) -> None:
    """A value's dot, its interval as a bar, its number."""
    m, colour = dot.measured, PALETTE[dot.colour]
    axes.plot([m.low, m.high], [y, y], color=colour, linewidth=2.2, alpha=0.55)
    face = "none" if dot.hollow else colour
    axes.plot(m.value, y, "o", color=colour, markerfacecolor=face, markersize=6, markeredgewidth=1.6)
    text = f"{100 * m.value:.1f} %" if share else f"{m.value:.1f}"
    axes.annotate(text, (m.high, y), xytext=(5, 0), textcoords="offset points", va="center", color=INK, fontsize=8.5)


def dress(axes: Axes, most: float, *, share: bool) -> None:
    """The axes of a figure of intervals: from zero, a share to one."""
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(axis="x", color=FAINT, alpha=0.18, linewidth=0.6)
    axes.set_xlim(0, 1 if share else 1.12 * max(most, 1e-3))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    if share:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.0f} %"))


def bars(rows: Sequence[tuple[str, float, str]]) -> Callable[[float], Figure]:
    """Amounts as bars in the given order: each has its name above it and its value in words beside it."""

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 0.42 * len(rows) + 0.1), layout="constrained")
        axes = figure.subplots()
        for y, (name, value, text) in enumerate(rows):
            axes.barh(y, value, color=PALETTE["blue"], height=0.34)
            axes.annotate(label(name, 52), (0, y - 0.27), va="bottom", fontsize=9)
            axes.annotate(
                text, (value, y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8.5, alpha=0.8
            )
        axes.set_ylim(len(rows) - 0.7, -0.85)
        axes.set_xlim(0, max([value for _, value, _ in rows] + [1]))
        axes.axis("off")
        return figure

    return draw


def attention(
    sources: Sequence[str], targets: Sequence[str], weights: Sequence[Sequence[float]]
) -> Callable[[float], Figure]:
    """A map of target tokens (down) by source tokens (across): pale is the least weight of the map, full the most."""

    def draw(width: float) -> Figure:
        left, top = room(targets), room(sources)
        cell = min((width - left) / max(len(sources), 1), 0.3)
        letters = min(LETTERS, 66 * cell)
        figure = Figure(figsize=(width, cell * len(targets) + top), layout="constrained")
        axes = figure.subplots()
        shades = shaded(weights)
        for t, row in enumerate(shades):
            for s, shade in enumerate(row):
                if shade > 0.02:
                    axes.add_patch(Rectangle((s, t), 1, 1, color=PALETTE["blue"], alpha=shade, linewidth=0))
        across, down = [s + 0.5 for s in range(len(sources))], [t + 0.5 for t in range(len(targets))]
        axes.set_xticks(across, [label(x, LONGEST) for x in sources], rotation=90, fontsize=letters)
        axes.set_yticks(down, [label(x, LONGEST) for x in targets], fontsize=letters)
        axes.set_xlim(0, len(sources))
        axes.set_ylim(len(targets), 0)
        axes.set_aspect("equal", anchor="W")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.xaxis.tick_top()
        axes.set_xlabel("source tokens")
        axes.xaxis.set_label_position("top")
        axes.set_ylabel("target tokens")
        return figure

    return draw


def shaded(weights: Sequence[Sequence[float]]) -> list[list[float]]:
    """The weights from 0, the least of them, to 1, the most; all 0.5 where they are the same."""
    least = min((w for row in weights for w in row), default=0.0)
    most = max((w for row in weights for w in row), default=0.0)
    return [[(w - least) / (most - least) if most > least else 0.5 for w in row] for row in weights]


def room(tokens: Sequence[str]) -> float:
    """Inches for the labels beside a map and the name of the axis."""
    longest = max((len(label(token, LONGEST)) for token in tokens), default=0)
    return 0.65 * LETTERS / 72 * longest + 0.5
