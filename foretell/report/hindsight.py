"""Hindsight neglect by size: does accuracy fall as models grow (OpenAI 2023, figure 3)?"""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from foretell.report.drawing import FAINT, PALETTE, WIDE
from foretell.report.parts import Missing, Part, Value, picture
from foretell.report.safety_file import Hindsight
from foretell.report.words import count

TITLE = "Hindsight neglect, by size"
WORDS = {"hindsight_neglect": "outcome against value", "hindsight_control": "outcome as value"}
COLOURS = {"hindsight_neglect": PALETTE["orange"], "hindsight_control": PALETTE["grey"]}


def by_size(found: Hindsight | None, command: str) -> list[Part]:
    """The figure; `command` makes it where it is not there."""
    if found is None or not found.rows:
        return [Missing(title=TITLE, command=command)]
    data: list[Sequence[Value]] = [("task", "model", "parameters", "examples", "accuracy", "low", "high", "n")]
    for row in found.rows:
        m = row.accuracy
        data.append((row.task, row.model, row.parameters, row.k, m.value, m.low, m.high, m.n))
    return [picture("gpt4-hindsight", TITLE, drawn(found), said(found), found.command, data)]


def said(found: Hindsight) -> str:
    """What was asked, and the slopes."""
    ns = sorted({row.accuracy.n for row in found.rows})
    ks = sorted({row.k for row in found.rows})
    text = (
        f"n = {ns[0]} to {ns[-1]} questions, {ks[-1]} examples; half of the answers are yes; bars are 95 % intervals "
    )
    text += "(Wilson); one seed."
    for one in found.slopes:
        m, name = one.slope, WORDS.get(one.task, one.task)
        way = "falls" if m.high < 0 else "rises" if m.low > 0 else "does not measurably change"
        text += (
            f" {name.capitalize()}: accuracy {way} with size ({m.value:+.3f} [{m.low:+.3f}, {m.high:+.3f}] for e times"
        )
        text += f" the parameters, {one.sizes} sizes)."
    return text


def drawn(found: Hindsight) -> Callable[[float], Figure]:
    """What draws both lines at a width."""

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        axes = figure.subplots()
        sizes = sorted({row.parameters for row in found.rows})
        for aside, task in ((-0.03, "hindsight_neglect"), (0.03, "hindsight_control")):
            rows = sorted((row for row in found.rows if row.task == task), key=lambda row: row.parameters)
            x = [sizes.index(row.parameters) + aside for row in rows]
            axes.plot(x, [row.accuracy.value for row in rows], "o-", color=COLOURS[task], linewidth=1.4, markersize=4)
            for at, row in zip(x, rows, strict=True):
                axes.plot([at, at], [row.accuracy.low, row.accuracy.high], color=COLOURS[task], alpha=0.4)
            if rows:
                axes.annotate(WORDS[task], (x[-1] + 0.08, rows[-1].accuracy.value), color=COLOURS[task], va="center")
        axes.axhline(0.5, color=FAINT, linewidth=0.8)
        axes.set_xticks(range(len(sizes)), [count(size) for size in sizes])
        axes.set_xlim(-0.3, len(sizes) - 1 + (0.6 if width == WIDE else 1.2))
        axes.set_ylim(0, 1)
        axes.set_xlabel("parameters")
        axes.set_ylabel("accuracy")
        axes.tick_params(length=0)
        return figure

    return draw
