"""Which text is held out: about a twentieth, chosen by a hash of each document's name; how a sample is taken."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from foretell.corpus.documents import Document

HELD_OUT = 0.05
LEAST = 0.02  # share of the text below which the documents are too few to hold whole ones out


def split(documents: Sequence[Document]) -> dict[str, list[Document]]:
    """The documents of `train` and of `val`: whole ones in the order of a hash of their ids, up to a twentieth of all.

    Where that gives next to nothing (one book, or a few of the same length) it is the last twentieth of each document.
    """
    lengths = np.array([len(one.text) for one in documents], np.int64)
    held = held_out(np.array([place(one.id) for one in documents]), lengths)
    if held is not None:
        return {
            "train": [one for one, out in zip(documents, held, strict=True) if not out],
            "val": [one for one, out in zip(documents, held, strict=True) if out],
        }
    cuts = [(one, cut_at(one.text)) for one in documents]
    return {
        "train": [replace(one, text=one.text[:at]) for one, at in cuts if at],
        "val": [replace(one, text=one.text[at:]) for one, at in cuts if at < len(one.text)],
    }


def held_out(places: np.ndarray, lengths: np.ndarray) -> np.ndarray | None:  # (D,), (D,) -> (D,)
    """Which documents are held out, from the place() of their ids and their characters; None where each is to be cut.

    Documents with the same id are one: on the same side, and as long as all of them.
    """
    distinct, of = np.unique(places, return_inverse=True)  # in the order in which they are held out
    sizes = np.zeros(len(distinct), np.int64)
    np.add.at(sizes, of, lengths)
    total, taken, held = int(sizes.sum()), 0, np.zeros(len(distinct), bool)
    limit, shortest = HELD_OUT * total, int(sizes.min(initial=total))
    for i, size in enumerate(sizes.tolist()):
        if taken + size <= limit:
            held[i] = True
            taken += size
        elif taken + shortest > limit:
            break
    return held[of] if taken >= LEAST * total else None


def place(name: str) -> float:
    """A number in [0, 1) that follows from the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2.0**64


def up_to(texts: Iterable[str], characters: int) -> list[str]:
    """The first texts that have so many characters together, the last one cut; all where they have fewer."""
    taken: list[str] = []
    for text in texts:
        taken.append(text[:characters])
        characters -= len(text)
        if characters <= 0:
            break
    return taken


def cut_at(text: str) -> int:
    """Where the last twentieth of a text begins, at the white space before it if there is some near."""
    at = round(len(text) * (1 - HELD_OUT))
    gaps = list(re.finditer(r"\s+", text[max(at - 200, 0) : at]))
    return max(at - 200, 0) + gaps[-1].end() if gaps else at
