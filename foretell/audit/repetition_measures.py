"""How much a text repeats itself, in five ways, and where in the text.

    seq-rep-n        1 - different n-grams / n-grams of a text (Welleck et al. 2019, equation 6); words by white space
    longest repeat   characters of the longest string that is in the text twice, overlaps included
    zlib             bytes after compression / bytes before
    distinct-n       different n-grams / n-grams of many texts together (Li et al. 2016)
    self-BLEU        BLEU of each of 16 texts against the others, 0 to 100 (Zhu et al. 2018)

By position: an n-gram counts as repeated where it has been in its text before, and the text's words are cut into ten
parts. The shares of the parts, weighed by their n-grams, add up to seq-rep-n.
"""

import zlib
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from statistics import fmean
from typing import TypeVar

from foretell.errors import BadUse
from foretell.eval.overlap import sacrebleu

T = TypeVar("T", bound=Hashable)
PARTS = 10
MOST_BLEU = 16  # texts of self-BLEU: each is compared with every other
PUBLISHED = {"mean": 0.078, "median": 0.023, "p90": 0.195, "p99": 0.83, "above 0.2": 0.093}
"""seq-rep-4 of the 485 samples that Brown et al. 2020 published (175b_samples.jsonl, top-p 0.85, temperature 1)"""
HUMAN = {"mean": 0.011, "p90": 0.018}
"""seq-rep-4 of film reviews of 1000 words and more"""


def grams(words: Sequence[T], n: int) -> list[tuple[T, ...]]:
    """The runs of n words."""
    return list(zip(*(words[i:] for i in range(n)), strict=False))


def seq_rep(text: str, n: int) -> float | None:
    """The share of a text's n-grams that are repetitions; None where it has none."""
    return repetition(text.split(), n)


def repetition(words: Sequence[Hashable], n: int) -> float | None:
    """seq_rep() of words, or of tokens."""
    found = grams(words, n)
    return 1 - len(set(found)) / len(found) if found else None


def repeated(text: str, n: int) -> list[bool]:
    """Of each n-gram in order whether it has been there before."""
    seen: set[tuple[str, ...]] = set()
    found = []
    for gram in grams(text.split(), n):
        found.append(gram in seen)
        seen.add(gram)
    return found


def longest_repeat(text: str) -> int:
    """The length of the longest string that begins at two places of a text, by halving."""
    low, high = 0, max(len(text) - 1, 0)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if has_repeat(text, middle) else (low, middle - 1)
    return low


def has_repeat(text: str, length: int) -> bool:
    """Whether a string of this length begins at two places."""
    seen: set[str] = set()
    for i in range(len(text) - length + 1):
        part = text[i : i + length]
        if part in seen:
            return True
        seen.add(part)
    return False


def zlib_ratio(text: str) -> float | None:
    """What is left of a text's bytes when it is compressed; None where it has none."""
    content = text.encode("utf-8", "replace")
    return len(zlib.compress(content, 9)) / len(content) if content else None


def distinct(texts: Sequence[str], n: int) -> float | None:
    """The share of different n-grams of all texts; None where there are none."""
    found = [gram for text in texts for gram in grams(text.split(), n)]
    return len(set(found)) / len(found) if found else None


def self_bleu(texts: Sequence[str]) -> float | None:
    """The mean BLEU of each of MOST_BLEU texts against the others; None for fewer than 2, or without sacrebleu."""
    some = [text for text in texts if text.strip()][:MOST_BLEU]
    if len(some) < 2:
        return None
    try:
        metric = sacrebleu().BLEU(effective_order=True)
    except BadUse:
        return None
    scores = (metric.sentence_score(one, [*some[:i], *some[i + 1 :]]) for i, one in enumerate(some))
    return fmean(score.score for score in scores)


def parts(text: str) -> list[str]:
    """A text's words in PARTS parts of equal size, as far as it has so many."""
    words = text.split()
    return [" ".join(words[a:b]) for a, b in bounds(len(words))]


def bounds(n: int) -> Iterator[tuple[int, int]]:
    """Where each of PARTS parts of n things begins and ends."""
    return pairwise([n * i // PARTS for i in range(PARTS + 1)])


def repeated_by_part(text: str, n: int) -> list[float | None]:
    """The share of repeated n-grams in each part of a text."""
    found = repeated(text, n)
    return [fmean(found[a:b]) if b > a else None for a, b in bounds(len(found))]
