"""Few-shot learning: scores against the number of examples in the prompt, for every size, beside the control."""

from collections.abc import Sequence

from foretell.report.figures import Line, Panel, curves
from foretell.report.parts import Cell, Head, Part, cell, picture, table
from foretell.report.read import Demo
from foretell.report.results import FewShot, ShotsRow
from foretell.report.scores import counted, missing, row_of
from foretell.report.words import count, percent, share

COLOURS = ("orange", "blue", "green", "purple")
TITLE = "Score against the number of examples in the prompt"


def few_shot(demo: Demo) -> list[Part]:
    """The curves and the numbers."""
    found = demo.few_shot
    if found is None or not found.rows:
        return missing(demo, TITLE)
    sizes = sorted({row.parameters for row in found.rows})
    panels = [panel(task, found.rows, sizes) for task in dict.fromkeys(row.task for row in found.rows)]
    head = ("task", "model", "parameters", "labels", "examples", "shown", "score", "low", "high", "n", "seeds", "blind")
    rows = [
        (r.task, r.model, r.parameters, r.labels, r.k, r.demonstrations, *row_of(r.accuracy), r.blind)
        for r in found.rows
    ]
    said = counted([row.accuracy for row in found.rows], "questions a task").replace("bars and brackets", "shades")
    said += " Thick: the examples' own labels, named by the model's parameters. Thin: labels drawn at random."
    draw = curves(panels, "examples in the prompt", "score", share=True)
    return [picture("gpt3-shots", TITLE, draw, said, found.command, [head, *rows]), numbers(found)]


def panel(task: str, rows: Sequence[ShotsRow], sizes: Sequence[int]) -> Panel:
    """A task's curves: a colour for each size, thick for right labels, thin for shuffled ones."""
    lines = []
    for size, colour in zip(sizes, COLOURS, strict=False):
        mine = [row for row in rows if (row.task, row.parameters) == (task, size)]
        right = sorted((row for row in mine if row.labels == "right"), key=lambda row: row.k)
        shuffled = right[:1] + sorted((row for row in mine if row.labels == "shuffled"), key=lambda row: row.k)
        lines.append(
            Line(
                name=count(size),
                points=[(row.k, row.accuracy.value) for row in right],
                colour=colour,
                spread=[(row.accuracy.low, row.accuracy.high) for row in right],
            )
        )
        lines.append(
            Line(name="", points=[(row.k, row.accuracy.value) for row in shuffled], colour=colour, thick=False)
        )
    return Panel(title=task.replace("_", " "), lines=lines)


def numbers(found: FewShot) -> Part:
    """The same scores as a table, a row for each task and model, with the blind baseline."""
    shots = sorted({row.k for row in found.rows})
    heads = [Head(text="task"), Head(text="parameters", number=True), Head(text="labels")]
    heads += [Head(text=f"{k} examples", number=True) for k in shots]
    heads.append(Head(text="blind", number=True))
    rows = []
    for task, size, labels in dict.fromkeys((row.task, row.parameters, row.labels) for row in found.rows):
        mine = {row.k: row for row in found.rows if (row.task, row.parameters, row.labels) == (task, size, labels)}
        cells: list[Cell] = [cell(task.replace("_", " ")), cell(size, count(size)), cell(labels)]
        cells += [cell(mine[k].accuracy.value, share(mine[k].accuracy)) if k in mine else cell(None) for k in shots]
        rows.append([*cells, cell(next(iter(mine.values())).blind, percent(next(iter(mine.values())).blind))])
    cut = {row.k for row in found.rows if row.demonstrations < row.k}
    said = counted([row.accuracy for row in found.rows], "questions a task")
    said += " Blind: the best of guessing, the commonest answer and copying."
    if cut:
        said += f" Where {', '.join(map(str, sorted(cut)))} examples were asked for, not all fitted into every prompt."
    return table("gpt3-shots-table", f"{TITLE}: the numbers", heads, rows, said, found.command, stack=True)
