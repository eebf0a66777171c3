"""How soon a loss is reached, in CPU seconds of one thread: the modern recipe, the tuned GPT-2 recipe, and nanoGPT.

$ python benchmarks/speed_to_loss.py --nanogpt DIR            writes benchmarks/speed_to_loss.md and its JSON

The yardstick is nanoGPT's documented CPU command on tinyshakespeare characters (4 layers x 128, context 64, batch 12,
2000 iterations), run here with nanoGPT's own model and optimizer. Ours keep its data, context, and limit of 1.0M
non-embedding parameters. The held-out loss is over the whole held-out text in windows of 64, the same for all sides.
"""

import argparse
import datetime
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.shakespeare import DATA, characters
from foretell.model.config import Init, NetworkConfig
from foretell.model.init import build
from foretell.objective.lm import language_model
from foretell.recipes import gpt2, modern
from foretell.runs import processor
from foretell.train.config import AdamW, Muon, Schedule
from foretell.train.evaluate import evaluate
from foretell.train.memory import keep_freed_memory
from foretell.train.optimizer import build_optimizers, set_rate
from foretell.train.schedule import rate
from foretell.train.step import train_step

HERE = Path(__file__).parent
N_CTX, ROWS = 64, 12
Text = tuple[np.ndarray, np.ndarray, int]


def modern_network(n_vocab: int) -> NetworkConfig:
    """The modern recipe's network at the size that suits so few tokens: 3 layers x 96."""
    nano = modern.network("nano")
    return replace(nano, n_vocab=n_vocab, n_ctx=N_CTX, n_layers=3, d_model=96, n_heads=3, d_head=32, d_ff=384)


def gpt2_network(n_vocab: int) -> NetworkConfig:
    """GPT-2's block at nanoGPT's size."""
    return replace(gpt2.network("nano"), n_vocab=n_vocab, n_ctx=N_CTX, init=Init(scale_residual=True))


def windows(ids: np.ndarray, starts: np.ndarray) -> dict[str, torch.Tensor]:
    """Rows of N_CTX characters and the next ones."""
    rows = torch.from_numpy(ids[starts[:, None] + np.arange(N_CTX + 1)])
    return {"inputs": rows[:, :-1].contiguous(), "targets": rows[:, 1:].contiguous()}


