"""A run that survived its faults, as the page shows it: a colour for each piece between failures, as OPT-175B's log."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foretell.report.drawing import FAINT, INK, PALETTE
from foretell.report.parts import Head, Missing, Part, cell, picture, table

FIGURE = "A run that meets faults: its training loss, piece by piece"
PIECES = "A run that meets faults: what ended each piece"
COLOURS = [colour for name, colour in PALETTE.items() if name != "grey"]
MARKS = {"rollback": "v", "gave up": "X", "hung": "s", "killed": "x", "failed": "x", "stopped": "|"}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of a run between failures (train/segments.py)."""

    begin: int
    ended: str
    why: str
    points: list[tuple[int, float]]
    last: int


@dataclass(frozen=True, kw_only=True)
class Survival:
    """results/survival.json."""

    command: str
    steps: int
    clean: float
    """held-out loss of the run without faults, in nats"""
    survived: float
    identical: bool
    """whether kills and hangs left every weight as it is without them"""
    kills: int
    hangs: int
    rollbacks: list[str]
    moved_past: list[int]
    bad: list[int]
    """the batches that were bad"""
    segments: list[Piece]


def survival(found: Survival | None, command: str) -> list[Part]:
    """The figure and the table of the pieces; `command` makes what is not there."""
    if found is None:
        return [Missing(title=FIGURE, command=command)]
    rows = [(i + 1, step, loss) for i, one in enumerate(found.segments) for step, loss in one.points]
    head = ("piece", "step", "loss")
    name = "gpt4-survival-segments"
    return [picture(name, FIGURE, drawn(found), said(found), found.command, [head, *rows]), pieces(found)]


def said(found: Survival) -> str:
    """What befell the run and what it cost, in words."""
    moved, bad = set(found.moved_past), set(found.bad)
    same = "every weight is the same, bit for bit, as without them" if found.identical else "the weights are others"
    cost = 100 * (found.survived / found.clean - 1)
    batches = several(len(bad), "batch of random tokens", "batches of random tokens")
    past = several(len(moved), "batch", "batches")
    parts = (
        f"n = {several(found.kills, 'kill')}, {several(found.hangs, 'hang')} and {batches} in {found.steps} steps;",
        f"no person did anything. The guard went back {several(len(found.rollbacks), 'time')} and moved past {past},",
        f"{len(moved & bad)} of the {len(bad)} bad among them. After the kills and hangs {same}.",
        f"Held-out loss {found.survived:.3f}, {cost:+.2f} % beside the run without faults ({found.clean:.3f});",
        "one seed, so no interval. Steps that were done again are drawn twice.",
    )
    return " ".join(parts)


def several(n: int, one: str, more: str = "") -> str:
    """1 kill, 2 kills."""
    return f"{n} {one}" if n == 1 else f"{n} {more or one + 's'}"


def drawn(found: Survival) -> Callable[[float], Figure]:
    """What draws the pieces at a width."""

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 3.0), layout="constrained")
        axes = figure.subplots()
        for i, one in enumerate(found.segments):
            piece(axes, one, COLOURS[i % len(COLOURS)])
        used = {one.ended for one in found.segments} & set(MARKS)
        for name in [name for name in MARKS if name in used]:
            axes.plot([], [], MARKS[name], color=INK, markersize=5, linestyle="none", label=name)
        if used:
            axes.legend(frameon=False, loc="upper right", labelcolor=INK)
        axes.set_xlabel("step")
        axes.set_ylabel("loss, nats a token")
        axes.tick_params(length=0)
        axes.grid(axis="y", color=FAINT, linewidth=0.3)
        return figure

    return draw


def piece(axes: Axes, one: Piece, colour: str) -> None:
    """A piece and the mark of its end."""
    if not one.points:
        return
    axes.plot([step for step, _ in one.points], [loss for _, loss in one.points], "-", color=colour, linewidth=1.2)
    if one.ended in MARKS:
        axes.plot(*one.points[-1], MARKS[one.ended], color=colour, markersize=6)


def pieces(found: Survival) -> Part:
    """A row for each piece."""
    heads = [Head(text=text, number=number) for text, number in (("no.", True), ("from step", True), ("to step", True))]
    heads += [Head(text="ended"), Head(text="why")]
    rows = [
        [cell(i + 1), cell(one.begin), cell(one.last), cell(one.ended), cell(one.why or None)]
        for i, one in enumerate(found.segments)
    ]
    words = f"n = {len(found.segments)} pieces; one seed, so no interval. A killed process goes on from its last "
    words += "checkpoint, a rollback from the last one before the spike began."
    return table("gpt4-survival-pieces", PIECES, heads, rows, words, found.command, stack=True)
