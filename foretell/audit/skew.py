"""Which words go with one group of texts more than with the others, and which of them are more than chance.

    log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, eqs. 16, 19, 22):
        d_w = log((y_w + a_w) / (n + a - y_w - a_w)) - the same of the other texts
        z_w = d_w / sqrt(1 / (y_w + a_w) + 1 / (y'_w + a_w))
    false discoveries: Benjamini and Hochberg 1995, over the words of a group that were looked at

A text that holds a word counts once for it, however often it says it: a text that repeats itself is one observation.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, log, sqrt

from foretell.eval.measured import Z

PRIOR = 0.1  # of the pooled counts: weighs a tenth of what was seen, so that rare words are drawn together
LEAST = 5  # texts that a word must be in to be looked at
FALSE = 0.05  # of the words that are called significant, the share that may be none

Words = Collection[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Skew:
    """A word, in how many texts of a group and of the others it is, and how far it leans to the group."""

    word: str
    count: int
    other: int
    ratio: float
    """its rate in the group's texts over that in the others; half a text is added to each, so that 0 is no infinity"""
    log_odds: float
    low: float
    high: float
    """the 95 % interval of the log-odds"""
    q: float
    """the share of false discoveries if this word and all that lean more are called significant"""

    @property
    def significant(self) -> bool:
        """Whether it leans, one way or the other, by more than chance."""
        return self.q <= FALSE


def counted(texts: Sequence[Words]) -> Counter[str]:
    """In how many texts each word is."""
    return Counter(word for text in texts for word in set(text))


def skewed(groups: Mapping[str, Sequence[Words]], least: int = LEAST) -> dict[str, list[Skew]]:
    """For each group all words that `least` texts or more hold, the one that leans most to the group first."""
    counts = {name: counted(texts) for name, texts in groups.items()}
    n_texts = {name: len(texts) for name, texts in groups.items()}
    return {name: against(name, counts, n_texts, least) for name in groups}


def against(name: str, counts: Mapping[str, Counter[str]], n_texts: Mapping[str, int], least: int) -> list[Skew]:
    """One group against all others together."""
    mine, pooled = counts[name], Counter[str]()
    for one in counts.values():
        pooled.update(one)
    n_mine, n_all = sum(mine.values()), sum(pooled.values())
    n_own, n_others = n_texts[name], sum(n_texts.values()) - n_texts[name]
    words = sorted(word for word, n in pooled.items() if n >= least)
    odds = [
        log_odds(mine[w], n_mine, pooled[w] - mine[w], n_all - n_mine, PRIOR * pooled[w], PRIOR * n_all) for w in words
    ]
    chances = false_discovery([erfc(abs(d / sd) / sqrt(2)) for d, sd in odds])
    found = []
    for word, (d, sd), q in zip(words, odds, chances, strict=True):
        count, other = mine[word], pooled[word] - mine[word]
        ratio = ((count + 0.5) / (n_own + 0.5)) / ((other + 0.5) / (n_others + 0.5))
        found.append(
            Skew(word=word, count=count, other=other, ratio=ratio, log_odds=d, low=d - Z * sd, high=d + Z * sd, q=q)
        )
    return sorted(found, key=lambda skew: (-skew.ratio, -skew.count, skew.word))


def log_odds(count: int, n: int, other: int, n_other: int, prior: float, all_prior: float) -> tuple[float, float]:
    """d_w of the formula above and its standard deviation; where there is no other word, half of one stands for it."""
    mine, theirs = count + prior, other + prior
    d = log(mine / max(n + all_prior - mine, 0.5)) - log(theirs / max(n_other + all_prior - theirs, 0.5))
    return d, sqrt(1 / mine + 1 / theirs)


def false_discovery(p: Sequence[float]) -> list[float]:
    """The q-value of each p-value (Benjamini and Hochberg 1995): the least false-discovery rate at which it passes."""
    order = sorted(range(len(p)), key=lambda i: p[i], reverse=True)
    found, least = [0.0] * len(p), 1.0
    for place, i in enumerate(order):
        least = min(least, p[i] * len(p) / (len(p) - place))
        found[i] = least
    return found


def average(skews: Sequence[Skew]) -> float:
    """In how many texts a word that was looked at is, on average: what table 6.1 prints beside its counts."""
    return sum(skew.count for skew in skews) / len(skews) if skews else 0.0


def factor(skew: Skew) -> tuple[float, float, float]:
    """The odds ratio with its interval."""
    return exp(skew.log_odds), exp(skew.low), exp(skew.high)
