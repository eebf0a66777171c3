"""Which text is held out: about a twentieth, chosen by a hash of each document's name."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from foretell.corpus.documents import Document

HELD_OUT = 0.05
LEAST = 0.02  # share of the text below which the documents are too few to hold whole ones out


def split(documents: Sequence[Document]) -> dict[str, list[Document]]:
    """The documents of `train` and of `val`: whole ones in the order of a hash of their ids, up to a twentieth of all.

    Where that gives next to nothing (one book, or a few of the same length) it is the last twentieth of each document.
    """
    total = sum(len(one.text) for one in documents)
    held, taken = set(), 0
    for one in sorted(documents, key=lambda one: place(one.id)):
        if taken + len(one.text) <= HELD_OUT * total:
            held.add(one.id)
            taken += len(one.text)
    if taken >= LEAST * total:
        return {
            "train": [one for one in documents if one.id not in held],
            "val": [one for one in documents if one.id in held],
        }
    cuts = [(one, _cut(one.text)) for one in documents]
    return {
        "train": [replace(one, text=one.text[:at]) for one, at in cuts if at],
        "val": [replace(one, text=one.text[at:]) for one, at in cuts if at < len(one.text)],
    }


def place(name: str) -> float:
    """A number in [0, 1) that follows from the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2.0**64


def _cut(text: str) -> int:
    """Where the last twentieth begins, at the white space before it if there is some near."""
    at = round(len(text) * (1 - HELD_OUT))
    gaps = list(re.finditer(r"\s+", text[max(at - 200, 0) : at]))
    return max(at - 200, 0) + gaps[-1].end() if gaps else at
