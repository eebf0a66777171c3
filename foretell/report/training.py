"""What was trained: a table of runs with their sizes, steps, tokens and seconds, and their learning curves."""

from collections.abc import Sequence
from typing import Any

from foretell.model.count import parameters
from foretell.progress import time_text
from foretell.report.figures import Line, Panel, curves
from foretell.report.parts import Cell, Head, Missing, Part, cell, picture, table
from foretell.report.read import Demo, TrainingRun
from foretell.report.words import count

COLOURS = ("blue", "orange", "green", "purple")
MOST_POINTS = 400  # of a training curve; a longer one is drawn as means of equal numbers of steps


def trained(demo: Demo, key: str, title: str, stage: str, y_label: str, wanted: Sequence[str] = ()) -> list[Part]:
    """The table and the loss curves of the runs of a stage (`gpt1.pretrain`, all sizes of it), or what would make them."""
    runs = [run for name, run in demo.runs.items() if name == stage or name.startswith(f"{stage}-")]
    runs.sort(key=lambda run: n_parameters(run))
    absent = [name for name in wanted or (stage,) if name not in demo.runs]
    notices: list[Part] = [
        Missing(title=f"{title}: the run {name}", command=train_command(demo, name)) for name in absent
    ]
    if not runs:
        return notices
    return [runs_table(key, title, runs), loss_curves(key, title, y_label, runs), *notices]


def train_command(demo: Demo, name: str) -> str:
    """The command that makes a run of the demo that is not there."""
    stage, _, size = name.partition("-")
    size = size or (demo.story.scale if demo.story else "nano")
    return f"foretell train {stage}:{size} --out {(demo.folder / name).as_posix()}"


def repeat_command(run: TrainingRun) -> str:
    """The command that repeats a run exactly."""
    return f"foretell train {(run.folder / 'config.json').as_posix()} --out runs/again"


def n_parameters(run: TrainingRun) -> int:
    """The parameters of a run's network."""
    return sum(parameters(run.config.model).values())


def last_of(run: TrainingRun, name: str) -> float | None:
    """The last value of a metric, or None."""
    return next((line[name] for line in reversed(run.lines) if name in line), None)


def runs_table(key: str, title: str, runs: Sequence[TrainingRun]) -> Part:
    """Sizes, steps, tokens, seconds and held-out results of runs."""
    numbers = (
        "parameters",
        "layers",
        "d_model",
        "heads",
        "context",
        "vocabulary",
        "steps",
        "tokens",
        "time",
        "held-out loss",
    )
    heads = [Head(text="run"), *(Head(text=name, number=True) for name in numbers)]
    bits = any(last_of(run, "val_bits_per_byte") is not None for run in runs)
    if bits:
        heads.append(Head(text="bits per byte", number=True))
    rows = [row_of(run, bits=bits) for run in runs]
    n = ", ".join(sorted({held_out(run) for run in runs}))
    return table(
        f"{key}-runs",
        f"{title}: what was run here",
        heads,
        rows,
        f"Held-out loss and bits per byte are of {n}; one seed, so no interval.",
        "; ".join(repeat_command(run) for run in runs),
    )


def row_of(run: TrainingRun, *, bits: bool) -> list[Cell]:
    """A run's row."""
    m = run.config.model
    n, steps = n_parameters(run), run.lines[-1]["step"] if run.lines else 0
    tokens, seconds = last_of(run, "tokens") or 0, last_of(run, "seconds") or 0.0
    unfinished = "" if steps >= run.config.steps else f" of {run.config.steps:,}"
    sizes = [cell(x) for x in (m.n_layers, m.d_model, m.n_heads, m.n_ctx, m.n_vocab)]
    progress = [cell(steps, f"{steps:,}{unfinished}"), cell(tokens, count(tokens)), cell(seconds, time_text(seconds))]
    results = [number(last_of(run, name)) for name in ("val_loss", "val_bits_per_byte")[: 2 if bits else 1]]
    return [cell(run.name), cell(n, count(n)), *sizes, *progress, *results]


def number(value: float | None) -> Cell:
    """A loss in its cell."""
    return cell(value, None if value is None else f"{value:.3f}")


def held_out(run: TrainingRun) -> str:
    """The words for what an evaluation reads."""
    unit = {"text": "windows", "segments": "segment pairs", "translation": "buckets of pairs", "task": "examples"}
    n = run.config.evaluate_rows
    return f"{n if n else 'all'} held-out {unit[run.config.data.kind]}"


def loss_curves(key: str, title: str, y_label: str, runs: Sequence[TrainingRun]) -> Part:
    """Training loss thin, held-out loss thick, over the tokens read."""
    lines, rows = [], [("run", "step", "tokens", "training loss", "held-out loss")]
    for run, colour in zip(runs, COLOURS * len(runs), strict=False):
        name = "held out" if len(runs) == 1 else run.name.rpartition("-")[2]
        lines.append(Line(name="training", points=thinned(points(run, "loss")), colour=colour, thick=False))
        lines.append(Line(name=name, points=points(run, "val_loss"), colour=colour))
        rows += [(run.name, x["step"], x.get("tokens", 0), x.get("loss"), x.get("val_loss")) for x in run.lines]
    batch = ", ".join(f"{run.name}: {run.config.batch.rows} rows a step, {held_out(run)}" for run in runs)
    return picture(
        f"{key}-loss",
        f"{title}: loss against tokens read",
        curves([Panel(title="", lines=lines)], "tokens read", y_label),
        f"Thin: training, thick: held out. n: {batch}. One seed each, so no interval.",
        "; ".join(repeat_command(run) for run in runs),
        rows,
    )


def points(run: TrainingRun, metric: str) -> list[tuple[float, float]]:
    """A metric over the tokens read."""
    return [(line.get("tokens", 0), line[metric]) for line in run.lines if metric in line]


def thinned(curve: Sequence[tuple[float, float]], most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """At most so many points: the means of equal numbers of neighbours."""
    each = -(-len(curve) // most)
    groups = [curve[i : i + each] for i in range(0, len(curve), each)] if each else []
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def task_curves(
    key: str, title: str, stages: Sequence[tuple[str, str, str]], runs: dict[str, TrainingRun]
) -> Part | None:
    """Held-out accuracy of fine-tuning runs over steps, a panel a task; `stages` are (prefix, name, colour)."""
    tasks = sorted({name[len(p) + 1 :] for name in runs for p, _, _ in stages if name.startswith(f"{p}-")})
    panels, rows = [], [("run", "step", "held-out accuracy")]
    for task in tasks:
        lines = []
        for prefix, name, colour in stages:
            run = runs.get(f"{prefix}-{task}")
            found: list[dict[str, Any]] = [x for x in run.lines if "val_accuracy" in x] if run else []
            lines.append(Line(name=name, points=[(x["step"], x["val_accuracy"]) for x in found], colour=colour))
            rows += [(run.name, x["step"], x["val_accuracy"]) for x in found if run]
        panels.append(Panel(title=task.replace("_", " "), lines=lines))
    if len(rows) == 1:
        return None
    named = [runs[name] for name in runs if any(name.startswith(f"{p}-") for p, _, _ in stages)]
    n = ", ".join(sorted({held_out(run) for run in named}))
    return picture(
        f"{key}-task-curves",
        title,
        curves(panels, "steps of fine-tuning", "held-out accuracy", share=True),
        f"n: {n} at every point; one seed each. The intervals of the last values are in the figure above.",
        "; ".join(sorted({repeat_command(run) for run in named})[:1]) + "  (and so for each run)",
        rows,
    )
