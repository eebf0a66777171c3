"""py3langid's model over many texts at once: its automaton walks all of them in step, on arrays.

The model counts which of its groups of bytes a text has, and takes naive Bayes over log(1 + count); divided by the root
of the bytes, that makes probabilities (LanguageIdentifier._decide()). py3langid walks byte after byte in Python.

N texts   F groups of bytes   C languages
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

FEW = 6  # texts, for which py3langid's own walk is quicker
NORWEGIAN = "nn"  # which the fast detector calls no, as it does Bokmal
Counts = tuple[np.ndarray, np.ndarray]  # the groups of bytes that a text has, in order, and how often


def classify(texts: Sequence[str]) -> list[tuple[str, float]]:
    """The code of two letters of each text's language, or zxx, and its probability; each text is judged by itself."""
    if not texts:
        return []
    model, walk = _model()
    coded = [model._encode(text) for text in texts]
    counted = map(_counts_of(model), coded) if len(coded) < FEW else walk(coded)
    return [_decided(model, counts, len(one)) for one, counts in zip(coded, counted, strict=True)]


def _counts_of(model: Any) -> Callable[[bytes], Counts]:
    """py3langid's own walk."""
    from py3langid.langid import visit_counts

    def counted(text: bytes) -> Counts:
        found = sorted((visit_counts(model.tk_nextmove, model._rowbase, model.tk_output, text) or {}).items())
        made = np.array(found, np.int64).reshape(-1, 2)
        return made[:, 0], made[:, 1]

    return counted


def _decided(model: Any, counts: Counts, length: int) -> tuple[str, float]:
    """The likeliest language."""
    groups, times = counts
    terms = np.log1p(times)[:, None] * model.nb_ptc[groups]  # (F, C)
    scores = terms.sum(axis=0) + model.nb_pc  # a product of matrices would round by where they lie in memory
    odds = np.exp((scores - scores.max()) / math.sqrt(length or 1)) if len(groups) else np.ones(len(scores))
    odds /= odds.sum()
    for first, other in model._alias_pairs:  # one language in two scripts
        odds[first] += odds[other]
        odds[other] = 0.0
    best = int(odds.argmax())
    return model.nb_classes[best], float(odds[best])


@cache
def _model() -> tuple[Any, Callable[[list[bytes]], Iterator[Counts]]]:
    """py3langid's model over the languages with a two-letter code, read once (0.3 s), and the walk through it."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    two = [code for code in model.labels if (len(code) == 2 and code != NORWEGIAN) or code == "zxx"]
    model.set_languages(two)
    model.nb_ptc = np.ascontiguousarray(model.nb_ptc)  # or each look-up gathers from far apart: half as fast
    moves, rows = np.asarray(model.tk_nextmove, np.int64), np.asarray(model._rowbase, np.int64)
    return model, _walker(rows[0], rows[moves], np.asarray(model.tk_output, np.int64)[moves], len(model.nb_ptc))


def _walker(
    start: int, moves: np.ndarray, groups: np.ndarray, n_groups: int
) -> Callable[[list[bytes]], Iterator[Counts]]:
    """What counts the groups of texts: at a state and byte, `moves` has the next state, `groups` what ends or -1."""

    def walk(texts: list[bytes]) -> Iterator[Counts]:
        lengths = np.array([len(text) for text in texts])
        order = np.argsort(-lengths, kind="stable")  # the longest first: who still walks is a slice
        steps = np.zeros((lengths.max(), len(texts)), np.int64)
        for place, one in enumerate(order):
            steps[: lengths[one], place] = np.frombuffer(texts[one], np.uint8)
        walking = len(texts) - np.searchsorted(lengths[order][::-1], np.arange(len(steps)), side="right")
        state = np.full(len(texts), start)
        for step, n in zip(steps, walking.tolist(), strict=True):
            step[:n] += state[:n]
            moves.take(step[:n], out=state[:n], mode="clip")  # it copies first, unless told how to clip
        inside = np.arange(len(steps))[:, None] < lengths[order]
        found = np.where(inside, groups[steps], -1)
        key, times = np.unique((found + np.arange(len(texts)) * n_groups)[found >= 0], return_counts=True)
        bounds = np.searchsorted(key, np.arange(len(texts) + 1) * n_groups)
        for place in np.argsort(order):
            mine = slice(bounds[place], bounds[place + 1])
            yield key[mine] - place * n_groups, times[mine]

    return walk
