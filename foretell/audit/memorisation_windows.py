"""What a model continues word for word, and what it finds likely: training text against held-out text, by copies.

A window is extractable if the model, given its first half, goes on with the second half exactly, at temperature 0
(Carlini et al. 2022, definition 3.1). Of windows of held-out text those that stand in the training text too are left
out: the gap that is left is what was learnt of this text and not of text.

T tokens   S places   W windows
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, variance
from typing import Any

import numpy as np

from foretell.audit.seen_text import Sides, spaced, starts_of
from foretell.corpus.ngrams import rolling, spread
from foretell.errors import BadUse
from foretell.eval.measured import Measured, share
from foretell.eval.records import Record, append_records, digest, read_records
from foretell.eval.t_test import mean_interval, t_quantile
from foretell.generate.config import Sampling
from foretell.generate.engine import generate
from foretell.generate.model import Model
from foretell.generate.score import score

HALF = 50  # tokens of a prompt, and of what must follow
COPIES = ((1, 1), (2, 9), (10, 99), (100, 2**62))
MOST_TOKENS = 2**24  # of training text in which copies are counted
BLOCK = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Windows of one side, of so many copies in the training text."""

    side: str
    copies: str
    windows: np.ndarray
    """(W, 2 * half)"""


def half_of(n_ctx: int) -> int:
    """Tokens of a prompt, and of what follows it: HALF, or half of the context."""
    return min(HALF, n_ctx // 2)


def groups_of(sides: Sides, half: int, n: int, seed: int) -> list[Group]:
    """At most n windows at random of all training text, of each number of copies, and of held-out text.

    BadUse where a side has no document of so many tokens.
    """
    train = np.asarray(sides.train[:MOST_TOKENS]).astype(np.int64)
    held = np.asarray(sides.held_out).astype(np.int64)
    size = 2 * half
    starts, held_starts = starts_of(train, size, sides.end), starts_of(held, size, sides.end)
    if not len(starts) or not len(held_starts):
        side = "held-out" if len(starts) else "the training"
        raise BadUse(f"no document of {side} text has {size} tokens; give longer ones")
    hashes = rolling(spread(train, 0), size)[starts]  # (S,)
    known, firsts, counts = np.unique(hashes, return_index=True, return_counts=True)
    new = held_starts[~np.isin(rolling(spread(held, 0), size)[held_starts], known)]
    found = [
        Group(side="training", copies="any", windows=windows(train, spaced(starts, n, size, seed), size)),
        Group(side="held out", copies="0", windows=windows(held, spaced(new, n, size, seed), size)),
    ]
    for least, most in COPIES:
        places = np.sort(starts[firsts[(counts >= least) & (counts <= most)]])
        name = str(least) if least == most else f"{least} to {most}" if most < 2**62 else f"{least} or more"
        found.append(Group(side="training", copies=name, windows=windows(train, spaced(places, n, size, seed), size)))
    return [group for group in found if len(group.windows)]


def windows(ids: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:  # (T,), (W,) -> (W, size)
    """The tokens from each place on."""
    return ids[places[:, None] + np.arange(size)]


def rows_of(
    model: Model, groups: Sequence[Group], path: Path, whose: str, advance: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Of each group the share that is extractable, the share of tokens that go on rightly, and the loss per token."""
    rows = []
    for group in groups:
        records = measured(model, group.windows, path, whose, advance)
        half = group.windows.shape[1] // 2
        row: dict[str, Any] = {"side": group.side, "copies": group.copies, "n": len(records)}
        row |= {"extractable": share(sum(one["matched"] == half for one in records), len(records))}
        row |= {"matched": fmean(one["matched"] / half for one in records)}
        rows.append(row | {"loss": fmean(one["loss"] for one in records), "losses": [one["loss"] for one in records]})
    return rows


def measured(
    model: Model, rows: np.ndarray, path: Path, whose: str, advance: Callable[[int], None]
) -> list[Record]:  # (W, 2 * half)
    """The tokens that go on rightly and the loss of each window, in blocks that are kept."""
    known, found = read_records(path), list[Record]()
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK].tolist()
        keys = ["window " + digest(whose, repr(one)) for one in some]
        missing = [i for i, key in enumerate(keys) if key not in known]
        if missing:
            told = judged(model, [some[i] for i in missing])
            records = [{"key": keys[i], **one} for i, one in zip(missing, told, strict=True)]
            append_records(path, records)
            known |= {str(record["key"]): record for record in records}
        found += [known[key] for key in keys]
        advance(len(some))
    return found


def judged(model: Model, some: Sequence[list[int]]) -> list[dict[str, float]]:
    """How many tokens of the second half follow the first one at temperature 0, and the second half's loss (nats)."""
    half = len(some[0]) // 2
    greedy = Sampling(max_new_tokens=half, temperature=0)
    said = generate(model.network, model.words, [one[:half] for one in some], greedy)
    scores = score(model.network, [(one[:half], one[half:]) for one in some])
    pairs = zip(some, said, scores, strict=True)
    return [{"matched": agreed(text.ids, one[half:]), "loss": -of.logprob / of.n} for one, text, of in pairs]


def agreed(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two rows begin with in common."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def gap(train: Sequence[float], held_out: Sequence[float]) -> Measured | None:
    """The mean of held-out losses less that of training losses, by Welch; None for fewer than 2 of each."""
    if min(len(train), len(held_out)) < 2:
        return None
    sides = (train, held_out)
    parts = [variance(some) / len(some) for some in sides]
    error, value = sum(parts), fmean(held_out) - fmean(train)
    below = sum(part**2 / (len(some) - 1) for part, some in zip(parts, sides, strict=True))
    degrees = error**2 / below if below else 1.0
    width = t_quantile(0.05, degrees) * sqrt(error)
    return {"value": value, "low": value - width, "high": value + width, "n": len(train) + len(held_out)}


def mean_loss(losses: Sequence[float]) -> Measured | None:
    """The mean with Student's interval; None for fewer than 2."""
    return mean_interval(losses) if len(losses) > 1 else None
