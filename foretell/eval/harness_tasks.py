"""Our tasks as files of lm-evaluation-harness, so that the same questions run there, for any model.

    foretell_NAME_Kshot.yaml     prompts already written: the same demonstrations before every question
    foretell_NAME_drawn.yaml     bare questions, and a pool from which the harness draws demonstrations for each anew
    NAME-*.jsonl                 the questions            tasks.json   what each file holds

    Choice     multiple_choice: options after a context          acc   acc_norm (characters)   acc_bytes
    Partial    multiple_choice: one text after several contexts  acc
    Free       generate_until: beams, stop texts                 exact_match, white space at both ends aside

What the harness cannot say is not there: no score per token or against an answer context, no group that is right as a
whole, and an answer that meets no stop text counts as if it had ended.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from foretell.errors import BadUse
from foretell.runs import whole_folder
from foretell.tasks.item import Choice, Free, Item, Partial, shown
from foretell.tasks.source import Source
from foretell.tasks.task import Questions, Task

INDEX = "tasks.json"

Row = dict[str, Any]
Fields = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """One task of the folder."""

    name: str
    task: str
    shots: int
    n: int
    fields: Fields
    rows: dict[str, list[Row]]
    """by split: `test`, and `dev` where demonstrations are drawn"""


def export_tasks(
    tasks: Sequence[Task],
    source: Source,
    folder: Path,
    shots: Sequence[int | None] = (0, None),
    *,
    limit: int = 0,
    drawn: bool = True,
) -> list[Path]:
    """The YAML files that were written, one for each task and number of demonstrations; None stands for the task's own.

    With `drawn` also one that has the harness draw a task's own number of them. `limit` keeps the first questions of a
    task only. NoData where a task's questions are nowhere; BadUse where there are fewer demonstrations than asked for,
    or where the folder holds what is not of this kind.
    """
    check_replaceable(folder)
    wanted = []
    for task in tasks:
        questions = task.load(source)
        check_kind(task, questions)
        for k in dict.fromkeys(task.shots if k is None else k for k in shots):
            wanted.append(written_out(task, questions, k, limit, source.seed))
        if drawn and task.shots:
            wanted.append(with_pool(task, questions, limit))
    with whole_folder(folder) as aside:
        for one in wanted:
            write(aside, folder, one)
        told = [{"name": one.name, "task": one.task, "shots": one.shots, "n": one.n} for one in wanted]
        (aside / INDEX).write_text(json.dumps(told, indent=1) + "\n")
    return [folder / f"{one.name}.yaml" for one in wanted]


def check_replaceable(folder: Path) -> None:
    """BadUse if something stands there that is no export of ours: it would be deleted."""
    if folder.exists() and not (folder / INDEX).exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadUse(f"{folder} exists and holds no exported tasks; give another folder")


def written_out(task: Task, questions: Questions, k: int, limit: int, seed: int) -> Exported:
    """A task whose prompts are whole: the same k demonstrations before each question, never the question itself."""
    items = questions.items[:limit] if limit else questions.items
    kept = demonstrations(task, questions, k, seed)
    rows = []
    for item in items:
        others = [one for one in kept if one.id != item.id][:k]
        start = instruction(task, k) + "".join(shown(one) + task.separator for one in others)
        rows.append(row(item, start, zero=k == 0))
    between, rows = common_gap(rows)
    fields = {**kind_of(task, items[0], between), "num_fewshot": 0}
    return Exported(
        name=f"foretell_{task.name}_{k}shot",
        task=task.name,
        shots=k,
        n=len(rows),
        fields=fields,
        rows={"test": rows},
    )


def with_pool(task: Task, questions: Questions, limit: int) -> Exported:
    """A task of bare questions, with demonstrations that the harness draws."""
    items = questions.items[:limit] if limit else questions.items
    n = len(items)
    between, rows = common_gap([row(item, "", zero=False) for item in [*items, *questions.pool]])
    for one in rows:
        one["instruction"] = task.instruction
    splits = {"test": rows[:n], **({"dev": rows[n:]} if questions.pool else {})}
    check_enough(task, len(questions.pool) or n - 1, task.shots)
    fields = {**kind_of(task, items[0], between), "num_fewshot": task.shots, "fewshot_delimiter": task.separator}
    fields |= {"fewshot_split": "dev" if questions.pool else "test"}
    fields |= {"description": "instruction"} if task.instruction else {}
    if isinstance(items[0], Free):
        fields["fewshot_config"] = {"doc_to_target": "shown"}
    name = f"foretell_{task.name}_drawn"
    return Exported(name=name, task=task.name, shots=task.shots, n=n, fields=fields, rows=splits)


def instruction(task: Task, k: int) -> str:
    """What stands before everything else."""
    return task.instruction if k or task.zero_instruction is None else task.zero_instruction


def demonstrations(task: Task, questions: Questions, k: int, seed: int) -> list[Item]:
    """k demonstrations for every question; one more where they are questions themselves, for the one that is asked."""
    if k == 0:
        return []
    pool = list(questions.pool or questions.items)
    spare = 0 if questions.pool else 1
    check_enough(task, len(pool) - spare, k)
    return Random(f"{task.name} {seed}").sample(pool, k + spare)


def check_enough(task: Task, n: int, k: int) -> None:
    """BadUse if there are fewer than k demonstrations."""
    if n < k:
        raise BadUse(f"{task.name} has {n} demonstrations, {k} are asked for; ask for fewer, or give more data")


def row(item: Item, start: str, *, zero: bool) -> Row:
    """A question's line; `start` stands before its context."""
    match item:
        case Choice():
            context = item.zero_context if zero and item.zero_context is not None else item.context
            return {"id": item.id, "context": start + context, "options": list(item.options), "gold": item.gold}
        case Partial():
            contexts = [start + context for context in item.contexts]
            return {"id": item.id, "contexts": contexts, "completion": item.completion, "gold": item.gold}
        case Free():
            context = item.zero_context if zero and item.zero_context is not None else item.context
            answers = [answer.strip() for answer in item.answers]
            return {"id": item.id, "context": start + context, "answers": answers, "shown": item.answers[0]}


