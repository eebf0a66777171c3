"""Which row of the training text each sample reads: shuffled, or sources mixed by weight and each one shuffled.

The rows of a source lie together. What a source's k-th sample reads follows from (seed, its name, k) and its number of
rows alone, so that other sources, added or taken away, move nothing in it.

Weights are shares of the tokens that are predicted. A sample is a row, so where the rows of one source hold more of
them than those of another, row i is drawn by w_i / t_i, with t_i the mean tokens predicted in a row of source i.

B samples   R rows
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from typing import Protocol

import numpy as np

from foretell.corpus.batches import ONE_SOURCE
from foretell.corpus.config import stages_of
from foretell.corpus.mixture import Mixture, Stage, check_numbers, drawn_block, epochs_elapsed, mixture_of
from foretell.corpus.order import ahead, hashed, permuted, shuffled
from foretell.corpus.tokens import CARD, Tokens
from foretell.errors import BadUse


class Order(Protocol):
    """From sample numbers to rows."""

    def rows(self, samples: np.ndarray) -> np.ndarray:
        """The row of each sample number (0, 1, 2, ... without end)."""

    def epochs(self, n_samples: int) -> dict[str, float]:
        """How often each source was read after so many samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shuffled:
    """All rows once in every epoch."""

    n_rows: int
    seed: int

    def rows(self, samples: np.ndarray) -> np.ndarray:  # (B,) -> (B,)
        return shuffled(samples, self.n_rows, self.seed)

    def epochs(self, n_samples: int) -> dict[str, float]:
        return {ONE_SOURCE: n_samples / self.n_rows}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)  # one is itself alone, so that blocks are found quickly
class Mixed:
    """Sources by weight; each gives all its rows once before it gives one again."""

    mixture: Mixture
    sizes: tuple[int, ...]
    """rows of each source"""
    seed: int

    def rows(self, samples: np.ndarray) -> np.ndarray:  # (B,) -> (B,)
        return ahead(samples, partial(_block, self))

    def epochs(self, n_samples: int) -> dict[str, float]:
        return epochs_elapsed(self.mixture, n_samples, self.sizes)


@lru_cache(maxsize=8)
def _block(order: Mixed, block: int) -> np.ndarray:
    """The rows of the block's AHEAD samples."""
    sources, read = drawn_block(order.mixture, block)
    found, first = np.empty_like(read), 0
    for i, (name, size) in enumerate(zip(order.mixture.names, order.sizes, strict=True)):
        mine = np.flatnonzero(sources == i)
        if len(mine):
            epochs, places = np.divmod(read[mine], size)
            found[mine] = first + permuted(places, size, hashed(_key(order.seed, name), epochs.astype(np.uint64)))
        first += size
    return found


def _key(seed: int, name: str) -> np.ndarray:  # -> (1,)
    """A key of a source's own: an array, because numpy warns where a scalar wraps round."""
    return np.frombuffer(hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()[:8], "<u8")


def source_rows(tokens: Tokens, starts: np.ndarray) -> dict[str, int]:
    """How many rows each source has in the training text, from the first token of each row, in order."""
    ends = tokens.source_ends("train")
    return {name: int(np.diff(np.searchsorted(starts, place))[0]) for name, place in ends.items()}


def source_means(numbers: np.ndarray, sizes: Mapping[str, int]) -> dict[str, float]:  # (R,)
    """The mean of a number of each row over the rows of each source that has some."""
    ends = np.cumsum([0, *sizes.values()]).tolist()
    of = zip(sizes, pairwise(ends), strict=True)
    return {name: float(numbers[first:end].mean()) for name, (first, end) in of if end > first}


def order_of(
    tokens: Tokens,
    n_rows: int,
    sizes: Mapping[str, int],
    given: tuple[str, ...],
    seed: int,
    predicted: Mapping[str, float] | None = None,
) -> Order:
    """How a folder's rows are read: as its card weights them, or as given; `sizes` are the rows of each source.

    `predicted` is the mean tokens predicted in a row of each source, where they are not the same in all rows.
    BadUse if weights are given for a folder of one source, or if a source that is to be read has no row.
    """
    if not sizes:
        if given:
            raise BadUse(f"{tokens.folder} holds one source, so data.mixture={given} weights nothing; leave it out")
        return Shuffled(n_rows=n_rows, seed=seed)
    stages = [Stage(*stage) for stage in stages_of(given)] if given else card_stages(tokens)
    mixture = mixture_of(list(sizes), [by_row(stage, sizes, predicted or {}) for stage in stages])
    for i, (name, size) in enumerate(sizes.items()):
        if not size and any(units[i] for units in mixture.units):
            raise BadUse(
                f"{tokens.folder} has not one row of source {name!r}, which has a weight; "
                f"lower --data.length, or set --data.mixture with {name}=0"
            )
    return Mixed(mixture=mixture, sizes=tuple(sizes.values()), seed=seed)


def by_row(stage: Stage, names: Collection[str], predicted: Mapping[str, float]) -> Stage:
    """The stage with weights of rows in place of those of tokens; `predicted` as in order_of()."""
    check_numbers("weight", stage.weights, list(names))
    return Stage(stage.first, {name: weight / predicted.get(name, 1.0) for name, weight in stage.weights.items()})


def card_stages(tokens: Tokens) -> list[Stage]:
    """The stages of the folder's own mixture; BadUse where the card holds none that can be read."""
    try:
        return [Stage(int(one["first"]), dict(one["weights"])) for one in tokens.card["mixture"]]
    except (KeyError, TypeError, ValueError) as error:
        path = tokens.folder / CARD
        raise BadUse(
            f"{path} has no mixture that can be read ({error}); give --data.mixture NAME=WEIGHT,..."
        ) from error
