"""Reliability diagrams before and after reinforcement learning, side by side (OpenAI 2023, figure 8)."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foretell.report.drawing import FAINT, PALETTE, WIDE
from foretell.report.parts import Cell, Head, Missing, Part, Value, cell, picture, table
from foretell.report.safety_file import Calibration, Reliability
from foretell.report.words import three_digits

TITLE = "Calibration before and after reinforcement learning"
SIDES = {"before": PALETTE["orange"], "after": PALETTE["blue"]}


def reliability(found: Calibration | None, command: str) -> list[Part]:
    """Both diagrams and the table of the measures; `command` makes what is not there."""
    if found is None:
        return [Missing(title=TITLE, command=command)]
    data: list[Sequence[Value]] = [("side", "bins", "confidence", "accuracy", "low", "high", "n")]
    for side in SIDES:
        for row in getattr(found, side).rows:
            m = row.accuracy
            data.append((side, row.bins, row.confidence, m["value"], m["low"], m["high"], row.n))
    return [picture("gpt4-calibration", TITLE, drawn(found), said(found), found.command, data), measures(found)]


def said(found: Calibration) -> str:
    """What was asked, and how far the two are apart."""
    n, m = int(found.less["n"]), found.less
    text = f"{found.asked[:1].upper()}{found.asked[1:]}; n = {n}; ten bins of equal width; "
    text += "bars are 95 % intervals (Wilson); one seed. "
    text += f"ECE after minus before: {m['value']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}]. "
    return text + "GPT-4's report: from 0.007 to 0.074, on a part of MMLU."


def drawn(found: Calibration) -> Callable[[float], Figure]:
    """What draws the diagrams: beside each other, on a phone below each other."""

    def draw(width: float) -> Figure:
        wide = width == WIDE
        figure = Figure(figsize=(width, 3.2 if wide else 6.2), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True) if wide else figure.subplots(2, 1)
        for axes, (side, colour) in zip(panels, SIDES.items(), strict=True):
            diagram(axes, getattr(found, side), colour)
            axes.set_title(f"{side}: {found.models.get(side, side)}")
        panels[0].set_ylabel("share that is right")
        return figure

    return draw


def diagram(axes: Axes, one: Reliability, colour: str) -> None:
    """Accuracy against confidence, in bins of equal width; dots grow with the answers in them."""
    rows = [row for row in one.rows if row.bins == "equal width"]
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
    total = max(sum(row.n for row in rows), 1)
    for row in rows:
        axes.plot([row.confidence] * 2, [row.accuracy["low"], row.accuracy["high"]], color=colour, alpha=0.4)
        axes.scatter([row.confidence], [row.accuracy["value"]], s=12 + 160 * row.n / total, color=colour)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("confidence")
    axes.tick_params(length=0)


def measures(found: Calibration) -> Part:
    """A row for each measure, before and after."""
    heads = [Head(text="measure"), *(Head(text=side, number=True) for side in SIDES)]
    rows = [[cell(name), *(number(getattr(found, side), name) for side in SIDES)] for name in found.before.figures]
    text = f"n = {int(found.less['n'])}; brackets are 95 % intervals over questions drawn again (accuracy: Wilson); "
    text += "one seed."
    return table("gpt4-calibration-measures", "Measures of calibration", heads, rows, text, found.command, stack=True)


def number(one: Reliability, name: str) -> Cell:
    """A measure with its interval."""
    m = one.figures.get(name)
    if m is None or m["value"] is None:
        return cell(None)
    low, high = (three_digits(m[end] or 0.0) if m[end] is not None else "-" for end in ("low", "high"))
    return cell(m["value"], f"{three_digits(m['value'])} [{low}, {high}]")
