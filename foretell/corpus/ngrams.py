"""Runs of n words in many texts at once: normalised words with their places, and rolling 64-bit hashes of their runs.

    token   a run of characters that are neither white space nor punctuation nor signs (Unicode's categories P and S)
    word    a token in lower case, canonically composed (NFC), without invisible characters (Cc and Cf: soft hyphens,
            zero-width spaces); a token without a letter or a digit is no word
    n-gram  n words in a row of one text, whatever stands between them

Brown et al. 2020, appendix C: "lowercase, whitespace delimited words with no punctuation". That punctuation divides
words, and does not vanish from within them, is seen in the n-grams that OpenAI published (openai/gpt-3,
overlap_frequency.md): "i m going to go out", "the 16 bit one s complement". lm-eval's Janitor makes "im" of "I'm".
In a language that puts no spaces between words an n-gram is n phrases.

ASCII, nearly all of most texts, is done by tables over all bytes; words beyond it one by one, once each in a chunk.

N texts   W words   U different words   n words of a run
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK = 2_000_000  # bytes of texts that are worked on at once: more leave the cache
BLANK = 0x20
BEYOND = 0x20000  # from here on Unicode has neither white space nor punctuation nor signs
STRIDE = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd: a polynomial in it tells orders apart


def divides(character: str) -> bool:
    """Whether a character stands between words."""
    return character.isspace() or unicodedata.category(character)[0] in "PS"


def is_invisible(character: str) -> bool:
    """Whether a character within a word does not count."""
    return unicodedata.category(character) in ("Cc", "Cf") and not character.isspace()


BETWEEN = bytes(c for c in range(128) if divides(chr(c)))
INVISIBLE = bytes(c for c in range(128) if is_invisible(chr(c)))


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
    letters: bytes
    """all tokens, one after the other, as they are written but for ASCII's invisible characters"""
    letter_offsets: np.ndarray
    """(N + 1,): how many bytes of `letters` come before a text"""


def word_of(token: str) -> str:
    """The normalised word of a token, '' if it is none: the definition that `words` follows for all at once."""
    if not token.isalnum():
        token = "".join(c for c in token if not is_invisible(c))
    return unicodedata.normalize("NFC", token.lower()) if any(map(str.isalnum, token)) else ""


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
    spaced = _blanked(content)
    begins, ends = _tokens(spaced, offsets)
    tokens, has_word, letters, at = _ascii_words(spaced, begins, ends)
    firsts = np.searchsorted(begins, offsets)
    letter_offsets, n_tokens = at[firsts], len(begins)
    if not has_word.all():
        begins, ends = begins[has_word], ends[has_word]
    encoded = tokens.dictionary_encode()
    vocabulary, renamed = _composed(encoded.dictionary)
    codes = encoded.indices.to_numpy()
    if renamed is not None:
        codes = renamed[codes]
        if renamed.min() < 0:
            is_word = codes >= 0
            codes, begins, ends = codes[is_word], begins[is_word], ends[is_word]
    if len(begins) < n_tokens:
        firsts = np.searchsorted(begins, offsets)
    return Words(vocabulary, codes, firsts, begins, ends, offsets, content, letters, letter_offsets)


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


def _blanked(content: np.ndarray) -> np.ndarray:
    """The bytes with blanks in place of every character beyond ASCII that stands between words."""
    return blanked(content, _dividing)


def blanked(content: np.ndarray, out: Callable[[], np.ndarray]) -> np.ndarray:
    """The bytes with blanks in place of every character beyond ASCII that is out by a table of the first BEYOND."""
    leads = np.flatnonzero(content >= 0xC2)
    if not len(leads):
        return content
    head = content[leads]
    sizes = 2 + (head >= 0xE0).astype(np.int64) + (head >= 0xF0)
    codes = (head & (0x7F >> sizes)).astype(np.int64)
    for further in range(1, 4):
        codes = np.where(
            sizes > further, codes << 6 | content[np.minimum(leads + further, len(content) - 1)] & 0x3F, codes
        )
    is_out = out()[np.minimum(codes, BEYOND - 1)]
    leads, sizes = leads[is_out], sizes[is_out]
    made = content.copy()
    for further in range(4):
        made[leads[sizes > further] + further] = BLANK
    return made


@cache
def _dividing() -> np.ndarray:
    """Of each of the first BEYOND characters, whether it stands between words."""
    return np.array([divides(chr(code)) for code in range(BEYOND)])


def _tokens(content: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where tokens begin and end: at what stands between words, and where a text does."""
    inside = np.zeros(len(content) + 2, dtype=bool)
    inside[1:-1] = IN_TOKEN[content]
    edges = np.flatnonzero(inside[1:] != inside[:-1])  # beginnings and ends in turn
    borders = np.unique(offsets)
    joined = borders[inside[borders] & inside[borders + 1]]  # between two texts without a space there
    if len(joined):
        edges = np.insert(edges, np.repeat(np.searchsorted(edges, joined), 2), np.repeat(joined, 2))
    return edges[::2], edges[1::2]


IN_TOKEN = np.ones(256, dtype=bool)
IN_TOKEN[list(BETWEEN)] = False
IS_INVISIBLE = np.zeros(256, dtype=bool)
IS_INVISIBLE[list(INVISIBLE)] = True


def _ascii_words(
    content: np.ndarray, begins: np.ndarray, ends: np.ndarray
) -> tuple[pa.Array, np.ndarray, bytes, np.ndarray]:
    """Tokens in ASCII's lower case without its invisible characters, if anything is left, and of which tokens it is.

    Also what is left of all tokens in its own case, and how many bytes of it come before each.
    """
    left = content.tobytes().translate(None, BETWEEN + INVISIBLE)
    lengths = ends - begins
    if len(left) < lengths.sum():
        places = np.searchsorted(begins, np.flatnonzero(IS_INVISIBLE[content]), "right") - 1
        lengths -= np.bincount(places, minlength=len(begins))
    has_word = lengths > 0
    at = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=at[1:])
    bounds = at if has_word.all() else at[np.append(True, has_word)]
    tokens = pa.StringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(left.lower()))
    return tokens, has_word, left, at


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
            further = whole[made_length : made_length + size]
            made = made[:size] * np.uint64(power) + further if made_length else further
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
    first = np.uint64((salt * 0x632BE59BD9B4E019 + 1) % 2**64)
    z = (numbers.astype(np.uint64) + first) * np.uint64(STRIDE)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def characters_before(content: np.ndarray, places: Sequence[int] | np.ndarray) -> np.ndarray:  # (...) -> (...)
    """How many characters of a text in UTF-8 come before each of these bytes."""
    starts = np.zeros(len(content) + 1, dtype=np.int64)
    np.cumsum((content & 0xC0) != 0x80, out=starts[1:])
    return starts[np.asarray(places, dtype=np.int64)]
