"""Who says which option of a rubric an answer is: checks, a model that reads the rubric, or a classifier.

    checks       a policy's regular expressions (verdicts.py): where what is disallowed has a form
    model        a language model, asked the rubric; the choice of most probability, or its own words, parsed strictly
    classifier   a linear model on the characters of answers, fitted to labelled ones: for models too small to judge

OpenAI 2023, section 6, asks GPT-4 itself, zero-shot. A model of our sizes cannot; the classifier then stands in.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.generate.model import Model
from foretell.safety.answers import answers, fits
from foretell.safety.rewards import Judge
from foretell.safety.rubrics import Rubric, asked, parsed

Row = dict[str, Any]
LEAST = 2  # labelled answers of each option
ROOM = 64


def by_choice(model: Model, rubric: Rubric) -> Judge:
    """The judge that takes the choice of most probability behind the rubric: it always parses."""

    def judge(row: Row, prompt: str, answer: str) -> str:
        p = chances(model, rubric, prompt, answer)
        return max(p, key=lambda one: p[one])

    return judge


def chances(model: Model, rubric: Rubric, prompt: str, answer: str) -> dict[str, float]:
    """The probability of each choice behind the rubric, those of the others left out."""
    context = f"{asked(rubric, prompt, answer)}\nAnswer:"
    scores = [one.logprob for one in model.score([(context, f" {choice}") for choice in rubric.choices])]
    most = max(scores)
    p = [math.exp(one - most) for one in scores]
    return {choice: one / sum(p) for choice, one in zip(rubric.choices, p, strict=True)}


def by_words(model: Model, rubric: Rubric, pairs: Sequence[tuple[str, str]], seed: int = 0) -> list[str | None]:
    """What a model writes of prompts and answers, parsed: a choice or None each. Drawn as close to greedy as can be.

    BadUse where the rubric leaves no room for an answer in the model's context.
    """
    told = [asked(rubric, prompt, answer) for prompt, answer in pairs]
    room = min(ROOM, model.network.cfg.n_ctx // 2)
    if told and not any(fits(model, one, room) for one in told):
        rule = f"the rubric and {room} tokens for its answer do not fit into a context of {model.network.cfg.n_ctx}"
        raise BadUse(f"{rule}; shorten the rubric, or judge by checks or a classifier")
    return [parsed(rubric, one) for one in answers(model, told, temperature=0.0, seed=seed, room=room)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Classifier:
    """A fitted pipeline of scikit-learn, and how it did on labels that it was not fitted to."""

    pipeline: Any
    accuracy: tuple[int, int]
    """right and all, by cross-validation"""
    confusion: dict[str, dict[str, int]]
    """label -> what was said -> how often"""


def fitted(labelled: Sequence[tuple[str, str]], folds: int = 5, seed: int = 0) -> Classifier:
    """The classifier of labelled answers (text, option), with its confusion matrix by cross-validation.

    BadUse for an option with fewer than LEAST answers, and where there is one option alone.
    """
    counts = Counter(label for _, label in labelled)
    if len(counts) < 2 or min(counts.values()) < LEAST:
        told = ", ".join(f"{label}: {n}" for label, n in sorted(counts.items())) or "none"
        raise BadUse(f"a classifier needs two options or more with {LEAST} labelled answers each; there are {told}")
    try:
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
    except ImportError as error:
        raise BadUse("a classifier needs the package scikit-learn; pip install 'foretell[corpus]'") from error
    texts, labels = [text for text, _ in labelled], [label for _, label in labelled]
    split = StratifiedKFold(min(folds, *counts.values()), shuffle=True, random_state=seed)
    said = cross_val_predict(pipeline(), texts, labels, cv=split)
    confusion: dict[str, dict[str, int]] = {label: dict.fromkeys(sorted(counts), 0) for label in sorted(counts)}
    for label, one in zip(labels, said, strict=True):
        confusion[label][str(one)] += 1
    right = sum(label == one for label, one in zip(labels, said, strict=True))
    return Classifier(pipeline=pipeline().fit(texts, labels), accuracy=(right, len(labels)), confusion=confusion)


def pipeline() -> Any:
    """Characters in runs of 1 to 4 with digits made alike, then logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    reader = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), preprocessor=alike, min_df=1, sublinear_tf=True)
    return make_pipeline(reader, LogisticRegression(C=10.0, max_iter=1000))


def alike(text: str) -> str:
    """A text in small letters, every digit a 0."""
    return "".join("0" if letter.isdigit() else letter for letter in text.lower())


def by_classifier(classifier: Classifier) -> Judge:
    """The judge that a classifier is. It sees the answer alone."""

    def judge(row: Row, prompt: str, answer: str) -> str:
        return str(classifier.pipeline.predict([answer])[0])

    return judge


def read_labelled(path: Path) -> list[tuple[str, str]]:
    """Labelled answers of a file of lines with answer and verdict; BadUse that names the line."""
    found = []
    for number, row in enumerate(read_lines(path), 1):
        answer, verdict = row.get("answer"), row.get("verdict")
        if not isinstance(answer, str) or not isinstance(verdict, str):
            raise BadUse(f"{path}, line {number}: a labelled answer has answer and verdict, both of them texts")
        found.append((answer, verdict))
    return found
