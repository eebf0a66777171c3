"""Training of the quality classifier: curated documents against raw ones, and a report on documents it has not seen.

    chosen      of each class at most so many documents, by a hash of their text; each text once
    parts       a fifth of them is held out for the report; of the others a fifth chooses the penalty, and then teaches
    features    the share that each word has of a piece; a longer document is cut into pieces of about a thousand words
    fit         logistic regression with an L2 penalty; the classes weigh the same, and so do a class's documents

Brown et al. 2020, appendix A, have the tokenizer, HashingTF and logistic regression; the rest are our choices. Pieces,
because the features of a book are means that no page comes near: taught by whole books, the classifier ranks short
texts worse (benchmarks/corpus_quality.py, which also has one fit by stochastic gradient descent: quicker and worse).
Documents that are in both classes teach neither. Near copies on both sides of the split make the report too good: take
them away first.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from foretell.corpus.hashing_tf import N_BUCKETS, buckets, parts, words_of
from foretell.corpus.quality import Classifier
from foretell.corpus.quality_report import ALPHA, report
from foretell.errors import BadUse

LEAST = 10  # documents of a class
MOST = 50_000
SHARE = 5  # one in so many documents is held out
PIECE = 1000  # words
LONGEST = 50_000  # characters of a document that teach: the first ones
SCALE = 100.0  # of the features: shares are small numbers, and the penalty is on the weights
PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)  # scikit-learn's C, the strongest penalty first
STEPS = 500
PURPOSE = b"foretell teach"


class Trained(NamedTuple):
    """A classifier and what it does with documents that it has not seen, as JSON can hold it."""

    classifier: Classifier
    report: dict[str, Any]


class Examples(NamedTuple):
    """Texts of a class, in an order that follows from the texts alone."""

    taught: list[str]
    choosing: list[str]
    held_out: list[str]


def train(
    positives: Iterable[str], negatives: Iterable[str], *, seed: int, most: int = MOST, alpha: float = ALPHA
) -> Trained:
    """A classifier that tells positives from negatives, and its report; the same in whatever order the texts come.

    At most `most` documents of a class are used, chosen by a hash of their text; those texts are held in memory, at
    most 50,000 characters of each. `alpha` is the gate's, of which the report tells how many pass. BadUse if a
    class has fewer than 10 different texts with words.
    """
    chosen = [_chosen(texts, most, seed) for texts in (positives, negatives)]
    both = chosen[0].keys() & chosen[1].keys()
    good, bad = (_parts(texts, both, name) for texts, name in zip(chosen, ("positive", "negative"), strict=True))
    made, losses = _best(good, bad, seed)
    told = report(made, good.held_out, bad.held_out, good.taught + bad.taught, alpha)
    return Trained(made, {**told, "losses": losses, "in_both": len(both)})


def _chosen(texts: Iterable[str], most: int, seed: int) -> dict[bytes, str]:
    """The texts of the least hashes, by their hash."""
    key = seed.to_bytes(16, "little", signed=True)
    held: dict[bytes, str] = {}
    for text in texts:
        if text and not text.isspace():
            held[hashlib.blake2b(text.encode(), digest_size=16, key=key, person=PURPOSE).digest()] = text[:LONGEST]
            if len(held) > 2 * most:
                held = dict(sorted(held.items())[:most])
    return dict(sorted(held.items())[:most])


def _parts(texts: dict[bytes, str], both: set[bytes], name: str) -> Examples:
    """The texts in three parts, by the half of the hash that did not choose them."""
    order = sorted(texts.keys() - both, key=lambda one: one[8:])
    if len(order) < LEAST:
        found = f"{len(order)} {name} documents" + (f" that are not in both classes as {len(both)} are" if both else "")
        rule = f"the classifier takes {LEAST} or more different ones with words"
        raise BadUse(f"{found}: {rule}; add {name} sources, or set quality.alpha to 0 for none")
    ordered = [texts[one] for one in order]
    held = len(ordered) // SHARE
    choosing = held + (len(ordered) - held) // SHARE
    return Examples(ordered[choosing:], ordered[held:choosing], ordered[:held])


def _best(good: Examples, bad: Examples, seed: int) -> tuple[Classifier, dict[str, float]]:
    """The classifier with the penalty of the least loss, taught by the choosing texts as well; and the losses."""
    groups = (good.taught, bad.taught, good.choosing, bad.choosing)
    labels = np.repeat([True, False, True, False], [len(group) for group in groups])  # (N,)
    features, text_of = features_of([text for group in groups for text in group])
    n = len(good.taught) + len(bad.taught)
    first = int(np.searchsorted(text_of, n))  # the pieces before are of the taught texts
    losses = {}
    for penalty in PENALTIES:
        tried = fitted(features[:first], text_of[:first], labels[:n], penalty, seed)
        losses[str(penalty)] = _loss(tried, features[first:], text_of[first:] - n, labels[n:])
    penalty = min(PENALTIES, key=lambda one: losses[str(one)])
    return fitted(features, text_of, labels, penalty, seed), losses


def fitted(features: Any, text_of: np.ndarray, labels: np.ndarray, penalty: float, seed: int) -> Classifier:
    """The classifier of some texts' pieces: (P, 2^18) features, (P,) the text of each, (N,) whether a text is good."""
    import warnings
    from importlib import import_module

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    one_thread = import_module("threadpoolctl").threadpool_limits(1)  # with more, sums differ in their last bits
    used = np.unique(features.indices)
    model = LogisticRegression(C=penalty, max_iter=STEPS)
    with warnings.catch_warnings(), one_thread:
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features[:, used] * SCALE, labels[text_of], sample_weight=balanced(text_of, labels))
    weights = np.zeros(N_BUCKETS, dtype=np.float32)
    weights[used] = model.coef_[0] * SCALE
    counts = {"n_positive": int(labels.sum()), "n_negative": int((~labels).sum())}
    return Classifier(weights=weights, bias=float(model.intercept_[0]), inverse_penalty=penalty, seed=seed, **counts)


