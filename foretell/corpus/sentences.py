"""Where text ends a sentence: what BERT's pairs are cut at, and what the tasks are made of."""

import re
from collections.abc import Iterator

IDEOGRAPHIC_STOPS = "\u3002\uff01\uff1f"
STOPS = ".!?" + IDEOGRAPHIC_STOPS
SMALL = "a-z\u00df-\u00f6\u00f8-\u00ff\u0430-\u045f"  # Latin, Cyrillic; other scripts have none
ENDS = re.compile(rf"(?<=[.!?])[\"')\]]*\s+(?=[\"`]|['(\[*]*[^\W_{SMALL}])|(?<=[{IDEOGRAPHIC_STOPS}])\s*|\n[ \t]*\n\s*")
"""A full stop before a space and no small letter, an ideographic one, or an empty line: right in nearly all places."""


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
