"""A run on rows made from their numbers, for tests of the loop; started as a program, it can be killed.

python in_memory.py FOLDER OPTIM STEP SIGNAL     sends itself the signal inside that step
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch

from foretell.corpus.config import TextData
from foretell.model.config import Dropout, NetworkConfig
from foretell.objective.config import LanguageModel
from foretell.train.config import AdamW, BatchSize, Machine, Muon, RunConfig, Schedule

LENGTH, N_VOCAB = 8, 11


class Rows:
    """Batches whose rows follow from the seed and their number: counting from a random token, in random steps."""

    n_rows = 1000

    def __init__(self, seed):
        self.seed = seed

    def row(self, number):
        start, by = np.random.default_rng([self.seed, number]).integers(1, N_VOCAB, 2)
        return (start + by * np.arange(LENGTH + 1)) % N_VOCAB

    def batch(self, samples):
        rows = np.stack([self.row(int(number)) for number in samples])
        return {"inputs": rows[:, :-1].copy(), "targets": rows[:, 1:].copy(), "n_bytes": np.full(len(rows), 3 * LENGTH)}

    def epochs(self, n_samples):
        return {"text": n_samples / self.n_rows}

    def evaluation(self, batch_size, limit):
        numbers = range(10_000, 10_000 + (limit or 20))
        for start in range(0, len(numbers), batch_size):
            yield self.batch(numbers[start : start + batch_size])


OPTIM = {"adamw": AdamW(lr=1e-2, weight_decay=0.1), "muon": Muon(lr=1e-2, muon_lr=0.02, muon_weight_decay=0.01)}


def network(**changes):
    sizes = {"n_vocab": N_VOCAB, "n_ctx": LENGTH, "n_layers": 1, "d_model": 8, "n_heads": 2, "d_head": 4, "d_ff": 16}
    dropout = Dropout(embedding=0.1, attention=0.1, residual=0.1)
    return NetworkConfig(**{"kind": "decoder", "norm_place": "pre", "dropout": dropout, **sizes, **changes})


def config(**changes):
    """A run of 12 steps with dropout, a batch ramp and uneven micro-batches; any field can be replaced."""
    fields = {
        "recipe": "test.counting",
        "model": network(),
        "data": TextData(folder="nowhere", length=LENGTH),
        "objective": LanguageModel(),
        "optim": OPTIM["adamw"],
        "schedule": Schedule(shape="cosine", warmup_steps=3),
        "batch": BatchSize(rows=7, micro=3, ramp_from=2, ramp_rows=30),
        "steps": 12,
        "clip": 1.0,
        "evaluate_every": 5,
        "evaluate_rows": 4,
        "checkpoint_every": 4,
        "machine": Machine(device="cpu", threads=1),
    }
    return RunConfig(**{**fields, **changes})


def main(folder, optim, step, number):
    from foretell.train import loop

    torch.set_num_threads(1)
    loop.open_batches = lambda data, seed: Rows(seed)
    real, taken = loop.train_step, []

    def train_step(*given):
        taken.append(0)
        if len(taken) == int(step):
            os.kill(os.getpid(), int(number))
        return real(*given)

    loop.train_step = train_step
    loop.train(config(optim=OPTIM[optim]), Path(folder), quiet=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
