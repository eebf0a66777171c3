"""Windows of running text, documents packed with <|endoftext|> between them and no mask across (GPT, GPT-2, GPT-3).

    packed      row i:  inputs = tokens[i T : i T + T],  targets = tokens[i T + 1 : i T + T + 1]
    documents   a row holds T tokens of one document or what is left of it; what follows is not predicted

Where the folder holds several sources a packed row lies within one, and rows are mixed so that the sources' shares of
the tokens predicted are their weights (rows.py). A row of `documents` begins with <|endoftext|>, as generation does, so
that a document's first word is predicted as well.

B rows   T tokens of a row   V n_vocab   R rows of a split
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import as_strided

from foretell.corpus.batches import IGNORED, Arrays, parts, spread, text_bytes
from foretell.corpus.config import TextData
from foretell.corpus.megatron import TokenFile
from foretell.corpus.rows import Order, order_of, source_means
from foretell.corpus.tokens import Tokens, check_kind, check_length, open_tokens
from foretell.errors import BadUse


class Rows(Protocol):
    """The rows of a split."""

    def __len__(self) -> int: ...

    def arrays(self, rows: np.ndarray) -> Arrays:
        """The inputs and targets of these rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """Rows of T + 1 tokens, each sharing its last one with the next row's first: source after source."""

    windows: np.ndarray
    """T + 1 tokens from every token on, as a view"""
    firsts: np.ndarray
    """the first row of each source, and the number of all (S+1,)"""
    shifts: np.ndarray
    """what is added to T times a row of each source to come to its first token (S,)"""

    def __len__(self) -> int:
        return int(self.firsts[-1])

    def arrays(self, rows: np.ndarray) -> Arrays:
        places = rows * (self.windows.shape[1] - 1)  # (B,)
        if len(self.shifts) > 1:
            places += self.shifts[self.firsts.searchsorted(rows, "right") - 1]
        found = self.windows[places]  # (B, T+1)
        return {"inputs": found[:, :-1].astype(np.int64), "targets": found[:, 1:].astype(np.int64)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pieces:
    """Rows that hold a piece of one document each: where it begins in the tokens, and how many it has."""

    tokens: np.ndarray
    start: np.ndarray
    length: np.ndarray
    opens: np.ndarray
    """whether the piece is its document's first"""
    row: int
    end_of_text: int

    def __len__(self) -> int:
        return len(self.start)

    def arrays(self, rows: np.ndarray) -> Arrays:
        places = self.start[rows, None] + np.arange(-1, self.row)  # (B, T+1)
        inside = np.arange(self.row + 1) <= self.length[rows, None]  # (B, T+1)
        found = self.tokens[np.clip(places, 0, len(self.tokens) - 1)].astype(np.int64)  # (B, T+1)
        found[self.opens[rows], 0] = self.end_of_text
        return {
            "inputs": np.where(inside[:, :-1], found[:, :-1], self.end_of_text),
            "targets": np.where(inside[:, 1:], found[:, 1:], IGNORED),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """Rows of text; the tokens stay on disk until they are read."""

    order: Order
    train: Rows
    val: Rows
    byte_lengths: np.ndarray

    @property
    def n_rows(self) -> int:
        return len(self.train)

    def batch(self, samples: np.ndarray) -> Arrays:
        return self.train.arrays(self.order.rows(samples))

    def epochs(self, n_samples: int) -> dict[str, float]:
        """How often each source was read after so many samples."""
        return self.order.epochs(n_samples)

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        for rows in parts(spread(len(self.val), limit), batch_size):
            batch = self.val.arrays(rows)
            yield {**batch, "n_bytes": text_bytes(batch["targets"], self.byte_lengths)}


def open_windows(data: TextData, seed: int) -> Windows:
    """The rows of a token folder; BadUse if it has not a single one, or nothing stands between its documents."""
    if data.tokenizer == "wordpiece":
        rule = "puts nothing between documents, which running text needs"
        raise BadUse(f"data.tokenizer=wordpiece {rule}; set --data.tokenizer bpe or gpt1")
    tokens = open_tokens(Path(data.folder))
    check_kind(tokens, data.tokenizer)
    packed = data.rows == "packed"
    check_length(tokens, data.length + 1 if packed else 1)
    opened = packed_rows if packed else piece_rows
    train, sizes = opened(tokens, "train", data.length)
    val, _ = opened(tokens, "val", data.length)
    check_rows(tokens, val, data.length)
    predicted = source_means(train.length, sizes) if isinstance(train, Pieces) else {}
    return Windows(
        order=order_of(tokens, len(train), sizes, data.mixture, seed, predicted),
        train=train,
        val=val,
        byte_lengths=tokens.tokenizer().byte_lengths(),
    )


def check_rows(tokens: Tokens, val: Rows, length: int) -> None:
    """BadUse if no source has held-out text for a row."""
    if not len(val):
        raise BadUse(f"no source of {tokens.folder} has held-out text for a row of {length}; lower --data.length")


def packed_rows(tokens: Tokens, name: str, length: int) -> tuple[Packed, dict[str, int]]:
    """The packed rows of a split, and how many each source has."""
    flat: np.ndarray = getattr(tokens, name).tokens
    ends = tokens.source_ends(name)
    places = np.array(list(ends.values()) or [(0, len(flat))])  # (S, 2), the first source at 0
    sizes = np.maximum((places[:, 1] - places[:, 0] - 1) // length, 0)  # (S,)
    firsts = np.cumsum([0, *sizes])  # (S+1,)
    packed = Packed(windows=windowed(flat, length), firsts=firsts, shifts=places[:, 0] - firsts[:-1] * length)
    return packed, dict(zip(ends, sizes.tolist(), strict=False))


def piece_rows(tokens: Tokens, name: str, length: int) -> tuple[Pieces, dict[str, int]]:
    """The rows of a split that hold one document each, and how many each source has."""
    file: TokenFile = getattr(tokens, name)
    ends = file.sequences[file.documents]  # (D+1,)
    n_pieces = -(-(ends[1:] - ends[:-1]) // length)  # (D,)
    document = np.repeat(np.arange(len(n_pieces)), n_pieces)  # (R,)
    number = np.arange(len(document)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)  # (R,)
    start = ends[document] + number * length
    sizes = {
        source: int(np.diff(np.searchsorted(start, place))[0]) for source, place in tokens.source_ends(name).items()
    }
    pieces = Pieces(
        tokens=file.tokens,
        start=start,
        length=np.minimum(length, ends[document + 1] - start),
        opens=number == 0,
        row=length,
        end_of_text=tokens.tokenizer().end_of_text,
    )
    return pieces, sizes


def windowed(tokens: np.ndarray, length: int) -> np.ndarray:  # -> (N, T+1)
    """The T + 1 tokens from every token on, as a view: nothing is copied before a row is asked for."""
    n, step = max(len(tokens) - length, 0), tokens.strides[0]
    return as_strided(tokens, (n, length + 1), (step, step), writeable=False)
