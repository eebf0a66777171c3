"""What a step writes for a partition: documents that it kept, records that it dropped, and counts of both.

    documents.parquet  dropped.parquet    the columns of schema.py
    pages.parquet                         id, html: the pages that the careful extractor reads once more

A step reads the partition of the step before and writes its own, a few hundred documents at a time, or fewer where they
are long: what is held, and the row groups that are written, are of about 16 MB. No result follows from it. The engine
makes the folder whole or absent and keeps the counts in its manifest (partitions.py).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretell.corpus.funnel import Counts, counted_as, keep
from foretell.corpus.schema import DOCUMENTS, DROPPED, EXCERPT

KEPT, LOST, PAGES = "documents.parquet", "dropped.parquet", "pages.parquet"
PAGE_COLUMNS = pa.schema([("id", pa.string()), ("html", pa.large_string())])
BATCH = 512  # documents worked on at a time
BATCH_BYTES = 16_000_000  # of documents worked on at a time, unless one alone has more


@dataclass(kw_only=True, slots=True)
class Writing:
    """A partition that is being written."""

    kept: pq.ParquetWriter
    lost: pq.ParquetWriter
    pages: pq.ParquetWriter
    counts: Counts = field(default_factory=Counter)
    held: list[dict[str, str]] = field(default_factory=list)
    """dropped records that are not written yet: a row group for each of them would be most of the file"""

    def drop(self, step: str, rows: Sequence[dict[str, str]]) -> None:
        """Write dropped records: id, url, source, reason and an excerpt, which is cut to its length here."""
        self.held += [{**row, "step": step, "excerpt": row.get("excerpt", "")[:EXCERPT]} for row in rows]
        if len(self.held) >= BATCH:
            self.write_dropped()
        for row in rows:
            self.counts[row["source"], step, f"dropped {counted_as(row['reason'], step)}"] += 1

    def write_dropped(self) -> None:
        """Write the dropped records that are held."""
        if self.held:
            self.lost.write_table(pa.Table.from_pylist(self.held, schema=DROPPED))
        self.held = []

    def sift(self, table: pa.Table, step: str, reasons: Sequence[str]) -> pa.Table:
        """The documents without a reason; those with one are written as dropped. Both are counted."""
        stays = pa.array([not reason for reason in reasons], pa.bool_())
        left = table.filter(stays)
        gone = table.filter(pc.invert(stays)).select(["id", "url", "source", "text"]).to_pylist()
        said = [reason for reason in reasons if reason]
        self.drop(step, [{**_row(row), "reason": why} for row, why in zip(gone, said, strict=True)])
        self.passed(left, step)
        return left

    def passed(self, table: pa.Table, step: str) -> None:
        """Count the documents that are left after a step, by source."""
        sizes = pc.binary_length(table["text"]).to_pylist()
        by_source: dict[str, list[int]] = {}
        for source, size in zip(table["source"].to_pylist(), sizes, strict=True):
            by_source.setdefault(source, []).append(size)
        for source, found in by_source.items():
            keep(self.counts, source, step, found)

    def keep(self, table: pa.Table) -> None:
        """Write documents that go on to the next step."""
        self.kept.write_table(table.select(DOCUMENTS.names).cast(DOCUMENTS))


def _row(row: dict[str, str]) -> dict[str, str]:
    return {"id": row["id"], "url": row["url"], "source": row["source"], "excerpt": row["text"]}


@contextmanager
def written(folder: Path) -> Iterator[Writing]:
    """A partition's files, open until the block ends."""
    with ExitStack() as open_files:
        made = {"kept": (KEPT, DOCUMENTS), "lost": (LOST, DROPPED), "pages": (PAGES, PAGE_COLUMNS)}
        writers = {
            name: open_files.enter_context(pq.ParquetWriter(folder / file, schema, compression="zstd"))
            for name, (file, schema) in made.items()
        }
        part = Writing(**writers)
        yield part
        part.write_dropped()


def batches(folder: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The documents of a partition, a batch at a time."""
    yield from tables(folder / KEPT, columns)


def tables(file: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a Parquet file, a batch at a time."""
    with pq.ParquetFile(file) as opened:
        yield from tables_of(opened, columns)


def tables_of(opened: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of an open Parquet file in order: at a time at most BATCH and, unless a row has more, BATCH_BYTES."""
    groups = range(opened.metadata.num_row_groups)
    for rows, alike in groupby(groups, lambda group: _rows_at_once(opened.metadata.row_group(group))):
        wanted = list(columns) if columns else None
        for batch in opened.iter_batches(rows, row_groups=list(alike), columns=wanted):
            yield from in_bytes(pa.Table.from_batches([batch]))


def _rows_at_once(group: pq.RowGroupMetaData) -> int:
    """How many rows of a row group are read at a time: a power of two, so that groups alike are read as one."""
    rows = min(BATCH, BATCH_BYTES * group.num_rows // max(group.total_byte_size, 1))
    return 1 << max(rows.bit_length() - 1, 0)


def in_bytes(table: pa.Table) -> Iterator[pa.Table]:
    """The table in halves, quarters and so on, until none of several rows has more than BATCH_BYTES."""
    if table.nbytes <= BATCH_BYTES or len(table) < 2:
        yield table
        return
    half = len(table) // 2
    yield from in_bytes(table.slice(0, half))
    yield from in_bytes(table.slice(half))


def each_batch(before: Path, folder: Path, change: Callable[[Writing, pa.Table], pa.Table]) -> Counts:
    """Write a partition from the one before: change() takes a batch and gives what of it is kept. The counts."""
    with written(folder) as part:
        for table in batches(before):
            part.keep(change(part, table))
    return part.counts
