"""Runs of n words in many texts at once: normalised words with their places, and rolling 64-bit hashes of their runs.

    token   a run of characters of a text between white space, as Python's str.split finds it
    word    a token without punctuation and invisible characters, in lower case, canonically composed (NFC); a token
            of which nothing is left is no word, and what stands around it is adjacent
    n-gram  n words in a row of one text

Brown et al. 2020, appendix C: "lower case, no punctuation, words split on white space". The paper does not say what is
punctuation; ours is Unicode's category P, ASCII's other signs ($+<=>^`|~), and categories Cc and Cf (soft hyphens,
zero-width spaces). In a language that puts no spaces between words an n-gram is n sentences or so.

ASCII, nearly all of most texts, is done by tables over all bytes; other words one by one, once each.

N texts   W words   U different words   n words of a run
"""

import unicodedata
from collections.abc import Iterator, Sequence
from string import punctuation
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK = 4_000_000  # bytes of texts that are worked on at once
SPACE = 0x20
ASCII_SPACES = bytes(c for c in range(128) if chr(c).isspace())
DELETED = bytes(c for c in range(128) if chr(c) in punctuation or (not chr(c).isprintable() and not chr(c).isspace()))
LOWER = bytes(range(256)).lower()
WIDE_SPACES = [c for c in map(chr, range(128, 0x10000)) if c.isspace()]  # Unicode has none above
LEFT_OUT = {"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Cc", "Cf"}  # of Unicode's categories
STRIDE = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd: a polynomial in it tells orders apart


class Words(NamedTuple):
    """The W words of N texts, in order, and where they stand in the texts."""

    vocabulary: pa.Array
    """the U words, each once"""
    codes: np.ndarray
    """(W,) int32: a word's place in the vocabulary"""
    firsts: np.ndarray
    """(N + 1,) int64: how many words come before a text"""
    begins: np.ndarray
    """(W,) int64: bytes before the word's token, counted from the first of all texts"""
    ends: np.ndarray
    """(W,) int64: bytes before the end of the word's token"""
    offsets: np.ndarray
    """(N + 1,) int64: bytes before a text"""
    content: np.ndarray
    """(bytes,) uint8: the texts, one after the other, in UTF-8"""


def word_of(token: str) -> str:
    """The normalised word of a token, '' if nothing is left: the definition that `words` follows for all at once."""
    if not token.isalnum():
        token = "".join(c for c in token if c not in punctuation and unicodedata.category(c) not in LEFT_OUT)
    return unicodedata.normalize("NFC", token.lower())


def chunks(texts: Any) -> Iterator[tuple[int, Words]]:
    """The words of an Arrow array or a sequence of texts, some megabytes at a time, with the first text's number.

    Null counts as no text. A text is never divided.
    """
    array = text_array(texts)
    bounds = _offsets(array)
    begin = 0
    while begin < len(array):
        end = max(begin + 1, int(np.searchsorted(bounds, bounds[begin] + CHUNK, "right")) - 1)
        yield begin, words(array.slice(begin, end - begin))
        begin = end


def text_array(texts: Any) -> pa.Array:
    """Texts as one Arrow array of type large_string, without nulls."""
    if isinstance(texts, pa.ChunkedArray):
        texts = pa.concat_arrays(texts.chunks) if texts.num_chunks != 1 and len(texts) else texts.combine_chunks()
    array = texts if isinstance(texts, pa.Array) else pa.array(list(texts), pa.large_string())
    array = array.cast(pa.large_string())
    return pc.fill_null(array, "") if array.null_count else array


def words(texts: Any) -> Words:
    """The words of an Arrow array or a sequence of texts; less than 2 GB of them."""
    array = text_array(texts)
    offsets = _offsets(array)
    content = _content(array)
    spaced = _plain_spaces(content)
    begins, ends = _tokens(spaced, offsets)
    tokens, has_word = _ascii_words(spaced, begins, ends)
    begins, ends = begins[has_word], ends[has_word]
    encoded = tokens.dictionary_encode()
    vocabulary, renamed = _composed(encoded.dictionary)
    codes = encoded.indices.to_numpy()
    if renamed is not None:
        codes = renamed[codes]
        is_word = codes >= 0
        codes, begins, ends = codes[is_word], begins[is_word], ends[is_word]
    firsts = np.searchsorted(begins, offsets)
    return Words(vocabulary, codes, firsts, begins, ends, offsets, content)


def _offsets(array: pa.Array) -> np.ndarray:
    """Bytes before each text, and at the end of the last, counted from the first."""
    if not len(array):
        return np.zeros(1, dtype=np.int64)
    at = np.frombuffer(array.buffers()[1], dtype=np.int64, offset=8 * array.offset, count=len(array) + 1)
    return at - at[0]


def _content(array: pa.Array) -> np.ndarray:
    """The bytes of all texts."""
    buffers = array.buffers()
    if not len(array) or buffers[2] is None:
        return np.zeros(0, dtype=np.uint8)
    at = np.frombuffer(buffers[1], dtype=np.int64, offset=8 * array.offset, count=len(array) + 1)
    return np.frombuffer(buffers[2], dtype=np.uint8)[at[0] : at[-1]]


