"""Which parts of the modern recipe pay: each left out, and each candidate added, at equal CPU time.

$ python benchmarks/ablation.py --seconds 45 --seeds 3        writes ablation_table.md and ablation_<month>.json

Every variant trains on the embedded documentation text at nano scale with one thread for the same CPU seconds. Its
step is timed first (the median of some steps); the number of steps, and with it the schedule, follows. Learning rates
are the best of a small grid for the baseline too: an untuned baseline flatters the contender.
"""

import argparse
import datetime
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.parts import add_value_embeddings, add_x0, soft_capped
from foretell.corpus.batches import open_batches
from foretell.corpus.config import TextData
from foretell.corpus.prepare import prepare_tokens
from foretell.model.config import Init
from foretell.model.init import build
from foretell.model.network import Network
from foretell.objective.lm import language_model
from foretell.objective.mean import Objective
from foretell.recipes import gpt2, modern
from foretell.runs import processor
from foretell.train.config import AdamW, RunConfig, Schedule
from foretell.train.evaluate import evaluate
from foretell.train.memory import keep_freed_memory
from foretell.train.optimizer import build_optimizers, set_rate
from foretell.train.schedule import rate
from foretell.train.step import train_step

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A way to train: a config, and what is hung onto the network or put in place of the loss."""

    name: str
    cfg: RunConfig
    change: Callable[[Network], None] = lambda model: None
    objective: Callable[[], Objective] = language_model


def variants() -> list[Variant]:
    """The modern recipe, the same without each part, with each candidate, and the tuned GPT-2 recipe."""
    full = modern.pretrain("nano")
    model = full.model
    old = gpt2.pretrain("nano")
    adam = AdamW(lr=4e-3, betas=(0.9, 0.95))
    learned = Init(std=0.02, position_std=0.01, zero_residual=True)
    return [
        Variant(name="modern", cfg=full),
        Variant(name="without Muon: AdamW", cfg=replace(full, optim=adam)),
        Variant(
            name="without rotary: learned positions",
            cfg=replace(full, model=replace(model, positions="learned", init=learned)),
        ),
        Variant(name="without QK-norm", cfg=replace(full, model=replace(model, qk_norm=False))),
        Variant(name="without ReLU^2: GELU", cfg=replace(full, model=replace(model, activation="gelu_tanh"))),
        Variant(name="with RMSNorm without gains", cfg=replace(full, model=replace(model, norm="rms"))),
        Variant(
            name="without zero-initialised projections",
            cfg=replace(full, model=replace(model, init=Init(std=0.02, scale_residual=True))),
        ),
        Variant(name="with biases", cfg=replace(full, model=replace(model, bias=True))),
        Variant(
            name="tied output" if not model.tied else "untied output",
            cfg=replace(full, model=replace(model, tied=not model.tied)),
        ),
        Variant(
            name="cosine instead of warmup-stable-decay",
            cfg=replace(full, schedule=replace(full.schedule, shape="cosine", decay_from=0.0)),
        ),
        Variant(name="with soft cap 15", cfg=full, objective=soft_capped),
        Variant(name="with value embeddings", cfg=full, change=add_value_embeddings),
        Variant(name="with x0 residual scalars", cfg=full, change=add_x0),
        Variant(name="gpt2, tuned", cfg=old),
    ]


def rates(variant: Variant, factors: tuple[float, ...]) -> list[Variant]:
    """The variant at some learning rates around its own."""
    optim = variant.cfg.optim
    return [replace(variant, cfg=replace(variant.cfg, optim=replace(optim, lr=optim.lr * f))) for f in factors]


def train_for(variant: Variant, seconds: float, seed: int, folder: Path) -> dict[str, float]:
    """The held-out loss after so many CPU seconds of training, and what they bought."""
    cfg = replace(variant.cfg, data=TextData(folder=str(folder), length=variant.cfg.data.length))
    data = open_batches(cfg.data, seed)
    model, objective = build(cfg.model, seed), variant.objective()
    torch.manual_seed(seed)
    variant.change(model)
    optimizers = build_optimizers(model, cfg.optim)

    def batch(step: int) -> dict[str, torch.Tensor]:
        rows = np.arange(step * cfg.batch.rows, (step + 1) * cfg.batch.rows)
        return {name: torch.from_numpy(value) for name, value in data.batch(rows).items()}

    steps = int(seconds / step_seconds(variant, cfg, batch(0), seed))
    schedule = scaled(cfg.schedule, cfg.steps, steps)
    begun = time.process_time()
    for step in range(steps):
        set_rate(optimizers, rate(schedule, step, steps))
        torch.manual_seed(seed * 1_000_003 + step)
        train_step(model, objective, [batch(step)], optimizers, cfg.clip)
    took = time.process_time() - begun
    held_out = ({n: torch.from_numpy(v) for n, v in part.items()} for part in data.evaluation(32, 512))
    found = evaluate(model, objective, held_out)
    return {"loss": found["loss"], "bits_per_byte": found["bits_per_byte"], "steps": steps, "cpu_seconds": took}


def scaled(schedule: Schedule, before: int, steps: int) -> Schedule:
    """The schedule with its warm-up in proportion to the new number of steps."""
    return replace(schedule, warmup_steps=max(round(schedule.warmup_steps * steps / before), 1))


def step_seconds(variant: Variant, cfg: RunConfig, batch: dict[str, torch.Tensor], seed: int) -> float:
    """The median CPU time of a step, on a network that is thrown away."""
    model, objective = build(cfg.model, seed), variant.objective()
    variant.change(model)
    optimizers, times = build_optimizers(model, cfg.optim), []
    for _ in range(12):
        begun = time.process_time()
        train_step(model, objective, [batch], optimizers, cfg.clip)
        times.append(time.process_time() - begun)
    return statistics.median(times[2:])


def main() -> None:
    """Run all variants, seeds in the outer loop so that a slow minute falls on all of them."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--seconds", type=float, default=45.0)
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--corpora", type=Path, default=Path("corpora"))
    flags.add_argument("--only", default="", help="variants whose name holds this")
    given = flags.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    folder = prepare_tokens("embedded", "bpe", modern.network("nano").n_vocab, given.corpora)
    chosen = [v for v in variants() if given.only in v.name]
    grid = {v.name: [v] for v in chosen}
    for name in ("gpt2, tuned", "without Muon: AdamW"):
        if name in grid:
            grid[name] = rates(grid[name][0], (0.5, 1.0, 2.0))
    best = {name: min(some, key=lambda v: train_for(v, given.seconds, 99, folder)["loss"]) if len(some) > 1 else some[0]
            for name, some in grid.items()}  # fmt: skip
    found: dict[str, list[dict[str, float]]] = {name: [] for name in best}
    for seed in range(given.seeds):
        for name, variant in best.items():
            found[name].append(train_for(variant, given.seconds, seed, folder))
            print(f"seed {seed}  {name:40} {found[name][-1]}", flush=True)
    write(found, {name: v.cfg.optim.lr for name, v in best.items()}, given.seconds)


