"""Sentence pairs in buckets of similar length, so many source and target tokens (Vaswani et al. 2017, section 5.1).

    source = s_1 ... s_S        inputs = [start] t_1 ... t_n        targets = t_1 ... t_n [end]

A row of this data is a bucket. Start and end are both the end-of-text token, as in the authors' program one token ends
every sentence and its embedding begins the next. Buckets stay what they are; their order is new in every epoch.

B pairs of a bucket   S source positions   T target positions   V n_vocab
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foretell.corpus.batches import IGNORED, ONE_SOURCE, Arrays, spread
from foretell.corpus.config import TranslationData
from foretell.corpus.order import shuffled
from foretell.corpus.parallel import TextPair, read_pairs
from foretell.errors import BadUse
from foretell.text.tokenizer import Tokenizer

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """Buckets of encoded pairs."""

    seed: int
    train: list[list[Pair]]
    val: list[list[Pair]]
    end: int
    pad: int

    @property
    def n_rows(self) -> int:
        return len(self.train)

    def batch(self, samples: np.ndarray) -> Arrays:
        if len(samples) != 1:
            raise BadUse(
                f"{len(samples)} rows in a forward pass: a row of pairs is a whole bucket; set --batch.micro 1"
            )
        (row,) = shuffled(samples, self.n_rows, self.seed)
        return padded(self.train[row], self.end, self.pad)

    def epochs(self, n_samples: int) -> dict[str, float]:
        """How often all rows were read after so many samples."""
        return {ONE_SOURCE: n_samples / self.n_rows}

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        for row in spread(len(self.val), limit):
            yield padded(self.val[row], self.end, self.pad)


def padded(bucket: Sequence[Pair], end: int, pad: int) -> Arrays:
    """A bucket as arrays; padding comes last and is not attended to."""
    shape = (len(bucket), max(len(source) for source, _ in bucket))
    wide = (len(bucket), max(len(target) for _, target in bucket) + 1)
    source, inputs, targets = np.full(shape, pad), np.full(wide, pad), np.full(wide, IGNORED)
    attend = np.zeros(shape, dtype=bool)  # (B, S)
    inputs[:, 0] = end
    for i, (read, said) in enumerate(bucket):
        source[i, : len(read)] = read
        attend[i, : len(read)] = True
        inputs[i, 1 : len(said) + 1] = said
        targets[i, : len(said)] = said
        targets[i, len(said)] = end
    return {"source": source, "source_attend": attend, "inputs": inputs, "targets": targets}


def buckets(pairs: Sequence[Pair], tokens_per_bucket: int) -> list[list[Pair]]:
    """The pairs by length, cut where one more would take the padded source or the padded target above the limit."""
    found: list[list[Pair]] = []
    widest = (0, 0)
    for pair in sorted(pairs, key=lambda pair: (len(pair[0]), len(pair[1]))):
        grown = max(widest[0], len(pair[0])), max(widest[1], len(pair[1]) + 1)
        if found and max(grown) * (len(found[-1]) + 1) <= tokens_per_bucket:
            found[-1].append(pair)
            widest = grown
        else:
            found.append([pair])
            widest = len(pair[0]), len(pair[1]) + 1
    return found


def open_pairs(data: TranslationData, seed: int) -> Pairs:
    """The buckets of a folder of pairs, JSON lines or line-aligned, encoded by the tokenizer of `tokens`."""
    tokenizer, folder = Tokenizer.load(Path(data.tokens)), Path(data.folder)
    train, val = (
        encoded(read_pairs(folder, split, data.source, data.target), tokenizer, data.length, f"{split} of {folder}")
        for split in ("train", "val")
    )
    return Pairs(
        seed=seed,
        train=buckets(train, data.tokens_per_bucket),
        val=buckets(val, data.tokens_per_bucket),
        end=tokenizer.end_of_text,
        pad=tokenizer.pad,
    )


def encoded(pairs: Sequence[TextPair], tokenizer: Tokenizer, length: int, what: str) -> list[Pair]:
    """The ids of pairs, cut to `length` with start or end; those without a source or a target are left out."""
    sources, targets = (tokenizer.encode_batch([pair[side] for pair in pairs]) for side in (0, 1))
    cut = [(source[:length], target[: length - 1]) for source, target in zip(sources, targets, strict=True)]
    found = [(source, target) for source, target in cut if len(source) and len(target)]
    if not found:
        raise BadUse(f"{what} holds no pair with a source and a target; give at least one")
    return found
