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
HELD = 1 << 23  # bytes of texts that are cut into words together
FEW = 32  # words; so few are hashed one after the other, however long they are


class Words(NamedTuple):
    """The words of N texts."""

    different: pa.Array
    """(V,) the different words, as they are written: not yet in lower case"""
    each: np.ndarray
    """(W,) which of them a word is"""
    text: np.ndarray
    """(W,) which text it is in; ascending"""
    n: np.ndarray
    """(N,) the words of each text"""


def words_of(texts: pa.Array) -> Words:
    """The words of an array of strings; null and white space alone have none."""
    lists = pc.ascii_split_whitespace(texts)
    encoded = lists.values.dictionary_encode()
    n = np.diff(lists.offsets.to_numpy()).astype(np.int64)  # (N,)
    each, text = encoded.indices.to_numpy(), np.repeat(np.arange(len(n)), n)  # (W,), (W,)
    empty = pc.index(encoded.dictionary, pa.scalar("", encoded.dictionary.type)).as_py()
    if empty >= 0:  # before a first white space and after a last one
        full = each != empty
        each, text = each[full], text[full]
        n = np.bincount(text, minlength=len(n))
    return Words(encoded.dictionary, each, text, n)


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
    of_word = weights[bucket_of(words.different)].astype(np.float64)  # (V,)
    return np.bincount(words.text, of_word[words.each], len(words.n)), words.n


def parts(texts: Any, held: int = HELD) -> Iterator[pa.Array]:
    """The texts as Arrow arrays of about so many bytes: what is made of them stays small, and near the processor."""
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        texts = pa.array(texts, pa.large_string())
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        sizes = pc.fill_null(pc.binary_length(chunk), 0).to_numpy(zero_copy_only=False)
        ends = np.cumsum(sizes, dtype=np.int64)  # (N,)
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
    plain = words.cast(pa.large_binary())
    _, offsets, data = plain.buffers()
    places = np.frombuffer(offsets, np.int64)[plain.offset : plain.offset + len(plain) + 1]
    own = np.frombuffer(data or b"", np.uint8)[places[0] : places[-1]]
    padded = np.concatenate([own, np.zeros(4, dtype=np.uint8)])
    blocks = np.ndarray((len(own) + 1,), np.dtype("<u4"), padded, strides=(1,))
    return blocks, places[:-1] - places[0], np.diff(places)


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
