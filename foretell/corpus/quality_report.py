"""What a quality classifier does with documents that it has not seen: a dict that JSON can hold.

    auc             the probability that a curated document's score is above a raw one's, a tie counting half
    auc_interval    95 %, of DeLong, DeLong and Clarke-Pearson 1988; where nothing is ranked wrongly their variance is
                    0, and the lower end is then 1 - 3 / n of the smaller class (the rule of three)
    accuracy        the mean over the classes of the share that a score of 0.5 tells rightly
    keep_rate       the share of raw documents that is expected to pass the gate at its alpha
    keep_rate_positive    of curated ones
    deciles         of every tenth of the range of scores: how many documents, and some of them
    words           the most positive and the most negative words, with their weights

M curated documents   N raw documents
"""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretell.corpus.hashing_tf import buckets, parts, words_of
from foretell.corpus.quality import Classifier, pass_rate, score

ALPHA = 9.0  # of GPT-3's gate
Z = 1.959964  # standard deviations of 95 %
EXAMPLES, EXCERPT = 3, 200
WORDS = 30
SPARE = 2  # buckets looked at for each word told: the taught documents that are asked may not have a bucket's word


def report(
    classifier: Classifier, good: list[str], bad: list[str], taught: list[str], alpha: float = ALPHA
) -> dict[str, Any]:
    """The report on held-out documents of both classes; `taught` are texts whose words are told, `alpha` the gate's."""
    scores = (score(classifier, good), score(classifier, bad))
    value, interval = auc(*scores)
    right = ((scores[0] > 0.5).mean() + (scores[1] <= 0.5).mean()) / 2
    return {
        "trained_on": {"positive": classifier.n_positive, "negative": classifier.n_negative},
        "held_out": {"positive": len(good), "negative": len(bad)},
        "auc": value,
        "auc_interval": list(interval),
        "accuracy": float(right),
        "keep_rate": float(pass_rate(scores[1], alpha).mean()),
        "keep_rate_positive": float(pass_rate(scores[0], alpha).mean()),
        "deciles": _deciles(scores, (good, bad)),
        "words": _words(classifier, taught),
        "inverse_penalty": classifier.inverse_penalty,
    }


def auc(good: np.ndarray, bad: np.ndarray) -> tuple[float, tuple[float, float]]:  # (M,), (N,)
    """The area under the ROC curve and its 95 % interval.

    DeLong's variance in the form of Sun and Xu 2014, by ranks: sorting in place of M x N comparisons.
    """
    m, n = len(good), len(bad)
    together = ranks(np.concatenate([good, bad]))
    above = (together[:m] - ranks(good)) / n  # (M,) share of raw documents below each curated one
    below = 1.0 - (together[m:] - ranks(bad)) / m  # (N,) share of curated documents above each raw one
    value = float(above.mean())
    variance = sum(float(np.var(one, ddof=1)) / len(one) for one in (above, below) if len(one) > 1)
    spread = Z * variance**0.5
    if not variance:
        spread = min(3 / min(m, n), 1.0)
    return value, (max(value - spread, 0.0), min(value + spread, 1.0))


def ranks(x: np.ndarray) -> np.ndarray:  # (N,) -> (N,)
    """The rank of each number from 1; equal ones share the mean of theirs."""
    _, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2.0)[places]


def _deciles(scores: tuple[np.ndarray, np.ndarray], texts: tuple[list[str], list[str]]) -> list[dict[str, Any]]:
    """Ten rows, from the least score up."""
    rows = []
    for tenth in range(10):
        row: dict[str, Any] = {"from": tenth / 10, "to": (tenth + 1) / 10, "examples": []}
        for name, its_scores, its_texts in zip(("positive", "negative"), scores, texts, strict=True):
            inside = np.flatnonzero(np.minimum((its_scores * 10).astype(int), 9) == tenth)
            row[name] = len(inside)
            row["examples"] += [_example(its_texts[i], name, its_scores[i]) for i in inside[:EXAMPLES]]
        rows.append(row)
    return rows


def _example(text: str, name: str, value: float) -> dict[str, Any]:
    return {"excerpt": " ".join(text[: 4 * EXCERPT].split())[:EXCERPT], "class": name, "score": round(float(value), 6)}


def _words(classifier: Classifier, taught: list[str]) -> dict[str, list[list[Any]]]:
    """The words of the most extreme weights, the commonest word of each bucket; each with its weight."""
    order = np.argsort(classifier.weights, kind="stable")
    sides = {"positive": order[::-1][: SPARE * WORDS], "negative": order[: SPARE * WORDS]}
    found = _commonest(taught, np.concatenate(list(sides.values())))
    told = {}
    for name, side in sides.items():
        signed = [
            one for one in side.tolist() if (classifier.weights[one] > 0) == (name == "positive") and one in found
        ]
        told[name] = [[found[one], round(float(classifier.weights[one]), 3)] for one in signed[:WORDS]]
    return told


def _commonest(texts: list[str], wanted: np.ndarray) -> dict[int, str]:
    """Of each wanted bucket the word that is most often in it, in lower case."""
    counts: dict[int, Counter[str]] = {}
    for part in parts(pa.array(texts, pa.large_string())):
        words = words_of(part)
        place, times = buckets(words.spelled), np.bincount(words.each, minlength=len(words.spelled))
        for i in np.flatnonzero(np.isin(place, wanted)):
            word = pc.utf8_lower(words.spelled[int(i)]).as_py()
            counts.setdefault(int(place[i]), Counter())[word] += int(times[i])
    return {one: min(counter, key=lambda word: (-counter[word], word)) for one, counter in counts.items()}
