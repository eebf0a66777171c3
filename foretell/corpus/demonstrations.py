"""Demonstrations as rows: a prompt is read, its completion and the token that ends it are learnt (Ouyang et al. 2022).

    {"prompt": "...", "completion": "..."}                      the completion is learnt
    {"prompt": [{"role": ..., "content": ...}, ...], ...}       the completion alone: earlier answers are context
    {"turns": [{"role": ..., "content": ...}, ...]}             all that the assistant says; `messages` is the same

A labeller who continues a conversation has written its last answer only, so that a prompt's earlier answers, often a
model's own, are not learnt: our choice, the paper does not say. A conversation that people wrote whole is `turns`.

Examples are packed by first fit in an order that follows from the seed; who shares a row never changes, the order of
rows does in every epoch. That, and where rows of pretraining text come between, follows from (seed, sample number).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from foretell import progress
from foretell.corpus.batches import IGNORED, ONE_SOURCE, Arrays, parts, spread, text_bytes
from foretell.corpus.config import DemonstrationData, TextData
from foretell.corpus.labels import Row, label_file, label_rows
from foretell.corpus.order import shuffled
from foretell.corpus.packing import Text, first_fit, packed_rows, padded_rows
from foretell.corpus.windows import Windows, open_windows
from foretell.errors import BadUse
from foretell.text.chat import answer_ids, chat_ids_and_mask, prompt_ids, turns_of
from foretell.text.tokenizer import Tokenizer

FINEST = 1_000_000  # the share of text is a fraction with at most this denominator
TEXT = "text"
WHOLE = ("turns", "messages")  # fields of which every answer is learnt


@dataclass(frozen=True, kw_only=True, slots=True)
class Demonstrations:
    """Rows of examples, with rows of pretraining text between them."""

    train: Sequence[Text]
    val: Sequence[Text]
    rows: Sequence[Sequence[int]]
    """the examples of each row"""
    packed: bool
    text: Windows | None
    share: Fraction
    """of the rows, that are pretraining text"""
    byte_lengths: np.ndarray
    seed: int

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def batch(self, samples: np.ndarray) -> Arrays:
        """The rows of these samples: sample i is text where floor(i share) is about to grow."""
        samples = np.asarray(samples, np.int64)  # (B,)
        read = self._text_before(samples)  # (B,)
        is_text = self._text_before(samples + 1) > read  # (B,)
        found: list[list[Text]] = [[] for _ in samples]
        for place, row in zip(
            np.flatnonzero(~is_text), shuffled((samples - read)[~is_text], self.n_rows, self.seed), strict=True
        ):
            found[place] = [self.train[i] for i in self.rows[row]]
        if self.text is not None and is_text.any():
            windows = self.text.batch(read[is_text])
            for place, inputs, targets in zip(
                np.flatnonzero(is_text), windows["inputs"], windows["targets"], strict=True
            ):
                found[place] = [(inputs, targets)]
        return packed_rows(found) if self.packed else padded_rows([row[0] for row in found])

    def _text_before(self, samples: np.ndarray) -> np.ndarray:  # (B,) -> (B,)
        """How many of the samples before each of these are text."""
        return samples * self.share.numerator // self.share.denominator

    def epochs(self, n_samples: int) -> dict[str, float]:
        """How often the demonstrations, and the text, were read after so many samples."""
        n_text = n_samples * self.share.numerator // self.share.denominator
        read = (n_samples - n_text) / self.n_rows
        return {ONE_SOURCE: read} if self.text is None else {"demonstrations": read, **self.text.epochs(n_text)}

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        """Held-out demonstrations, one in a row; `n_bytes` are those of the completion."""
        for numbers in parts(spread(len(self.val), limit), batch_size):
            batch = padded_rows([self.val[i] for i in numbers])
            yield {**batch, "n_bytes": text_bytes(batch["targets"], self.byte_lengths)}


def open_demonstrations(data: DemonstrationData, seed: int) -> Demonstrations:
    """The rows of the folder's demonstrations; what is too long for a row is left out, and counted in one line.

    BadUse that names the row that is wrong, and where nothing is left to train on or to measure with.
    """
    path = label_file(data.folder, "demonstrations")
    tokenizer = Tokenizer.load(Path(data.tokens))
    sides = label_rows(data.folder, "demonstrations")
    encoded = [
        [example(tokenizer, row, f"{path}, {side} row {number}") for number, row in enumerate(rows, 1)]
        for side, rows in zip(("train", "valid"), sides, strict=True)
    ]
    train, val = ([one for one in side if len(one[0]) <= data.length] for side in encoded)
    check_some(path, data.length, encoded, (train, val))
    order = shuffled(np.arange(len(train)), len(train), seed)
    lengths = np.array([len(train[i][0]) for i in order])
    rows = first_fit(lengths, data.length) if data.packed else [[i] for i in range(len(order))]
    windows = TextData(folder=data.text, tokenizer=data.tokenizer, length=data.length)
    return Demonstrations(
        train=train,
        val=val,
        rows=[[int(order[i]) for i in row] for row in rows],
        packed=data.packed,
        text=open_windows(windows, seed) if data.text_share else None,
        share=Fraction(data.text_share).limit_denominator(FINEST),
        byte_lengths=tokenizer.byte_lengths(),
        seed=seed,
    )


def check_some(path: Path, length: int, encoded: Sequence[list[Text]], kept: tuple[list[Text], list[Text]]) -> None:
    """Nothing but a line that counts what is left out; BadUse where a side has nothing left."""
    n, n_kept = sum(map(len, encoded)), sum(map(len, kept))
    rule = f"longer than data.length={length} tokens"
    if not n_kept:
        raise BadUse(f"all {n} demonstrations of {path} are {rule}; raise --data.length, up to the model's n_ctx")
    for side, some in zip(("train on", "hold out"), kept, strict=True):
        if not some:
            why = f"; {n - n_kept} are {rule}" if n > n_kept else ""
            raise BadUse(f"{path} has no demonstration to {side}{why}; give some split=train and some split=valid")
    if n > n_kept:
        progress.say(f"{n - n_kept} of {n} demonstrations are {rule} and are left out")


def example(tokenizer: Tokenizer, row: Row, where: str) -> Text:
    """The inputs and targets of a row of a file of demonstrations; what is not learnt has the target IGNORED."""
    try:
        ids, learnt = ids_and_mask(tokenizer, row)
    except (BadUse, ValueError, KeyError) as error:
        told = f"{error} is missing; it needs prompt and completion, or turns" if isinstance(error, KeyError) else error
        raise BadUse(f"{where}: {told}") from error
    inputs = np.array(ids[:-1], tokenizer.dtype)
    return inputs, np.where(learnt[1:], ids[1:], IGNORED).astype(np.int32)


def ids_and_mask(tokenizer: Tokenizer, row: Row) -> tuple[list[int], list[bool]]:
    """The ids of an example, and True for those that are learnt."""
    whole = next((name for name in WHOLE if name in row), "")
    if whole:
        return chat_ids_and_mask(tokenizer, turns_of(row[whole]))
    if not isinstance(row["completion"], str):
        raise ValueError(f"completion is {row['completion']!r}; it must be a text, perhaps an empty one")
    asked, answer = prompt_ids(tokenizer, turns_of(row["prompt"])), answer_ids(tokenizer, row["completion"])
    return [*asked, *answer], [False] * len(asked) + [True] * len(answer)