def held_out(ids: np.ndarray) -> list[dict[str, torch.Tensor]]:
    """All of the held-out text in windows that do not overlap."""
    starts = np.arange(0, len(ids) - N_CTX - 1, N_CTX)
    return [windows(ids, part) for part in np.array_split(starts, len(starts) // 128)]


def ours(
    text: Text, cfg: NetworkConfig, optim: AdamW | Muon, schedule: Schedule, steps: int, clip: float, seed: int
) -> dict[str, float]:
    """The held-out loss of a run of ours and the CPU seconds of its training."""
    training, rest, _ = text
    model, objective = build(cfg, seed), language_model()
    optimizers, draw = build_optimizers(model, optim), np.random.default_rng(seed)
    begun = time.process_time()
    for step in range(steps):
        set_rate(optimizers, rate(schedule, step, steps))
        rows = windows(training, draw.integers(0, len(training) - N_CTX - 1, ROWS))
        train_step(model, objective, [rows], optimizers, clip)
    took = time.process_time() - begun
    loss = evaluate(model, objective, held_out(rest))["loss"]
    size = sum(p.numel() for name, p in model.named_parameters() if not name.startswith(("embed.", "lm_head.")))
    return {"loss": loss, "cpu_seconds": took, "steps": steps, "non_embedding": size}


def run_modern(text: Text, steps: int, seed: int) -> dict[str, float]:
    """The modern recipe's parts and rates."""
    cfg = modern.pretrain("nano")
    schedule = replace(cfg.schedule, warmup_steps=max(steps // 50, 1))
    return ours(text, modern_network(text[2]), cfg.optim, schedule, steps, cfg.clip, seed)


def run_gpt2(text: Text, steps: int, seed: int, lr: float) -> dict[str, float]:
    """GPT-2's parts with AdamW at a rate."""
    schedule = Schedule(shape="cosine", warmup_steps=100, floor=0.1)
    optim = AdamW(lr=lr, betas=(0.9, 0.99), weight_decay=0.1)
    return ours(text, gpt2_network(text[2]), optim, schedule, steps, 1.0, seed)


def run_nanogpt(text: Text, directory: Path, steps: int, seed: int) -> dict[str, float]:
    """nanoGPT's model and optimizer with the settings of its documented CPU command."""
    sys.path.insert(0, str(directory))
    from model import GPT, GPTConfig  # nanoGPT's own

    torch.manual_seed(1337 + seed)
    cfg = GPTConfig(block_size=N_CTX, vocab_size=text[2], n_layer=4, n_head=4, n_embd=128, dropout=0.0, bias=False)
    model = GPT(cfg)
    optimizer = model.configure_optimizers(0.1, 1e-3, (0.9, 0.99), "cpu")
    draw, begun = np.random.default_rng(seed), time.process_time()
    for step in range(steps):
        share = min(step / max(steps - 100, 1), 1.0) if step >= 100 else 0.0
        lr = 1e-3 * (step + 1) / 101 if step < 100 else 1e-4 + 0.5 * (1 + math.cos(math.pi * share)) * 9e-4
        for group in optimizer.param_groups:
            group["lr"] = lr
        rows = windows(text[0], draw.integers(0, len(text[0]) - N_CTX - 1, ROWS))
        model(rows["inputs"], rows["targets"])[1].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    took = time.process_time() - begun
    model.eval()
    with torch.no_grad():
        parts = [(model(b["inputs"], b["targets"])[1].item(), b["targets"].numel()) for b in held_out(text[1])]
    loss = sum(mean * n for mean, n in parts) / sum(n for _, n in parts)
    return {"loss": loss, "cpu_seconds": took, "steps": steps, "non_embedding": model.get_num_params() - 65 * 128}


def main() -> None:
    """Run the sides in turn, seed by seed."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--nanogpt", type=Path, help="a checkout of karpathy/nanoGPT; left out without it")
    flags.add_argument("--text", type=Path, default=DATA)
    flags.add_argument("--seeds", type=int, default=3)
    given = flags.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    text = characters(given.text)
    sides: dict[str, Callable[[int], dict[str, float]]] = {}
    if given.nanogpt is not None:
        sides["nanoGPT, documented command"] = lambda seed: run_nanogpt(text, given.nanogpt, 2000, seed)
    for lr in (3e-3, 6e-3):
        sides[f"gpt2 recipe, AdamW lr {lr:g}"] = lambda seed, lr=lr: run_gpt2(text, 2000, seed, lr)
    for steps in (350, 700, 3200):
        sides[f"modern recipe, {steps} steps"] = lambda seed, steps=steps: run_modern(text, steps, seed)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for seed in range(given.seeds):
        for name, side in sides.items():
            found[name].append(side(seed))
            print(f"seed {seed}  {name:34} {found[name][-1]}", flush=True)
    month = datetime.date.today().strftime("%Y-%m")
    (HERE / f"speed_to_loss_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "speed_to_loss.md").write_text(table(found))
    print(table(found))


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """The figures as Markdown."""
    n = len(next(iter(found.values())))
    head = (
        "Held-out loss (nats per character, tinyshakespeare, context 64) and CPU seconds of training, one thread of\n"
    )
    head += f"{processor()}; mean and sd of {n} seeds; made by benchmarks/speed_to_loss.py.\n\n"
    head += "| side | steps | loss | sd | CPU s | non-embedding parameters |\n| --- | --- | --- | --- | --- | --- |\n"
    return head + "".join(row(name, runs) for name, runs in found.items())


def row(name: str, runs: list[dict[str, Any]]) -> str:
    """One side's line."""
    losses, cpu = [run["loss"] for run in runs], statistics.mean(run["cpu_seconds"] for run in runs)
    sd = statistics.stdev(losses) if len(losses) > 1 else float("nan")
    size = runs[0]["non_embedding"] / 1e6
    return f"| {name} | {runs[0]['steps']} | {statistics.mean(losses):.3f} | {sd:.3f} | {cpu:.0f} | {size:.2f}M |\n"


if __name__ == "__main__":
    main()
