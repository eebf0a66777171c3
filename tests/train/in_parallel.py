"""Runs of every kind of row on rows made from their numbers, for tests of several processes; started as a program, one
process of a run, which can be killed.

python -m tests.train.in_parallel FOLDER STEP RANK SIGNAL     process RANK sends itself the signal inside that step
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch

from foretell.corpus.batches import IGNORED
from foretell.corpus.config import SegmentData, TranslationData
from foretell.model.config import Dropout, Heads
from foretell.objective.config import MaskedLanguageModel, Translation
from foretell.ranks import from_environment
from foretell.train import loop
from foretell.train.config import AdamW
from tests.train.in_memory import LENGTH, Rows, config, network

PLAIN = Dropout()
OPTIM = AdamW(lr=1e-2, weight_decay=0.1, eps=1e-3)  # else a key's bias, whose gradient is 0, moves by its rounding


class Segments(Rows):
    """Rows of two segments, padded, with a token masked here and there; some rows have none."""

    def batch(self, samples):
        samples = np.asarray(samples)
        rows = np.stack([self.row(int(number)) for number in samples])[:, :-1]
        masked = (rows + samples[:, None]) % 5 == 0
        places = np.arange(LENGTH)
        return {
            "inputs": np.where(masked, 0, rows),
            "targets": np.where(masked, rows, IGNORED),
            "segments": (places >= 3).astype(np.int64) + 0 * rows,
            "attend": places < 4 + samples[:, None] % 5,
            "is_next": samples % 2,
        }


class Pairs(Rows):
    """A source to count from, the target counting on; sources differ in length."""

    def batch(self, samples):
        samples = np.asarray(samples)
        rows = np.stack([self.row(int(number)) for number in samples])
        return {
            "source": rows[:, ::-1].copy(),
            "source_attend": np.arange(LENGTH + 1) < 4 + samples[:, None] % 6,
            "inputs": rows[:, :-1].copy(),
            "targets": np.where(np.arange(LENGTH) < 3 + samples[:, None] % 5, rows[:, 1:], IGNORED),
        }


ROWS = {"lm": Rows, "mlm": Segments, "translation": Pairs}


def cfg_of(kind, **changes):
    """A short run without dropout, whose steps do not depend on who reads which row."""
    short = {"steps": 4, "evaluate_every": 2, "checkpoint_every": 2, "evaluate_rows": 9, "optim": OPTIM, **changes}
    if kind == "mlm":
        heads = Heads(lm_transform=True, next_sentence=True)
        model = network(kind="encoder", norm_place="post", n_segments=2, heads=heads, dropout=PLAIN)
        objective = MaskedLanguageModel(next_sentence=True)
        return config(model=model, data=SegmentData(folder="nowhere", length=LENGTH), objective=objective, **short)
    if kind == "translation":
        model = network(kind="seq2seq", norm_place="post", positions="sinusoid", n_ctx=LENGTH + 1, dropout=PLAIN)
        data = TranslationData(folder="nowhere", length=LENGTH, tokens_per_bucket=64)
        return config(model=model, data=data, objective=Translation(label_smoothing=0.1), **short)
    return config(**{"model": network(n_layers=2, dropout=PLAIN), **short})


def with_dropout():
    """A run whose numbers depend on every process's random stream."""
    return cfg_of("lm", steps=6, model=network(n_layers=2))


def train(cfg, out):
    """The measures of a run, in this process."""
    kind, real = cfg.objective.kind, loop.open_batches
    loop.open_batches = lambda data, seed: ROWS[kind](seed)
    try:
        return loop.train(cfg, Path(out), quiet=True).metrics
    finally:
        loop.open_batches = real


def main(folder, step, rank, number):
    torch.set_num_threads(1)
    real, taken, once = loop.train_step, [], Path(f"{folder}-was-killed")

    def train_step(*given):
        taken.append(0)
        if len(taken) == int(step) and from_environment().rank == int(rank) and not once.exists():
            once.touch()
            os.kill(os.getpid(), int(number))
        return real(*given)

    loop.train_step = train_step
    train(with_dropout(), folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
