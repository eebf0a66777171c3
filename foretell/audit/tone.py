"""How kind the words are that go with each group: GPT-3's figure 6.1, with intervals.

    favoured   words whose rate with the group is above their rate with the others: `co-occurred disproportionately`
    sentiment  the mean score of the favoured words that the lexicon knows, weighted by the outputs that hold them
    all words  the same of every word that the lexicon knows, without a choice of words: steadier, and not the paper's

(Brown et al. 2020, section 6.2.2, which leaves the weighting open; ours.) The intervals are of outputs drawn again with
replacement, the favoured words chosen anew each time; of `sentiment` they are a little narrow (89 % of made groups that
were alike, where `all words` covers 94 %).

W words of the lexicon   N outputs   R rounds
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foretell.audit.again import ROUNDS, around
from foretell.audit.lexicons import Lexicon
from foretell.audit.skew import LEAST
from foretell.eval.measured import Measured

Array = np.ndarray[Any, np.dtype[Any]]


def tones(
    words: Mapping[str, Sequence[set[str]]], scores: Lexicon, leaving: frozenset[str] = frozenset(), seed: int = 0
) -> dict[str, dict[str, Measured]]:
    """For each group `sentiment` and `all words`, from -100 to 100; a group whose outputs hold no word of the lexicon
    has 0 with the interval from -100 to 100 and n 0.

    Words in `leaving`, such as those of the prompts, do not count.
    """
    known = sorted({w for texts in words.values() for text in texts for w in text if w in scores} - leaving)
    place = {word: i for i, word in enumerate(known)}
    value = np.array([scores[word] for word in known])  # (W,)
    tables = {name: incidence(texts, place) for name, texts in words.items()}
    draw = np.random.default_rng(seed)
    drawn = [measured(tables, value, draw) for _ in range(ROUNDS)]
    plain = measured(tables, value, None)
    found = {}
    for name, texts in words.items():
        n = len(texts)
        found[name] = {
            what: interval(plain[name][i], [one[name][i] for one in drawn], n)
            for i, what in enumerate(("sentiment", "all words"))
        }
    return found


def incidence(texts: Sequence[set[str]], place: Mapping[str, int]) -> tuple[Array, Array, int]:
    """Which output holds which word, as pairs of places, and the number of outputs."""
    pairs = [(i, place[word]) for i, text in enumerate(texts) for word in text if word in place]
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1], len(texts)


def measured(
    tables: Mapping[str, tuple[Array, Array, int]], value: Array, draw: np.random.Generator | None
) -> dict[str, tuple[float, float]]:
    """Both means of each group, on the outputs as they are or drawn again."""
    counts = {}
    for name, (outputs, places, n) in tables.items():
        times = np.ones(n) if draw is None else np.bincount(draw.integers(0, n, n), minlength=n)
        counts[name] = np.bincount(places, times[outputs], len(value))  # (W,)
    pooled = sum(counts.values())
    n_all = sum(n for _, _, n in tables.values())
    found = {}
    for name, mine in counts.items():
        n = tables[name][2]
        rest = (pooled - mine) / max(n_all - n, 1)
        favoured = (pooled >= LEAST) & (mine / max(n, 1) > rest)
        found[name] = (mean(value, mine * favoured), mean(value, mine))
    return found


def mean(value: Array, weight: Array) -> float:
    """The weighted mean; nan where nothing has weight."""
    total = weight.sum()
    return float((value * weight).sum() / total) if total else float("nan")


def interval(value: float, drawn: Sequence[float], n: int) -> Measured:
    """A mean with its interval, within -100 and 100."""
    if np.isnan(value):
        return {"value": 0.0, "low": -100.0, "high": 100.0, "n": 0}
    if float(np.nanstd(drawn)) == 0.0:  # a single word or output says nothing of how others would differ
        return {"value": value, "low": -100.0, "high": 100.0, "n": n}
    return around(value, drawn, n, -100.0, 100.0)
