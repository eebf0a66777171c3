"""Whether sums that a model is asked stand in its training text (Brown et al. 2020, section 3.9.1).

`48 + 76 =` and `48 plus 76`, as in the paper, which found 17 of 2000 additions and 2 of 2000 subtractions of three
digits; differences and products alike.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from foretell.audit.contamination_training import Part, read
from foretell.eval.measured import share
from foretell.tasks import registry
from foretell.tasks.source import Source

DIGITS, KINDS = ("two", "three", "four", "five"), ("addition", "subtraction")
TASKS = (*(f"{digits}_digit_{kind}" for digits in DIGITS for kind in KINDS), "two_digit_multiplication")
SIGNS = {"+": "plus", "-": "minus", "*": "times"}
IN_TEXT = re.compile(r"(?<![\d.,])(\d{1,6}) (?:(plus|minus|times) (?=(\d{1,6})(?![\d.,]?\d))|([-+*]) (?=(\d{1,6}) =))")
"""the second number is looked at and not taken: it may be the first of the next sum"""
ASKED = re.compile(r"What is (\d+) (plus|minus|times) (\d+)\?")
Sum = tuple[str, str, str]


def sums_of(task: str, source: Source) -> dict[str, Sum]:
    """The sum that each question of a task asks, by the question's id."""
    items = registry.task(task).load(source).items
    found = ((item.id, ASKED.search(getattr(item, "context", ""))) for item in items)
    return {name: (match[1], match[2], match[3]) for name, match in found if match}


def sums_in(text: str) -> set[Sum]:
    """The sums that a text holds in either form."""
    rows = (match.groups() for match in IN_TEXT.finditer(text))
    return {(a, word or SIGNS[sign], b or c) for a, word, b, sign, c in rows}


def looked_up(parts: Sequence[Part], wanted: Iterable[Sum]) -> set[Sum]:
    """Those of the sums that the training text holds."""
    every, found = set(wanted), set[Sum]()
    for part in parts:
        for batch in read(part):
            for text in batch.texts.to_pylist():
                found |= sums_in(text) & every
    return found


def lookup_rows(asked: dict[str, dict[str, Sum]], found: set[Sum]) -> list[dict[str, Any]]:
    """A row for each task: how many of its questions stand in the training text."""
    rows = []
    for task, sums in asked.items():
        there = share(sum(one in found for one in sums.values()), len(sums))
        rows.append({"task": task, "found": sum(one in found for one in sums.values()), **there})
    return rows
