"""Text of evaluation sets cut out of training documents: what Brown et al. 2020, appendix C, does before training.

Where an n-gram (ngrams.py) of an evaluation set occurs in a document, it is cut out with 200 characters on each side,
which splits the document into pieces. Windows that overlap or touch are one cut, so a copied paragraph is one, however
many n-grams it holds. Pieces under 200 characters are dropped; a document in more than 10 pieces goes altogether; an
n-gram that occurs in more than 10 documents is a common phrase and cuts nothing.

    index   = build(items, cfg)                            once
    counts += document_counts(index, texts)                for the texts of each partition
    cleaned = clean(index, counts, ids, texts, cfg)        for each partition again, with the counts of all

Where the paper is silent, ours is: the pieces that are counted are those before the short ones go; windows are
characters, whether or not they end within a word; and a document is counted once for an n-gram, as often as it has it.

Every match is checked word by word, so a collision of hashes cuts nothing.

N documents   W words   G different n-grams of the evaluation sets   H hits   n words of an n-gram
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretell.corpus.evaluation_text import Item
from foretell.corpus.ngrams import Words, characters_before, chunks, rolling, runs, same_words, spread, text_array
from foretell.errors import BadUse, Failed
from foretell.runs import read_json, write_whole

FORMAT = 1  # changes when the words of a text, their hashes or the files do
SPARSE = 4  # bits by which the table of hashes is longer than the hashes: of other n-grams one in 16 passes it
TABLE_BITS = (10, 27)
MOST_SALTS = 8


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """The G different n-grams of evaluation items, in the order of their hashes."""

    n: int
    vocabulary: pa.Array
    """the different words of all items"""
    codes: np.ndarray
    """(W,) int32: the words of all items, one after the other, as places in the vocabulary"""
    items: pa.Table
    """`set`, `item` and `words`, the number of them"""
    hashes: np.ndarray
    """(G,) uint64, ascending"""
    places: np.ndarray
    """(G,) int64: where in `codes` an n-gram stands first"""
    salt: int
    """with which no two n-grams have one hash"""
    table: np.ndarray
    """whether a hash begins with these bits"""


class Hit(NamedTuple):
    """An n-gram of an evaluation set in a document; `start` is its first character there, `snippet` its text there."""

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


def build(items: Sequence[Item], cfg: DecontaminateConfig) -> Index:
    """The index of evaluation items; BadUse if none of them has n words.

    An n-gram that several items have belongs to the first of them.
    """
    parts = [words for _, words in chunks([item.text for item in items])]
    lengths = np.concatenate([np.zeros(0, dtype=np.int64), *(np.diff(words.firsts) for words in parts)])
    if not (lengths >= cfg.n).any():
        longest = lengths.max(initial=0)
        raise BadUse(f"none of {len(items)} evaluation items has {cfg.n} words ({longest} at most); give others")
    vocabulary, codes = _joined(parts)
    starts = runs(np.ones(len(codes), dtype=bool), np.append(0, np.cumsum(lengths)), cfg.n)
    table = pa.table({"set": [one.set for one in items], "item": [one.item for one in items], "words": lengths})
    for salt in range(MOST_SALTS):
        hashes = rolling(spread(np.arange(len(vocabulary)), salt)[codes], cfg.n)[starts]
        order = np.argsort(hashes, kind="stable")
        is_new = np.append(True, np.diff(hashes[order]) != 0)
        firsts = starts[order[is_new]]
        if same_words(codes, starts[order], codes, firsts[np.cumsum(is_new) - 1], cfg.n).all():
            return _index(cfg.n, vocabulary, codes, table, hashes[order[is_new]], firsts, salt)
    raise Failed(
        f"n-grams of the evaluation sets share hashes with each of {MOST_SALTS} salts; this is an error of ours"
    )


def _joined(parts: list[Words]) -> tuple[pa.Array, np.ndarray]:
    """One vocabulary for several lots of words, and all the words in it."""
    arrays = [pa.DictionaryArray.from_arrays(pa.array(one.codes), one.vocabulary) for one in parts]
    joined = pa.chunked_array(arrays).unify_dictionaries().combine_chunks()
    joined = joined.chunk(0) if isinstance(joined, pa.ChunkedArray) else joined
    return joined.dictionary, joined.indices.to_numpy()


def _index(n: int, words: pa.Array, codes: Any, items: pa.Table, hashes: Any, places: Any, salt: int) -> Index:
    bits = min(max(len(hashes).bit_length() + SPARSE, TABLE_BITS[0]), TABLE_BITS[1])
    table = np.zeros(2**bits, dtype=bool)
    table[hashes >> np.uint64(64 - bits)] = True
    named = {"codes": codes, "items": items, "hashes": hashes, "places": places, "salt": salt, "table": table}
    return Index(n=n, vocabulary=words, **named)


def found(index: Index, words: Words) -> tuple[np.ndarray, np.ndarray]:  # (H,), (H,)
    """The words at which indexed n-grams begin, in order, and which n-grams they are."""
    known = pc.fill_null(pc.index_in(words.vocabulary, value_set=index.vocabulary), -1).to_numpy()
    codes = known[words.codes]
    starts = runs(codes >= 0, words.firsts, index.n)
    hashes = rolling(spread(known, index.salt)[words.codes], index.n)[starts]
    passes = index.table[hashes >> np.uint64(65 - len(index.table).bit_length())]
    starts, hashes = starts[passes], hashes[passes]
    grams = np.minimum(np.searchsorted(index.hashes, hashes), len(index.hashes) - 1)
    is_hit = index.hashes[grams] == hashes
    starts, grams = starts[is_hit], grams[is_hit]
    is_hit = same_words(codes, starts, index.codes, index.places[grams], index.n)
    return starts[is_hit], grams[is_hit]


def document_counts(index: Index, texts: Any) -> np.ndarray:  # (G,)
    """How many of the texts hold each n-gram, whatever number of times; those of several batches can be added."""
    counts = np.zeros(len(index.hashes), dtype=np.int64)
    for _, words in chunks(texts):
        starts, grams = found(index, words)
        pairs = np.unique(_texts_of(words, starts) * len(counts) + grams)
        counts += np.bincount(pairs % len(counts), minlength=len(counts))
    return counts


def _texts_of(words: Words, starts: np.ndarray) -> np.ndarray:
    """The text in which each word stands."""
    return np.searchsorted(words.firsts, starts, "right") - 1


def clean(index: Index, counts: np.ndarray, ids: Sequence[str], texts: Any, cfg: DecontaminateConfig) -> list[Cleaned]:
    """What is left of each document, in order; `counts` are those of all documents, these among them.

    ValueError where the config or the counts are of another index, or these documents were not counted.
    """
    if cfg.n != index.n or len(counts) != len(index.hashes):
        wrong = f"n={cfg.n} and {len(counts)} counts do not fit an index of {len(index.hashes)} {index.n}-grams"
        raise ValueError(f"{wrong}; count and clean with the same index")
    array = text_array(texts)
    cleaned = [Cleaned(one, [text], "", []) for one, text in zip(ids, array.to_pylist(), strict=True)]
    for first, words in chunks(array):
        for number, rows in groupby(_matches(index, counts, words, cfg), key=lambda row: row[0]):
            cleaned[first + number] = _cut(cleaned[first + number], words, number, list(rows), cfg)
    return cleaned


def _matches(index: Index, counts: np.ndarray, words: Words, cfg: DecontaminateConfig) -> Iterator[Match]:
    """The n-grams found, in order."""
    starts, grams = found(index, words)
    times = counts[grams]
    if not times.all():
        raise ValueError("an n-gram of these documents was never counted; count all documents before cleaning")
    items = np.searchsorted(np.cumsum(index.items["words"].to_numpy()), index.places[grams], "right")
    names = index.items.take(items)
    columns = (_texts_of(words, starts), words.begins[starts], words.ends[starts + index.n - 1])
    ignored = times > cfg.most_documents
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


def too_short(index: Index) -> dict[str, int]:
    """How many items of each evaluation set have fewer than n words, and so are not searched; sets without any too."""
    sets, words = index.items["set"].to_pylist(), index.items["words"].to_pylist()
    counted = dict.fromkeys(sets, 0)
    for one, length in zip(sets, words, strict=True):
        counted[one] += length < index.n
    return counted


def save(index: Index, folder: Path) -> None:
    """Write the files of an index into a folder; the one that `load` reads first comes last."""
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"word": index.vocabulary}), folder / "words.parquet", compression="zstd")
    pq.write_table(index.items, folder / "items.parquet", compression="zstd")
    for name in ("codes", "hashes", "places"):
        np.save(folder / f"{name}.npy", getattr(index, name), allow_pickle=False)
    said = {"format": FORMAT, "n": index.n, "salt": index.salt, "n_grams": len(index.hashes)}
    write_whole(folder / "index.json", json.dumps({**said, "too_short": too_short(index)}, indent=1) + "\n")


def load(folder: Path) -> Index:
    """The index that `save` wrote; BadUse where there is none or one of another version, Failed if it is damaged."""
    import pyarrow.parquet as pq

    said = read_json(folder / "index.json")
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise BadUse(f"{folder} is no index of this version's format {FORMAT}; build it again")
    try:
        words = pq.read_table(folder / "words.parquet")["word"].combine_chunks()
        items = pq.read_table(folder / "items.parquet")
        arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("codes", "hashes", "places")}
        words = pa.concat_arrays(words.chunks) if isinstance(words, pa.ChunkedArray) else words
        return _index(said["n"], words, items=items, salt=said["salt"], **arrays)
    except (pa.ArrowException, OSError, ValueError, EOFError, KeyError) as error:
        raise Failed(f"{folder} is a damaged index ({str(error).splitlines()[0][:120]}); build it again") from error
