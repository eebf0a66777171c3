"""Fine-tuning on real tasks: GPT and BERT of the same size, pretrained on the same text, against from scratch.

$ python -m benchmarks.finetuning --data FOLDER...       writes benchmarks/finetuning.md and its JSON
$ python -m benchmarks.finetuning --data FOLDER... --small      one seed of the smallest size, printed: a minute or two

What a model reads of the tasks' data is in --data; --text is what it was pretrained on.
"""

import argparse
import datetime
import json
import time
from dataclasses import replace
from pathlib import Path

import torch

from foretell import recipes
from foretell.corpus.config import EMBEDDED
from foretell.errors import BadUse
from foretell.recipes.finetuning import Plan, finetune_suite
from foretell.recipes.finetuning_rows import against
from foretell.recipes.sources import resolve
from foretell.runs import processor
from foretell.tasks.source import Source
from foretell.train.config import Machine
from foretell.train.loop import train

HERE = Path(__file__).parent
NAMES = {"gpt1": "GPT", "bert": "BERT"}


def main() -> None:
    """Pretrain both, fine-tune both, print the tables."""
    given = flags().parse_args()
    if given.small:
        given.size, given.pretrain_steps, given.seeds, given.limit = "smoke", 60, 1, given.limit or 200
    torch.set_num_threads(1)
    begun = time.process_time()
    data = Source(folders=tuple(map(Path, given.data)))
    plan = Plan(
        tasks=tuple(given.tasks.split(",")), seeds=given.seeds, steps=given.steps, limit=given.limit, source=data,
        out=given.out / "finetune", machine=Machine(threads=1),
    )  # fmt: skip
    found = [finetune_suite(pretrained(rung, given), plan) for rung in NAMES]
    cpu = time.process_time() - begun
    whole = {"found": found, "against": against(*found), "cpu_seconds": cpu, "text": Path(given.text).name}
    page = table(whole, given)
    print(page)
    if not given.small:
        month = datetime.date.today().strftime("%Y-%m")
        told = json.dumps(whole, indent=1).replace(f"{given.out.as_posix()}/", "")  # no path of this machine
        (HERE / f"finetuning_{month}.json").write_text(told + "\n")
        (HERE / "finetuning.md").write_text(page)


def flags() -> argparse.ArgumentParser:
    """What may be asked for."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", nargs="+", required=True, help="folders with the files of the tasks")
    made.add_argument("--text", default=EMBEDDED, help="a folder of text to pretrain on; this machine's documentation")
    made.add_argument("--tasks", default="sst2,rte,stsb,copa")
    made.add_argument("--size", default="nano", choices=("smoke", "nano", "mini"))
    made.add_argument("--pretrain-steps", type=int, default=0, help="0: the recipe's")
    made.add_argument("--seeds", type=int, default=3)
    made.add_argument("--steps", type=int, default=0, help="most steps of a fine-tuning; 0: 3 epochs")
    made.add_argument("--limit", type=int, default=0)
    made.add_argument("--out", type=Path, default=Path("runs/finetuning"))
    made.add_argument("--small", action="store_true")
    return made


def pretrained(rung: str, given: argparse.Namespace) -> Path:
    """The run that pretrains a rung's network: both on the same text, rows, length and steps."""
    cfg, pattern = recipes.recipe(f"{rung}.pretrain:{given.size}"), recipes.recipe(f"gpt1.pretrain:{given.size}")
    steps = given.pretrain_steps or pattern.steps
    cfg = replace(cfg, steps=steps, batch=pattern.batch, evaluate_every=steps, machine=Machine(threads=1))
    if cfg.data.length != pattern.data.length:
        raise BadUse(f"{rung} reads {cfg.data.length} tokens a row and GPT {pattern.data.length}: no equal training")
    out = given.out / f"{NAMES[rung].lower()}-{given.size}-{steps}"
    return train(resolve(cfg, given.out / "corpora", text=given.text), out).folder


def table(whole: dict, given: argparse.Namespace) -> str:
    """The figures as Markdown."""
    both = whole["found"]
    sizes = " and ".join(f"{NAMES[rung]} {one['parameters']:,}" for rung, one in zip(NAMES, both, strict=True))
    lines = [
        f"Held-out scores after fine-tuning, size {given.size} ({sizes} parameters), pretrained on {whole['text']},",
        f"{given.seeds} seeds{of(given)}; {processor()}, torch {torch.__version__}, "
        f"{whole['cpu_seconds']:.0f} CPU-seconds;",
        "made by benchmarks/finetuning.py. In brackets: 95 % over seeds (Student's t); 95 % over held-out examples.",
        "",
        "| task | metric | model | start | lambda | mean | one answer | n |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for rung, found in zip(NAMES, both, strict=True):
        for row in found["rows"]:
            cells = [row["task"], row["metric"], NAMES[rung], row["start"], f"{row['lambda']:g}", figure(row)]
            cells += [f"{row['majority']:.3f}", str(row["n"])]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| task | metric | difference | mean |", "| --- | --- | --- | --- |"]
    named = [(f"{NAMES[rung]}, ", row) for rung, one in zip(NAMES, both, strict=True) for row in one["differences"]]
    for name, row in [*named, *(("", row) for row in whole["against"])]:
        what = row["what"]
        for rung, one in zip(NAMES, both, strict=True):
            what = what.replace(one["model"], NAMES[rung])
        lines.append(f"| {row['task']} | {row['metric']} | {name}{what} | {figure(row)} |")
    notes = dict.fromkeys(row["note"] for row in whole["against"] if row["note"])
    return "\n".join([*lines, *(f"\n{note}." for note in notes)]) + "\n"


def of(given: argparse.Namespace) -> str:
    """What bounds the pretraining and the examples, as the page tells it."""
    steps = f", {given.pretrain_steps:,} steps of pretraining" if given.pretrain_steps else ""
    return steps + (f", at most {given.limit:,} examples of each side" if given.limit else "")


def figure(row: dict) -> str:
    """A mean with both intervals."""
    seeds = "one seed" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    drawn = row["over_examples"]
    return f"{row['mean']:.3f} ({seeds}; {drawn['low']:.3f} to {drawn['high']:.3f})"


if __name__ == "__main__":
    main()
