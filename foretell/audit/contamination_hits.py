"""What a pass over training text finds, in a form that is the same whatever the text's order and division.

Of each unit (a run of words, a substring) the number of documents that hold it, and one piece of evidence: of all
documents the one with the least hash, and there the first place. Tallies of parts of the text add up.

H hits   U units
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from foretell.corpus.ngrams import Words

AROUND = 60  # bytes of a document that a snippet shows on each side


class Hits(NamedTuple):
    """Units in texts: which unit, which text of the chunk, and its bytes there, counted from the chunk's first."""

    units: np.ndarray
    texts: np.ndarray
    begins: np.ndarray
    ends: np.ndarray


class Evidence(NamedTuple):
    """A place where a unit stands; the least of several is kept."""

    hash: str
    """of the document's text"""
    start: int
    """byte of the document"""
    document: str
    snippet: str


@dataclass(kw_only=True, slots=True)
class Tally:
    """What was found so far."""

    counts: np.ndarray
    """(U,) int64: documents that hold a unit"""
    evidence: dict[int, Evidence] = field(default_factory=dict)
    documents: int = 0
    n_bytes: int = 0


def joined(hits: Iterable[Hits]) -> Hits:
    """Several lots of hits as one."""
    none = np.zeros(0, np.int64)
    parts = [Hits(none, none, none, none), *hits]
    return Hits(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def add(tally: Tally, hits: Hits, words: Words, names: Sequence[str]) -> None:
    """Count a chunk's hits, once a document, and keep the evidence that comes first."""
    if not len(hits.units):
        return
    order = np.lexsort((hits.begins, hits.texts, hits.units))
    units, texts = hits.units[order], hits.texts[order]
    is_new = np.append(True, (np.diff(units) != 0) | (np.diff(texts) != 0))
    units, texts, order = units[is_new], texts[is_new], order[is_new]
    there, times = np.unique(units, return_counts=True)
    tally.counts[there] += times
    content = words.content.tobytes()
    spans = {i: words.offsets[i : i + 2].tolist() for i in np.unique(texts).tolist()}
    hashes = {i: digest(content[begin:end]) for i, (begin, end) in spans.items()}
    ranks = {i: rank for rank, i in enumerate(sorted(hashes, key=lambda i: (hashes[i], names[i])))}
    ranked = np.array([ranks[i] for i in texts.tolist()])
    best = np.lexsort((ranked, units))
    best = best[np.append(True, np.diff(units[best]) != 0)]
    begins, ends = words.offsets[texts[best]], words.offsets[texts[best] + 1]
    starts, stops = hits.begins[order[best]], hits.ends[order[best]]
    columns = (units[best], texts[best], starts - begins, np.maximum(begins, starts - AROUND))
    known = tally.evidence
    for unit, text, at, first, last in zip(
        *(column.tolist() for column in (*columns, np.minimum(ends, stops + AROUND))), strict=True
    ):
        key = (hashes[text], at, names[text])
        if unit not in known or key < known[unit][:3]:
            known[unit] = Evidence(*key, content[first:last].decode("utf-8", "ignore"))


def digest(content: bytes) -> str:
    """A hash by which documents are ordered."""
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def merge(tally: Tally, other: Tally) -> None:
    """Add what was found in other text."""
    tally.counts += other.counts
    tally.documents += other.documents
    tally.n_bytes += other.n_bytes
    for unit, evidence in other.evidence.items():
        tally.evidence[unit] = min(tally.evidence.get(unit, evidence), evidence)


def as_record(tally: Tally) -> dict[str, Any]:
    """A tally as JSON."""
    units = np.flatnonzero(tally.counts)
    return {
        "units": units.tolist(),
        "counts": tally.counts[units].tolist(),
        "evidence": [list(tally.evidence[unit]) for unit in units.tolist()],
        "documents": tally.documents,
        "n_bytes": tally.n_bytes,
    }


def of_record(record: dict[str, Any], n_units: int) -> Tally:
    """The tally of a record."""
    counts = np.zeros(n_units, np.int64)
    counts[record["units"]] = record["counts"]
    evidence = {unit: Evidence(*one) for unit, one in zip(record["units"], record["evidence"], strict=True)}
    return Tally(counts=counts, evidence=evidence, documents=record["documents"], n_bytes=record["n_bytes"])
