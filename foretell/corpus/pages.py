"""The first step, which sees every record: read, keep what posts link to, extract text quickly, tell the language.

Every record is judged by itself, so a partition follows from its part of the source alone.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa

from foretell.corpus.corpus_config import CorpusConfig, Role, SourceConfig
from foretell.corpus.encoding import decoded
from foretell.corpus.extract import fast_text
from foretell.corpus.funnel import as_rows, keep
from foretell.corpus.karma import Linked, load_links
from foretell.corpus.language import identify
from foretell.corpus.partition import BATCH, PAGE_COLUMNS, Writing, written
from foretell.corpus.partitions import mark
from foretell.corpus.reading import Broken, Raw, parts, read_part
from foretell.corpus.reading.parts import JOIN
from foretell.corpus.schema import DOCUMENTS, document_id
from foretell.corpus.urls import domain, is_within

BATCH_BYTES = 16_000_000  # of raw records that are held at a time
UNKNOWN = ""  # the language of a text that is none with enough certainty


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One piece of a source that is read by itself."""

    source: str
    role: Role
    path: str
    place: str
    """what ids are made of besides the record's own name: the file as given, without the folders above the source"""


def parts_of(source: SourceConfig) -> list[Part]:
    """The pieces of a source in a fixed order; two paths with one last part are told apart by their number."""
    ends = [PurePath(path).name or path for path in source.paths]
    found = []
    for number, (path, end) in enumerate(zip(source.paths, ends, strict=True)):
        said = f"{end}\0{ends[:number].count(end) + 1}" if end in ends[:number] else end  # no path holds a NUL
        for part in parts(path):
            alone = JOIN not in part and part != path  # a file of a folder, whose records are named by number
            place = f"{said}/{PurePath(part).relative_to(path).as_posix()}" if alone else said
            found.append(Part(source=source.name, role=source.role, path=part, place=place))
    return found


def read_pages(inputs: tuple[str, ...], folder: Path, *, cfg: CorpusConfig, links: str) -> dict[str, Any]:
    """Write the first partition of a part: its documents, the pages they were taken from, what was dropped.

    The first input is the part as JSON; the others are the files that it is read from.
    """
    part = Part(**json.loads(inputs[0]))
    wanted = linked(links, mark(links)) if links and part.role == "raw" else None
    with written(folder) as writing:
        for records in _in_batches(part, writing):
            first_step(records, part, cfg, wanted, writing)
    return {"counts": as_rows(writing.counts)}


@cache
def linked(path: str, of: str) -> Linked:
    """The pages that links lead to, read once in a process; `of` is the file's mark, by which a new one is told."""
    return Linked(load_links(Path(path)))


def first_step(records: list[Raw], part: Part, cfg: CorpusConfig, wanted: Linked | None, writing: Writing) -> None:
    """Take a batch of records through the steps of this file."""
    keep(writing.counts, part.source, "read", [len(record.content) for record in records])
    if wanted is not None:
        why = f"no post of {cfg.links.min_karma} karma or more links to it"
        records = _apart(records, ["" if wanted.has(raw.url) else why for raw in records], part, "karma", writing)
    domains = cfg.links.drop_domains
    if domains and part.role == "raw":
        out = ["domain left out" if is_within(domain(raw.url), domains) else "" for raw in records]
        records = _apart(records, out, part, "domain", writing)
    table, html = extracted(records, part)
    table = writing.sift(table, "extract", ["" if text.strip() else "no text" for text in table["text"].to_pylist()])
    table = told_language(table, part, cfg, writing)
    kept = set(table["id"].to_pylist())
    pages = [{"id": name, "html": page} for name, page in html.items() if name in kept]
    if pages and cfg.exact_text:
        writing.pages.write_table(pa.Table.from_pylist(pages, schema=PAGE_COLUMNS))
    writing.keep(table)


def _in_batches(part: Part, writing: Writing) -> Iterator[list[Raw]]:
    """The readable records of a part; broken ones are written as dropped."""
    held: list[Raw] = []
    size = 0
    for record in read_part(part.path):
        if isinstance(record, Broken):
            row = {"id": _id(part, record.name), "url": "", "source": part.source}
            writing.drop("read", [{**row, "reason": record.reason, "excerpt": record.excerpt}])
            continue
        held.append(record)
        size += len(record.content)
        if len(held) >= BATCH or size >= BATCH_BYTES:
            yield held
            held, size = [], 0
    yield held


def _id(part: Part, name: str) -> str:
    return document_id(part.source, f"{part.place}/{name}")


def _apart(records: list[Raw], reasons: Sequence[str], part: Part, step: str, writing: Writing) -> list[Raw]:
    """The records without a reason; those with one are written as dropped, without an excerpt: none was read."""
    pairs = list(zip(records, reasons, strict=True))
    rows = [
        {"id": _id(part, raw.name), "url": raw.url, "source": part.source, "reason": why} for raw, why in pairs if why
    ]
    writing.drop(step, rows)
    left = [raw for raw, why in pairs if not why]
    keep(writing.counts, part.source, step, [len(raw.content) for raw in left])
    return left


def extracted(records: list[Raw], part: Part) -> tuple[pa.Table, dict[str, str]]:
    """The documents of records, with plain line ends, and the pages of those that are HTML."""
    html: dict[str, str] = {}
    rows = []
    for raw in records:
        name, text = (
            _id(part, raw.name),
            raw.content if isinstance(raw.content, str) else decoded(raw.content, raw.typed),
        )
        if raw.kind == "html":
            html[name], text = text, fast_text(text)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        row = {"id": name, "url": raw.url, "text": text, "source": part.source, "cluster": ""}
        rows.append({**row, "language": UNKNOWN, "language_score": 0.0, "quality": float("nan")})
    return pa.Table.from_pylist(rows, schema=DOCUMENTS), html


def told_language(table: pa.Table, part: Part, cfg: CorpusConfig, writing: Writing) -> pa.Table:
    """The documents with their language; those of a language that is not kept are dropped, but for examples."""
    told = [
        (code if score >= cfg.language.threshold else UNKNOWN, score)
        for code, score in identify(table["text"].to_pylist())
    ]
    for code, _ in told:
        writing.counts[part.source, "language", f"language {code}"] += 1
    table = _set(table, "language", pa.array([code for code, _ in told], pa.string()))
    table = _set(table, "language_score", pa.array([score for _, score in told], pa.float32()))
    kept = cfg.language.keep
    judged = bool(kept) and part.role in ("raw", "curated")
    reasons = ["" if not judged or code in kept else f"language {code or 'unknown'}" for code, _ in told]
    return writing.sift(table, "language", reasons)


def _set(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), DOCUMENTS.field(name), values)
