"""Is a task learnt from examples in the prompt, or recalled? Accuracy by their number, with right and random labels.

With labels drawn at random the examples show the form of the task and not the task. What a model answers rightly after
those it knew before; what right labels add to that was learnt in context.
"""

from collections.abc import Callable, Sequence
from itertools import product
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import Any

from foretell.eval.asking import Asking, ask
from foretell.eval.measured import Measured, bootstrap, mean_of_shares, share
from foretell.eval.prompts import Labels
from foretell.eval.records import Record
from foretell.generate.model import Model
from foretell.tasks import registry
from foretell.tasks.source import NoData, Source
from foretell.tasks.task import Questions, Task

SHOTS = (0, 1, 5, 10, 20, 50)
QUESTIONS = 50
TASKS = ("sst2", "subj", "trec", "two_digit_addition")
"""the first that has data is asked; the last one always has"""


def first_task(names: Sequence[str], source: Source) -> tuple[Task, Questions]:
    """The first task that has data; NoData of the last one where none has."""
    for name in names[:-1]:
        try:
            return (task := registry.task(name)), task.load(source)
        except NoData:
            continue
    return (task := registry.task(names[-1])), task.load(source)


def shot_rows(
    model: Model,
    task: Task,
    questions: Questions,
    folder: Path,
    *,
    limit: int,
    seed: int,
    shots: Sequence[int] = SHOTS,
    advance: Callable[[int], None] = lambda n: None,
) -> list[dict[str, Any]]:
    """A row for each number of examples: accuracy with right and with random labels, and the difference.

    It ends where no more examples fit into the context. Answers are kept in the folder.
    """
    rows: list[dict[str, Any]] = []
    kinds: tuple[Labels, Labels] = ("right", "shuffled")
    for k in shots:
        found: dict[str, list[Record]] = {}
        for labels in kinds[: 1 if not k else 2]:
            how = Asking(shots=k, limit=limit, seed=seed, labels=labels)
            found[labels], _ = ask(model, task, questions, how, folder / f"{task.name}-{k}-{labels}.jsonl", advance)
        if not found["right"]:
            break
        rows.append(row(task.name, k, found["right"], found.get("shuffled", found["right"])))
        if rows[-1]["shown"] < k:
            break
    return rows


def row(task: str, k: int, right: Sequence[Record], shuffled: Sequence[Record]) -> dict[str, Any]:
    """The two accuracies and the mean difference of the questions that were asked both ways."""
    other = {record["key"]: record["value"] for record in shuffled}
    pairs = [(record["value"], other[record["key"]]) for record in right if record["key"] in other]
    return {
        "task": task,
        "k": k,
        "shown": fmean(record["demonstrations"] for record in right),
        "right": mean_of_shares([a for a, _ in pairs]),
        "shuffled": mean_of_shares([b for _, b in pairs]),
        "learnt": learnt(pairs),
        "n": len(pairs),
    }


def learnt(pairs: Sequence[tuple[float, float]]) -> Measured:
    """The mean difference of pairs, with the bootstrap's interval, but for right and wrong answers.

    Those have Newcombe's (1998, method 10), as if of two samples: it is too wide rather than too narrow, and tells of
    doubt where all pairs are alike.
    """
    if any(value not in (0.0, 1.0) for pair in pairs for value in pair):
        return bootstrap(pairs, lambda some: fmean(a - b for a, b in some))
    a, b = (share(sum(side), len(pairs)) for side in zip(*pairs, strict=True))
    value = a["value"] - b["value"]
    low = value - sqrt((a["value"] - a["low"]) ** 2 + (b["high"] - b["value"]) ** 2)
    high = value + sqrt((a["high"] - a["value"]) ** 2 + (b["value"] - b["low"]) ** 2)
    return {"value": value, "low": low, "high": high, "n": len(pairs)}


def questions_asked(n: int, shots: Sequence[int] = SHOTS) -> int:
    """How many questions that comes to at most."""
    return n * sum(1 for k, labels in product(shots, range(2)) if k or not labels)
