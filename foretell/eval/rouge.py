"""ROUGE: how much of a reference summary stands in another (Lin 2004), as F1, 0 to 1.

Words are runs of a to z and 0 to 9 in lower case, without stemming, as in the package rouge-score; Radford et al. 2019,
section 3.6, report the mean of the three.
"""

import re
from collections import Counter
from collections.abc import Sequence

NO_WORD = re.compile(r"[^a-z0-9]+")


def words(text: str) -> list[str]:
    """The words that are compared."""
    return NO_WORD.sub(" ", text.lower()).split()


def rouge_n(output: str, reference: str, n: int) -> float:
    """The F1 of runs of n words, each counted as often as it occurs in both; 0 where one side has none."""
    said, wanted = (Counter(runs(words(text), n)) for text in (output, reference))
    return f1((said & wanted).total(), said.total(), wanted.total())


def rouge_l(output: str, reference: str) -> float:
    """The F1 of the longest common subsequence of words over the whole texts."""
    said, wanted = words(output), words(reference)
    return f1(longest_common(said, wanted), len(said), len(wanted))


def rouge(output: str, references: Sequence[str]) -> dict[str, float]:
    """rouge1, rouge2, rougeL, each of the reference that gives the best, and their mean."""
    found = {
        "rouge1": max((rouge_n(output, one, 1) for one in references), default=0.0),
        "rouge2": max((rouge_n(output, one, 2) for one in references), default=0.0),
        "rougeL": max((rouge_l(output, one) for one in references), default=0.0),
    }
    return found | {"mean": sum(found.values()) / len(found)}


def rouge_mean(output: str, references: Sequence[str]) -> float:
    """The mean of the three, which the paper calls R-AVG."""
    return rouge(output, references)["mean"]


def runs(of: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All runs of n words."""
    return [tuple(of[i : i + n]) for i in range(len(of) - n + 1)]


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest sequence that is left of both when words are taken out."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0  # what stood to the left in the row above
        for i, against in enumerate(other, 1):
            before, row[i] = row[i], before + 1 if word == against else max(row[i], row[i - 1])
    return row[-1]


def f1(both: int, said: int, wanted: int) -> float:
    """2 both / (said + wanted), 0 where there is nothing."""
    return 2 * both / (said + wanted) if both else 0.0
