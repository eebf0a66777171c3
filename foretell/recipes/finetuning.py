"""Fine-tuning on real tasks: from the model's weights against from scratch, lambda 0.5 against 0, over several seeds.

    OUT/tasks/sst2-1f0c83aa/                     the examples (tasks/labelled.py)
    OUT/gpt-5be0a1b2/sst2/pretrained-0.5-0/      a run: its config, lineage, metrics; held_out.jsonl, its answers
    OUT/gpt-5be0a1b2.json                        the rows, written after every task

A run that is there is not done again. The network is the model's; the optimizer is that of the fine-tuning recipe of
the nearest size: GPT-1's for a decoder, whichever place its norms have (Radford et al. 2018, section 4.1), BERT's for
an encoder (Devlin et al. 2018, appendix A.3). Both papers train 3 epochs. Our choice: dropout is the recipe's too.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import ceil, log
from pathlib import Path
from types import ModuleType
from typing import Any

from foretell import progress
from foretell.corpus.config import TaskData
from foretell.corpus.examples import SHORTEST, marks_of, task_card, task_tokenizer
from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.objective.config import Task
from foretell.recipes import bert, gpt1
from foretell.recipes.finetuning_rows import HELD_OUT, compared, rows_of
from foretell.runs import read_json, sha256, write_whole
from foretell.tasks.labelled import task_folder
from foretell.tasks.labelled_sets import labelled
from foretell.tasks.source import Source
from foretell.text.tokenizer import Tokenizer
from foretell.train.config import Machine, RunConfig

STARTS = ("pretrained", "scratch")
WARM_UP = {"gpt1": 0.002, "bert": 0.1}  # share of the steps
PEEK = 64  # held-out examples of the evaluations while training


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A model that is fine-tuned."""

    name: str
    """its folder's name and a hash of its weights"""
    folder: Path
    recipe: RunConfig
    """that of the nearest size, with the model's network and tokenizer"""
    n_parameters: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a model is fine-tuned, on what, and where the runs go."""

    tasks: tuple[str, ...]
    seeds: int = 3
    lambdas: tuple[float, ...] = (0.5, 0.0)
    """weights of L1, for decoders; an encoder has 0 alone"""
    epochs: float = 3.0
    steps: int = 0
    """at most so many; 0 sets no bound"""
    limit: int = 0
    """at most so many examples to train on, and so many held out; 0 takes all"""
    source: Source
    out: Path
    keep: bool = False
    """keep the weights of the runs that are trained now, not their answers alone"""
    machine: Machine = field(default_factory=Machine)
    quiet: bool = False

    def __post_init__(self) -> None:
        for name in ("seeds", "epochs"):
            if not getattr(self, name) > 0:
                raise BadUse(f"{name}={getattr(self, name)} is not positive; the papers train 3 epochs, and 3 seeds do")
        if self.steps < 0 or self.limit < 0:
            raise BadUse(f"steps={self.steps}, limit={self.limit}: neither may be negative; 0 sets no bound")
        if not self.tasks or not self.lambdas:
            raise BadUse("no task or no lambda is named; give --tasks sst2,rte,stsb,copa")
        if not all(weight >= 0 for weight in self.lambdas):
            raise BadUse(f"lambdas={self.lambdas}: a weight of L1 is not below 0; the paper's is 0.5")
        for name in self.tasks:
            labelled(name)


def finetune_suite(model: Path | str, plan: Plan) -> dict[str, Any]:
    """The rows of every task and what differs between them; see rows_of, compared.

    OUT/NAME.json has them too, and those of other tasks that an earlier call with the same settings has left there.
    BadUse for a model without a layout for tasks, an unknown task, data that are nowhere, a folder of other runs.
    """
    one = subject(model, plan.out)
    folders = {name: task_folder(name, plan.source, plan.out / "tasks") for name in plan.tasks}  # all, before training
    rows: list[dict[str, Any]] = []
    found: dict[str, Any] = {}
    file = plan.out / f"{one.name}.json"
    before = earlier(file, plan)
    for name, folder in folders.items():
        rows += rows_of(list(runs(one, plan, name, folder)))
        found = {
            "model": one.name,
            "kind": one.recipe.model.kind,
            "parameters": one.n_parameters,
            "recipe": one.recipe.recipe,
            "settings": settings(plan),
            "rows": rows,
            "differences": compared(rows),
        }
        both = {part: before.get(part, []) + found[part] for part in ("rows", "differences")}
        write_whole(file, json.dumps(found | both, indent=1) + "\n")
    return found


def earlier(file: Path, plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """The rows and differences of a file that are of other tasks, if they were made with the same settings."""
    if not file.exists():
        return {}
    found = read_json(file)
    if found["settings"] != json.loads(json.dumps(settings(plan))):
        return {}
    return {part: [row for row in found[part] if row["task"] not in plan.tasks] for part in ("rows", "differences")}


def settings(plan: Plan) -> dict[str, Any]:
    """What the numbers depend on beside model and data."""
    return {name: getattr(plan, name) for name in ("seeds", "lambdas", "epochs", "steps", "limit")}


def subject(model: Path | str, out: Path) -> Subject:
    """The model that is to be fine-tuned; BadUse if it is an encoder-decoder, or its tokenizer lays out no task."""
    from foretell.exchange.folder import load_model
    from foretell.exchange.weights import weight_files

    found = load_model(model)
    cfg, there = found.network.cfg, found.folder
    if cfg.kind == "seq2seq":
        raise BadUse(f"{model} is an encoder-decoder, which no layout of tasks fits; give a decoder or an encoder")
    if found.tokenizer is None:
        raise BadUse(f"{model} has no tokenizer.json, so its tasks cannot be read; put its tokenizer into the folder")
    if cfg.n_ctx < SHORTEST:
        raise BadUse(
            f"{model} reads {cfg.n_ctx} tokens, and a task needs {SHORTEST}; give a model with a longer context"
        )
    rung: ModuleType = bert if cfg.kind == "encoder" else gpt1
    recipe: RunConfig = rung.finetune(nearest_size(rung, cfg.n_layers * cfg.d_model**2))
    assert isinstance(recipe.data, TaskData), "a fine-tuning recipe reads a task"
    tokens = task_tokenizer(there, recipe.data.layout, out / "tasks")
    grown = Tokenizer.load(tokens)
    try:
        marks_of(grown, recipe.data.layout)
    except BadUse as error:
        raise BadUse(f"{model}: {error}") from error
    n_vocab = max(cfg.n_vocab, grown.n_vocab)
    network = replace(cfg, n_vocab=n_vocab, heads=recipe.model.heads, dropout=recipe.model.dropout)
    data = replace(recipe.data, tokens=str(tokens), tokenizer=grown.kind, length=cfg.n_ctx)
    digest = hashlib.sha256("".join(map(sha256, weight_files(there))).encode()).hexdigest()
    return Subject(
        name=f"{name_of(model, there)}-{digest[:8]}",
        folder=there,
        recipe=replace(recipe, model=network, data=data),
        n_parameters=sum(p.numel() for p in found.network.parameters()),
    )


def name_of(model: Path | str, folder: Path) -> str:
    """The last part of a hub's name, or the name of the run or of the model's folder."""
    if str(model).startswith("hf:"):
        return str(model).rpartition("/")[2].removeprefix("hf:")
    return (folder.parent if folder.name == "model" else folder).resolve().name


def nearest_size(rung: ModuleType, n_weights: int) -> Any:
    """The size of a rung whose blocks are nearest to n_layers * d_model^2, as a ratio."""
    return min(
        rung.SIZES, key=lambda size: abs(log(rung.SIZES[size].n_layers * rung.SIZES[size].d_model ** 2 / n_weights))
    )


def runs(one: Subject, plan: Plan, task: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Every run of a task with its held-out answers, trained now or found."""
    lambdas = dict.fromkeys(plan.lambdas) if one.recipe.model.kind == "decoder" else (0.0,)
    for seed in range(plan.seeds):
        for start in STARTS:
            for weight in lambdas:
                out = plan.out / one.name / task / f"{start}-{weight:g}-{seed}"
                answers = answered(config(one, plan, folder, start, weight, seed), out, plan)
                yield {"task": task, "folder": folder, "start": start, "lambda": weight, "seed": seed, "run": out,
                       "model": one.name, "answers": answers}  # fmt: skip


