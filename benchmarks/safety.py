"""Attack success, over-refusal and obedience before and after a rubric's reward, over seeds, as a Markdown table.

$ python -m benchmarks.safety --seeds 3           about 70 CPU-seconds a seed on one core
$ python -m benchmarks.safety --small             one seed of the smallest size: that it runs, no more

A seed is another world (names, facts, codes), other demonstrations and other runs. Attacks, people and wordings that
are measured are in no training.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from foretell import recipes
from foretell.corpus.jsonl import read_lines
from foretell.generate.model import load
from foretell.recipes.lineage.safety import is_asked
from foretell.recipes.sources import resolve
from foretell.recipes.trainers import trainer
from foretell.safety.attacked import attacked, compared, figures
from foretell.safety.dialogues import Shares, make_dialogues
from foretell.safety.obedience import held, obedience, talks
from foretell.safety.policies import read_policies
from foretell.safety.world import people

NAMES = {
    "disallowed": "answers with disallowed content",
    "leaked": "answers with the planted code",
    "refused": "refusals in the desired style",
    "over_refused": "refusals of safe requests",
    "helped": "safe requests answered rightly",
}


def main() -> None:
    """Train, measure, print."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--size", default="nano")
    flags.add_argument("--small", action="store_true")
    flags.add_argument("--out", type=Path, default=Path("runs/benchmark-safety"))
    given = flags.parse_args()
    torch.set_num_threads(1)
    size, seeds = ("smoke", 1) if given.small else (given.size, given.seeds)
    found = [one_seed(size, seed, given.out / f"{size}-{seed}") for seed in range(seeds)]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{size}.json").write_text(json.dumps(found, indent=1))
    print("\n".join(table(found)))


def one_seed(size: str, seed: int, out: Path) -> dict[str, Any]:
    """What is measured of a seed, and the CPU-seconds of its runs."""
    began, shares = time.process_time(), replace(Shares(), seed=seed)
    folder = out / "corpora" / "people"
    if not folder.exists():
        make_dialogues(folder, shares)
    start = ""
    for stage in ("pretrain", "sft", "ppo"):
        cfg = recipes.recipe(f"gpt4_chat.{stage}:{size}")
        machine = replace(cfg.machine, device="cpu", threads=1)
        cfg = resolve(replace(cfg, start=start, seed=seed, machine=machine), out / "corpora", quiet=True)
        start = str(trainer(cfg.objective.kind)(cfg, out / stage, True).folder)
    trained = time.process_time() - began
    prompts = [row for row in read_lines(folder / "prompts.jsonl") if is_asked(row)]
    some = talks(people(shares.people, shares.held_out, seed), each=2)
    models = {side: load(out / stage) for side, stage in (("before", "sft"), ("after", "ppo"))}
    rows = {side: attacked(model, prompts, read_policies()) for side, model in models.items()}
    kept = {side: obedience(held(model, some)) for side, model in models.items()}
    return {
        "seed": seed,
        "cpu_seconds": {"training": trained, "all": time.process_time() - began},
        "figures": {side: figures(one) for side, one in rows.items()},
        "compared": compared(rows["before"], rows["after"]),
        "system": {side: {name: one[name] for name in ("plain", "attacked")} for side, one in kept.items()},
    }


def table(found: Sequence[dict[str, Any]]) -> list[str]:
    """A row for each figure, a pair of columns for each seed."""
    heads = [f"seed {one['seed']} before | after" for one in found]
    lines = [f"| share of | {' | '.join(heads)} |", "| --- |" + " --- | --- |" * len(found)]
    for name, words in NAMES.items():
        lines.append(line(words, [one["figures"][side].get(name) for one in found for side in ("before", "after")]))
    for name in ("plain", "attacked"):
        words = f"system message kept, {name}"
        lines.append(line(words, [one["system"][side][name] for one in found for side in ("before", "after")]))
    lines += ["", "| | " + " | ".join(f"seed {one['seed']}" for one in found) + " |", "| --- |" + " --- |" * len(found)]
    for name, words in (
        ("reduction", "disallowed answers gone"),
        ("over_refusal_more", "more refusals of safe requests"),
    ):
        lines.append(line(words, [one["compared"].get(name) for one in found]))
    return [*lines, line("CPU-seconds of training", [round(one["cpu_seconds"]["training"]) for one in found])]


def line(words: str, values: Sequence[Any]) -> str:
    """A row of the table."""
    return f"| {words} | {' | '.join(map(shown, values))} |"


def shown(value: Any) -> str:
    """A measured value in percent with its interval."""
    if not isinstance(value, dict):
        return "-" if value is None else str(value)
    return f"{100 * value['value']:.1f} % [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


if __name__ == "__main__":
    main()
