"""A reward model on people's own preferences: accuracy on held-out pairs, beside what the length alone tells.

$ python -m benchmarks.reward_prefs --prefs FOLDER --text FOLDER     writes benchmarks/reward_prefs.md
$ python -m benchmarks.reward_prefs --prefs FOLDER --small           a few steps, printed only

A small decoder is pretrained on the text (this machine's documentation, if none is given) and trained for one epoch on
the training sides of four sets together: HH-RLHF helpful and harmless, WebGPT comparisons, and qa_feedback. Three
tenths of each set are held out by a hash of their group: no conversation's beginning and no question is on both sides.
"""

import argparse
import hashlib
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from foretell import api
from foretell.align.importers import read_labels
from foretell.align.record_files import write_records
from foretell.align.records import Ranking
from foretell.align.reward import load_reward
from foretell.align.reward_report import reward_report
from foretell.align.reward_training import train_reward
from foretell.corpus.config import EMBEDDED, RankingData
from foretell.corpus.jsonl import read_lines
from foretell.eval.over_seeds import over_seeds
from foretell.exchange.folder import load_model
from foretell.model.config import Heads
from foretell.objective import config as objectives
from foretell.recipes import gpt2
from foretell.runs import processor, read_json
from foretell.train.config import AdamW, BatchSize, Machine, RunConfig, Schedule

HERE = Path(__file__).parent
SETS = {"hh_helpful_base": "hh", "hh_harmless_base": "hh", "webgpt_pairs": "webgpt", "qa_feedback_k4": "qa"}
HELD_OUT, LENGTH, ROWS = 0.3, 384, 16
MACHINE = Machine(device="cpu", threads=1)


def sided(rankings: list[Ranking]) -> list[Ranking]:
    """The rankings with sides by a hash of their group; those that compare nothing are left out."""
    found = []
    for one in rankings:
        draw = int.from_bytes(hashlib.sha256(one.group_id.encode()).digest()[:8]) / 2**64
        if len(set(one.ranks)) > 1:
            found.append(replace(one, split="valid" if draw < HELD_OUT else "train"))
    return found


def labels(prefs: Path, into: Path) -> dict[str, Path]:
    """A file of held-out rankings of each set; into/rankings.jsonl holds all sets, both sides."""
    every, files = [], {}
    for name, form in SETS.items():
        rankings = sided(read_labels(prefs / f"{name}.jsonl.gz", form).rankings)
        every += rankings
        files[name] = into / f"{name}.jsonl"
        write_records(files[name], [one for one in rankings if one.split == "valid"])
    write_records(into / "rankings.jsonl", every)
    return files


def pretrained(text: str, out: Path, steps: int) -> tuple[Path, dict[str, float]]:
    """The run of a small decoder on text, and what it came to."""
    base = gpt2.pretrain("nano")
    cfg = replace(
        base,
        model=replace(base.model, n_ctx=LENGTH),
        data=replace(base.data, length=LENGTH, folder=text),
        batch=BatchSize(rows=8),
        steps=steps,
        evaluate_every=steps,
        checkpoint_every=steps,
        machine=MACHINE,
    )
    return out, api.train(cfg, out, quiet=True).metrics


def reward_config(start: Path, folder: Path, n_rankings: int, seed: int) -> RunConfig:
    """One epoch from the pretrained model."""
    network = load_model(start).network.cfg
    model = replace(network, heads=Heads(lm=False, n_outputs=1, task_bias=True))
    steps = max(n_rankings // ROWS, 1)
    return RunConfig(
        evaluate_rows=ROWS,
        recipe="reward_prefs",
        model=model,
        data=RankingData(folder=str(folder), tokens=str(start / "model"), length=network.n_ctx),
        objective=objectives.Ranking(),
        optim=AdamW(lr=3e-4, betas=(0.9, 0.95)),
        schedule=Schedule(shape="cosine", floor=0.1),
        batch=BatchSize(rows=ROWS),
        steps=steps,
        clip=1.0,
        seed=seed,
        start=str(start),
        evaluate_every=steps,
        checkpoint_every=steps,
        machine=MACHINE,
    )


def measured(run: Path, files: dict[str, Path]) -> dict[str, Any]:
    """The report on each set."""
    reward = load_reward(run)
    return {name: reward_report(reward, read_lines(path)) for name, path in files.items()}


def main() -> None:
    """Pretrain, train over seeds, measure, write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--prefs", type=Path, required=True)
    flags.add_argument("--text", default=EMBEDDED)
    flags.add_argument("--start", type=Path, help="a pretrained run, in place of pretraining one")
    flags.add_argument("--steps", type=int, default=600)
    flags.add_argument("--rankings", type=int, default=0, help="how many are trained on; 0 takes all")
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    torch.set_num_threads(1)
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = labels(given.prefs, folder)
        start, pretraining = given.start, read_json(given.start / "lineage.json")["result"] if given.start else {}
        if start is None:
            start, pretraining = pretrained(given.text, folder / "start", 4 if given.small else given.steps)
        print(json.dumps(pretraining), flush=True)
        n = sum(row["split"] == "train" for row in read_lines(folder / "rankings.jsonl"))
        n = min(n, 4 * ROWS if given.small else given.rankings or n)
        found = []
        for seed in range(1 if given.small else given.seeds):
            cfg = reward_config(start, folder, n, seed)
            train_reward(cfg, folder / f"reward-{seed}", quiet=True)
            found.append(measured(folder / f"reward-{seed}", files))
            cpu = time.process_time() - begun
            text = table(found, n, pretraining, cpu, given.text, load_model(start).network.cfg.n_ctx)
            print(text, flush=True)
            if not given.small:
                (HERE / "reward_prefs.md").write_text(text)


def table(found: list[dict], n: int, pretraining: dict[str, float], seconds: float, text: str, n_ctx: int) -> str:
    """The figures as Markdown."""
    of = "this machine's documentation" if text == EMBEDDED else "novels in the public domain"
    lines = [
        f"Reward models of {len(found)} seed(s), from one decoder of GPT-2's kind (4 layers x 128, context",
        f"{n_ctx}; {pretraining['val_bits_per_byte']:.2f} bits per byte after pretraining on {of}), read once:",
        f"{n:,} rankings of people, none with an answer longer than the context; {seconds / 60:.1f} CPU-minutes,",
        f"one thread, {processor()}; made by",
        "benchmarks/reward_prefs.py. Intervals are 95 %: of each seed by the bootstrap over held-out prompts, of seeds",
        "Student's t. `length`: the longer answer is the better one.",
        "",
        "| set | held-out pairs | accuracy of each seed [by prompt] | mean [of seeds] | length | log-loss | too long |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in found[0]:
        each = [one[name] for one in found]
        seeds = "; ".join(interval(one["accuracy"]) for one in each)
        mean = over_seeds([one["accuracy"]["value"] for one in each])
        loss = sum(one["log_loss"]["value"] for one in each) / len(each)
        cells = [name, str(each[0]["accuracy"]["n"]), seeds, interval(mean), interval(each[0]["baselines"]["length"])]
        lines.append(f"| {' | '.join(cells)} | {loss:.3f} | {each[0]['too_long']} |")
    return "\n".join(lines) + "\n"


def interval(one: dict[str, Any]) -> str:
    """61.2 [58.0, 64.4]."""
    if one["low"] is None:
        return f"{100 * one['value']:.1f}"
    return f"{100 * one['value']:.1f} [{100 * one['low']:.1f}, {100 * one['high']:.1f}]"


if __name__ == "__main__":
    main()
