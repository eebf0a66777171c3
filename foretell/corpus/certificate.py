"""How well deduplication finds near copies in this very corpus: copies are planted in a sample of it and looked for.

    plant       a copy with words replaced by words of other texts, some copies cut as well, of known Jaccard index
    recall      of the planted copies of an index of LEAST or more, how many share a cluster with their original
    precision   of the documents that deduplication would drop, how many are in truth like a document of their
                cluster: an index of LIKE or more
    bins        recall by index, beside 1 - (1 - J^rows)^bands

GPT-3's appendix A tells no such figures. Our choice: LIKE is 0.5, because near copies by the user's own hand are no
mistake; the share at LEAST is told beside it.

N texts   M planted copies   D documents dropped
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from foretell.corpus.components import Components, components
from foretell.corpus.dedup import DedupConfig
from foretell.corpus.minhash import expected_recall, hashes, jaccard, shingle_sets
from foretell.corpus.order import mixed, stream

LEAST, LIKE = 0.8, 0.5
EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of the bins
MOST_COMPARED = 100  # of a cluster's documents, with each other one
MOST_REPLACED, CUT, MOST_CUT = 0.12, 0.3, 0.15  # shares: of words, of copies, of their words


class Bin(NamedTuple):
    """Planted copies of about the same Jaccard index."""

    low: float
    high: float
    planted: int
    found: int
    theory: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """What was found of what was planted."""

    documents: int
    planted: int
    recall: float
    """share found of the copies with a Jaccard index of 0.8 or more; nan if there are none"""
    dropped: int
    """documents and copies that deduplication would drop"""
    precision: float
    """share of the dropped documents with an index of 0.5 or more with another of their cluster; nan if none is"""
    strict_precision: float
    """the same at 0.8"""
    bins: tuple[Bin, ...]


def certificate(texts: Sequence[str], cfg: DedupConfig, *, copies: int = 1000, seed: int = 0) -> Certificate:
    """Recall and precision of near-duplicate removal on a sample of texts with planted copies.

    `texts` is a sample of the corpus, held in memory; `copies` of them, of ten words or more, get a copy.
    """
    import pyarrow as pa

    copied, plants = plant(texts, copies, seed)
    every = pa.array([*texts, *plants], pa.large_string())
    sets = list(shingle_sets(every, cfg.ngram))
    whole = _clusters(every, sets, cfg)
    originals, planted = np.array(copied, dtype=np.int64), len(texts) + np.arange(len(plants))
    index = np.array([jaccard(sets[a], sets[b]) for a, b in zip(originals, planted, strict=True)])  # (M,)
    found = whole[originals] == whole[planted]
    best = _nearest_in_cluster(whole, sets)
    return Certificate(
        documents=len(texts),
        planted=len(plants),
        recall=_share(found[index >= LEAST]),
        dropped=len(best),
        precision=_share(best >= LIKE),
        strict_precision=_share(best >= LEAST),
        bins=tuple(_bins(index, found, cfg)),
    )


def _share(of: np.ndarray) -> float:
    return float(of.mean()) if len(of) else float("nan")


def plant(texts: Sequence[str], copies: int, seed: int) -> tuple[list[int], list[str]]:  # -> (M,), (M,)
    """The places of texts and an altered copy of each; which and how follows from the seed and the place alone."""
    order = np.argsort(mixed(np.arange(len(texts), dtype=np.uint64) + np.uint64(seed << 32)), kind="stable")
    copied = [int(place) for place in order if len(texts[place].split()) >= 10][:copies]
    strange = [word for place in order[:200] for word in texts[place].split()] or [""]
    return copied, [_altered(texts[place].split(), strange, seed, place) for place in copied]


def _altered(words: list[str], strange: list[str], seed: int, place: int) -> str:
    """A copy with up to MOST_REPLACED of the words replaced, and maybe its end cut off."""
    numbers = stream(seed, np.array([place]), 2 * len(words) + 3)[0]
    share, cut, length = numbers[:3]
    where, which = numbers[3 : 3 + len(words)], numbers[3 + len(words) :]
    new = [
        strange[int(b * len(strange))] if a < share * MOST_REPLACED else word
        for word, a, b in zip(words, where, which, strict=True)
    ]
    return " ".join(new[: len(new) - int(length * MOST_CUT * len(new))] if cut < CUT else new)


def _clusters(texts: object, sets: Sequence[np.ndarray], cfg: DedupConfig) -> np.ndarray:  # (N,)
    """The label of each text's cluster, found as the engine does, but in memory."""
    made = hashes(texts, cfg.bands, cfg.rows, cfg.ngram, cfg.seed)
    u, v = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    with_words = np.flatnonzero(made.has_words)
    for keys in made.bands.T:
        a, b = _sharing(keys[with_words], all_pairs=cfg.verify > 0)
        u.append(with_words[a])
        v.append(with_words[b])
    first, second = np.concatenate(u), np.concatenate(v)
    if cfg.verify:
        from foretell.corpus.verify import similarities

        alike = similarities(first, second, sets) >= cfg.verify
        first, second = first[alike], second[alike]
    labels = np.arange(len(sets))
    part: Components = components(first, second)
    labels[part.nodes] = part.labels
    return labels


def _sharing(keys: np.ndarray, *, all_pairs: bool) -> tuple[np.ndarray, np.ndarray]:
    """Places that share a key: of each group the first with every other, or every pair."""
    order = np.argsort(keys, kind="stable")
    _, starts, sizes = np.unique(keys[order], return_index=True, return_counts=True)
    begin, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    if not all_pairs:
        later = np.arange(len(keys)) > begin
        return order[begin[later]], order[np.flatnonzero(later)]
    after = begin + size - 1 - np.arange(len(keys))  # how many of the group come after each place
    first = np.repeat(np.arange(len(keys)), after)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(after) - after, after)
    return order[first], order[second]


def _nearest_in_cluster(labels: np.ndarray, sets: Sequence[np.ndarray]) -> np.ndarray:  # (N,) -> (D,)
    """Of every document that is not the first of its cluster, the Jaccard index with another of it.

    It is the first found that is LEAST or more, else the greatest.
    """
    best = []
    order = np.argsort(labels, kind="stable")
    _, starts, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        members = order[start : start + size]
        for i, one in enumerate(members[1:], start=1):
            best.append(0.0)
            for other in np.delete(members, i)[:MOST_COMPARED]:
                best[-1] = max(best[-1], jaccard(sets[one], sets[other]))
                if best[-1] >= LEAST:
                    break
    return np.array(best)


def _bins(index: np.ndarray, found: np.ndarray, cfg: DedupConfig) -> list[Bin]:  # (M,), (M,)
    """Found and planted copies by Jaccard index, an index of 1 in the last bin."""
    bins = []
    for low, high in pairwise(EDGES):
        inside = (index >= low) & ((index < high) | (high == EDGES[-1]))
        theory = _share(expected_recall(index[inside], cfg.bands, cfg.rows))
        bins.append(Bin(low, high, int(inside.sum()), int(found[inside].sum()), theory))
    return bins
