"""What the training loop reads: rows by number, for ever, and the held-out rows in a fixed order.

A batch is a pure function of (seed, sample numbers): nothing is stored, any number of processes reads the same, and
which rows a batch holds does not depend on how large it is. Arrays are int64; a target where nothing is predicted is
-100.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from foretell.corpus.config import (
    Data,
    DemonstrationData,
    ImageData,
    PromptData,
    RankingData,
    SegmentData,
    TaskData,
    TextData,
    TranslationData,
)
from foretell.errors import BadUse

Arrays = dict[str, np.ndarray]
ONE_SOURCE = "text"  # the name that epochs are told by where there are no sources
IGNORED = -100  # a target where nothing is predicted


class Batches(Protocol):
    """An open source of rows."""

    @property
    def n_rows(self) -> int:
        """Rows in an epoch."""

    def batch(self, samples: np.ndarray) -> Arrays:
        """The rows of these sample numbers (0, 1, 2, ... without end), stacked; padded where they differ in length."""

    def epochs(self, n_samples: int) -> dict[str, float]:
        """How often each source was read after so many samples."""

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        """Held-out rows, spread over all of them and in their order: at most `limit`, 0 for all.

        Running text carries `n_bytes` (B,), the bytes of the text that is predicted.
        """


def open_batches(data: Data, seed: int) -> Batches:
    """The rows of a data config whose folders are there (prepare.py); BadUse if one is damaged or too small."""
    from foretell.corpus import (
        demonstrations,
        examples,
        pairs,
        questions,
        rankings,
        segments,
        windows,
    )  # of these types

    match data:
        case TextData():
            return windows.open_windows(data, seed)
        case SegmentData():
            return segments.open_segments(data, seed)
        case TranslationData():
            return pairs.open_pairs(data, seed)
        case TaskData():
            return examples.open_examples(data, seed)
        case DemonstrationData():
            return demonstrations.open_demonstrations(data, seed)
        case RankingData():
            return rankings.open_rankings(data, seed)
        case ImageData():
            return questions.open_questions(data, seed)
        case PromptData():
            raise BadUse("prompts are answered, not read in rows; they are for objective=ppo")


def spread(n_rows: int, limit: int) -> np.ndarray:
    """The numbers of at most `limit` of n rows, evenly spread; all of them if limit is 0."""
    n = min(limit, n_rows) if limit else n_rows
    return np.arange(n) * n_rows // max(n, 1)


def parts(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The rows cut into batches, the last one perhaps smaller."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def text_bytes(targets: np.ndarray, byte_lengths: np.ndarray) -> np.ndarray:  # (B, T), (V,) -> (B,)
    """The bytes of text that the predicted targets stand for."""
    predicted = targets != IGNORED  # (B, T)
    return np.where(predicted, byte_lengths[np.where(predicted, targets, 0)], 0).sum(1).astype(np.float64)
