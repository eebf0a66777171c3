"""Texts as copies are compared: all their signs, or their words alone.

    folded       lower case, canonically decomposed (NFD), one space between words: what exact copies have in common
    normalised   the same without ASCII punctuation, which takes with it the spaces that it leaves at either end

Texts of ASCII alone, for which decomposing changes nothing, go through tables of bytes, all texts of an array at once;
the engine's own `normalize`, five times slower, takes the others. Both give the same: the tests compare them.

N texts   M bytes of all of them together
"""

import string
from typing import Any, NamedTuple

import numpy as np

from foretell.corpus.columns import column
from foretell.corpus.engine import evaluated, library

BLANK, GONE = 32, 0xFF  # no byte of an ASCII text is GONE
SPACES = b"\t\n\x0b\x0c\r "  # what Unicode calls white space, of ASCII
LOWER = bytes(BLANK if byte in SPACES else byte for byte in bytes(range(256)).lower())
NO_PUNCTUATION = bytes(GONE if byte in string.punctuation.encode() else byte for byte in range(256))


class Flat(NamedTuple):
    """The bytes of texts, one after the other, and where each begins and the last ends."""

    content: np.ndarray  # (M,)
    bounds: np.ndarray  # (N + 1,)


def folded(texts: Any) -> Any:
    """A table with the column `text`: the texts as exact copies have them, with all their signs; null is no text."""
    return both(texts)[0]


def normalised(texts: Any) -> Any:
    """A table with the column `text`: the texts as near copies are compared, by their words alone; null is no text."""
    return both(texts)[1]


def both(texts: Any) -> tuple[Any, ...]:
    """The tables of folded() and normalised() of an Arrow array of strings, whole or in chunks."""
    import pyarrow as pa

    flat, kept = _flat(texts)
    wide = _beyond_ascii(flat)
    if not wide.any():
        return tuple(pa.table({"text": _array(made)}) for made in _plain(flat))
    ascii_rows, others = np.flatnonzero(~wide), kept.filter(column(wide))
    places = np.empty(len(wide), np.int64)
    places[np.concatenate([ascii_rows, np.flatnonzero(wide)])] = np.arange(len(wide))
    parts = zip(_plain(_flat(kept.take(column(ascii_rows)))[0]), (False, True), strict=True)
    mixed = [pa.concat_arrays([_array(made), _by_engine(others, punct)]) for made, punct in parts]
    return tuple(pa.table({"text": made.take(column(places))}) for made in mixed)


def _flat(texts: Any) -> tuple[Flat, Any]:
    """The bytes of an Arrow array of strings, whole or in chunks, and the array that they lie in."""
    import pyarrow as pa

    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    whole = whole.cast(pa.large_string())
    whole = whole.fill_null("") if whole.null_count else whole
    _, bounds, content = whole.buffers()
    ends = np.frombuffer(bounds, np.int64)[whole.offset :][: len(whole) + 1] if len(whole) else np.zeros(1, np.int64)
    data = np.frombuffer(content, np.uint8) if content else np.zeros(0, np.uint8)
    return Flat(data[ends[0] : ends[-1]], ends - ends[0]), whole


def _array(flat: Flat) -> Any:
    """The Arrow array of bytes that are UTF-8."""
    import pyarrow as pa

    n = len(flat.bounds) - 1
    return pa.LargeStringArray.from_buffers(n, pa.py_buffer(flat.bounds), pa.py_buffer(flat.content))


def _beyond_ascii(flat: Flat) -> np.ndarray:  # -> (N,)
    """Which texts have letters beyond ASCII."""
    found = np.zeros(len(flat.bounds) - 1, bool)
    places = np.flatnonzero(flat.content >= 128)
    found[np.searchsorted(flat.bounds, places, side="right") - 1] = True
    return found


def _plain(flat: Flat) -> tuple[Flat, Flat]:
    """ASCII texts, folded and normalised."""
    made = _one_space(Flat(_mapped(flat.content, LOWER), flat.bounds))
    bare = _mapped(made.content, NO_PUNCTUATION)
    return made, _one_space(_without(Flat(bare, made.bounds), bare == GONE))


def _mapped(content: np.ndarray, table: bytes) -> np.ndarray:  # (M,) -> (M,)
    return np.frombuffer(content.tobytes().translate(table), np.uint8)


def _one_space(flat: Flat) -> Flat:
    """The texts without the blanks that follow another one, or lie at either end of a text."""
    blank = flat.content == BLANK
    drop = np.zeros(len(blank), bool)
    np.logical_and(blank[1:], blank[:-1], out=drop[1:])
    first = flat.bounds[:-1][np.diff(flat.bounds) > 0]
    drop[first] = blank[first]
    single = _without(flat, drop)
    last = single.bounds[1:][np.diff(single.bounds) > 0] - 1
    last = last[single.content[last] == BLANK]
    if not len(last):
        return single
    drop = np.zeros(len(single.content), bool)
    drop[last] = True
    return _without(single, drop)


def _without(flat: Flat, drop: np.ndarray) -> Flat:
    """The texts without some of their bytes."""
    gone = np.flatnonzero(drop)
    if not len(gone):
        return flat
    return Flat(flat.content[~drop], flat.bounds - np.searchsorted(gone, flat.bounds))


def _by_engine(texts: Any, remove_punct: bool) -> Any:
    """Any texts, folded or normalised."""
    import pyarrow as pa

    plain = (
        library().col("text").normalize(remove_punct=remove_punct, lowercase=True, nfd_unicode=True, white_space=True)
    )
    made = evaluated(pa.table({"text": texts}), text=plain.rstrip())["text"]  # it leaves a blank before a last comma
    return made.combine_chunks().cast(pa.large_string())