def common_gap(rows: list[Row]) -> tuple[str, list[Row]]:
    """The white space that begins every option, and the rows without it: the harness puts it back, uncounted.

    Empty where options begin differently; they then keep theirs, and the harness counts it in acc_norm.
    """
    gaps = {option[: len(option) - len(option.lstrip())] for one in rows for option in one.get("options", ())}
    if len(gaps) != 1:
        return "", rows
    gap = gaps.pop()
    return gap, [{**one, "options": [option[len(gap) :] for option in one["options"]]} for one in rows]


def check_kind(task: Task, questions: Questions) -> None:
    """BadUse where a task's questions are of several kinds, or there are none."""
    kinds = {type(item) for item in (*questions.items, *questions.pool)}
    if len(kinds) != 1 or not questions.items:
        raise BadUse(f"{task.name} has questions of {len(kinds)} kinds; a task of the harness has questions of one")


def kind_of(task: Task, item: Item, between: str) -> Fields:
    """What the harness is told of a task with such questions."""
    common = {"test_split": "test", "target_delimiter": between, "tag": ["foretell"]}
    match item:
        case Choice():
            columns = {"doc_to_text": "context", "doc_to_choice": "options", "doc_to_target": "gold"}
            metrics = ("acc", "acc_norm", "acc_bytes")
            return {**common, "output_type": "multiple_choice", **columns, "metric_list": means(metrics)}
        case Partial():  # the place of the right context is its text there, and the completion its target
            columns = {"doc_to_text": "gold", "doc_to_choice": "contexts", "doc_to_target": "completion"}
            return {**common, "output_type": "multiple_choice", **columns, "metric_list": means(("acc",))}
    columns = {"doc_to_text": "context", "doc_to_target": "answers"}
    filters = [{"name": "stripped", "filter": [{"function": "remove_whitespace"}, {"function": "take_first"}]}]
    generating = {**common, "output_type": "generate_until", **columns, "generation_kwargs": generation(task)}
    return {**generating, "filter_list": filters, "metric_list": means(("exact_match",))}


def generation(task: Task) -> Fields:
    """How an answer is written. The harness' other models take their own formula of the length penalty."""
    how = {"until": list(task.stop), "max_gen_toks": task.max_new_tokens, "do_sample": False}
    return {**how, "num_beams": task.beam, "length_penalty": task.length_penalty} if task.beam > 1 else how


def means(names: Sequence[str]) -> list[Fields]:
    """Metrics that are averaged over questions."""
    return [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in names]


def write(aside: Path, folder: Path, one: Exported) -> None:
    """A task's YAML and its rows. The harness looks for rows from where it runs, so that the path is absolute."""
    files = {}
    for split, rows in one.rows.items():
        name = f"{one.name.removeprefix('foretell_')}-{split}.jsonl"
        (aside / name).write_text("".join(json.dumps(line) + "\n" for line in rows))
        files[split] = str(folder.absolute() / name)
    head = {"task": one.name, "dataset_path": "json", "dataset_kwargs": {"data_files": files}}
    metadata = {"metadata": {"version": 1.0, "shots": one.shots}}
    (aside / f"{one.name}.yaml").write_text("\n".join(yaml_lines({**head, **one.fields, **metadata})) + "\n")


def yaml_lines(fields: Fields) -> Iterator[str]:
    """YAML, a field a line, each value as JSON, which YAML includes but for three line ends and pairs of surrogates."""
    for name, value in fields.items():
        text = json.dumps(value, ensure_ascii=False)
        for mark in ("\x7f", "\x85", "\u2028", "\u2029", "\ufeff"):
            text = text.replace(mark, f"\\u{ord(mark):04x}")
        yield f"{name}: {text}"
