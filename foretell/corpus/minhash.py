"""What tells copies of texts: exact hashes, MinHash signatures and the keys of their bands, the exact Jaccard index.

    shingles     the set of a normalised text's runs of `ngram` words (folding.py); of a shorter text, the text itself
    signature    K = bands x rows minima of hashed shingles; two texts agree in each with probability J (Broder 1997)
    key          a hash of a band's rows: texts that share a key are candidates, with 1 - (1 - J^rows)^bands

Our choice: a text whose language puts no spaces between words is few long words, and only near-verbatim copies of it
are found.

N texts   K numbers of a signature   B bands   R rows of a band   W words or shingles   S shingles
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from foretell.corpus.columns import numbers
from foretell.corpus.engine import evaluated, library
from foretell.corpus.folding import both, normalised

HASH = "xxhash"  # named, because the library's default may change; another changes which near copies are found
STRIDE = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: a polynomial in it tells orders apart
EMPTY = np.uint32(0xFFFFFFFF)  # every number of the signature of a text without words


class Hashes(NamedTuple):
    """What deduplication compares of N texts."""

    exact: np.ndarray
    """128 bits of each folded text, as two columns"""
    bands: np.ndarray
    """a key of each text in each band"""
    has_words: np.ndarray
    """whether a text has a word; if not, its bands mean nothing"""


def hashes(texts: Any, bands: int, rows: int, ngram: int, seed: int) -> Hashes:  # (N, 2), (N, B), (N,)
    """The exact hash and the band keys of an Arrow array of strings; null counts as no text."""
    column = library().col("text")
    plain, bare = both(texts)
    exact = evaluated(plain, a=column.hash(seed=0, hash_function=HASH), b=column.hash(seed=1, hash_function=HASH))
    bits = np.stack([numbers(exact[name]) for name in ("a", "b")], axis=1)  # (N, 2)
    minima = _signatures(bare, bands * rows, ngram, seed)  # (N, K)
    return Hashes(bits, band_keys(minima, bands), (minima != EMPTY).any(axis=1))


def signatures(texts: Any, n: int, ngram: int, seed: int) -> np.ndarray:  # (N, K)
    """The MinHash signatures of an Arrow array of strings: n 32-bit minima each."""
    return _signatures(normalised(texts), n, ngram, seed)


def _signatures(bare: Any, n: int, ngram: int, seed: int) -> np.ndarray:  # (N, K)
    made = library().col("text").minhash(num_hashes=n, ngram_size=ngram, seed=seed, hash_function=HASH)
    column = evaluated(bare, signature=made)["signature"].combine_chunks()
    return numbers(column.flatten()).reshape(-1, n)


def band_keys(signatures: np.ndarray, bands: int) -> np.ndarray:  # (N, K) -> (N, B)
    """64 bits of each band: its rows as the coefficients of a polynomial, modulo 2^64."""
    cut = signatures.reshape(len(signatures), bands, signatures.shape[1] // bands)  # (N, B, R)
    keys = np.zeros(cut.shape[:2], dtype=np.uint64)
    for row in range(cut.shape[2]):
        keys = keys * STRIDE + cut[:, :, row] + np.uint64(1)
    return keys


def shingle_sets(texts: Any, ngram: int) -> Iterator[np.ndarray]:  # each (W,)
    """The sorted hashes of each text's set of shingles; a text without words has none."""
    import pyarrow.compute as pc

    plain = normalised(texts)["text"].combine_chunks()
    split = pc.split_pattern(plain, " ")
    words = evaluated(_one_column(split.flatten()), h=library().col("text").hash(seed=2, hash_function=HASH))
    flat = words["h"].to_numpy()
    ends = np.cumsum(pc.list_value_length(split).to_numpy(zero_copy_only=False))
    for text, begin, end in zip(plain, np.append(0, ends)[:-1], ends, strict=True):
        yield _shingles(flat[begin:end], ngram) if text.as_py() else np.zeros(0, dtype=np.uint64)


def _one_column(texts: Any) -> Any:
    import pyarrow as pa

    return pa.table({"text": texts})


def _shingles(words: np.ndarray, ngram: int) -> np.ndarray:  # (W,) -> (S,)
    length = min(ngram, len(words))
    runs = np.zeros(len(words) - length + 1, dtype=np.uint64)
    for place in range(length):
        runs = runs * STRIDE + words[place : place + len(runs)]
    return np.unique(runs)


def jaccard(a: np.ndarray, b: np.ndarray) -> float:  # (W,), (S,) -> ()
    """The share of two sorted sets' union that is in both; 0 where both are empty."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    either = len(a) + len(b) - both
    return both / either if either else 0.0


def expected_recall(similarity: np.ndarray, bands: int, rows: int) -> np.ndarray:  # (...) -> (...)
    """The probability that two texts of a Jaccard index share a key: 1 - (1 - J^rows)^bands."""
    return 1.0 - (1.0 - np.asarray(similarity, dtype=np.float64) ** rows) ** bands
