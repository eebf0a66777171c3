"""Questions about images as rows: patches and question are read, the answer and the token that ends it are learnt.

    <|user|> <|image|> x P  What colour is the circle?  <|end|> <|assistant|>  red <|end|>
                                                                               ------------ learnt

Examples are packed by first fit as demonstrations are; the images of a batch stand in the order of its placeholders.

B batch   T tokens   N images   P places of an image   S pixels of a side
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from foretell import progress
from foretell.corpus.batches import IGNORED, ONE_SOURCE, Arrays, parts, spread, text_bytes
from foretell.corpus.config import ImageData
from foretell.corpus.order import shuffled
from foretell.corpus.packing import first_fit, packed_rows, padded_rows
from foretell.corpus.pictures import Row, open_pictures
from foretell.corpus.pixels import normalised
from foretell.errors import BadUse
from foretell.text.chat import Turn, answer_ids, prompt_ids
from foretell.text.specials import IMAGE, IMAGE_MARK
from foretell.text.tokenizer import Tokenizer


class Example(NamedTuple):
    """What is read and learnt of a question, and the numbers of its images."""

    inputs: np.ndarray
    targets: np.ndarray
    images: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Questions:
    """Rows of examples."""

    train: Sequence[Example]
    val: Sequence[Example]
    rows: Sequence[Sequence[int]]
    """the examples of each row"""
    pixels: np.ndarray
    byte_lengths: np.ndarray
    seed: int

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def batch(self, samples: np.ndarray) -> Arrays:
        """The rows of these samples, packed, with the images of all of them."""
        found = [[self.train[i] for i in self.rows[row]] for row in shuffled(samples, self.n_rows, self.seed)]
        arrays = packed_rows([[(one.inputs, one.targets) for one in row] for row in found])
        return arrays | self.seen([one for row in found for one in row])

    def seen(self, examples: Sequence[Example]) -> Arrays:
        """The images of examples in their order; nothing where they have none."""
        numbers = [i for one in examples for i in one.images]
        return {"images": normalised(self.pixels[numbers])} if numbers else {}

    def epochs(self, n_samples: int) -> dict[str, float]:
        """How often the questions were read after so many samples."""
        return {ONE_SOURCE: n_samples / self.n_rows}

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        """Held-out questions, one in a row; `n_bytes` are those of the answer."""
        for numbers in parts(spread(len(self.val), limit), batch_size):
            some = [self.val[i] for i in numbers]
            batch = padded_rows([(one.inputs, one.targets) for one in some])
            yield {**batch, **self.seen(some), "n_bytes": text_bytes(batch["targets"], self.byte_lengths)}


def open_questions(data: ImageData, seed: int) -> Questions:
    """The rows of a prepared folder; what is too long for a row is left out, and counted in one line.

    BadUse where nothing is left to train on or to measure with.
    """
    pictures, tokenizer = open_pictures(Path(data.folder)), Tokenizer.load(Path(data.tokens))
    check_tokenizer(tokenizer, data.tokens)
    n_tokens = 0 if data.blind else data.image_tokens
    sides: dict[str, list[Example]] = {"train": [], "valid": []}
    for row in pictures.rows:
        sides[row["split"]].append(example(tokenizer, row, n_tokens))
    train, val = ([one for one in side if len(one.inputs) <= data.length] for side in sides.values())
    check_some(data, len(pictures.rows), train, val)
    order = shuffled(np.arange(len(train)), len(train), seed)
    lengths = np.array([len(train[i].inputs) for i in order])
    return Questions(
        train=train,
        val=val,
        rows=[[int(order[i]) for i in row] for row in first_fit(lengths, data.length)],
        pixels=pictures.pixels,
        byte_lengths=tokenizer.byte_lengths(),
        seed=seed,
    )


def check_tokenizer(tokenizer: Tokenizer, folder: str) -> None:
    """BadUse if the vocabulary has no place for images."""
    if IMAGE not in tokenizer.specials:
        raise BadUse(f"{folder} holds a {tokenizer.kind} tokenizer without {IMAGE}; give that of a model that sees")


def check_some(data: ImageData, n: int, train: Sequence[Example], val: Sequence[Example]) -> None:
    """Nothing but a line that counts what is left out; BadUse where a side has nothing left."""
    left_out = n - len(train) - len(val)
    rule = f"longer than data.length={data.length} tokens"
    for what, some in (("train on", train), ("hold out", val)):
        if not some:
            why = f"; {left_out} of {n} are {rule}" if left_out else ""
            raise BadUse(f"{data.folder} has no question to {what}{why}; give some split=train and some split=valid")
    if left_out:
        progress.say(f"{left_out} of {n} questions about images are {rule} and are left out")


def example(tokenizer: Tokenizer, row: Row, n_tokens: int) -> Example:
    """A row's ids with `n_tokens` placeholders for each image, 0 to leave them out; what is not learnt is IGNORED."""
    read = question_ids(tokenizer, row["prompt"], n_tokens)
    ids = [*read, *answer_ids(tokenizer, row["completion"])]
    inputs = np.array(ids[:-1], tokenizer.dtype)
    learnt = np.arange(1, len(ids)) >= len(read)
    targets = np.where(learnt, ids[1:], IGNORED).astype(np.int32)
    return Example(inputs, targets, tuple(row["images"]) if n_tokens else ())


def question_ids(tokenizer: Tokenizer, prompt: str, n_tokens: int) -> list[int]:
    """The ids of a question up to where it is to be answered, `n_tokens` placeholders at each mark."""
    if not n_tokens:
        return prompt_ids(tokenizer, (Turn("user", prompt.replace(IMAGE_MARK, "")),))
    return widened(prompt_ids(tokenizer, (Turn("user", prompt),)), tokenizer.special(IMAGE), n_tokens)


def widened(ids: Sequence[int], placeholder: int, n_tokens: int) -> list[int]:
    """The ids with each placeholder n_tokens times, as many as an image has patches."""
    return [one for i in ids for one in ([i] * n_tokens if i == placeholder else [i])]
