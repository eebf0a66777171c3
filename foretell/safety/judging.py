"""Answers of a file, judged by a rubric with the judge of one's choice."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretell.errors import BadUse
from foretell.safety.judges import by_classifier, by_words, fitted, read_labelled
from foretell.safety.policies import EMBEDDED, read_policies
from foretell.safety.rewards import by_checks
from foretell.safety.rubrics import Rubric

Row = dict[str, Any]


def judged(
    rows: Sequence[Row],
    rubric: Rubric,
    judge: str,
    *,
    model: str = "",
    labels: Path | None = None,
    policies: Path | None = None,
) -> list[str | None]:
    """The choice of each row's answer, or None where the judge's words name none.

    BadUse for a row without an answer, and where the judge lacks what it needs.
    """
    for number, row in enumerate(rows, 1):
        if not isinstance(row.get("answer"), str):
            raise BadUse(f"row {number} has no answer; a row has prompt (or text), answer and tags")
    pairs = [(str(row.get("prompt", row.get("text", ""))), str(row["answer"])) for row in rows]
    if judge == "model":
        if not model:
            raise BadUse("--judge model needs --model MODEL: the model that reads the rubric")
        from foretell.generate.model import load

        return by_words(load(model), rubric, pairs)
    if judge == "classifier":
        if labels is None:
            raise BadUse("--judge classifier needs --labels FILE: lines of answer and verdict to learn from")
        made = by_classifier(fitted(read_labelled(labels)))
    else:
        made = by_checks(read_policies(policies or EMBEDDED))
    return [known(rubric, made(row, *pair)) for row, pair in zip(rows, pairs, strict=True)]


def known(rubric: Rubric, said: str) -> str | None:
    """A verdict, if it is one of the rubric's choices."""
    return said if said in rubric.choices else None


def confusion(rows: Sequence[Row], found: Sequence[str | None]) -> dict[str, dict[str, int]]:
    """Label by people -> what was judged -> how often, of the rows that have a verdict of their own."""
    made: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row, one in zip(rows, found, strict=True):
        if isinstance(row.get("verdict"), str):
            made[row["verdict"]][one or "unparsable"] += 1
    return {label: dict(said) for label, said in sorted(made.items())}