def balanced(text_of: np.ndarray, labels: np.ndarray) -> np.ndarray:  # (P,), (N,) -> (P,)
    """The weight of each piece: a class's documents weigh the same, and half of all together."""
    size = np.where(labels, labels.sum(), (~labels).sum())  # (N,)
    n_pieces = np.bincount(text_of, minlength=len(labels))
    return (len(labels) / 2 / size / np.maximum(n_pieces, 1))[text_of]


def features_of(texts: list[str]) -> tuple[Any, np.ndarray]:  # (P, 2^18), (P,)
    """A sparse matrix with the shares of the words of each piece, and the text that each piece is of."""
    from scipy.sparse import csr_array, vstack

    rows, text_of, before = [], [], 0
    for part in parts(pa.array(texts, pa.large_string())):
        words = words_of(part)
        n = np.maximum(words.n, 1)
        n_pieces = np.maximum(np.rint(n / PIECE).astype(np.int64), 1)  # (N,)
        place = np.arange(len(words.text)) - (np.cumsum(words.n) - words.n)[words.text]  # (W,) in its text
        piece = (np.cumsum(n_pieces) - n_pieces)[words.text] + place * n_pieces[words.text] // n[words.text]
        size = np.bincount(piece, minlength=n_pieces.sum())
        column = buckets(words.spelled)[words.each]
        place_of = (piece.astype(np.int32), column.astype(np.int32))  # scikit-learn takes no wider ones
        rows.append(csr_array((1.0 / size[piece], place_of), shape=(len(size), N_BUCKETS)))
        text_of.append(before + np.repeat(np.arange(len(n)), n_pieces))
        before += len(n)
    return vstack(rows, format="csr"), np.concatenate(text_of)


def _loss(classifier: Classifier, features: Any, text_of: np.ndarray, labels: np.ndarray) -> float:
    """The mean of -ln of the probability that the classifier gives a piece's class, balanced as in training."""
    logits = classifier.bias + features @ classifier.weights.astype(np.float64)  # (P,)
    losses = np.logaddexp(0.0, np.where(labels[text_of], -logits, logits))
    return float(np.average(losses, weights=balanced(text_of, labels)))
