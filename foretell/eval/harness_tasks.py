"""Our tasks as files of lm-evaluation-harness, so that the same questions with the same prompts run there.

    foretell_NAME_Kshot.yaml     prompts already written, as `foretell eval` asks them
    foretell_NAME_drawn.yaml     bare questions, and a pool from which the harness draws demonstrations for each anew
    NAME_*.jsonl                 the questions            tasks.json   what each file holds

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
from typing import Any

from foretell.errors import BadUse
from foretell.eval.asking import Asking, asked_with, chosen, prompt_for
from foretell.eval.prompts import Prompt, contexts, drawn, joined
from foretell.eval.records import digest
from foretell.generate.model import Model
from foretell.runs import whole_folder
from foretell.tasks.item import Choice, Free, Item, Partial
from foretell.tasks.source import Source
from foretell.tasks.task import Questions, Task

INDEX = "tasks.json"
README = """# Tasks for lm-evaluation-harness

    lm_eval run --model hf --model_args pretrained=MODEL --include_path {folder} --tasks foretell
    python -m foretell.eval.harness run --model foretell --model_args model=MODEL --include_path {folder} \\
        --tasks foretell

`foretell_NAME_Kshot` holds whole prompts with K demonstrations, byte for byte those of `foretell eval`, so that the
harness itself adds none (it prints 0). In `foretell_NAME_drawn` the harness draws the demonstrations of each question.

acc compares sums of log-probabilities, acc_norm divides them by characters, acc_bytes by bytes: `none`, `char` and
`byte` of `foretell eval`. Its scores per token and against an answer context have no name in the harness. An answer
that meets no stop text counts there as if it had ended, and length_penalty is transformers' own for its models.

The files name their questions by absolute paths: export again rather than move the folder.
"""

Row = dict[str, Any]
Fields = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """One task of the folder."""

    name: str
    task: str
    shots: int
    fields: Fields
    rows: dict[str, list[Row]]
    """by split: `test`, and `dev` where demonstrations are drawn"""


def export_tasks(
    tasks: Sequence[Task], source: Source, folder: Path, shots: Sequence[Asking], model: Model | None = None
) -> list[Path]:
    """The YAML files that were written: one for each task and way of asking, one that has the harness draw.

    With a model, its context decides how many demonstrations stand in a prompt and which questions are left out, as it
    does where we ask; without one, all of them do. NoData where a task's questions are nowhere; BadUse for a task with
    questions of several kinds, tasks of which no question is left, or a folder that holds what is not of this kind.
    """
    check_replaceable(folder)
    wanted = []
    for task in tasks:
        questions = task.load(source)
        check_kind(task, questions)
        kinds = {asking.k(task): asking for asking in shots}
        for asking in kinds.values():
            wanted += written_out(task, questions, asking, model)
        wanted += with_pool(task, questions, shots[0])
    if not wanted:
        raise BadUse("no question of these tasks fits into the model's context; give a model with a longer one")
    with whole_folder(folder) as aside:
        for one in wanted:
            write(aside, folder, one)
        told = [{"name": one.name, "task": one.task, "shots": one.shots, "n": len(one.rows["test"])} for one in wanted]
        (aside / "README.md").write_text(README.format(folder=folder))
        (aside / INDEX).write_text(json.dumps(told, indent=1) + "\n")
    return [folder / f"{one.name}.yaml" for one in wanted]


def check_replaceable(folder: Path) -> None:
    """BadUse if something stands there that is no export of ours: it would be deleted."""
    if folder.exists() and not (folder / INDEX).exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadUse(f"{folder} exists and holds no exported tasks; give another folder")


def written_out(task: Task, questions: Questions, asking: Asking, model: Model | None) -> list[Exported]:
    """A task whose prompts are whole; none where no question fits into the context."""
    rows = []
    for item in chosen(task, questions.items, asking):
        made = prompt_of(model, task, questions, item, asking)
        if made is not None:
            rows.append({**row(item, made.texts), "prompt": digest(*asked_with(item, made))})
    if not rows:
        return []
    between, rows = common_gap(rows)
    fields = {**kind_of(task, questions.items[0], between), "num_fewshot": 0}
    name = f"foretell_{task.name}_{asking.k(task)}shot"
    return [Exported(name=name, task=task.name, shots=asking.k(task), fields=fields, rows={"test": rows})]


def prompt_of(model: Model | None, task: Task, questions: Questions, item: Item, asking: Asking) -> Prompt | None:
    """A question's prompt as we ask it; with all demonstrations where no model says how many fit."""
    if model is not None:
        return prompt_for(model, task, questions, item, asking)
    seed, draw, labels = asking.seed, asking.draw, asking.labels
    shown = drawn(task, questions, item, asking.k(task), seed=seed, draw=draw, labels=labels)
    return Prompt(texts=joined(task, item, shown), n_demonstrations=len(shown), dropped=0)


def with_pool(task: Task, questions: Questions, asking: Asking) -> list[Exported]:
    """A task of bare questions, with demonstrations that the harness draws; none where there is nothing to draw."""
    items = chosen(task, questions.items, asking)
    k = min(task.shots, len(questions.pool) or len(items) - 1)
    if k < 1:
        return []
    both = [*items, *questions.pool]
    rows = [{**row(item, contexts(item, zero=False)), "instruction": task.instruction} for item in both]
    between, rows = common_gap(rows)
    splits = {"test": rows[: len(items)], **({"dev": rows[len(items) :]} if questions.pool else {})}
    fields = {**kind_of(task, items[0], between), "num_fewshot": k, "fewshot_delimiter": task.separator}
    fields |= {"fewshot_split": "dev" if questions.pool else "test"}
    fields |= {"description": "instruction"} if task.instruction else {}
    fields |= {"fewshot_config": {"doc_to_target": "shown"}} if isinstance(items[0], Free) else {}
    return [Exported(name=f"foretell_{task.name}_drawn", task=task.name, shots=k, fields=fields, rows=splits)]


def row(item: Item, texts: Sequence[str]) -> Row:
    """A question's line; `texts` are its prompts, one but for Partial."""
    match item:
        case Choice():
            return {"id": item.id, "context": texts[0], "options": list(item.options), "gold": item.gold}
        case Partial():
            return {"id": item.id, "contexts": list(texts), "completion": item.completion, "gold": item.gold}
        case Free():
            answers = [answer.strip() for answer in item.answers]
            return {"id": item.id, "context": texts[0], "answers": answers, "shown": item.answers[0]}


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
