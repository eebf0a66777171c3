"""The quality gate of GPT-3: a classifier's score of a text, and which documents pass.

    score    sigmoid(bias + mean of its words' weights), 0 to 1: how like the documents taught as good
    keep     u(id, seed) < (2 - score)^-alpha, with u uniform in [0, 1)

Brown et al. 2020, appendix A, keep a document where np.random.pareto(9) > 1 - score. That numpy function draws from the
Lomax distribution, whose tail is (1 + x)^-9: so a document passes with probability (2 - score)^-9, and a number that is
hashed of its id in place of a drawn one makes the choice the same in any order and on any number of machines.

The appendix does not say how counts become features beyond Spark's HashingTF. Our choice is the share that each word
has of the text. With plain counts the logit grows with the length and the gate is one of length: short texts of the
best sort hardly pass and long ones always do (benchmarks/corpus_quality.py). A text without words has score 0.

A classifier is a folder of two files: quality.safetensors (weights, float32) and quality.json (the rest). Training is
in foretell/corpus/quality_train.py.

N texts   2^18 buckets
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from foretell.corpus.hashing_tf import N_BUCKETS, totals
from foretell.errors import BadUse
from foretell.runs import read_json, write_whole

WEIGHTS, SETTINGS = "quality.safetensors", "quality.json"
FORMAT = "foretell quality 1"
PURPOSE = b"foretell quality"  # sets these numbers apart from others that are hashed of a document's id


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Classifier:
    """The logistic regression over the shares of hashed words, and what it was trained on."""

    weights: np.ndarray
    """(2^18,) float32; a text's logit is the bias and the mean of its words' weights"""
    bias: float
    n_positive: int
    """curated documents that it was trained on"""
    n_negative: int
    """raw documents that it was trained on"""
    inverse_penalty: float
    """scikit-learn's C, chosen on documents that were not trained on"""
    seed: int


def score(classifier: Classifier, texts: Any) -> np.ndarray:  # -> (N,)
    """The score of each text, float64 in [0, 1].

    `texts` is an Arrow array or a sequence of strings; null, empty and blank ones have score 0. A text's score does not
    depend on the texts beside it.
    """
    sums, n = totals(texts, classifier.weights)
    logits = classifier.bias + sums / np.maximum(n, 1)
    return np.where(n > 0, np.exp(-np.logaddexp(0.0, -logits)), 0.0)


def pass_rate(scores: np.ndarray, alpha: float) -> np.ndarray:  # (N,) -> (N,)
    """The probability that a document of each score passes: (2 - score)^-alpha."""
    return (2.0 - np.asarray(scores, dtype=np.float64)) ** -alpha


def keep(scores: np.ndarray, ids: Sequence[str], *, alpha: float, seed: int) -> np.ndarray:  # (N,) -> (N,)
    """Which documents pass the gate, bool: a pure function of each one's score and id, and of the seed.

    alpha is 9 in GPT-3; 0 keeps all. A larger alpha keeps a part of what a smaller one keeps.
    """
    if len(scores) != len(ids):
        raise ValueError(f"{len(scores)} scores and {len(ids)} ids; there must be as many")
    return uniform(ids, seed) < pass_rate(scores, alpha)


def uniform(ids: Sequence[str], seed: int) -> np.ndarray:  # -> (N,)
    """A number of each id and the seed that looks drawn from [0, 1), float64."""
    key = seed.to_bytes(16, "little", signed=True)
    found = (hashlib.blake2b(one.encode(), digest_size=8, key=key, person=PURPOSE).digest() for one in ids)
    bits = np.frombuffer(b"".join(found), dtype="<u8")
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def save(classifier: Classifier, folder: Path) -> None:
    """Write the two files of a classifier into a folder, each whole or not at all; other files there stay."""
    from safetensors.numpy import save as packed

    weights = packed({"weights": classifier.weights})
    told = {field.name: getattr(classifier, field.name) for field in fields(classifier) if field.name != "weights"}
    settings = {"format": FORMAT, "weights_sha256": hashlib.sha256(weights).hexdigest(), **told}
    write_whole(folder / WEIGHTS, weights)
    write_whole(folder / SETTINGS, json.dumps(settings, indent=2) + "\n")  # last: it tells the weights' own sum


def load(folder: Path) -> Classifier:
    """The classifier of a folder; BadUse where there is none, or another one's file among its two."""
    settings = read_json(folder / SETTINGS)
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise BadUse(f"{folder / SETTINGS} is no classifier of {FORMAT!r}; give the folder that training wrote")
    weights = _weights(folder / WEIGHTS, settings.pop("weights_sha256", ""))
    del settings["format"]
    try:
        classifier = Classifier(weights=weights, **settings)
    except TypeError as error:
        raise BadUse(f"{folder / SETTINGS} has other fields than a classifier ({error}); train it again") from error
    if not isinstance(classifier.bias, float) or not math.isfinite(classifier.bias):
        raise BadUse(f"{folder / SETTINGS} has bias={classifier.bias!r}, which is no number; train it again")
    return classifier


def _weights(path: Path, sha256: str) -> np.ndarray:  # -> (2^18,)
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpacked

    try:
        content = path.read_bytes()
        weights = unpacked(content)["weights"]
    except OSError as error:
        raise BadUse(f"{path} cannot be read ({error.strerror or error}); give a classifier's folder") from error
    except (SafetensorError, KeyError) as error:
        raise BadUse(f"{path} holds no weights ({error}); train the classifier again") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadUse(f"{path} is not what {SETTINGS} beside it was written with; train the classifier again")
    if weights.shape != (N_BUCKETS,) or weights.dtype != np.float32 or not np.isfinite(weights).all():
        raise BadUse(f"{path} has {weights.dtype} {weights.shape}, not {N_BUCKETS} finite float32; train it again")
    return weights
