"""Texts as counts of hashed words: the tokenizer and the HashingTF of Spark, over Arrow arrays.

    words     a text in lower case, cut at white space (blank, tab, line ends, vertical tab, form feed)
    bucket    murmur3_32 of a word's UTF-8 bytes with seed 42, modulo 2^18; not binary: a word counts as often as it is

Brown et al. 2020, appendix A: "using features from Spark's standard tokenizer and HashingTF". The hash is that of Spark
3.0 and later, which is the published MurmurHash3_x86_32; Spark 2 mixed the last one to three bytes of a word each as a
block of its own (SPARK-23381, SPARK-23469), and the two share no bucket but by chance.

Our choice: Spark's tokenizer finds an empty word between two white spaces; we find none there, because an empty line
tells how the text was extracted and not how it is written. Letters are lowered one by one, as Unicode's simple mapping.

N texts   W words of them all   V different words
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

N_BUCKETS = 1 << 18
SEED = 42
WHITE_SPACE = " \t\n\x0b\x0c\r"
HELD = 1 << 23  # bytes of texts that are cut into words together
FEW = 32  # words; so few are hashed one after the other, however long they are


class Words(NamedTuple):
    """The words of N texts."""

    spelled: pa.Array
    """(V,) the spellings, not in lower case; one can come again where another white space follows it"""
    each: np.ndarray
    """(W,) which of them a word is"""
    text: np.ndarray
    """(W,) which text it is in; ascending"""
    n: np.ndarray
    """(N,) the words of each text"""


def words_of(texts: pa.Array) -> Words:
    """The words of an array of strings; null and white space alone have none.

    A word is encoded together with the white space after it: then the text's own bytes are an array of words, and the
    white space is taken off the different ones alone.
    """
    offsets, data = _bytes(pc.fill_null(texts, ""))
    starts = _starts(offsets, data)
    n = np.diff(np.searchsorted(starts, offsets))  # (N,)
    ends = pa.py_buffer(np.append(starts, len(data)))
    encoded = pa.LargeStringArray.from_buffers(len(starts), ends, pa.py_buffer(data)).dictionary_encode()
    spelled = pc.ascii_trim(encoded.dictionary, WHITE_SPACE)
    each, text = encoded.indices.to_numpy(), np.repeat(np.arange(len(n)), n)  # (W,), (W,)
    empty = pc.equal(spelled, "").to_numpy(zero_copy_only=False)
    if empty.any():  # white space at the begin of a text
        full = ~empty[each]
        each, text = each[full], text[full]
        n = np.bincount(text, minlength=len(n))
    return Words(spelled, each, text, n)


def _starts(offsets: np.ndarray, data: np.ndarray) -> np.ndarray:  # (N + 1,), (bytes,) -> (W,)
    """Where words begin: at the begin of each text that is not empty, and after white space."""
    white = (data == ord(" ")) | (data - np.uint8(9) < 5)  # tab, line feed, vertical tab, form feed, carriage return
    begins = np.zeros(len(data), dtype=bool)
    begins[1:] = white[:-1] & ~white[1:]
    begins[offsets[:-1][np.diff(offsets) > 0]] = True
    return np.flatnonzero(begins)


def _bytes(strings: pa.Array) -> tuple[np.ndarray, np.ndarray]:  # (N + 1,), (bytes,)
    """Where each string begins, and where the last one ends, in the UTF-8 bytes of all."""
    plain = strings.cast(pa.large_binary())
    _, places, content = plain.buffers()
    offsets = np.frombuffer(places, np.int64)[plain.offset : plain.offset + len(plain) + 1]
    return offsets - offsets[0], np.frombuffer(content or b"", np.uint8)[offsets[0] : offsets[-1]]


def buckets(words: pa.Array) -> np.ndarray:  # -> (V,)
    """The bucket of each word, 0 to 2^18 - 1; case does not matter."""
    return (murmur3(pc.utf8_lower(words), SEED) % np.uint32(N_BUCKETS)).astype(np.int64)


def totals(
    texts: Any, weights: np.ndarray, bucket_of: Callable[[pa.Array], np.ndarray] = buckets
) -> tuple[np.ndarray, np.ndarray]:  # -> (N,), (N,)
    """The sum of its words' weights for each text, in the order of the words, and the number of its words.

    `texts` is an Arrow array or a sequence of strings, null for none; `weights` has a number of each bucket, and
    `bucket_of` says in which bucket each of some words is.
    """
    found = [_totals(words_of(part), weights, bucket_of) for part in parts(texts)]
    if not found:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    sums, n = zip(*found, strict=True)
    return np.concatenate(sums), np.concatenate(n)


def _totals(words: Words, weights: np.ndarray, bucket_of: Callable[[pa.Array], np.ndarray]) -> Any:
    of_word = weights[bucket_of(words.spelled)].astype(np.float64)  # (V,)
    return np.bincount(words.text, of_word[words.each], len(words.n)), words.n


def parts(texts: Any, held: int = HELD) -> Iterator[pa.Array]:
    """The texts as Arrow arrays of about so many bytes: what is made of them stays small, and near the processor."""
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        texts = pa.array(texts, pa.large_string())
    if texts.type not in (pa.string(), pa.large_string()):
        texts = texts.cast(pa.large_string())  # views, dictionaries, nothing but null
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        sizes = pc.fill_null(pc.binary_length(chunk), 0).to_numpy(zero_copy_only=False)
        ends = np.cumsum(sizes, dtype=np.int64)
        begin = 0
        while begin < len(chunk):
            limit = held + (ends[begin - 1] if begin else 0)
            end = max(int(np.searchsorted(ends, limit, "right")), begin + 1)
            yield chunk.slice(begin, end - begin)
            begin = end


def murmur3(words: pa.Array, seed: int) -> np.ndarray:  # -> (V,)
    """MurmurHash3_x86_32 (Appleby) of each string's UTF-8 bytes, as uint32."""
    blocks, starts, lengths = _blocks(words)
    found = np.full(len(words), seed, dtype=np.uint32)
    n_blocks, left, place = lengths // 4, np.arange(len(words)), 0
    while len(left := left[n_blocks[left] > place]) > FEW:
        found[left] = _turned(found[left] ^ _mixed(blocks[starts[left] + 4 * place]))
        place += 1
    for one in left:
        begin, end = int(starts[one]), int(starts[one] + 4 * n_blocks[one])
        found[one] = _hashed_on(int(found[one]), _mixed(blocks[begin + 4 * place : end : 4]).tolist())
    kept = ((1 << (8 * (lengths % 4))) - 1).astype(np.uint32)  # (V,) a mask of the last one to three bytes
    found ^= _mixed(blocks[starts + 4 * n_blocks] & kept)
    return _finished(found ^ lengths.astype(np.uint32))


def _blocks(words: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # (bytes + 1,), (V,), (V,)
    """Four bytes from each byte on as a number, and where each word begins and how many bytes it has."""
    offsets, data = _bytes(words)
    padded = np.concatenate([data, np.zeros(4, dtype=np.uint8)])
    blocks = np.ndarray((len(data) + 1,), np.dtype("<u4"), padded, strides=(1,))
    return blocks, offsets[:-1], np.diff(offsets)


def _mixed(k: np.ndarray) -> np.ndarray:
    k = k * np.uint32(0xCC9E2D51)
    k = k << np.uint32(15) | k >> np.uint32(17)
    return k * np.uint32(0x1B873593)


def _turned(h: np.ndarray) -> np.ndarray:
    return (h << np.uint32(13) | h >> np.uint32(19)) * np.uint32(5) + np.uint32(0xE6546B64)


def _hashed_on(h: int, mixed: Sequence[int]) -> int:
    for k in mixed:
        h ^= k
        h = ((h << 13 | h >> 19) * 5 + 0xE6546B64) & 0xFFFFFFFF
    return h


def _finished(h: np.ndarray) -> np.ndarray:
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return h ^ h >> np.uint32(16)
