"""GPT-4's sight as the page shows it: questions about pictures, beside what is answered without seeing them."""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from foretell.report.drawing import FAINT, INK, PALETTE
from foretell.report.images_file import Answer, Images, Kind
from foretell.report.measured import Measured
from foretell.report.parts import Cell, Head, Missing, Part, Sample, Samples, cell, picture, table
from foretell.report.words import count

TITLE = "Questions about pictures: seen or guessed"
NUMBERS = "Questions about pictures: the numbers"
WAYS = {
    "seeing": "seeing",
    "shuffled": "another picture",
    "blind": "no picture",
    "majority": "majority",
    "guess": "best guess",
}
"""every way to answer, and what the page calls it"""
ASKED = {
    "colour": "which colour",
    "shape": "which shape",
    "count": "how many",
    "exists": "is it there",
    "chart": "the tallest bar",
    "digit": "which digit",
    "same": "the same in both",
    "all": "all",
}
"""the kinds of questions about drawn pictures in words; others keep their names"""
ENOUGH = 3.0  # standard errors


def images(found: Images | None, command: str) -> list[Part]:
    """Figure, table and samples of what was found; `command` makes what is not there."""
    if found is None:
        return [Missing(title=TITLE, command=command)]
    return [figure(found), numbers(found), samples(found)]


def figure(found: Images) -> Part:
    """For each kind of question what is right with the picture and by the best control."""
    n = sorted({row.n for row in found.rows})
    said = f"n = {n[0]} to {n[-1]} held-out questions; bars are 95 % intervals (Wilson). Dot: seeing the "
    said += f"picture; strokes: the answers without it. {told(found)}"
    head = ("questions", "n", "way", "value", "low", "high")
    lines = [(row.kind, row.n, WAYS[way], m.value, m.low, m.high) for row in found.rows for way, m in ways(row).items()]
    return picture("gpt4-images", TITLE, drawn(found.rows), said, found.command, [head, *lines])


def told(found: Images) -> str:
    """How clear the whole is of the best control, and what was trained."""
    every = found.rows[-1]
    clear, best = every.clear, WAYS[every.best_control]
    verdict = "" if clear.errors >= ENOUGH else f" That is less than the {ENOUGH:.0f} that would tell."
    return (
        f"Over all questions seeing is {100 * clear.value:.1f} points above the best control ({best}), "
        f"{clear.errors:.1f} standard errors of the paired difference.{verdict} No scene of the training side is among "
        f"them. {count(found.parameters)} parameters; one seed."
    )


def asked(kind: str) -> str:
    """What the page calls a kind of question."""
    return ASKED.get(kind, kind)


def ways(row: Kind) -> dict[str, Measured]:
    """The accuracies of a row by the way to answer."""
    return {way: getattr(row, way) for way in WAYS}


def drawn(rows: Sequence[Kind]) -> Callable[[float], Figure]:
    """What draws a line for each kind: the seeing model, and every control as a mark."""

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 0.36 * len(rows) + 0.7), layout="constrained")
        axes = figure.subplots()
        for y, row in enumerate(rows):
            for way, one in ways(row).items():
                seeing = way == "seeing"
                colour = PALETTE["blue"] if seeing else INK
                axes.plot([one.value], [y], "o" if seeing else "|", color=colour, markersize=6 if seeing else 9)
                if seeing:
                    axes.plot([one.low, one.high], [y, y], color=colour, linewidth=1.6, alpha=0.5)
        axes.set_yticks(range(len(rows)), [asked(row.kind) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("share that is right")
        axes.grid(axis="x", color=FAINT, linewidth=0.3)
        axes.tick_params(length=0)
        return figure

    return draw


def numbers(found: Images) -> Part:
    """A row for each kind of question."""
    heads = [Head(text="questions"), Head(text="n", number=True)]
    heads += [Head(text=f"{name}, %", number=True) for name in WAYS.values()]
    heads.append(Head(text="above the best control (s.e.)", number=True))
    rows = [[cell(row.kind, asked(row.kind)), cell(row.n), *cells(row)] for row in found.rows]
    said = (
        f"n = {found.rows[-1].n} questions, n of each kind beside it; brackets are 95 % intervals (Wilson). Majority: "
        f"the commonest answer in training. Best guess: the commonest one there to the very question. {told(found)}"
    )
    return table("gpt4-images-table", NUMBERS, heads, rows, said, found.command, stack=True)


def cells(row: Kind) -> list[Cell]:
    """The cells of a row's accuracies, and how clear it is."""
    shown = [cell(m.value, percent(m, whole=way == "seeing")) for way, m in ways(row).items()]
    return [*shown, cell(row.clear.value, f"{100 * row.clear.value:+.1f} ({row.clear.errors:.1f})")]


def percent(measured: Measured, *, whole: bool) -> str:
    """61.2, or 61.2 [58.0, 64.3]."""
    value = f"{100 * measured.value:.1f}"
    return f"{value} [{100 * measured.low:.1f}, {100 * measured.high:.1f}]" if whole else value


def samples(found: Images) -> Part:
    """Questions with what was answered."""
    said = f"The first held-out questions of each kind; greedy answers, seed {found.seed}."
    shown = [Sample(summary=f"{asked(one.kind)}: {one.prompt}", texts=texts(one)) for one in found.samples]
    return Samples(title="What the model says of pictures", samples=shown, said=said, command=found.command)


def texts(one: Answer) -> Sequence[tuple[str, str]]:
    """The right answer, and those that were given."""
    right = [("right", one.completion)]
    return [*right, *((WAYS[way], getattr(one, way)) for way in ("seeing", "shuffled", "blind"))]
