"""A task asked of a language model in words, without a gradient step (Radford et al. 2019, section 3)."""

from collections.abc import Sequence
from typing import Any

from foretell.eval.measured import Measured, share
from foretell.generate.model import Model


def choose(model: Model, questions: Sequence[dict[str, Any]], between: str) -> list[int]:
    """For each question the answer that is likeliest per token after its text.

    The likelihood is divided by the number of tokens, so that a short answer is not preferred for its length
    (Brown et al. 2020, section 2.4).
    """
    pairs = [(q["a"] + between, choice) for q in questions for choice in q["choices"]]
    scores = iter(model.score(pairs))
    found = []
    for question in questions:
        means = [total / max(n, 1) for total, n, *_ in (next(scores) for _ in question["choices"])]
        found.append(max(range(len(means)), key=means.__getitem__))
    return found


def accuracy(model: Model, questions: Sequence[dict[str, Any]], between: str) -> Measured:
    """The share of questions whose right answer is chosen."""
    answers = choose(model, questions, between)
    return share(sum(a == q["label"] for a, q in zip(answers, questions, strict=True)), len(questions))
