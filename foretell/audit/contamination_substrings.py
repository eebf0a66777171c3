"""Substrings of evaluation questions in training text, as GPT-4 was checked (OpenAI 2023, appendix C).

From both sides everything but letters and digits is removed; of each question three random substrings of 50 characters
are taken, the whole question if it is shorter; it is dirty if any of them is in a document. The case of letters counts.
Our choice where the report is silent: marks that belong to letters stay, and a question without letter or digit is not
searched for.

Text is looked at every 32nd byte: 16 bytes there are looked up among all those of the substrings, which have 47 bytes
or more and so hold one such place wherever they begin. Shorter ones are looked for at more places (TIERS). What is
found is compared in full, within one document.

P patterns   K windows of all patterns   H hits
"""

import random
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from foretell.audit.contamination_hits import Hits, joined
from foretell.corpus.ngrams import BEYOND, BLANK, STRIDE, Words, blanked

LENGTH, SUBSTRINGS = 50, 3
TIERS = ((47, 16, 32), (15, 8, 8), (8, 8, 1), (4, 4, 1), (1, 1, 1))
"""bytes of the shortest pattern, bytes of a window, bytes from one place that is looked at to the next"""
DELETED = bytes(c for c in range(128) if not chr(c).isalnum())
KEPT = bytes(c not in DELETED for c in range(256))
SPARSE = 6  # bits by which the table is longer than the windows
MOST_BITS = 26


class Tier(NamedTuple):
    """The windows of patterns of like length, in the order of their hashes."""

    window: int
    stride: int
    hashes: np.ndarray
    """(K,) uint64"""
    patterns: np.ndarray
    """(K,) which pattern a window is of"""
    before: np.ndarray
    """(K,) bytes of the pattern before the window"""
    table: np.ndarray
    """whether a hash begins with these bits"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patterns:
    """All different substrings of the questions."""

    content: np.ndarray
    """(bytes,) uint8: the patterns, one after the other"""
    offsets: np.ndarray
    """(P + 1,)"""
    tiers: tuple[Tier, ...]
    holders: tuple[tuple[int, ...], ...]
    """of each pattern the examples that it is of"""


def is_out(character: str) -> bool:
    """Whether a character is removed: all but letters, their marks, and numbers."""
    return unicodedata.category(character)[0] not in "LMN"


@cache
def _out() -> np.ndarray:
    """Of each of the first BEYOND characters, whether it is removed; the last one stands for all beyond: ideographs."""
    return np.array([*(is_out(chr(code)) for code in range(BEYOND - 1)), False])


def plain(text: str) -> str:
    """The letters and digits of a text: the definition that `stripped` follows for all texts of a chunk."""
    if text.isascii():
        return text.encode().translate(None, DELETED).decode()
    return "".join(c for c in text if (c.isalnum() if c.isascii() else ord(c) >= BEYOND or not is_out(c)))


def stripped(words: Words) -> tuple[bytes, np.ndarray]:
    """The letters and digits of a chunk's texts, one after the other, and how many bytes come before each text.

    Of the tokens only what is beyond ASCII can be neither: invisible characters, and such as Unicode leaves open.
    """
    made = blanked(np.frombuffer(words.letters, np.uint8), _out).tobytes()
    if b" " not in made:
        return made, words.letter_offsets
    blanks = np.flatnonzero(np.frombuffer(made, np.uint8) == BLANK)
    return made.replace(b" ", b""), words.letter_offsets - np.searchsorted(blanks, words.letter_offsets)


def substrings(question: str, name: str, seed: int = 0) -> list[str]:
    """Three random substrings of a question's letters and digits, all of them if they are no more than LENGTH.

    They follow from the seed and the name alone.
    """
    text = plain(question)
    if len(text) <= LENGTH:
        return [text] if text else []
    draw = random.Random(f"{seed} {name}")
    return [text[at : at + LENGTH] for at in (draw.randrange(len(text) - LENGTH + 1) for _ in range(SUBSTRINGS))]


def patterns_of(wanted: Sequence[Sequence[str]]) -> Patterns:
    """The patterns of the substrings of each example."""
    holders: dict[bytes, list[int]] = {}
    for i, some in enumerate(wanted):
        for one in some:
            holders.setdefault(one.encode("utf-8", "replace"), []).append(i)
    every = list(holders)
    lengths = np.array([len(one) for one in every], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    content = np.frombuffer(b"".join(every), np.uint8)
    tiers = [tier_of(content, offsets, lengths, number) for number in range(len(TIERS))]
    kept = tuple(tier for tier in tiers if len(tier.hashes))
    return Patterns(content=content, offsets=offsets, tiers=kept, holders=tuple(map(tuple, holders.values())))


def tier_of(content: np.ndarray, offsets: np.ndarray, lengths: np.ndarray, number: int) -> Tier:
    """The windows of the patterns that are long enough for this tier, and not for the one before."""
    least, window, stride = TIERS[number]
    longest = TIERS[number - 1][0] if number else np.inf
    chosen = np.flatnonzero((lengths >= least) & (lengths < longest))
    before = np.tile(np.arange(stride), len(chosen))
    patterns = np.repeat(chosen, stride)
    padded = np.append(content, np.zeros(16, np.uint8))
    hashes = np.zeros(0, np.uint64)
    if len(patterns):
        hashes = hashed(padded, window, 1)[offsets[patterns] + before]
    order = np.argsort(hashes, kind="stable")
    bits = min(max(len(hashes).bit_length() + SPARSE, 10), MOST_BITS)
    table = np.zeros(2**bits, bool)
    table[hashes >> np.uint64(64 - bits)] = True
    return Tier(window, stride, hashes[order], patterns[order], before[order], table)


def hashed(content: np.ndarray | bytes, window: int, stride: int) -> np.ndarray:
    """A hash of the `window` bytes at each place that is a multiple of `stride`, as far as they are there."""
    width = min(window, 8)
    n = max((len(content) - window) // stride + 1, 0)
    shape, strides, kind = (n,), (stride,), f"<u{width}"
    first = np.ndarray(shape, kind, content, 0, strides).astype(np.uint64) * np.uint64(STRIDE)
    if window <= 8:
        return first
    second = np.ndarray(shape, kind, content, 8, strides)
    return ((first ^ (first >> np.uint64(29))) + second) * np.uint64(STRIDE)


def pattern_hits(patterns: Patterns, words: Words) -> Hits:
    """Every place in a chunk's texts at which a pattern stands; its bytes are those of the text as it is."""
    content, offsets = stripped(words)
    found = [one for tier in patterns.tiers for one in tier_hits(patterns, tier, content, offsets)]
    hits = joined(found)
    return hits._replace(**original(words, offsets, hits)) if len(hits.units) else hits