def _plain_spaces(content: np.ndarray) -> np.ndarray:
    """The bytes with every white space beyond ASCII as two or three blanks."""
    if not len(content) or content.max() < 0x80:
        return content
    changed = content
    for lead in {c.encode()[0] for c in WIDE_SPACES}:
        places = np.flatnonzero(content == lead)
        for space in (c.encode() for c in WIDE_SPACES if c.encode()[0] == lead):
            at = places[places + len(space) <= len(content)]
            for further in range(1, len(space)):
                at = at[content[at + further] == space[further]]
            if len(at):
                changed = content.copy() if changed is content else changed
                for further in range(len(space)):
                    changed[at + further] = SPACE
    return changed


def _tokens(content: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where tokens begin and end: at white space, and where a text does."""
    inside = IN_TOKEN[content]
    first, last = inside.copy(), inside.copy()
    first[1:] &= ~inside[:-1]
    last[:-1] &= ~inside[1:]
    borders = offsets[(offsets > 0) & (offsets < len(content))]
    first[borders] = inside[borders]
    last[borders - 1] = inside[borders - 1]
    return np.flatnonzero(first), np.flatnonzero(last) + 1


IN_TOKEN = np.ones(256, dtype=bool)
IN_TOKEN[list(ASCII_SPACES)] = False
IS_DELETED = np.zeros(256, dtype=bool)
IS_DELETED[list(DELETED)] = True


def _ascii_words(content: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """Tokens without ASCII's punctuation and in its lower case, as far as anything is left, and of which it is."""
    left = content.tobytes().translate(LOWER, ASCII_SPACES + DELETED)
    lengths = ends - begins
    deleted = np.flatnonzero(IS_DELETED[content])
    lengths -= np.bincount(np.searchsorted(begins, deleted, "right") - 1, minlength=len(begins))
    has_word = lengths > 0
    lengths = lengths[has_word]
    at = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=at[1:])
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(at), pa.py_buffer(left)), has_word


def _composed(tokens: pa.Array) -> tuple[pa.Array, np.ndarray | None]:
    """The vocabulary of different tokens, and each one's place in it, -1 where no word is left; None if all stay."""
    is_other = pc.invert(pc.string_is_ascii(tokens))
    others = tokens.filter(is_other).to_pylist()
    if not others:
        return tokens, None
    made = pa.array([word_of(token) or None for token in others], pa.string())
    encoded = pc.replace_with_mask(tokens, is_other, made).dictionary_encode()
    return encoded.dictionary, pc.fill_null(encoded.indices, -1).to_numpy()


def rolling(values: np.ndarray, n: int) -> np.ndarray:  # (W,) -> (W - n + 1,)
    """The hash of each run of n 64-bit values: the polynomial with them as coefficients, modulo 2^64.

    Runs of twice the length are made of two, so n values take about 2 log2(n) steps.
    """
    whole, power, length = values, pow(STRIDE, 1, 2**64), 1  # hashes of runs of `length`, STRIDE^length
    made, made_length = np.zeros(len(values) + 1, dtype=np.uint64), 0
    while True:
        if n & length:
            size = max(0, len(values) - made_length - length + 1)
            made = made[:size] * np.uint64(power) + whole[made_length : made_length + size]
            made_length += length
        if made_length == n:
            return made
        size = max(0, len(whole) - length)
        whole = whole[:size] * np.uint64(power) + whole[length : length + size]
        power, length = power * power % 2**64, 2 * length


def runs(known: np.ndarray, firsts: np.ndarray, n: int) -> np.ndarray:  # (W,), (N + 1,) -> (R,)
    """Where n known words in a row begin, all of one text."""
    if len(known) < n:
        return np.zeros(0, dtype=np.int64)
    unknown = np.zeros(len(known) + 1, dtype=np.int32)
    np.cumsum(~known, out=unknown[1:])
    is_run = unknown[n:] == unknown[:-n]
    for before in range(1, n):
        across = firsts[1:-1] - before
        is_run[across[(across >= 0) & (across < len(is_run))]] = False
    return np.flatnonzero(is_run)


def same_words(a: np.ndarray, a_places: np.ndarray, b: np.ndarray, b_places: np.ndarray, n: int) -> np.ndarray:
    """Whether the n words from each place on are the same."""
    same = np.ones(len(a_places), dtype=bool)
    for further in range(n):
        same &= a[a_places + further] == b[b_places + further]
    return same


def spread(numbers: np.ndarray, salt: int) -> np.ndarray:  # (U,) -> (U,)
    """64 bits for each number, every one of which follows from all of its bits (the mixer of splitmix64)."""
    z = (numbers.astype(np.uint64) + np.uint64(salt) * np.uint64(0x632BE59BD9B4E019) + np.uint64(1)) * np.uint64(STRIDE)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def characters_before(content: np.ndarray, places: Sequence[int] | np.ndarray) -> np.ndarray:  # (P,) -> (P,)
    """How many characters of a text in UTF-8 come before each of these bytes."""
    starts = np.zeros(len(content) + 1, dtype=np.int64)
    np.cumsum((content & 0xC0) != 0x80, out=starts[1:])
    return starts[np.asarray(places, dtype=np.int64)]
