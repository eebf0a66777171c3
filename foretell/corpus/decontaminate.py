"""Text of evaluation sets cut out of training documents: what Brown et al. 2020, appendix C, does before training.

Where an n-gram (ngrams.py) of an evaluation set occurs in a document, it is cut out with 200 characters on each side,
which splits the document into pieces. Windows that overlap or touch are one cut, so a copied paragraph is one, however
many n-grams it holds. Pieces under 200 characters are dropped; a document in more than 10 pieces goes altogether; an
n-gram that occurs in more than 10 documents is a common phrase and cuts nothing.

    index   = build(items, cfg)                            once
    counts += document_counts(index, texts)                for the texts of each partition
    cleaned = clean(index, counts, ids, texts, cfg)        for each partition again, with the counts of all
    scan(index, texts), clean(..., dirty)                  the same, at half the cost where the first pass is remembered

Where the paper is silent, ours is: the pieces that are counted are those before the short ones go; windows are
characters, whether or not they end within a word; and a document is counted once for an n-gram, as often as it has it.

N documents   G different n-grams of the evaluation sets
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from foretell.corpus.evaluation_index import Index, found, holders, indexed, load, save, too_short
from foretell.corpus.evaluation_text import Item
from foretell.corpus.ngrams import Words, characters_before, chunks, text_array

__all__ = [
    "Cleaned",
    "DecontaminateConfig",
    "Hit",
    "Index",
    "Scan",
    "build",
    "clean",
    "document_counts",
    "load",
    "save",
    "scan",
    "too_short",
    "without",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class DecontaminateConfig:
    """What counts as text of an evaluation set, and what is cut with it."""

    n: int = 13
    """words in a row that an evaluation set and a document share, 8 to 13; items with fewer words are not searched"""
    window: int = 200
    """characters that are cut on each side of a match"""
    shortest_piece: int = 200
    """characters of the shortest piece that is kept"""
    most_pieces: int = 10
    """pieces into which a document may fall; with more it is dropped"""
    most_documents: int = 10
    """documents in which an n-gram may occur; with more it is a common phrase, and ignored"""

    def __post_init__(self) -> None:
        if not 8 <= self.n <= 13:
            raise ValueError(f"n={self.n} is not in [8, 13]; fewer words match by chance, more miss short items")
        least = {"window": 0, "shortest_piece": 1, "most_pieces": 1, "most_documents": 1}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ValueError(f"{name}={getattr(self, name)} is below {value}; GPT-3's is {DEFAULTS[name]}")


Match = tuple[int, int, int, str, str, bool]  # text, its bytes before and up to the end, set, item, ignored
DEFAULTS = {"window": 200, "shortest_piece": 200, "most_pieces": 10, "most_documents": 10}


class Hit(NamedTuple):
    """An n-gram of an evaluation item in a document; `start` is its first character there, `snippet` its text there.

    An n-gram that several items have is a hit for each of them; one that is ignored for the first of each set.
    """

    document: str
    evaluation_set: str
    item: str
    start: int
    snippet: str
    ignored: bool
    """whether it cuts nothing, because it occurs in too many documents"""


class Cleaned(NamedTuple):
    """What is left of a document: one piece, the whole text, where nothing was cut; none if it is dropped."""

    id: str
    pieces: list[str]
    reason: str
    """why it is dropped; '' if it is not"""
    hits: list[Hit]


class Scan(NamedTuple):
    """What the first pass finds in N texts."""

    counts: np.ndarray
    """(G,) int64: texts that hold an n-gram"""
    dirty: np.ndarray
    """(N,) bool: whether a text holds any"""


def build(items: Sequence[Item], cfg: DecontaminateConfig) -> Index:
    """The index of evaluation items; BadUse if none of them has n words."""
    return indexed(items, cfg.n)


def document_counts(index: Index, texts: Any) -> np.ndarray:  # (G,)
    """How many of the texts hold each n-gram, whatever number of times; those of several batches can be added."""
    return scan(index, texts).counts


def scan(index: Index, texts: Any) -> Scan:
    """The counts of `document_counts`, and which texts hold an n-gram: `clean` then looks at no others."""
    counts = np.zeros(len(index.hashes), dtype=np.int64)
    dirty = np.zeros(len(texts), dtype=bool)
    for first, words in chunks(texts):
        starts, grams = found(index, words)
        holders = _texts_of(words, starts)
        dirty[first + holders] = True
        counts += np.bincount(np.unique(holders * len(counts) + grams) % len(counts), minlength=len(counts))
    return Scan(counts, dirty)


def _texts_of(words: Words, starts: np.ndarray) -> np.ndarray:
    """The text in which each word stands."""
    return np.searchsorted(words.firsts, starts, "right") - 1


def clean(
    index: Index,
    counts: np.ndarray,
    ids: Sequence[str],
    texts: Any,
    cfg: DecontaminateConfig,
    dirty: np.ndarray | None = None,
) -> list[Cleaned]:
    """What is left of each document, in order; `counts` are those of all documents, these among them.

    `dirty`, from `scan` of the same texts, saves finding again which of them hold an n-gram. ValueError where the
    config or the counts are of another index, or these documents were not counted.
    """
    if cfg.n != index.n or len(counts) != len(index.hashes):
        wrong = f"n={cfg.n} and {len(counts)} counts do not fit an index of {len(index.hashes)} {index.n}-grams"
        raise ValueError(f"{wrong}; count and clean with the same index")
    array = text_array(texts)
    cleaned = [Cleaned(one, [text], "", []) for one, text in zip(ids, array.to_pylist(), strict=True)]
    at = np.arange(len(array)) if dirty is None else np.flatnonzero(dirty)
    for first, words in chunks(array if dirty is None else array.take(pa.array(at))):
        for number, rows in groupby(_matches(index, counts, words, cfg), key=lambda row: row[0]):
            whole = cleaned[at[first + number]]
            cleaned[at[first + number]] = _cut(whole, words, number, list(rows), cfg)
    return cleaned


def _matches(index: Index, counts: np.ndarray, words: Words, cfg: DecontaminateConfig) -> Iterator[Match]:
    """The n-grams found, in order, each for every item that has it; a common phrase for one item of each set."""
    starts, grams = found(index, words)
    times = counts[grams]
    if not times.all():
        raise ValueError("an n-gram of these documents was never counted; count all documents before cleaning")
    ignored = times > cfg.most_documents
    places, items = holders(index, grams, ignored)
    names, starts, ignored = index.items.take(items), starts[places], ignored[places]
    columns = (_texts_of(words, starts), words.begins[starts], words.ends[starts + index.n - 1])
    lists = [column.tolist() for column in columns]
    return zip(*lists, names["set"].to_pylist(), names["item"].to_pylist(), ignored.tolist(), strict=True)


def _cut(whole: Cleaned, words: Words, number: int, matches: list[Match], cfg: DecontaminateConfig) -> Cleaned:
    """A document without the windows around its matches that are not ignored, and all matches as hits."""
    text = whole.pieces[0]
    begin, end = words.offsets[number : number + 2]
    spans = characters_before(words.content[begin:end], np.array([row[1:3] for row in matches]) - begin).tolist()
    hits = [
        Hit(whole.id, *row[3:5], start, text[start:stop], row[5])
        for row, (start, stop) in zip(matches, spans, strict=True)
    ]
    cut = [span for span, hit in zip(spans, hits, strict=True) if not hit.ignored]
    if not cut:
        return Cleaned(whole.id, [text], "", hits)
    pieces = without(text, cut, cfg.window)
    if len(pieces) > cfg.most_pieces:
        return Cleaned(whole.id, [], f"more than {cfg.most_pieces} pieces", hits)
    long = [piece for piece in pieces if len(piece) >= cfg.shortest_piece]
    reason = "" if long else f"no piece of {cfg.shortest_piece} characters is left"
    return Cleaned(whole.id, long, reason, hits)


def without(text: str, spans: Iterable[Sequence[int]], window: int) -> list[str]:
    """What is left of a text, in pieces, when spans in the order of their starts go with a window on each side."""
    pieces, reached = [], 0
    for begin, end in spans:
        pieces.append(text[reached : max(reached, begin - window)])
        reached = max(reached, end + window)
    return [piece for piece in [*pieces, text[reached:]] if piece]
