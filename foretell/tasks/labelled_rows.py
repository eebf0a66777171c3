"""From the rows of published sets, as each spells them, to examples: texts `a` and `b`, or choices, and a label.

A reader returns the examples of a row; none where the row has no label, as in test splits and where annotators differ.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from foretell.errors import BadUse
from foretell.tasks.source import Row, field

Example = dict[str, Any]
Reader = Callable[[Row, str], list[Example]]
"""a row, and where it stands for errors"""

LABELS = ("label", "gold_label", "gold", "is_duplicate", "coarse_label", "label-coarse", "entailment_judgment")
NO_LABEL = (-1, "-1", "-", "", None)
LETTERS = "ABCDEFGH"
LETTERED = re.compile(r"\n?Choices:\n(.*?)\n?(?:Answer:)?\s*\Z", re.DOTALL)
ASKED = {"cause": "What was the cause of this?", "effect": "What happened as a result?"}


def one_text(classes: Sequence[str], *names: str) -> Reader:
    """A reader of rows with one text, under the first of the names that is there, and a class."""

    def read(row: Row, at: str) -> list[Example]:
        label = class_of(row, classes, at)
        return [] if label is None else [{"a": text(row, names, at), "label": label}]

    return read


def two_texts(classes: Sequence[str], a: Sequence[str], b: Sequence[str]) -> Reader:
    """A reader of rows with two texts and a class."""

    def read(row: Row, at: str) -> list[Example]:
        label = class_of(row, classes, at)
        return [] if label is None else [{"a": text(row, a, at), "b": text(row, b, at), "label": label}]

    return read


def two_texts_scored(a: Sequence[str], b: Sequence[str], *names: str) -> Reader:
    """A reader of rows with two texts and a number."""

    def read(row: Row, at: str) -> list[Example]:
        score = first(row, names, at)
        if score in NO_LABEL:
            return []
        try:
            return [{"a": text(row, a, at), "b": text(row, b, at), "label": float(score)}]
        except (TypeError, ValueError) as error:
            raise BadUse(f"{at}: the score is {score!r}, it must be a number") from error

    return read


def first(row: Row, names: Sequence[str], at: str) -> Any:
    """The value under the first of the names that the row has; BadUse that names the row if it has none of them."""
    return field(row, next((name for name in names if name in row), names[0]), at)


def text(row: Row, names: Sequence[str], at: str) -> str:
    """The text under the first of the names that the row has; real sets have empty ones (labelled.py drops them)."""
    value = first(row, names, at)
    if not isinstance(value, str):
        raise BadUse(f"{at}: {names[0]!r} is {value!r}, it must be text")
    return value


def class_of(row: Row, classes: Sequence[str], at: str) -> int | None:
    """The number of the row's class, which is given as a number or as its name; None where it has no label."""
    value = first(row, LABELS, at)
    if value in NO_LABEL:
        return None
    known = {name.lower(): i for i, name in enumerate(classes)} | {str(i): i for i in range(len(classes))}
    found = known.get(str(int(value) if isinstance(value, bool | float) else value).lower())
    if found is None:
        raise BadUse(f"{at}: the label is {value!r}; it must be 0 to {len(classes) - 1}, or {', '.join(classes)}")
    return found


def chosen(row: Row, asked: str, choices: Any, gold: Any, at: str) -> list[Example]:
    """The example of a question, if it has a right answer: a number, or a letter, or the label of a choice."""
    labels: Sequence[Any] = LETTERS
    if isinstance(choices, dict):  # the hub's {"label": [...], "text": [...]}
        labels, choices = choices["label"], choices["text"]
    if gold in NO_LABEL:
        return []
    names = {str(label): i for i, label in enumerate(labels)} | {str(i): i for i in range(len(choices))}
    if isinstance(gold, str):  # ARC's labels may be 1 to 4, so that a label comes before a place
        names |= {str(label): i for i, label in enumerate(labels)}
    label = names.get(str(gold))
    if label is None or not 0 <= label < len(choices):
        raise BadUse(f"{at}: the right answer is {gold!r}, which is none of its {len(choices)} choices")
    return [{"a": asked, "choices": list(choices), "label": label}]


def query(row: Row, at: str) -> list[Example]:
    """A question with its choices: `query`, `choices`, `gold`; or as the hub has ARC, OpenBookQA and CommonsenseQA.

    Choices that are letters, with their texts in the query, are given their texts.
    """
    asked, choices = text(row, ("query", "question_stem", "question"), at), first(row, ("choices",), at)
    listed = LETTERED.search(asked)
    if listed and choices == list(LETTERS[: len(choices)]):
        lines = [re.sub(r"^[A-H]\. ", "", line) for line in listed[1].split("\n")]
        if len(lines) == len(choices):
            asked, choices = asked[: listed.start()], lines
    return chosen(row, asked.removeprefix("Question: ").strip(), choices, first(row, ("gold", "answerKey"), at), at)


def social(row: Row, at: str) -> list[Example]:
    """A question of Social IQa: as above, or a context, a question and three answers."""
    if "query" in row:
        return query(row, at)
    answers = [text(row, (f"answer{letter}",), at) for letter in "ABC"]
    label = str(first(row, ("label",), at))
    gold = str(int(label) - 1) if label.isdigit() else label
    return chosen(row, f"{text(row, ('context',), at)} {text(row, ('question',), at)}", answers, gold, at)


def cause_or_effect(row: Row, at: str) -> list[Example]:
    """A question of COPA: a premise, what is asked for, two choices."""
    asks = str(first(row, ("asks_for", "question", "asks-for"), at))
    if asks not in ASKED:
        raise BadUse(f"{at}: it asks for {asks!r}; it must be cause or effect")
    choices = row["choices"] if "choices" in row else [text(row, (name,), at) for name in ("choice1", "choice2")]
    return chosen(row, f"{text(row, ('premise',), at)} {ASKED[asks]}", choices, first(row, LABELS, at), at)


def ending(row: Row, at: str) -> list[Example]:
    """A question of SWAG: how a text goes on."""
    names = [name for name in (f"ending{i}" for i in range(8)) if name in row]
    choices = row["endings"] if "endings" in row else [row[name] for name in names]
    begun = text(row, ("startphrase", "ctx"), at) if "sent1" not in row else f"{row['sent1']} {row.get('sent2') or ''}"
    return chosen(row, begun.strip(), choices, first(row, LABELS, at), at)


def last_sentence(row: Row, at: str) -> list[Example]:
    """A question of the Story Cloze test: four sentences and two that may be the fifth; the right one is 1 or 2."""
    said = [text(row, (f"InputSentence{i}", f"input_sentence_{i}"), at) for i in range(1, 5)]
    ends = [text(row, (f"RandomFifthSentenceQuiz{i}", f"sentence_quiz{i}"), at) for i in (1, 2)]
    right = first(row, ("AnswerRightEnding", "answer_right_ending"), at)
    return chosen(row, " ".join(said), ends, right if right in NO_LABEL else int(right) - 1, at)


def passage(row: Row, at: str) -> list[Example]:
    """The questions of RACE about a passage, one a row or several; the text is the passage with the question."""
    article = text(row, ("article", "passage"), at)
    if "questions" not in row:
        return chosen(row, f"{article} {text(row, ('question',), at)}", row["options"], row["answer"], at)
    several = zip(row["questions"], row["options"], row["answers"], strict=True)
    return [one for asked, choices, gold in several for one in chosen(row, f"{article} {asked}", choices, gold, at)]
