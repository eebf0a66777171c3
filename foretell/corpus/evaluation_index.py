"""The n-grams of evaluation sets in a form in which texts are searched for them fast, and exactly.

Each n-gram has a hash of 64 bits, and no two the same: where two would, another salt is taken. A run of a text is
looked up by its hash, first by its leading bits in a table, then among all; what is found is compared word by word.

    FOLDER/words.parquet   the vocabulary          FOLDER/codes.npy     the words of all items
    FOLDER/items.parquet   set, item, words        FOLDER/hashes.npy    FOLDER/places.npy    the n-grams
    FOLDER/holders.npy     items of each n-gram    FOLDER/bounds.npy    FOLDER/index.json

W words of all items   G different n-grams   P pairs of an n-gram and an item with it   H hits   n words of an n-gram
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretell.corpus.evaluation_text import Item
from foretell.corpus.ngrams import Words, chunks, rolling, runs, same_words, spread
from foretell.errors import BadUse, Failed, first_line
from foretell.runs import read_json, write_whole

FORMAT = 2  # changes when the words of a text, their hashes or the files do
SPARSE = 4  # bits by which the table of hashes is longer than the hashes: of other n-grams one in 16 passes it
TABLE_BITS = (10, 27)
MOST_SALTS = 8
ARRAYS = ("codes", "hashes", "places", "holders", "bounds")


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
    holders: np.ndarray
    """(P,) int32: the items that have each n-gram, as rows of `items`, in their order"""
    bounds: np.ndarray
    """(G + 1,) int64: where in `holders` those of an n-gram begin; the last number is P"""
    first_holders: np.ndarray
    first_bounds: np.ndarray
    """the same with the first item of each set alone"""
    salt: int
    """with which no two n-grams have one hash"""
    table: np.ndarray
    """whether a hash begins with these bits"""


def indexed(items: Sequence[Item], n: int) -> Index:
    """The index of evaluation items, with all items that have an n-gram; BadUse if none of them has n words."""
    parts = [words for _, words in chunks([item.text for item in items])]
    lengths = np.concatenate([np.zeros(0, dtype=np.int64), *(np.diff(words.firsts) for words in parts)])
    if not (lengths >= n).any():
        longest = lengths.max(initial=0)
        raise BadUse(f"none of {len(items)} evaluation items has {n} words ({longest} at most); give others")
    vocabulary, codes = _joined(parts)
    starts = runs(np.ones(len(codes), dtype=bool), np.append(0, np.cumsum(lengths)), n)
    table = pa.table({"set": [one.set for one in items], "item": [one.item for one in items], "words": lengths})
    for salt in range(MOST_SALTS):
        hashes = rolling(spread(np.arange(len(vocabulary)), salt)[codes], n)[starts]
        order = np.argsort(hashes, kind="stable")
        is_new = np.append(True, np.diff(hashes[order]) != 0)
        firsts = starts[order[is_new]]
        if same_words(codes, starts[order], codes, firsts[np.cumsum(is_new) - 1], n).all():
            held = _holders(np.cumsum(is_new) - 1, np.searchsorted(np.cumsum(lengths), starts[order], "right"))
            return _index(n, vocabulary, codes, table, hashes[order[is_new]], firsts, *held, salt)
    raise Failed(
        f"n-grams of the evaluation sets share hashes with each of {MOST_SALTS} salts; this is an error of ours"
    )


def _holders(grams: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The items of each n-gram, once each, and where those of each begin; of n-grams and the items they stand in."""
    order = np.lexsort((items, grams))
    grams, items = grams[order], items[order].astype(np.int32)
    is_new = np.append(True, (np.diff(grams) != 0) | (np.diff(items) != 0))
    return items[is_new], _bounds(grams[is_new])


