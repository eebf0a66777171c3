"""What the guard against spikes costs a step: the same steps with it and without, in turn.

$ python -m benchmarks.guard            writes benchmarks/guard.md
$ python -m benchmarks.guard --small    fewer rounds, prints only
"""

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.train_throughput import Shape, network_config
from foretell.model.init import build
from foretell.objective.build import build_objective
from foretell.objective.config import LanguageModel
from foretell.runs import processor
from foretell.train.config import AdamW, Guard
from foretell.train.guard import Seen, look
from foretell.train.optimizer import build_optimizers
from foretell.train.step import train_step

HERE = Path(__file__).parent
SHAPES = {
    "pico": Shape(name="0.4M", n_layers=2, d_model=64, n_heads=2, n_ctx=128, n_vocab=4096, rows=16),
    "nano": Shape(name="1.3M", n_layers=4, d_model=128, n_heads=4, n_ctx=128, n_vocab=4096, rows=16),
}
WINDOW = 128


def compare(shape: Shape, rounds: int, steps: int) -> dict[str, float]:
    """CPU milliseconds of a step without and with the guard, whose window is full; and its share of it by itself."""
    torch.manual_seed(0)
    model, objective = build(network_config(shape)).train(), build_objective(LanguageModel(), None)
    optimizers = build_optimizers(model, AdamW(lr=1e-4))
    ids = torch.randint(1, shape.n_vocab, (shape.rows, shape.n_ctx + 1))
    batch = {"inputs": ids[:, :-1], "targets": ids[:, 1:]}
    guards, seen = {"without": Guard(), "with": Guard(window=WINDOW)}, Seen()
    for step in range(WINDOW):
        look(guards["with"], seen, step, {"loss": 8 - step / 1000, "grad_norm": 1 + step % 7 / 10})
    times: dict[str, list[float]] = {name: [] for name in guards}
    alone = []
    for i in range(rounds + 1):
        for name, guard in sorted(guards.items(), reverse=i % 2 == 1):
            begun, in_guard = time.process_time(), 0.0
            for step in range(steps):
                values = train_step(model, objective, [batch], optimizers, 1.0)
                before = time.process_time()
                look(guard, seen, step, {**values, "loss": 7.9})
                in_guard += time.process_time() - before
            times[name].append((time.process_time() - begun) / steps * 1000)
            if name == "with":
                alone.append(in_guard / steps * 1000)
    times = {name: values[1:] for name, values in times.items()}
    ratios = [a / b - 1 for a, b in zip(times["with"], times["without"], strict=True)]
    found = {name: statistics.median(values) for name, values in times.items()}
    guard = statistics.median(alone[1:])
    low, high = min(ratios), max(ratios)
    return {**found, "guard": guard, "share": guard / found["without"], "low": low, "high": high}


def main() -> None:
    """Compare at both shapes and write the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    torch.set_num_threads(1)
    rounds, steps = (2, 5) if given.small else (5, 10)
    text = table({name: compare(replace(shape), rounds, steps) for name, shape in SHAPES.items()}, rounds, steps)
    print(text)
    if not given.small:
        (HERE / "guard.md").write_text(text)


def table(found: dict[str, dict[str, float]], rounds: int, steps: int) -> str:
    """The figures as Markdown."""
    head = (
        f"CPU milliseconds of a training step without and with the guard (window {WINDOW}), one thread,\n"
        f"{processor()}, torch {torch.__version__}; made by benchmarks/guard.py: {rounds} rounds of {steps} steps,\n"
        "sides in turn, medians. "
        "The guard's own time is measured inside the steps; the last column is the ratio of whole steps, lowest to\n"
        "highest round, which is mostly the machine's noise.\n\n"
    )
    head += "| network | step | step with guard | the guard itself | its share | with / without - 1 |\n"
    head += "| --- | --- | --- | --- | --- | --- |\n"
    lines = []
    for name, one in found.items():
        cells = f"{one['without']:.1f} | {one['with']:.1f} | {one['guard']:.3f} | {one['share']:.2%}"
        lines.append(f"| {name} | {cells} | {one['low']:+.1%} to {one['high']:+.1%} |")
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