def tier_hits(patterns: Patterns, tier: Tier, content: bytes, offsets: np.ndarray) -> Iterator[Hits]:
    """The hits of one tier, in the bytes of the letters and digits."""
    hashes = hashed(content, tier.window, tier.stride)
    places = np.flatnonzero(tier.table[hashes >> np.uint64(65 - len(tier.table).bit_length())])
    first, last = (np.searchsorted(tier.hashes, hashes[places], side) for side in ("left", "right"))
    sizes = last - first
    keys = np.arange(sizes.sum()) + np.repeat(first - np.cumsum(sizes) + sizes, sizes)
    begins = np.repeat(places * tier.stride, sizes) - tier.before[keys]
    units = tier.patterns[keys]
    ends = begins + np.diff(patterns.offsets)[units]
    texts = np.searchsorted(offsets, begins, "right") - 1
    inside = (begins >= 0) & (ends <= offsets[np.minimum(texts + 1, len(offsets) - 1)])
    units, texts, begins, ends = units[inside], texts[inside], begins[inside], ends[inside]
    same = equal(patterns, units, np.frombuffer(content, np.uint8), begins)
    yield Hits(units[same], texts[same], begins[same], ends[same])


def equal(patterns: Patterns, units: np.ndarray, content: np.ndarray, begins: np.ndarray) -> np.ndarray:  # (H,)
    """Which of the patterns stand at these places, byte for byte: their numbers among those given."""
    left = np.arange(len(units))
    at, lengths = patterns.offsets[units], np.diff(patterns.offsets)[units]
    done = [np.zeros(0, np.int64)]
    step = 0
    while len(left):
        is_whole = lengths[left] == step
        done.append(left[is_whole])
        left = left[~is_whole]
        left = left[patterns.content[at[left] + step] == content[begins[left] + step]]
        step += 1
    return np.sort(np.concatenate(done))


def original(words: Words, offsets: np.ndarray, hits: Hits) -> dict[str, np.ndarray]:
    """Where hits begin and end in the texts as they are, found in the texts that have any, all at once."""
    texts, of = np.unique(hits.texts, return_inverse=True)
    starts, stops = words.offsets[texts], words.offsets[texts + 1]
    some = np.concatenate([words.content[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)])
    spaced = blanked(some, _out).tobytes()
    kept = np.flatnonzero(np.frombuffer(spaced.translate(KEPT), np.uint8))
    moved = (starts - np.cumsum(stops - starts) + (stops - starts))[of]  # from a place in `some` to one in the texts
    sizes = offsets[texts + 1] - offsets[texts]
    first = (np.cumsum(sizes) - sizes - offsets[texts])[of]  # from letters of the chunk to letters of `some`
    return {"begins": kept[hits.begins + first] + moved, "ends": kept[hits.ends + first - 1] + 1 + moved}