def _firsts(items: pa.Table, holders: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The holders and bounds of the first item of each set alone."""
    sets = items["set"].combine_chunks().dictionary_encode().indices.to_numpy()[holders]
    grams = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    order = np.lexsort((holders, sets, grams))
    is_new = np.append(True, (np.diff(grams[order]) != 0) | (np.diff(sets[order]) != 0))
    told = np.sort(order[is_new])
    return holders[told], _bounds(grams[told])


def _bounds(grams: np.ndarray) -> np.ndarray:
    """Where in an ascending list each n-gram begins, and its length; every n-gram is there."""
    return np.append(0, np.cumsum(np.bincount(grams)))


def _joined(parts: list[Words]) -> tuple[pa.Array, np.ndarray]:
    """One vocabulary for several lots of words, and all the words in it."""
    arrays = [pa.DictionaryArray.from_arrays(pa.array(one.codes), one.vocabulary) for one in parts]
    joined = pa.chunked_array(arrays).unify_dictionaries().combine_chunks()
    joined = joined.chunk(0) if isinstance(joined, pa.ChunkedArray) else joined
    return joined.dictionary, joined.indices.to_numpy()


def _index(
    n: int, words: pa.Array, codes: Any, items: pa.Table, hashes: Any, places: Any, holders: Any, bounds: Any, salt: int
) -> Index:
    bits = min(max(len(hashes).bit_length() + SPARSE, TABLE_BITS[0]), TABLE_BITS[1])
    table = np.zeros(2**bits, dtype=bool)
    table[hashes >> np.uint64(64 - bits)] = True
    firsts = dict(zip(("first_holders", "first_bounds"), _firsts(items, holders, bounds), strict=True))
    named = {"codes": codes, "items": items, "hashes": hashes, "places": places, "salt": salt, "table": table}
    return Index(n=n, vocabulary=words, holders=holders, bounds=bounds, **(named | firsts))


def known_words(index: Index, vocabulary: pa.Array) -> np.ndarray:  # (U,)
    """The place of each word in the index's vocabulary, -1 where it has none."""
    return pc.fill_null(pc.index_in(vocabulary, value_set=index.vocabulary), -1).to_numpy()


def found(
    index: Index, words: Words, known: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:  # (U,) -> (H,), (H,)
    """The words at which indexed n-grams begin, in order, and which n-grams they are.

    `known` are the known_words() of the vocabulary, where they have been looked up before.
    """
    known = known_words(index, words.vocabulary) if known is None else known
    hashes = rolling(spread(known, index.salt)[words.codes], index.n)
    starts = np.flatnonzero(index.table[hashes >> np.uint64(65 - len(index.table).bit_length())])
    starts = starts[known[words.codes[starts]] >= 0]  # runs of other words all have one hash
    grams = np.minimum(np.searchsorted(index.hashes, hashes[starts]), len(index.hashes) - 1)
    is_hit = index.hashes[grams] == hashes[starts]
    starts, grams = starts[is_hit], grams[is_hit]
    ends = words.firsts[np.searchsorted(words.firsts, starts, "right")]  # of the texts that they begin in
    is_inside = starts + index.n <= ends
    starts, grams = starts[is_inside], grams[is_inside]
    further = np.arange(index.n)
    here = known[words.codes[starts[:, None] + further]]  # (H, n)
    is_hit = (here == index.codes[index.places[grams][:, None] + further]).all(1)
    return starts[is_hit], grams[is_hit]


def holders(index: Index, grams: np.ndarray, is_brief: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # (H,), (H,)
    """The items that have each n-gram found: places in `grams`, and rows of `items`, in order.

    Of a brief one only the first item of each set: what is common among documents may be in every item.
    """
    begins = np.where(is_brief, index.first_bounds[grams], index.bounds[grams])
    sizes = np.where(is_brief, index.first_bounds[grams + 1], index.bounds[grams + 1]) - begins
    places = np.repeat(np.arange(len(grams)), sizes)
    at = np.arange(len(places)) + np.repeat(begins - np.cumsum(sizes) + sizes, sizes)
    rows, brief = np.empty(len(places), dtype=np.int32), is_brief[places]
    rows[brief], rows[~brief] = index.first_holders[at[brief]], index.holders[at[~brief]]
    return places, rows


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
    for name in ARRAYS:
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
        arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in ARRAYS}
        words = pa.concat_arrays(words.chunks) if isinstance(words, pa.ChunkedArray) else words
        sizes = {len(arrays["hashes"]), len(arrays["places"]), len(arrays["bounds"]) - 1, said["n_grams"]}
        if len(sizes) > 1 or arrays["bounds"][-1] != len(arrays["holders"]):
            raise ValueError("its files are not of one index")
        return _index(said["n"], words, items=items, salt=said["salt"], **arrays)
    except (pa.ArrowException, OSError, ValueError, EOFError, KeyError) as error:
        raise Failed(f"{folder} is a damaged index ({first_line(error)[:120]}); build it again") from error
