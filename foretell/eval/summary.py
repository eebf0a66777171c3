"""From the records of a task to its row: the measure with interval, every normalisation, the baselines."""

from collections import Counter
from collections.abc import Sequence
from math import sqrt
from typing import Any

from foretell.eval.asking import FREE_METRICS, unended
from foretell.eval.measured import Measured, Z, bootstrap, mean_of_shares, share
from foretell.eval.metrics import f1_macro, group_accuracy
from foretell.eval.perplexity import last_word_perplexity
from foretell.eval.records import Record
from foretell.eval.rouge import rouge
from foretell.tasks.item import Choice, Free, Item, Partial
from foretell.tasks.task import Norm, Task

SHARES = ("accuracy", "exact_answer", "exact_match", "first_word")
ROUGES = ("rouge1", "rouge2", "rougeL")


def summary(task: Task, items: Sequence[Item], pool: Sequence[Item], records: Sequence[Record]) -> dict[str, Any]:
    """The row of a task: its measure, n, standard error, the measure by each normalisation, and the baselines.

    `items` are those of the records, in their order. Baselines: `random` chooses an option blindly; `majority` always
    gives the answer that is commonest among the demonstrations' pool; `copy` repeats the question's own words.
    """
    found = measure(task, records, [record["value"] for record in records])
    row = {**found, "metric": task.metric, "norm": task.norm if "chosen" in records[0] else ""}
    row["demonstrations"] = sum(record["demonstrations"] for record in records) / len(records)
    row["dropped"] = sum(record["dropped"] for record in records)
    if "chosen" in records[0]:
        row["norms"] = {norm: by_norm(task, records, norm)["value"] for norm in records[0]["chosen"]}
        row["random"] = sum(1 / len(record["scores"]) for record in records) / len(records)
        if task.metric != "accuracy":
            del row["random"]  # what blind choice comes to is then no mean over questions
    else:
        if task.stop:
            row["unended"] = sum(unended(task, record["finish"], record["output"]) for record in records)
        row["copy"] = copied(task, items, records)
        row |= more(task, records)
    row["majority"] = majority(task, items, pool, records)
    return {name: value for name, value in row.items() if value is not None}


def measure(task: Task, records: Sequence[Record], values: Sequence[float]) -> dict[str, Any]:
    """The task's metric of these values, one a record, with interval, n and standard error."""
    found: Measured
    if task.metric in SHARES:
        found = share(sum(values), len(values))
    elif task.metric == "group_accuracy":
        n_right, n = group_accuracy([value == 1 for value in values], [record["group"] for record in records])
        found = share(n_right, n)
    elif task.metric == "f1_macro":
        pairs = [(record["chosen"][task.norm], record["gold"]) for record in records]
        found = bootstrap(pairs, lambda some: f1_macro([p for p, _ in some], [g for _, g in some]), top=1.0)
    elif task.metric == "bleu":
        found = bleu_of([record["output"] for record in records], records)
    else:
        return with_error(values)
    return {**found, "se": standard_error(task, found)}


def more(task: Task, records: Sequence[Record]) -> dict[str, Measured]:
    """What a task's answers are measured by besides its metric: the three ROUGE scores, the last word's perplexity."""
    if task.metric == "first_word":
        return {"perplexity": last_word_perplexity([record["logprob"] for record in records])}
    if task.metric == "rouge":
        found = [rouge(record["output"], record["answers"]) for record in records]
        return {name: with_error([one[name] for one in found]) for name in ROUGES}
    return {}


def with_error(values: Sequence[float]) -> Measured:
    """The mean of values from 0 to 1 with interval and standard error; the error of a single value is told as 0."""
    found = mean_of_shares(values)
    return {**found, "se": error_of_mean(values) if len(values) > 1 else 0.0}


def mean(values: Sequence[float]) -> float:
    """The mean of values."""
    return sum(values) / len(values)


def error_of_mean(values: Sequence[float]) -> float:
    """The standard error of the mean of two values or more."""
    middle, n = mean(values), len(values)
    return sqrt(sum((value - middle) ** 2 for value in values) / (n - 1) / n)


def bleu_of(outputs: Sequence[str], records: Sequence[Record]) -> Measured:
    """Corpus BLEU against each record's first answer."""
    from foretell.eval.translation import bleu

    return bleu([text.strip() for text in outputs], [record["answers"][0].strip() for record in records])


def standard_error(task: Task, found: Measured) -> float:
    """The standard error: of a share, else the fourth part of the 95 % interval's width."""
    n = found["n"]
    if task.metric in SHARES or task.metric == "group_accuracy":
        return sqrt(found["value"] * (1 - found["value"]) / n)
    return (found["high"] - found["low"]) / (2 * Z)


def by_norm(task: Task, records: Sequence[Record], norm: Norm) -> dict[str, Any]:
    """The task's metric had this normalisation decided."""
    moved = [{**record, "chosen": {task.norm: record["chosen"][norm]}} for record in records]
    return measure(task, moved, [float(record["chosen"][norm] == record["gold"]) for record in records])


def majority(task: Task, items: Sequence[Item], pool: Sequence[Item], records: Sequence[Record]) -> float | None:
    """What the task's metric gives to the answer that is commonest in the pool: an option's text where all questions
    have the same options, else its place; the commonest text of free answers."""
    if isinstance(items[0], Free):
        if task.metric in ("bleu", "rouge"):
            return None  # no sentence is commoner than others
        common = Counter(item.answers[0] for item in pool if isinstance(item, Free)).most_common(1)[0][0]
        return value_of(task, records, [common] * len(items), items)
    labels = [label(item) for item in pool]
    common = Counter(labels).most_common(1)[0][0] if same_options(pool) else ""
    if common:
        places = [item.options.index(common) if common in item.options else -1 for item in items]  # type: ignore[union-attr]
    else:
        place = Counter(item.gold for item in pool).most_common(1)[0][0]  # type: ignore[union-attr]
        places = [place] * len(items)
    moved = [{**record, "chosen": {task.norm: at}} for record, at in zip(records, places, strict=True)]
    values = [float(at == record["gold"]) for record, at in zip(records, places, strict=True)]
    return float(measure(task, moved, values)["value"])


def label(item: Item) -> str:
    """The text of the right option."""
    match item:
        case Choice():
            return item.options[item.gold]
        case Partial():
            return item.contexts[item.gold]
        case Free():
            return item.answers[0]


def same_options(items: Sequence[Item]) -> bool:
    """Whether all questions are answered by the same set of options: labels, not texts of their own."""
    return all(isinstance(item, Choice) for item in items) and len({frozenset(item.options) for item in items}) == 1  # type: ignore[union-attr]


def copied(task: Task, items: Sequence[Item], records: Sequence[Record]) -> float | None:
    """What the task's metric gives to a model that repeats the question's own words; None where there are none."""
    sources = [item.source for item in items if isinstance(item, Free)]
    return value_of(task, records, sources, items) if any(sources) else None


def value_of(task: Task, records: Sequence[Record], outputs: Sequence[str], items: Sequence[Item]) -> float:
    """The metric of given outputs."""
    if task.metric == "bleu":
        return float(bleu_of(outputs, records)["value"])
    score = FREE_METRICS[task.metric]
    found = [score(text, item.answers) for text, item in zip(outputs, items, strict=True) if isinstance(item, Free)]
    return sum(found) / len(found)
