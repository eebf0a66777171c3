"""Runs of N words of evaluation examples in training text, for many N in one pass (Brown et al. 2020, appendix C).

Each length has an index of its own (corpus/evaluation_index.py). Lengths from 8 on, from 4 to 7, and 2 and 3 are one
group each: text is searched for the shortest runs of the group, and the longer ones are looked for only where those
are, so that six lengths cost little more than one.

A unit is a run of one length; U of them. H hits   W words of a chunk   E examples
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from foretell.audit.contamination_examples import Example
from foretell.audit.contamination_hits import Hits, joined
from foretell.corpus.evaluation_index import Index, found, holders, indexed, known_words
from foretell.corpus.evaluation_text import Item
from foretell.corpus.ngrams import Words

MOST_DOCUMENTS = 10
"""a run in more documents is a common phrase, and makes nothing dirty"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lengths:
    """The indexes of lengths that are searched for together, and the one that finds where they may be."""

    around: Index
    indexes: tuple[Index, ...]
    rows: tuple[np.ndarray, ...]
    """of each index: the examples of its items"""
    places: tuple[np.ndarray, ...]
    """of each index: where the words of `around` are in its vocabulary, -1 where they are not"""
    firsts: tuple[int, ...]
    """of each index: its first unit"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    """All runs of all lengths."""

    groups: tuple[Lengths, ...]
    n_units: int


def runs_of(examples: Sequence[Example], sizes: np.ndarray) -> Runs:  # (E,)
    """The runs of each example's own length; examples without a word have none."""
    groups, first = [], 0
    lengths = np.unique(sizes[sizes > 0]).tolist()
    for _, some in groupby(lengths, key=lambda n: min(int(n).bit_length(), LEAST_BITS)):
        group = list(some)
        rows = tuple(np.flatnonzero(sizes == n) for n in group)
        indexes = tuple(indexed(items_of(examples, mine), n) for n, mine in zip(group, rows, strict=True))
        around = indexed(items_of(examples, np.concatenate(rows)), group[0]) if len(group) > 1 else indexes[0]
        firsts = first + np.cumsum([0, *(len(index.hashes) for index in indexes)])
        places = tuple(known_words(index, around.vocabulary) for index in indexes)
        begins = tuple(firsts[:-1].tolist())
        groups.append(Lengths(around=around, indexes=indexes, rows=rows, places=places, firsts=begins))
        first = int(firsts[-1])
    return Runs(groups=tuple(groups), n_units=first)


LEAST_BITS = (8).bit_length()  # lengths from 8 on are one group


def items_of(examples: Sequence[Example], rows: np.ndarray) -> list[Item]:
    """Some examples as items of an index, in their order."""
    return [Item(examples[i].set, examples[i].item, examples[i].text) for i in rows.tolist()]


def run_hits(runs: Runs, words: Words) -> Hits:
    """Every place in a chunk at which a run stands."""
    return joined([hits for group in runs.groups for hits in group_hits(group, words)])


def group_hits(group: Lengths, words: Words) -> Iterator[Hits]:
    """The hits of each length of a group."""
    known = known_words(group.around, words.vocabulary)
    starts, grams = found(group.around, words, known)
    if len(group.indexes) == 1:
        yield hits_at(words, starts, grams, group.indexes[0].n, group.firsts[0])
        return
    if not len(starts):
        return
    near, places, used = words_near(words, known, starts, group.around.n)
    for index, known_there, first in zip(group.indexes, group.places, group.firsts, strict=True):
        inner, grams = found(index, near, known_there[used])
        yield hits_at(words, places[inner], grams, index.n, first)


def hits_at(words: Words, starts: np.ndarray, grams: np.ndarray, n: int, first: int) -> Hits:  # (H,), (H,)
    """The hits of runs that begin at these words."""
    texts = np.searchsorted(words.firsts, starts, "right") - 1
    return Hits(grams + first, texts, words.begins[starts], words.ends[starts + n - 1])


def words_near(
    words: Words, known: np.ndarray, starts: np.ndarray, n: int
) -> tuple[Words, np.ndarray, np.ndarray]:  # (U,), (H,) -> (W'), (U')
    """The words of runs of n that begin at `starts`, each unbroken stretch as a text; where they stood, and which
    known words they are.
    """
    covered = np.zeros(len(words.codes) + n, np.int32)
    np.add.at(covered, starts, 1)
    np.add.at(covered, starts + n, -1)
    places = np.flatnonzero(np.cumsum(covered)[: len(words.codes)] > 0)
    texts = np.searchsorted(words.firsts, places, "right") - 1
    breaks = np.flatnonzero((np.diff(places) > 1) | (np.diff(texts) > 0)) + 1
    used, codes = np.unique(known[words.codes[places]], return_inverse=True)
    firsts = np.concatenate([[0], breaks, [len(places)]])
    near = words._replace(codes=codes.astype(np.int32), firsts=firsts, begins=words.begins[places])
    return near, places, used


def dirty_runs(runs: Runs, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # (U,) -> (P,), (P,)
    """Pairs of an example and a unit of it that occurs in 1 to MOST_DOCUMENTS documents."""
    is_dirty = (counts > 0) & (counts <= MOST_DOCUMENTS)
    examples, units = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for group in runs.groups:
        for index, rows, first in zip(group.indexes, group.rows, group.firsts, strict=True):
            grams = np.flatnonzero(is_dirty[first : first + len(index.hashes)])
            places, items = holders(index, grams, np.zeros(len(grams), bool))
            examples.append(rows[items])
            units.append(grams[places] + first)
    return np.concatenate(examples), np.concatenate(units)
