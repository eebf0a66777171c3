"""Which text is held out: about a twentieth, told by a hash of each document's name, so that it stays what it is."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from foretell.corpus.documents import Document

HELD_OUT = 0.05
LEAST, MOST = 0.02, 0.12  # shares of the text between which the hash's choice is taken


def split(documents: Sequence[Document]) -> dict[str, list[Document]]:
    """The documents of `train` and of `val`: by hash of the id, or the last twentieth of each where that fits badly.

    It fits badly where documents are few or of very different lengths: one book, or one book among many letters.
    """
    sides: dict[str, list[Document]] = {"train": [], "val": []}
    for one in documents:
        sides["val" if place(one.id) < HELD_OUT else "train"].append(one)
    share = sum(len(one.text) for one in sides["val"]) / max(sum(len(one.text) for one in documents), 1)
    if LEAST <= share <= MOST:
        return sides
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
