"""What contamination does to a score: of all questions, of the clean ones, of the dirty ones, and ln(clean / all).

Table C.1's "relative difference" (Brown et al. 2020) is that logarithm: QuAC's 44.3 and 54.1 give 20 %, not 22 %. The
paper prints no interval; QuAC's rests on 38 clean questions. Clean questions are some of all, so the two are not
independent; with w the share of clean questions

    ln(clean / all) = -ln(w + (1 - w) dirty / clean)

and the interval is that of dirty / clean carried through: for shares from Wilson's intervals of both (Donner and Zou
2012, MOVER, as Newcombe 1998 made the interval of a difference), for other measures from the bootstrap.
"""

from collections.abc import Collection, Mapping, Sequence
from math import inf, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from foretell.errors import BadUse
from foretell.eval.few_shot import ANSWERS
from foretell.eval.measured import Measured, share
from foretell.eval.metrics import f1_macro, group_accuracy
from foretell.eval.records import Record, read_records
from foretell.eval.summary import SHARES, measure
from foretell.tasks import registry
from foretell.tasks.task import Task

ROUNDS = 400


def answer_files(folders: Sequence[Path]) -> list[Path]:
    """The files of answers that `foretell eval` wrote into folders; BadUse if a folder holds none."""
    found = []
    for folder in folders:
        inside = sorted((folder / ANSWERS).glob("*.jsonl"))
        if not inside:
            raise BadUse(f"{folder / ANSWERS} holds no answers; give a folder that foretell eval wrote")
        found += inside
    return found


def joined_rows(files: Sequence[Path], dirty: Mapping[str, Collection[str]], method: str) -> list[dict[str, Any]]:
    """A row for each file of answers to a set that was searched for: `dirty` are the ids of each set."""
    rows = []
    for path in files:
        name, _, shots = path.stem.rpartition("-")
        if name not in dirty or name not in registry.every():
            continue
        records = list(read_records(path).values())
        if records:
            row = {"set": name, "shots": shots, "method": method, "answers": str(path.parent.parent)}
            rows.append(row | compared(registry.task(name), records, dirty[name]))
    return rows


def compared(task: Task, records: Sequence[Record], dirty: Collection[str]) -> dict[str, Any]:
    """The task's measure of all, clean and dirty questions, None where there are none, and ln(clean / all).

    `lower` is the lower of all and clean: what GPT-4's exams report (OpenAI 2023, appendix C).
    """
    sides = {
        "all": records,
        "clean": [record for record in records if record["key"] not in dirty],
        "dirty": [record for record in records if record["key"] in dirty],
    }
    found: dict[str, Any] = {name: plain(task, some) if some else None for name, some in sides.items()}
    values = [one["value"] for one in (found["all"], found["clean"]) if one is not None]
    found["lower"] = min(values)
    found["n_clean"], found["n_dirty"] = len(sides["clean"]), len(sides["dirty"])
    found["ln_clean_over_all"] = ratio(task, sides["clean"], sides["dirty"], found)
    return found


def plain(task: Task, records: Sequence[Record]) -> Measured:
    """The task's measure with its interval."""
    found = measure(task, records, [record["value"] for record in records])
    return {name: found[name] for name in ("value", "low", "high", "n")}


def ratio(task: Task, clean: Sequence[Record], dirty: Sequence[Record], found: dict[str, Any]) -> Measured | None:
    """ln(clean / all) with its interval; None where nothing is clean, or either measure is 0."""
    if not clean or not found["clean"]["value"] or not found["all"]["value"]:
        return None
    n = len(clean) + len(dirty)
    if not dirty:
        return {"value": 0.0, "low": 0.0, "high": 0.0, "n": n}
    if task.metric in SHARES:
        right = [round(sum(record["value"] for record in side)) for side in (clean, dirty)]
        return ln_ratio(right[0], right[1], len(clean), len(dirty))
    value = log(found["clean"]["value"] / found["all"]["value"])
    low, high = drawn(task, clean, dirty)
    return {"value": value, "low": low, "high": high, "n": n}


def ln_ratio(right_clean: int, right_dirty: int, n_clean: int, n_dirty: int) -> Measured:
    """ln(clean / all) of two shares; both ends of the interval are finite unless no clean question is right."""
    w = n_clean / (n_clean + n_dirty)
    low, high = ratio_interval(share(right_dirty, n_dirty), share(right_clean, n_clean))
    value = (right_dirty / n_dirty) / (right_clean / n_clean) if right_clean else inf
    made = [-log(w + (1 - w) * one) if one < inf else -inf for one in (value, high, low)]
    return {"value": made[0], "low": made[1], "high": made[2], "n": n_clean + n_dirty}


def ratio_interval(a: Measured, b: Measured) -> tuple[float, float]:
    """The interval of a / b for independent shares (Donner and Zou 2012, equation 4)."""
    product = a["value"] * b["value"]

    def bound(of_a: float, of_b: float, sign: int) -> float:
        x, y = of_a * (2 * a["value"] - of_a), of_b * (2 * b["value"] - of_b)
        if abs(y) < 1e-12:
            return x / (2 * product) if product and sign < 0 else inf if sign > 0 else 0.0
        return (product + sign * sqrt(max(product**2 - x * y, 0.0))) / y

    return max(bound(a["low"], b["high"], -1), 0.0), bound(a["high"], b["low"], 1)


def drawn(task: Task, clean: Sequence[Record], dirty: Sequence[Record]) -> tuple[float, float]:
    """The percentile bootstrap of ln(clean / all), drawn within clean and within dirty questions."""
    draw, found = np.random.default_rng(0), []
    for _ in range(ROUNDS):
        some = [clean[i] for i in draw.integers(0, len(clean), len(clean)).tolist()]
        rest = [dirty[i] for i in draw.integers(0, len(dirty), len(dirty)).tolist()]
        values = quick(task, some), quick(task, [*some, *rest])
        found.append(log(values[0] / values[1]) if min(values) > 0 else -inf)
    low, high = (float(x) for x in np.percentile(found, [2.5, 97.5], method="nearest"))
    return low, high


def quick(task: Task, records: Sequence[Record]) -> float:
    """The task's measure without an interval; of a corpus measure the mean over its questions."""
    if task.metric == "group_accuracy":
        right, n = group_accuracy([record["value"] == 1 for record in records], [record["group"] for record in records])
        return right / n
    if task.metric == "f1_macro":
        return f1_macro([record["chosen"][task.norm] for record in records], [record["gold"] for record in records])
    return sum(record["value"] for record in records) / len(records)
