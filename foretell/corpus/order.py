"""The order of rows and every random number of a row, as pure functions of (seed, sample number): nothing to store.

    shuffled   a keyed permutation of range(n): Feistel network of four rounds on the least even number of bits that
               holds n, walked along its cycle until the number is below n (Black and Rogaway 2002)
    stream     splitmix64 (Steele, Lea and Flood 2014), begun at a hash of (seed, sample)

B samples   N numbers of a sample
"""

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np

ROUNDS = 4
AHEAD = 1 << 14  # samples whose rows are found together
WIDEST, FEW = 16, 256  # bits of a half above which, and places of a key below which, rounds are not tabled
GAMMA = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: splitmix64's stride
WORD = (1 << 64) - 1


def shuffled(samples: np.ndarray, n_rows: int, seed: int) -> np.ndarray:  # (B,) -> (B,)
    """The row that each sample number reads: every epoch of n_rows samples holds each row once, in its own order."""
    return ahead(samples, lambda block: _block(block, n_rows, seed))


def ahead(samples: np.ndarray, of_block: Callable[[int], np.ndarray]) -> np.ndarray:
    """What of_block() gives for each sample: it is asked for AHEAD samples at a time, a row of its first axis each."""
    blocks, places = np.divmod(np.asarray(samples, dtype=np.int64), AHEAD)  # (B,)
    first = int(blocks[0]) if len(blocks) else 0
    if np.count_nonzero(blocks == first) == len(blocks):  # as in most batches; looking for more takes longer than this
        return of_block(first)[places]
    found = np.empty((len(places), *of_block(first).shape[1:]), np.int64)
    by_block = np.argsort(blocks, kind="stable")
    for mine in np.split(by_block, np.flatnonzero(np.diff(blocks[by_block])) + 1):
        found[mine] = of_block(int(blocks[mine[0]]))[places[mine]]
    return found


@lru_cache(maxsize=8)  # a batch alone is too small to be quick: what the next ones read is found with it
def _block(block: int, n_rows: int, seed: int) -> np.ndarray:
    """The rows of the block's AHEAD samples."""
    epochs, places = np.divmod(np.arange(block * AHEAD, (block + 1) * AHEAD), n_rows)
    return permuted(places, n_rows, hashed(_begun(seed), epochs.astype(np.uint64)))


def permuted(places: np.ndarray, n: int, keys: np.ndarray) -> np.ndarray:  # (B,), (B,) -> (B,)
    """Where a permutation of range(n) sends each place; each place has a key, and a key is a permutation."""
    half = max((int(n - 1).bit_length() + 1) // 2, 1)
    bounds = [0, *(np.flatnonzero(np.diff(keys)) + 1).tolist(), len(keys)]
    if half > WIDEST or len(keys) < FEW * (len(bounds) - 1):
        return _walked(places.astype(np.uint64), n, lambda x, inside: _feistel(x, keys[inside], half))
    parts = []
    for first, end in pairwise(bounds):
        tables = _tables(int(keys[first]), half)
        parts.append(_walked(places[first:end], n, partial(_looked_up, tables=tables, half=half)))
    return np.concatenate(parts)


def _walked(
    found: np.ndarray, n: int, step: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:  # (B,) -> (B,)
    """Each place, sent on until it lands below n."""
    found = step(found, np.arange(len(found)))
    walking = np.flatnonzero(found >= n)
    while len(walking):
        found[walking] = step(found[walking], walking)
        walking = walking[found[walking] >= n]
    return found.astype(np.int64)


@lru_cache(maxsize=64)  # one of each source and epoch that is being read
def _tables(key: int, half: int) -> np.ndarray:  # -> (ROUNDS, 2^half)
    """What a round of the network makes of each right half: to look it up is quicker than to hash it anew."""
    turns = np.array([key], dtype=np.uint64) + np.arange(ROUNDS, dtype=np.uint64)
    right = np.arange(1 << half, dtype=np.uint64)
    return (hashed(turns[:, None], right) & np.uint64((1 << half) - 1)).astype(np.int32)


def _looked_up(
    x: np.ndarray, _: np.ndarray, *, tables: np.ndarray, half: int
) -> np.ndarray:  # (B,), (B,), (ROUNDS, 2^half) -> (B,)
    """_feistel() of places with one key."""
    left, right = x >> half, x & ((1 << half) - 1)
    for table in tables:
        left, right = right, left ^ table[right]
    return left << half | right


def _feistel(x: np.ndarray, keys: np.ndarray, half: int) -> np.ndarray:  # (B,), (B,) -> (B,)
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    left, right = x >> shift, x & mask
    for turn in range(ROUNDS):
        left, right = right, left ^ (hashed(keys + np.uint64(turn), right) & mask)
    return left << shift | right


def stream(seed: int, samples: np.ndarray, n: int, purpose: int = 0) -> np.ndarray:  # (B,) -> (B, N)
    """n numbers of each sample, uniform in [0, 1); another purpose gives other numbers."""
    begun = hashed(_begun(seed, purpose), np.asarray(samples, dtype=np.int64).astype(np.uint64))  # (B,)
    steps = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(GAMMA)  # (N,)
    bits = mixed(begun[:, None] + steps)  # (B, N)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def hashed(key: np.ndarray, x: np.ndarray) -> np.ndarray:
    """64 bits that look random, of a key and a number."""
    return mixed(key ^ mixed(x + np.uint64(GAMMA)))


def mixed(x: np.ndarray) -> np.ndarray:
    """Splitmix64's finaliser: a permutation of the 64-bit numbers that moves every bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _begun(seed: int, purpose: int = 0) -> np.ndarray:  # -> (1,)
    """A key from a seed, as an array because numpy warns where a scalar wraps round."""
    return mixed(np.array([(seed * GAMMA + (purpose + 1) * 0xD1B54A32D192ED03) & WORD], dtype=np.uint64))
