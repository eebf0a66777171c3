"""What follows a context, and how files name it: options with their space, letters, lists in the query."""

import re
from collections.abc import Sequence
from typing import Any

from foretell.errors import BadUse
from foretell.tasks.item import Choice, Free
from foretell.tasks.source import Row, field

CLOSING = ".,;:!?)'\u2019%"  # what stands after a word without a space
LETTERED = re.compile(r"^([A-Z])\. (.*)$")

Names = Sequence[Sequence[Any]]
"""for each option, the labels that mean it"""


def spaced(text: str) -> str:
    """The text with the space that it begins with after a context; without where it begins with a closing sign."""
    text = text.strip()
    return text if text[:1] and text[0] in CLOSING else f" {text}"


def option(text: str) -> str:
    """An answer as it follows a context: one space before it, none after."""
    return f" {text.strip()}"


def choice(name: str, context: str, options: Sequence[str], gold: int, group: str = "") -> Choice | None:
    """The question; None where its context or an option is missing."""
    if not context.strip() or not all(text.strip() for text in options):
        return None
    return Choice(id=name, context=context.rstrip(), options=tuple(map(option, options)), gold=gold, group=group)


def free(name: str, context: str, answers: Sequence[str], group: str = "", source: str = "") -> Free | None:
    """The question with its distinct answers; None where its context or every answer is missing."""
    accepted = tuple(dict.fromkeys(option(text) for text in answers if text.strip()))
    if not context.strip() or not accepted:
        return None
    return Free(id=name, context=context.rstrip(), answers=accepted, group=group, source=source)


def place(label: Any, labels: Sequence[Any], at: str) -> int:
    """The place of a label among those that a row may have; BadUse that names the row otherwise."""
    if label not in labels:
        raise BadUse(f"{at} has the label {label!r}; it must be one of {', '.join(map(repr, labels))}")
    return list(labels).index(label)


def meant(row: Row, names: Names, at: str) -> int:
    """The option that a row's label means; letters may be large. BadUse where it means none."""
    label = field(row, "label", at)
    label = label.lower() if isinstance(label, str) else label
    known = [name for some in names for name in some]
    found = known[place(label, known, at)]
    return next(i for i, some in enumerate(names) if found in some)


def labelled_options(row: Row, at: str) -> tuple[list[str], int]:
    """Options and the right one of a row {choices: {text, label}, answerKey}, as ARC and its kin have them."""
    choices = field(row, "choices", at)
    return list(choices["text"]), place(field(row, "answerKey", at), choices["label"], at)


def listed_options(query: str, at: str) -> tuple[str, list[str]]:
    """The query without the list of lettered options in it, and their texts.

    `Question: ...\\nChoices:\\nA. one\\nB. two\\nAnswer:` gives `Question: ...\\nAnswer:` and `one`, `two`.
    """
    lines = query.split("\n")
    listed = [i for i, line in enumerate(lines) if LETTERED.match(line)]
    if not listed or listed != list(range(listed[0], listed[-1] + 1)):
        raise BadUse(f"{at} lists no options as lines `A. text`; give the query with them, or the hub's columns")
    first = listed[0] - (lines[listed[0] - 1] == "Choices:" if listed[0] else 0)
    said = "\n".join([*lines[:first], *lines[listed[-1] + 1 :]]).rstrip()
    return said, [lines[i][len("A. ") :] for i in listed]
