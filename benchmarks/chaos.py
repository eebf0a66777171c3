"""A run that is killed at random moments, with real processes, beside the same run left alone: are they the same?

$ python -m benchmarks.chaos            55 kills; writes benchmarks/chaos.md
$ python -m benchmarks.chaos --small    4 kills, prints only
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from foretell.corpus.config import TextData
from foretell.model.config import NetworkConfig
from foretell.objective.config import LanguageModel
from foretell.runs import processor, sha256
from foretell.train import checkpoint, loop
from foretell.train.config import AdamW, BatchSize, Guard, Machine, RunConfig, Schedule
from foretell.train.events import read_events
from foretell.train.metrics import Metrics, read_metrics
from foretell.train.supervise import launched, supervise

HERE = Path(__file__).parent
ROWS, LENGTH, N_VOCAB = 8, 16, 32
BAD = (60, 61, 130)
TIMES = {"seconds", "cpu_seconds", "tokens_per_second"}
PLACES = {
    "in a step": (loop, "train_step", 14),
    "in an evaluation": (loop, "evaluate", 3),
    "before a line of metrics": (Metrics, "write", 14),
    "in a checkpoint: before a file": (checkpoint, "save_file", 5),
    "in a checkpoint: before a hash": (checkpoint, "sha256", 7),
    "in a checkpoint: before it is named": (Path, "rename", 3),
    "before the last checkpoint is read": (checkpoint, "restore", 1),
}


class Rows:
    """Rows that count, with a random token now and then; the batches of BAD are random tokens."""

    n_rows = 100_000

    def row(self, number: int) -> np.ndarray:
        """A row's tokens."""
        rng = np.random.default_rng([5, number])
        tokens = rng.integers(1, N_VOCAB, LENGTH + 1)
        if number // ROWS not in BAD:
            for i in np.flatnonzero(rng.random(LENGTH) < 0.85) + 1:
                tokens[i] = (tokens[i - 1] + 1) % N_VOCAB
        return tokens

    def batch(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        """Rows by their numbers."""
        rows = np.stack([self.row(int(number)) for number in samples])
        return {"inputs": rows[:, :-1].copy(), "targets": rows[:, 1:].copy()}

    def epochs(self, n_samples: int) -> dict[str, float]:
        """Of rows that never end."""
        return {"text": n_samples / self.n_rows}

    def evaluation(self, batch_size: int, limit: int):
        """The same rows every time."""
        yield self.batch(np.arange(50_000, 50_000 + limit))


def config(steps: int) -> RunConfig:
    """A tiny run with dropout, evaluations, checkpoints and a guard."""
    sizes = {"n_vocab": N_VOCAB, "n_ctx": LENGTH, "n_layers": 1, "d_model": 16, "n_heads": 2, "d_head": 8, "d_ff": 32}
    return RunConfig(
        recipe="benchmark.chaos",
        model=NetworkConfig(kind="decoder", norm_place="pre", **sizes),
        data=TextData(folder="nowhere", length=LENGTH),
        objective=LanguageModel(),
        optim=AdamW(lr=1e-2, weight_decay=0.1),
        schedule=Schedule(shape="cosine", warmup_steps=10),
        batch=BatchSize(rows=ROWS, micro=3),
        steps=steps,
        clip=1.0,
        evaluate_every=6,
        evaluate_rows=8,
        checkpoint_every=4,
        guard=Guard(window=16),
        machine=Machine(device="cpu", threads=1),
    )


def train_here(out: Path, steps: int, place: str = "", count: int = 0) -> None:
    """Train in this process, which the call of that number to the place ends."""
    torch.set_num_threads(1)
    loop.open_batches = lambda data, seed: Rows()
    if place:
        where, name, _ = PLACES[place]
        real, calls = getattr(where, name), []

        def last(*given, **more):
            calls.append(0)
            if len(calls) == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **more)

        setattr(where, name, last)
    loop.train(config(steps), out, quiet=True)


def chaos(root: Path, steps: int, kills: int) -> dict[str, object]:
    """What became of the run that was killed so often."""
    begun, rng, planned = time.perf_counter(), random.Random(1), []
    train_here(root / "alone", steps)

    def start():
        place = rng.choice(list(PLACES)) if len(planned) < kills else ""
        count = rng.randint(1, PLACES[place][2]) if place else 0
        planned.append(place)
        told = json.dumps([str(root / "killed"), steps, place, count])
        return launched([sys.executable, "-m", "benchmarks.chaos", "--child", told])

    code = supervise(start, root / "killed", 25, lambda line: None, pause=0)
    if code:
        raise SystemExit(code)
    events = read_events(root / "killed")
    lines = [
        [{name: value for name, value in line.items() if name not in TIMES} for line in read_metrics(out)]
        for out in (root / "alone" / "metrics.jsonl", root / "killed" / "metrics.jsonl")
    ]
    last = f"checkpoints/step-{steps:08d}"
    files = ["model/model.safetensors", f"{last}/model.safetensors", f"{last}/optimizer.safetensors"]
    return {
        "died": sum(event["what"] == "died" for event in events),
        "kills": Counter(place for place in planned if place),
        "rollbacks": sum(event["what"] == "rollback" for event in events),
        "metrics": lines[0] == lines[1],
        "weights": all(sha256(root / "alone" / file) == sha256(root / "killed" / file) for file in files),
        "seconds": time.perf_counter() - begun,
    }


def main() -> None:
    """Run it and write what was found; or be the process that is killed."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--small", action="store_true")
    flags.add_argument("--child", help=argparse.SUPPRESS)
    given = flags.parse_args()
    if given.child:
        out, steps, place, count = json.loads(given.child)
        train_here(Path(out), steps, place, count)
        return
    root = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        found = chaos(root, *((80, 4) if given.small else (240, 55)))
    finally:
        shutil.rmtree(root)
    text = report(found, 80 if given.small else 240)
    print(text)
    if not given.small:
        (HERE / "chaos.md").write_text(text)


def report(found: dict, steps: int) -> str:
    """What was found as Markdown."""
    same = {True: "identical", False: "DIFFERENT"}
    head = (
        f"A run of {steps} steps with a checkpoint every 4, an evaluation every 6, three batches of random tokens\n"
        f"and a guard, whose process was killed {found['died']} times (SIGKILL) and started again by the supervisor;\n"
        f"{processor()}, torch {torch.__version__}; made by benchmarks/chaos.py in {found['seconds'] / 60:.0f} min,\n"
        "most of them the starts of Python.\n\nBeside the same run left alone: weights and optimizer "
        f"{same[found['weights']]}, every number of every\nstep {same[found['metrics']]} (but times). "
        f"The guard went back {found['rollbacks']} times, some of them again after a kill.\n\n"
    )
    rows = "\n".join(f"| {place} | {found['kills'][place]} |" for place in PLACES)
    return f"{head}| where it was killed | planned |\n| --- | --- |\n{rows}\n"


if __name__ == "__main__":
    main()
