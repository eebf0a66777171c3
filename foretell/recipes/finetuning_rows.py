"""The table of a fine-tuning suite: a row for each task, start and lambda, and what differs between rows.

Each figure has two intervals, which answer different questions. `low` and `high` are Student's over the seeds: would
another training come out alike? `over_examples` is a bootstrap over the held-out examples, drawn alike for all seeds
(and for both sides of a difference): would other examples? A difference that holds must lie above 0 in both.

A difference is paired: runs of one seed read the same rows in the same order.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from foretell.corpus.examples import task_card
from foretell.corpus.jsonl import read_lines
from foretell.eval import held_out
from foretell.eval.measured import bootstrap
from foretell.eval.over_seeds import note, over_seeds, paired

Row = dict[str, Any]
Answers = list[dict[str, float]]
HELD_OUT = "held_out.jsonl"
"""the answers of a run, in its folder"""


def rows_of(runs: Sequence[dict[str, Any]]) -> list[Row]:
    """A row for each task, start and lambda, in the order in which they first come.

    task shape model start lambda    what was done
    metric mean low high             the chief metric over seeds, with Student's t interval (None of one seed)
    values seeds                     of each seed
    majority                         the chief metric of one answer for all: the commonest class, or the mean
    n                                held-out examples
    metrics                          {name: {mean, low, high, values, baseline, intervals over examples}}
    note                             what must be said with it: too few seeds
    """
    keys = list(dict.fromkeys(key(run) for run in runs))
    return [row_of([run for run in runs if key(run) == one]) for one in keys]


def key(run: dict[str, Any]) -> tuple[Any, ...]:
    """What the runs of a row have in common: all but the seed."""
    return run["model"], run["task"], run["start"], run["lambda"]


def row_of(runs: Sequence[dict[str, Any]]) -> Row:
    """The row of runs that differ by the seed alone."""
    first = runs[0]
    labels = [answer["label"] for answer in first["answers"]]
    names, base = held_out.metrics_of(first["folder"]), held_out.baseline(first["folder"], labels)
    metrics = {}
    for name in names:
        each = [measured(name, run) for run in runs]
        values = [one["value"] for one in each]
        metrics[name] = {**summary(values), "values": values, "baseline": base[name], "runs": each}
    chief = metrics[names[0]]
    return {
        **{name: first[name] for name in ("task", "model", "start", "lambda")},
        "shape": task_card(first["folder"])["shape"],
        "metric": names[0],
        **{name: chief[name] for name in ("mean", "low", "high", "values")},
        "seeds": [run["seed"] for run in runs],
        "majority": chief["baseline"],
        "n": len(labels),
        "over_examples": over_examples(names[0], [run["answers"] for run in runs], []),
        "metrics": metrics,
        "note": note(len(runs)),
        "runs": [str(run["run"]) for run in runs],
    }


def measured(metric: str, run: dict[str, Any]) -> dict[str, float]:
    """A metric of a run with its interval over the held-out examples."""
    pairs = [(answer["label"], answer["prediction"]) for answer in run["answers"]]
    return held_out.measured(metric, [label for label, _ in pairs], [answer for _, answer in pairs])


def summary(values: Sequence[float]) -> dict[str, float | None]:
    """Mean and interval over seeds."""
    found = over_seeds(values)
    return {"mean": found["value"], "low": found["low"], "high": found["high"]}


def compared(rows: Sequence[Row]) -> list[Row]:
    """What pretraining gives for each lambda, and what the greatest lambda gives over the others, seed by seed."""
    found = []
    for _, group in groupby(rows, key=lambda row: (row["model"], row["task"])):
        of = {(row["start"], row["lambda"]): row for row in group}
        for (start, weight), row in of.items():
            if start == "pretrained" and ("scratch", weight) in of:
                found.append(difference(row, of["scratch", weight], f"pretrained - scratch, lambda {weight:g}"))
        most = max(weight for _, weight in of)
        for (start, weight), row in of.items():
            if weight < most:
                found.append(difference(of[start, most], row, f"lambda {most:g} - {weight:g}, {start}"))
    return found


def difference(one: Row, other: Row, what: str) -> Row:
    """The paired difference of the chief metric of two rows over the seeds that both have."""
    shared = [seed for seed in one["seeds"] if seed in other["seeds"]]
    places = [[row["seeds"].index(seed) for seed in shared] for row in (one, other)]
    found = paired(*([row["values"][i] for i in at] for row, at in zip((one, other), places, strict=True)))
    ours, theirs = ([answers(row["runs"][i]) for i in at] for row, at in zip((one, other), places, strict=True))
    return {
        "task": one["task"],
        "what": what,
        "metric": one["metric"],
        **{"mean": found["value"], "low": found["low"], "high": found["high"], "n_seeds": found["n"]},
        "over_examples": over_examples(one["metric"], ours, theirs),
        "note": note(len(shared)),
    }


def answers(run: str) -> list[dict[str, float]]:
    """The held-out answers of a run."""
    return read_lines(Path(run) / HELD_OUT)


def over_examples(metric: str, ones: Sequence[Answers], others: Sequence[Answers]) -> dict[str, float] | None:
    """The interval over examples of a metric's mean over runs, less that of the others; None if labels differ."""
    sides = [[[answer["prediction"] for answer in run] for run in side] for side in (ones, others)]
    labels = [[answer["label"] for answer in run] for run in (*ones, *others)]
    if any(each != labels[0] for each in labels):
        return None
    score = held_out.METRICS[metric]

    def mean(drawn: Sequence[int]) -> float:
        truth = [labels[0][i] for i in drawn]
        gained = [[score(truth, [run[i] for i in drawn]) for run in side] for side in sides]
        return sum(gained[0]) / len(gained[0]) - (sum(gained[1]) / len(gained[1]) if gained[1] else 0.0)

    return bootstrap(range(len(labels[0])), mean)


def against(one: dict[str, Any], other: dict[str, Any]) -> list[Row]:
    """What the first model's results have over the second's (two results of a suite), for each task and start.

    Each model stands for itself by its first lambda: the paper's, 0.5 of a decoder and 0 of an encoder. Where the
    models differ by more than a tenth in size, the row says so.
    """
    sizes = [found["parameters"] for found in (one, other)]
    alike = max(sizes) <= 1.1 * min(sizes)
    told = "" if alike else f"{sizes[0]:,} and {sizes[1]:,} parameters, so no comparison at the same size"
    firsts: list[dict[tuple[str, str], Row]] = [{}, {}]
    for found, first in zip((one, other), firsts, strict=True):
        for row in found["rows"]:
            first.setdefault((row["task"], row["start"]), row)
    rows = []
    for at in firsts[0]:
        if at in firsts[1]:
            row = difference(firsts[0][at], firsts[1][at], f"{one['model']} - {other['model']}, {at[1]}")
            rows.append({**row, "note": "; ".join(filter(None, (row["note"], told)))})
    return rows
