"""What alignment costs: how well models that were aligned still predict held-out text and do public tasks.

    rows = tax({"GPT": gpt, "SFT": sft, "PPO": ppo, "PPO-ptx": mixed}, text, tasks, source, shots, out)
    recovered(before, ppo, mixed)     the share of PPO's rise in loss that mixed-in pretraining text takes back

Every model reads the same rows of text, so that differences are of the same rows and their intervals are drawn by row.
Ouyang et al. 2022, section 4.2 and figure 29, have the tasks; that the loss itself is told beside them is ours.

B batch   T positions   V n_vocab
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from foretell.corpus.batches import IGNORED, Arrays
from foretell.errors import BadUse
from foretell.eval.asking import Asking
from foretell.eval.few_shot import few_shot
from foretell.eval.measured import Measured
from foretell.eval.results import fingerprint
from foretell.generate.model import Model
from foretell.tasks.source import Source
from foretell.tasks.task import Task

Row = dict[str, Any]
ROUNDS = 1000


class TextLoss(NamedTuple):
    """What a model makes of rows of text: nats and bytes of each."""

    nats: np.ndarray  # (N,)
    n_bytes: np.ndarray  # (N,)


@torch.inference_mode()
def text_loss(model: Model, batches: Iterable[Arrays]) -> TextLoss:
    """The nats and the bytes of each row of held-out text, as a data config's evaluation gives them."""
    device = model.network.embed.token.weight.device
    nats, n_bytes = [], []
    for batch in batches:
        targets = torch.as_tensor(np.asarray(batch["targets"]), device=device).long()  # (B, T)
        logits = model.network(torch.as_tensor(np.asarray(batch["inputs"]), device=device).long()).float()  # (B, T, V)
        loss = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")  # (B, T)
        nats.append(loss.double().sum(1).cpu().numpy())
        n_bytes.append(np.asarray(batch["n_bytes"], dtype=np.float64))
    if not nats:
        raise BadUse("there is no held-out text to measure on; give more of it")
    return TextLoss(nats=np.concatenate(nats), n_bytes=np.concatenate(n_bytes))


def bits_per_byte(found: TextLoss) -> Measured:
    """Nats / (bytes ln 2) over all rows, with the bootstrap's interval by row."""
    return ratio(found.nats, found.n_bytes * log(2))


def rise(before: TextLoss, after: TextLoss) -> Measured:
    """How many bits per byte more the second needs for the same rows."""
    check_same(before, after)
    return ratio(after.nats - before.nats, before.n_bytes * log(2))


def recovered(before: TextLoss, ppo: TextLoss, mixed: TextLoss) -> Measured | None:
    """The share of the rise from `before` to `ppo` that `mixed` does not have: 1 all of it, above 1 more than all.

    None where there is no rise to recover: its interval holds 0 or lies below.
    """
    check_same(before, ppo)
    check_same(before, mixed)
    if rise(before, ppo)["low"] <= 0:
        return None
    return ratio(ppo.nats - mixed.nats, ppo.nats - before.nats)


def check_same(one: TextLoss, other: TextLoss) -> None:
    """BadUse unless both read the same rows."""
    if not np.array_equal(one.n_bytes, other.n_bytes):
        raise BadUse(f"{len(one.nats)} and {len(other.nats)} rows that are not the same text; measure both on one")


def ratio(over: np.ndarray, under: np.ndarray, rounds: int = ROUNDS, seed: int = 0) -> Measured:  # (N,), (N,)
    """sum(over) / sum(under) with the percentile bootstrap over rows; n is their number."""
    n = len(over)
    drawn = np.random.default_rng(seed).integers(0, n, (rounds, n))  # (R, N)
    low, high = np.percentile(over[drawn].sum(1) / under[drawn].sum(1), [2.5, 97.5])
    value = float(over.sum() / under.sum())
    return {"value": value, "low": min(float(low), value), "high": max(float(high), value), "n": n}


def tax(
    models: Mapping[str, Model],
    text: Mapping[str, TextLoss],
    tasks: Sequence[Task],
    source: Source,
    shots: Sequence[Asking],
    out: Path,
    *,
    quiet: bool = False,
) -> list[Row]:
    """A row for each model: bits per byte, its rise from the first, and the score of each task with n and interval.

    text: what text_loss() gave for each model, by the same names. Answers are kept in `out`, by the models' weights.
    """
    first, rows = next(iter(models)), []
    for name, model in models.items():
        row: Row = {"model": name, "bits_per_byte": bits_per_byte(text[name])}
        row["rise"] = None if name == first else rise(text[first], text[name])
        folder = out / f"{name.lower().replace(' ', '-')}-{fingerprint(model)[:8]}"
        found = few_shot(model, tasks, source, shots, folder, quiet=quiet)["rows"] if tasks else []
        row["tasks"] = [scored(one) for one in found if one["n"]]
        rows.append(row)
    return rows


def scored(row: Row) -> Row:
    """A task's score as it is kept."""
    return {name: row[name] for name in ("task", "k", "metric", "value", "low", "high", "n")}
