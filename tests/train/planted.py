"""Runs into which faults are planted by the number of a batch: tests of the guard, of kills and of the supervisor."""

from dataclasses import replace

import numpy as np
import torch

from foretell.train import loop, step
from foretell.train.config import AdamW, BatchSize, Guard, Schedule
from tests.train.in_memory import LENGTH, N_VOCAB, Rows, config, network

ROWS = 8
TIMES = {"seconds", "cpu_seconds", "tokens_per_second"}


def guarded(**changes):
    """A run of 160 steps that learns to count, with a guard."""
    fields = {
        "model": network(d_model=16, d_ff=32, dropout=replace(network().dropout, embedding=0, attention=0, residual=0)),
        "optim": AdamW(lr=1e-2),
        "schedule": Schedule(shape="linear", warmup_steps=10, decay_from=0.5),
        "batch": BatchSize(rows=ROWS),
        "steps": 160,
        "evaluate_every": 40,
        "evaluate_rows": 64,
        "checkpoint_every": 10,
        "guard": Guard(window=32),
    }
    return config(**{**fields, **changes})


class Corrupt(Rows):
    """Rows that count, but for a random token now and then; some batches are random tokens only."""

    def __init__(self, seed, bad):
        super().__init__(seed)
        self.bad, self.read = frozenset(bad), []

    def row(self, number):
        rng = np.random.default_rng([self.seed, number])
        tokens = rng.integers(1, N_VOCAB, LENGTH + 1)
        if number // ROWS not in self.bad or number >= 10_000:
            for i in np.flatnonzero(rng.random(LENGTH) < 0.85) + 1:
                tokens[i] = (tokens[i - 1] + 1) % N_VOCAB
        return tokens

    def batch(self, samples):
        self.read.append(int(samples[0]) // ROWS)
        return super().batch(samples)


def plant(monkeypatch, bad=(), blow_up=(), poison=()):
    """Let the runs of a test read corrupt batches, and let the gradients blow up, or the weights be lost, at others."""
    made = []

    def open_batches(data, seed):
        made.append(Corrupt(seed, bad))
        return made[-1]

    def clip_gradients(model, clip):
        norm = real_clip(model, clip)
        if made[-1].read[-1] in blow_up:
            for parameter in model.parameters():
                parameter.grad.mul_(1e6)
            return norm * 1e6
        return norm

    def train_step(model, *given):
        values = real_step(model, *given)
        if made[-1].read[-1] not in poison:
            return values
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(float("nan"))
        return {**values, "loss": float("nan")}

    real_clip, real_step = step.clip_gradients, loop.train_step
    monkeypatch.setattr(loop, "open_batches", open_batches)
    monkeypatch.setattr(step, "clip_gradients", clip_gradients)
    monkeypatch.setattr(loop, "train_step", train_step)
    return made