def write(found: dict[str, list[dict[str, float]]], lrs: dict[str, float], seconds: float) -> None:
    """The table in Markdown and the numbers in JSON."""
    reference = statistics.mean(r["loss"] for r in found["modern"]) if "modern" in found else float("nan")
    lines = [
        f"At {seconds:.0f} CPU seconds each, one thread of {processor()}, {len(next(iter(found.values())))} seeds, the",
        "embedded documentation text at nano scale. Loss in nats per token on held-out text; the difference is to the",
        "whole modern recipe: positive means that the recipe is better as it is.",
        "",
        "| variant | loss, mean of seeds | sd | difference | steps | lr |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, runs in found.items():
        losses = [run["loss"] for run in runs]
        sd = statistics.stdev(losses) if len(losses) > 1 else float("nan")
        mean = statistics.mean(losses)
        steps = statistics.mean(run["steps"] for run in runs)
        lines.append(f"| {name} | {mean:.4f} | {sd:.4f} | {mean - reference:+.4f} | {steps:.0f} | {lrs[name]:g} |")
    month = datetime.date.today().strftime("%Y-%m")
    (HERE / f"ablation_{month}.json").write_text(
        json.dumps({"seconds": seconds, "lr": lrs, "runs": found}, indent=1) + "\n"
    )
    (HERE / "ablation_table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
