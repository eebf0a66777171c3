"""Where text ends a sentence: what BERT's pairs are cut at, and what the tasks are made of."""

import re
from collections.abc import Iterator

ENDS = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[`*]*[A-Z0-9])|\n[ \t]*\n\s*")
"""A full stop before a space and a capital, or an empty line: right for documentation in nearly all places."""


def spans(text: str) -> Iterator[tuple[int, int]]:
    """The first and the last-plus-one character of each sentence; what lies between two is white space and quotes."""
    start = len(text) - len(text.lstrip())
    for end in ENDS.finditer(text):
        stop = end.start() + len(end.group().rstrip())
        if stop > start:
            yield start, stop
        start = end.end()
    if text[start:].strip():
        yield start, len(text.rstrip())


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with its own line breaks; joined with spaces they hold every word of it."""
    return [text[start:stop] for start, stop in spans(text)]