def config(one: Subject, plan: Plan, folder: Path, start: str, lm_weight: float, seed: int) -> RunConfig:
    """The config of a run: the recipe with the task, its number of steps, where it starts, lambda and the seed."""
    base, card = one.recipe, task_card(folder)
    assert isinstance(base.data, TaskData), "a fine-tuning recipe reads a task"
    n = card["n_examples"]["train"]
    n = min(n, plan.limit) if plan.limit else n
    steps = max(ceil(plan.epochs * n / base.batch.rows), 1)
    steps = min(steps, plan.steps) if plan.steps else steps
    return replace(
        base,
        model=replace(base.model, heads=replace(base.model.heads, n_outputs=card["n_outputs"])),
        data=replace(base.data, folder=str(folder), limit=plan.limit),
        objective=Task(lm_weight=lm_weight),
        schedule=replace(base.schedule, warmup_steps=max(round(WARM_UP[base.data.layout] * steps), 1)),
        steps=steps,
        seed=seed,
        start=str(one.folder) if start == "pretrained" else "",
        evaluate_every=steps,
        evaluate_rows=PEEK,
        checkpoint_every=max(ceil(steps / 4), 1),
        machine=plan.machine,
    )


def answered(cfg: RunConfig, out: Path, plan: Plan) -> list[dict[str, float]]:
    """The held-out answers of a run, trained if it is not; its checkpoints go, and its weights unless they are kept."""
    from foretell.eval.held_out import predictions
    from foretell.train.loop import train

    file, finished = out / HELD_OUT, (out / HELD_OUT).exists()
    train(cfg, out, quiet=plan.quiet or finished)
    if not finished:
        answers = predictions(out, plan.limit)
        write_whole(file, "".join(json.dumps(answer) + "\n" for answer in answers))
        progress.say(f"{out}: answered {len(answers)} held-out examples", quiet=plan.quiet)
    shutil.rmtree(out / "checkpoints", ignore_errors=True)
    if not plan.keep:
        shutil.rmtree(out / "model", ignore_errors=True)
    return read_lines(file)
