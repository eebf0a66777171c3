"""Windows of running text, documents packed with <|endoftext|> between them and no mask across (GPT, GPT-2, GPT-3).

    row i:  inputs = tokens[i T : i T + T],  targets = tokens[i T + 1 : i T + T + 1]

B rows   T tokens of a row   V n_vocab
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided

from foretell.corpus.batches import Arrays, parts, spread, text_bytes
from foretell.corpus.config import TextData
from foretell.corpus.order import shuffled
from foretell.corpus.tokens import check_kind, check_length, open_tokens
from foretell.errors import BadUse


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """Rows of T + 1 tokens, each sharing its last one with the next row's first; the tokens stay on disk until read."""

    seed: int
    train: np.ndarray
    val: np.ndarray
    byte_lengths: np.ndarray

    @property
    def n_rows(self) -> int:
        return len(self.train)

    def batch(self, samples: np.ndarray) -> Arrays:
        return _arrays(self.train[shuffled(samples, self.n_rows, self.seed)])

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        for rows in parts(spread(len(self.val), limit), batch_size):
            batch = _arrays(self.val[rows])
            yield {**batch, "n_bytes": text_bytes(batch["targets"], self.byte_lengths)}


def _arrays(rows: np.ndarray) -> Arrays:  # (B, T+1)
    return {"inputs": rows[:, :-1].astype(np.int64), "targets": rows[:, 1:].astype(np.int64)}


def open_windows(data: TextData, seed: int) -> Windows:
    """The rows of a token folder; BadUse if it has not a single one, or nothing stands between its documents."""
    if data.tokenizer == "wordpiece":
        rule = "puts nothing between documents, which running text needs"
        raise BadUse(f"data.tokenizer=wordpiece {rule}; set --data.tokenizer bpe or gpt1")
    tokens = open_tokens(Path(data.folder))
    check_kind(tokens, data.tokenizer)
    check_length(tokens, data.length + 1)
    return Windows(
        seed=seed,
        train=windowed(tokens.train.tokens, data.length),
        val=windowed(tokens.val.tokens, data.length),
        byte_lengths=tokens.tokenizer().byte_lengths(),
    )


def windowed(tokens: np.ndarray, length: int) -> np.ndarray:  # -> (N, T+1)
    """All whole rows, as a view: nothing is copied before a row is asked for."""
    n, step = (len(tokens) - 1) // length, tokens.strides[0]
    return as_strided(tokens, (n, length + 1), (length * step, step), writeable=False)
