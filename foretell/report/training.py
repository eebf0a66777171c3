"""What was trained: a table of runs with their sizes, steps, tokens and seconds, and their learning curves."""

from collections.abc import Mapping, Sequence

from foretell.model.count import parameters
from foretell.progress import time_text
from foretell.report.figures import Line, Panel, curves
from foretell.report.parts import Cell, Head, Missing, Part, Value, cell, picture, table
from foretell.report.read import Demo, TrainingRun
from foretell.report.words import count

COLOURS = ("blue", "orange", "green", "purple")
COLUMNS = ("parameters", "layers x d_model", "context", "vocabulary", "steps", "tokens", "time", "held-out loss")
UNITS = {"text": "windows", "segments": "segment pairs", "translation": "bucket(s) of pairs", "task": "examples"}
MOST_POINTS = 400  # of a training curve; a longer one is drawn as means of equal numbers of steps


def trained(demo: Demo, key: str, title: str, stage: str, y_label: str) -> list[Part]:
    """Table and loss curves of the runs of a stage (`gpt2.pretrain`: of all its sizes), or what would make them."""
    runs = [run for name, run in demo.runs.items() if name == stage or name.startswith(f"{stage}-")]
    runs = [run for run in runs if run.lines]
    if not runs:
        return [Missing(title=f"{title}: the run {stage}", command=demo.command)]
    sizes = {run.name: sum(parameters(run.config.model).values()) for run in runs}
    runs.sort(key=lambda run: sizes[run.name])
    return [runs_table(key, title, runs, sizes), loss_curves(key, title, y_label, runs)]


def repeat_command(run: TrainingRun) -> str:
    """The command that repeats a run exactly."""
    return f"foretell train {(run.folder / 'config.json').as_posix()} --out runs/again"


def last_of(run: TrainingRun, name: str) -> float | None:
    """The last value of a metric, or None; a step that was skipped has none."""
    return next((line[name] for line in reversed(run.lines) if line.get(name) is not None), None)


def runs_table(key: str, title: str, runs: Sequence[TrainingRun], sizes: Mapping[str, int]) -> Part:
    """Sizes, steps, tokens, seconds and held-out results of runs."""
    bits = any(last_of(run, "val_bits_per_byte") is not None for run in runs)
    heads = [Head(text=x, number=True) for x in (*COLUMNS, *(("bits per byte",) if bits else ()))]
    rows = [row_of(run, sizes[run.name], bits=bits) for run in runs]
    what = "Held-out loss and bits per byte are" if bits else "Held-out loss is"
    n = ", ".join(sorted({held_out(run) for run in runs}))
    return table(
        f"{key}-runs",
        f"{title}: what was run here",
        [Head(text="run"), *heads],
        rows,
        f"{what} of n = {n}; one seed, so no interval.",
        "; ".join(repeat_command(run) for run in runs),
        stack=True,
    )


def row_of(run: TrainingRun, n_parameters: int, *, bits: bool) -> list[Cell]:
    """A run's row."""
    m, steps = run.config.model, run.lines[-1]["step"]
    tokens, seconds = last_of(run, "tokens") or 0, last_of(run, "seconds") or 0.0
    unfinished = "" if steps >= run.config.steps else f" of {run.config.steps:,}"
    blocks = cell(m.n_layers, f"{m.n_layers} x {m.d_model}, {m.n_heads} heads")
    sizes = [blocks, cell(m.n_ctx), cell(m.n_vocab, f"{m.n_vocab:,}")]
    progress = [cell(steps, f"{steps:,}{unfinished}"), cell(tokens, count(tokens)), cell(seconds, time_text(seconds))]
    results = [number(last_of(run, name)) for name in ("val_loss", "val_bits_per_byte")[: 2 if bits else 1]]
    return [cell(run.name), cell(n_parameters, count(n_parameters)), *sizes, *progress, *results]


def number(value: float | None) -> Cell:
    """A loss in its cell."""
    return cell(value, None if value is None else f"{value:.3f}")


def held_out(run: TrainingRun) -> str:
    """How many of what an evaluation reads."""
    n = run.config.evaluate_rows
    return f"{n if n else 'all'} held-out {UNITS[run.config.data.kind]}"


def loss_curves(key: str, title: str, y_label: str, runs: Sequence[TrainingRun]) -> Part:
    """Training loss thin, held-out loss thick, over the tokens read."""
    lines: list[Line] = []
    rows: list[Sequence[Value]] = [("run", "step", "tokens", "training loss", "held-out loss")]
    for run, colour in zip(runs, COLOURS * len(runs), strict=False):
        name = "held out" if len(runs) == 1 else run.name.rpartition("-")[2]
        lines.append(Line(name="training", points=thinned(points(run, "loss")), colour=colour, thick=False))
        lines.append(Line(name=name, points=points(run, "val_loss"), colour=colour))
        rows += [(run.name, x["step"], x.get("tokens", 0), x.get("loss"), x.get("val_loss")) for x in run.lines]
    batch = "; ".join(
        f"{run.name}: {run.config.batch.rows} {UNITS[run.config.data.kind]} a step, {held_out(run)}" for run in runs
    )
    return picture(
        f"{key}-loss",
        f"{title}: loss against tokens read",
        curves([Panel(title="", lines=lines)], "tokens read", y_label),
        f"Thin: training, thick: held out. n of {batch}. One seed each, so no interval.",
        "; ".join(repeat_command(run) for run in runs),
        rows,
    )


def points(run: TrainingRun, metric: str) -> list[tuple[float, float]]:
    """A metric over the tokens read."""
    return [(line.get("tokens", 0), line[metric]) for line in run.lines if line.get(metric) is not None]


def thinned(curve: Sequence[tuple[float, float]], most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """At most so many points: the means of equal numbers of neighbours."""
    each = -(-len(curve) // most)
    groups = [curve[i : i + each] for i in range(0, len(curve), each)] if each else []
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def task_curves(demo: Demo, key: str, title: str, ways: Sequence[tuple[str, str, str]]) -> list[Part]:
    """Held-out accuracy of fine-tuning runs over steps, a panel a task; a way is (prefix of the run, name, colour)."""
    runs = {name: learnt(run) for name, run in demo.runs.items() if learnt(run)}
    tasks = dict.fromkeys(name[len(p) + 1 :] for p, _, _ in ways for name in runs if name.startswith(f"{p}-"))
    panels: list[Panel] = []
    rows: list[Sequence[Value]] = [("run", "step", "held-out accuracy")]
    for task in tasks:
        there = [(f"{p}-{task}", name, colour) for p, name, colour in ways if f"{p}-{task}" in runs]
        lines = [Line(name=name, points=runs[run], colour=colour) for run, name, colour in there]
        panels.append(Panel(title=task.replace("_", " "), lines=lines))
        rows += [(run, step, accuracy) for run, _, _ in there for step, accuracy in runs[run]]
    if not panels:
        return []
    said = (
        "n = all held-out examples of a task at every point; one seed each. The 95 % intervals are in the figure above."
    )
    draw = curves(panels, "steps of fine-tuning", "held-out accuracy", share=True)
    return [picture(f"{key}-task-curves", title, draw, said, demo.command, rows)]


def learnt(run: TrainingRun) -> list[tuple[float, float]]:
    """Held-out accuracy over steps."""
    return [(line["step"], line["val_accuracy"]) for line in run.lines if line.get("val_accuracy") is not None]
