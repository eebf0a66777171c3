"""Many tasks asked of one model at several numbers of demonstrations: a folder of records and one page of results.

OUT/evaluation.json          what the folder holds the answers of: the model, the seed, how was asked
OUT/answers/TASK-SHOTS.jsonl one line a question
OUT/results.json             a row for each task and number of demonstrations
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from foretell import progress
from foretell.errors import BadUse
from foretell.eval.asking import Asking, ask, chosen
from foretell.eval.results import RESULTS, opened, save_results
from foretell.eval.summary import summary
from foretell.generate.model import Model
from foretell.runs import read_json
from foretell.tasks.source import NoData, Source
from foretell.tasks.task import Questions, Task

Row = dict[str, Any]
SUITE, ANSWERS = "few-shot tasks", "answers"


def few_shot(
    model: Model,
    tasks: Sequence[Task],
    source: Source,
    shots: Sequence[Asking],
    out: Path,
    *,
    must_have: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """The results of all tasks at all numbers of demonstrations; what was answered before is not asked again.

    Tasks without data are left out and named under `missing`, or raise NoData if all that were asked for `must_have`
    theirs. BadUse if the folder holds the answers of another model or of other settings.
    """
    like = shots[0]
    with opened(out, model, SUITE, {"seed": like.seed, "draw": like.draw, "labels": like.labels}):
        loaded, missing = load_all(tasks, source, must_have=must_have)
        total = sum(len(chosen(task, questions.items, one)) for task, questions in loaded for one in shots)
        rows: list[Row] = []
        with progress.bar(f"{out.name}", total, quiet=quiet) as shown:
            for task, questions in loaded:
                for asking in shots:
                    rows.append(task_row(model, task, questions, asking, out, shown.advance))
                    shown.advance(0, text=f"{task.name}, {asking.shots} shots")
        save_results(out, {"rows": earlier(out, rows) + rows, "missing": missing})
    return {"rows": rows, "missing": missing}


def earlier(out: Path, rows: Sequence[Row]) -> list[Row]:
    """The rows of earlier calls that these do not replace."""
    path = out / RESULTS
    now = {(row["task"], row["shots"]) for row in rows}
    before = read_json(path)["rows"] if path.exists() else []
    return [row for row in before if (row["task"], row["shots"]) not in now]


def task_row(
    model: Model, task: Task, questions: Questions, asking: Asking, out: Path, advance: Callable[[int], None]
) -> Row:
    """The row of one task at one number of demonstrations."""
    begun = time.process_time()
    path = out / ANSWERS / f"{task.name}-{asking.shots}.jsonl"
    records, too_long = ask(model, task, questions, asking, path, advance)
    row = {"task": task.name, "family": task.family, "shots": str(asking.shots), "k": asking.k(task)}
    row |= {"origin": questions.origin, "too_long": too_long, "n": 0, "labels": asking.labels}
    if records:
        by_id = {item.id: item for item in questions.items}
        items = [by_id[record["key"]] for record in records]
        row |= summary(task, items, questions.pool or questions.items, records)
    return row | {"cpu_seconds": round(time.process_time() - begun, 3)}


def load_all(
    tasks: Sequence[Task], source: Source, *, must_have: bool
) -> tuple[list[tuple[Task, Questions]], dict[str, str]]:
    """Every task with its questions, and why the others have none."""
    loaded, missing = [], {}
    for task in tasks:
        try:
            loaded.append((task, task.load(source)))
        except NoData as error:
            if must_have:
                raise
            missing[task.name] = str(error)
    if tasks and not loaded:
        raise NoData(f"no task of the suite has data: {next(iter(missing.values()))}")
    return loaded, missing


def askings(shots: Sequence[str], like: Asking) -> list[Asking]:
    """A setting for each number of demonstrations; BadUse for what is no number and not `few`."""
    for word in shots:
        if word != "few" and not word.isdecimal():
            raise BadUse(f"--shots {word} is no whole number; give numbers of examples such as 0 1 32, or few")
    return [replace(like, shots="few" if word == "few" else int(word)) for word in dict.fromkeys(shots)]
