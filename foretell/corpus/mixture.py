"""How much of each source is read, and in which order: exact shares, a pure function of the sample number.

    n_0 = k;   c_i = round(n_i w_i / (w_i + ... + w_S)),   n_(i+1) = n_i - c_i

c_i is how many of the first k samples are read of source i: each source takes its share of what those before it left,
rounded. A rounded share of a number that grows by 0 or 1 grows by 0 or 1, so every sample belongs to one source, no
source has a gap, and c_i stays within about a sample of k w_i, at every k and not only on average. Sample k is the
c_i(k)-th of its source: nothing is stored, and the state of a run is k.

Weights are constant in stages. A stage counts from its first sample on what the ones before it read, so a change of
weights in mid-run moves no sample before it and skips or repeats none after it.

Brown et al. 2020, section 2.2: "datasets are not sampled in proportion to their size", higher-quality ones are read 2
to 3 times. The paper does not say how samples are drawn.

B samples   S sources
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from foretell.corpus.order import AHEAD, ahead
from foretell.errors import BadUse, nearest

UNIT = 1 << 40  # weights are realised as whole multiples of 1 / UNIT, so that every count is exact


class Stage(NamedTuple):
    """Weights from a sample on; they are taken in proportion, whatever their sum."""

    first: int
    weights: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """Sources, the first sample of each stage, and each stage's weights in whole units."""

    names: tuple[str, ...]
    firsts: tuple[int, ...]
    units: tuple[tuple[int, ...], ...]


def mixture_of(names: Sequence[str], stages: Sequence[Stage]) -> Mixture:
    """The mixture of these stages; a source that a stage does not name is not read in it.

    BadUse where a name is unknown, a weight is no number from 0 on, or the stages do not begin at 0 and go up.
    """
    firsts = [stage.first for stage in stages]
    if not firsts or firsts[0] != 0 or any(a >= b for a, b in pairwise(firsts)):
        raise BadUse(f"the stages of a mixture begin at samples {firsts}; the first begins at 0, each later one later")
    units = []
    for stage in stages:
        check_numbers("weight", stage.weights, names)
        total = sum(stage.weights.values())
        if not total > 0:
            raise BadUse(f"the weights from sample {stage.first} on are all 0; give one source a weight above 0")
        units.append(tuple(round(stage.weights.get(name, 0.0) / total * UNIT) for name in names))
    return Mixture(names=tuple(names), firsts=tuple(firsts), units=tuple(units))


def check_numbers(what: str, given: Mapping[str, float], names: Sequence[str]) -> None:
    """BadUse unless every name is known and every number is one from 0 on."""
    for name, number in given.items():
        if name not in names:
            raise BadUse(f"the mixture names {name!r}, which is no source{nearest(name, list(names))}")
        if isinstance(number, bool) or not (isinstance(number, int | float) and 0 <= number < math.inf):
            raise BadUse(f"{what} {number!r} of {name!r} is no number from 0 on; give a share such as 0.6")


def counts(mixture: Mixture, n_samples: int) -> tuple[int, ...]:
    """How many of the first samples each source gives, exactly; they sum to n_samples."""
    read = [0] * len(mixture.names)
    for first, end, units in _stages(mixture, n_samples):
        read = [one + more for one, more in zip(read, _counts(end - first, units), strict=True)]
    return tuple(read)


def epochs_elapsed(mixture: Mixture, n_samples: int, sizes: Sequence[int]) -> dict[str, float]:
    """How often each source was read after so many samples; sizes are in samples, and one without any is at 0."""
    read = counts(mixture, n_samples)
    return {name: n / max(size, 1) for name, n, size in zip(mixture.names, read, sizes, strict=True)}


def drawn(mixture: Mixture, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # (B,) -> (B,), (B,)
    """The source of each sample, and how many samples were read of that source before it."""
    found = ahead(samples, lambda block: np.stack(drawn_block(mixture, block), axis=1))  # (B, 2)
    return found[:, 0], found[:, 1]


@lru_cache(maxsize=8)  # a batch alone is too small to be quick: what the next ones read is found with it
def drawn_block(mixture: Mixture, block: int) -> tuple[np.ndarray, np.ndarray]:
    """drawn() of the block's AHEAD samples."""
    begin, end = block * AHEAD, (block + 1) * AHEAD
    parts = []
    for first, last, units in _stages(mixture, end):
        if last > begin:
            start = max(begin, first)
            before = counts(mixture, first) if first else (0,) * len(units)
            parts.append(_drawn_of(before, start - first, last - start, units))
    sources, locals_ = zip(*parts, strict=True)
    return np.concatenate(sources), np.concatenate(locals_)


def _stages(mixture: Mixture, n_samples: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """First sample, end and weights of each stage among the first samples."""
    ends = [*mixture.firsts[1:], n_samples]
    cut = [(first, min(end, n_samples), units) for first, end, units in zip(mixture.firsts, ends, mixture.units)]  # noqa: B905
    return [(first, end, units) for first, end, units in cut if first < end]


def _counts(n: int, units: Sequence[int]) -> list[int]:
    """c_1 ... c_S of the first n samples of a stage, in whole numbers of any length."""
    left, total, read = n, sum(units), []
    for own in units:
        read.append((2 * left * own + total) // (2 * total) if total else 0)
        left, total = left - read[-1], total - own
    return read


def _drawn_of(
    before: Sequence[int], start: int, n: int, units: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:  # -> (B,), (B,)
    """Sources and places of n samples of a stage from its sample `start` on, where the stages before it read `before`.

    The same formula as _counts(), taken from `start` on, where 64 bits hold it: left = left_0 + r, r <= n.
    """
    left, total = start, sum(units)
    more = np.arange(n + 1)  # r of each count: samples 0 to n, (B+1,)
    sources, locals_ = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for i, own in enumerate(units):
        if not own:
            continue
        there, rest = divmod(2 * left * own + total, 2 * total)
        taken = (rest + more * (2 * own)) // (2 * total)  # (B+1,)
        mine = np.flatnonzero(np.diff(taken))
        sources[mine], locals_[mine] = i, before[i] + there + taken[mine]
        left, more, total = left - there, more - taken, total - own
    return sources, locals_
