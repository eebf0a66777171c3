"""Hindsight neglect by size: does accuracy fall as models grow (OpenAI 2023, figure 3)?"""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from foretell.report.drawing import FAINT, PALETTE
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
    n = f"{ns[0]}" if len(ns) == 1 else f"{ns[0]} to {ns[-1]}"
    text = f"n = {n} questions, examples in the prompt: {ks[-1]}; half of the answers are yes; bars are 95 % intervals "
    text += "(Wilson); one seed. The right answer goes by a bet's expected value, whatever its outcome was."
    for one in found.slopes:
        m, name = one.slope, WORDS.get(one.task, one.task)
        way = "falls" if m.high < 0 else "rises" if m.low > 0 else "does not measurably change"
        slope = f"{m.value:+.3f} [{m.low:+.3f}, {m.high:+.3f}]"
        text += f" {name.capitalize()}: accuracy {way} with size; slope {slope} per unit of ln(parameters)"
        text += f" over {one.sizes} sizes."
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
            values = [row.accuracy.value for row in rows]
            axes.plot(x, values, "o-", color=COLOURS[task], linewidth=1.4, markersize=4, label=WORDS[task])
            for at, row in zip(x, rows, strict=True):
                axes.plot([at, at], [row.accuracy.low, row.accuracy.high], color=COLOURS[task], alpha=0.4)
        axes.axhline(0.5, color=FAINT, linewidth=0.8)
        axes.set_xticks(range(len(sizes)), [count(size) for size in sizes])
        axes.set_xlim(-0.3, len(sizes) - 0.7)
        axes.set_ylim(0, 1)
        axes.set_xlabel("parameters")
        axes.set_ylabel("accuracy")
        axes.tick_params(length=0)
        axes.legend(frameon=False, loc="lower left")
        return figure

    return draw
