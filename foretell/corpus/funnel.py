"""What each step of the corpus took and left: counted in every partition, added up, told as a funnel.

Counts are one flat Counter of (source, step, what), so that those of partitions are added with `+`:

    what    documents, bytes      what is left after the step; bytes of HTML before extraction, of UTF-8 text after it
            pieces                documents of the corpus that those are after the step decontaminate cut them
            dropped REASON        what the step took away, by reason
            language CODE         documents of a language after the step language
            masked KIND           addresses and numbers masked, by kind
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Counts = Counter[tuple[str, str, str]]
NUMBER = re.compile(r"(?<![\w-])\d+")  # not the one of UTF-8

POSTS = "links"  # the step before all others, and the source of what is dropped there; its posts are no documents
STEPS = (
    POSTS,
    "read",
    "karma",
    "domain",
    "extract",
    "language",
    "rules",
    "quality",
    "exact duplicates",
    "near duplicates",
    "exact text",
    "final duplicates",
    "decontaminate",
)
CUTS = "decontaminate"  # the step after which a document may be several
TOLD = {
    POSTS: "posts that could be read",
    "read": "records of the sources that could be read",
    "karma": "pages that a post with enough karma links to",
    "domain": "pages of domains that are not left out",
    "extract": "pages that hold text",
    "language": "documents in a language that is kept",
    "rules": "documents that pass the heuristic rules",
    "quality": "documents that pass the quality gate",
    "exact duplicates": "documents without copies of the same text",
    "near duplicates": "documents without near duplicates",
    "exact text": "documents after careful extraction of their text",
    "final duplicates": "documents whose careful text no other has",
    "decontaminate": "documents without text of the evaluation sets",
}


def keep(counts: Counts, source: str, step: str, sizes: Iterable[int]) -> None:
    """Count what is left after a step: documents of these sizes in bytes."""
    sizes = list(sizes)
    counts[source, step, "documents"] += len(sizes)
    counts[source, step, "bytes"] += sum(sizes)


def counted_as(reason: str, step: str = "") -> str:
    """A reason without what is particular to one record: what stands in brackets or after `: `.

    Of records that cannot be read the numbers are particular too: bytes, lines.
    """
    short = reason.partition(": ")[0].partition(" (")[0]
    return NUMBER.sub("N", short) if step in ("read", POSTS) else short


def as_rows(counts: Counts) -> list[list[Any]]:
    """Counts as rows for JSON, in an order of their own; from_rows() is the inverse."""
    return [[*key, n] for key, n in sorted(counts.items())]


def from_rows(rows: Iterable[Sequence[Any]]) -> Counts:
    """Inverse of as_rows()."""
    return Counter({(source, step, what): n for source, step, what, n in rows})


def by_reason(counts: Counts, step: str, sources: Sequence[str], kind: str = "dropped") -> dict[str, int]:
    """What a step dropped of some sources by reason (or masked, or found of each language), the most first."""
    found: Counter[str] = Counter()
    for (source, at, what), n in counts.items():
        if source in sources and at == step and what.startswith(f"{kind} "):
            found[what.removeprefix(f"{kind} ")] += n
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def total(counts: Counts, step: str, what: str, sources: Sequence[str]) -> int:
    """One count of a step over some sources."""
    return sum(counts[source, step, what] for source in sources)


def funnel(counts: Counts, sources: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of the funnel of some sources: every step that was made, what it left and what it dropped.

    Documents of a source that a step does not concern are counted among those that it leaves. In every row `in` is
    `documents` and what is dropped together; a document that was cut counts once, and `pieces` are told apart.
    """
    made = {(source, step) for (source, step, _) in counts}
    at: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for step in STEPS:
        here = [source for source in sources if (source, step) in made]
        if not here:
            continue
        at |= dict.fromkeys(here, step)
        dropped = by_reason(counts, step, sources)
        left, size = (sum(counts[source, at[source], what] for source in at) for what in ("documents", "bytes"))
        row = {"step": step, "in": left + sum(dropped.values()), "documents": left, "bytes": size, "dropped": dropped}
        rows.append(row | ({"pieces": held(counts, step, sources)} if step == CUTS else {}))
    return rows


def held(counts: Counts, last: str, sources: Sequence[str]) -> int:
    """The documents that the files of some sources hold after the last step: pieces, where that is the cutting one."""
    return total(counts, last, "pieces" if last == CUTS else "documents", sources)


def nothing_read(counts: Counts, source: str, files: Iterable[Path] = ()) -> str:
    """Why a source gave no document at all, as words; empty where it gave some.

    Counted reasons have no numbers and names; of the commonest one that lost them, a whole one is quoted from `files`
    (dropped.parquet of the source's partitions).
    """
    if counts[source, "extract", "documents"]:
        return ""
    reasons: Counter[str] = Counter()
    for (name, _, what), n in counts.items():
        if name == source and what.startswith("dropped "):
            reasons[what.removeprefix("dropped ")] += n
    most = reasons.most_common(4)
    said = ", ".join(f"{n} {reason}" for reason, n in most) or "it holds no record"
    whole = _whole_reason(files, source, most[0][0]) if most else ""
    return f"{said}; one of the first: {whole!r}" if whole else said


def _whole_reason(files: Iterable[Path], source: str, short: str) -> str:
    """The first reason that a source's records were dropped for and that is counted as another, shorter one."""
    for file in files:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(512, columns=["source", "step", "reason"]):
                for row in batch.to_pylist():
                    if row["source"] == source and short == counted_as(row["reason"], row["step"]) != row["reason"]:
                        return str(row["reason"])
    return ""
