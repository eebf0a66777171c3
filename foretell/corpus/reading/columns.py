"""Parquet files: text or HTML in one of the usual columns, a row group at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus.reading.jsonlines import HTML_FIELDS, NAME_FIELDS, NO_FIELD, TEXT_FIELDS, URL_FIELDS, record
from foretell.corpus.reading.records import Broken, Limits, Raw, excerpt

ROWS = 256  # rows that are in memory at a time
DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, NotImplementedError)


def read_parquet(path: Path, limits: Limits) -> Iterator[Raw | Broken]:
    """The records of a Parquet file, named by row and id."""
    wanted = (*TEXT_FIELDS, *HTML_FIELDS, *URL_FIELDS, *NAME_FIELDS)
    for row in parquet_rows(path, wanted, needed=(*TEXT_FIELDS, *HTML_FIELDS)):
        yield row if isinstance(row, Broken) else record(*row, limits)


def parquet_rows(
    path: Path, wanted: tuple[str, ...], needed: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any]] | Broken]:
    """The rows of a file with their numbers from 1; a row group that cannot be read is one broken record."""
    try:
        file = pq.ParquetFile(path)
    except DAMAGE as error:
        yield Broken(path.name, f"no Parquet file ({_line(error)})")
        return
    with file:
        columns = [name for name in file.schema_arrow.names if name in wanted]
        if not set(columns) & set(needed):
            names = ", ".join(file.schema_arrow.names[:8])
            yield Broken(path.name, NO_FIELD, excerpt(f"columns: {names}"))
            return
        first = 1
        for group in range(file.num_row_groups):
            yield from _group(file, group, first, columns)
            first += file.metadata.row_group(group).num_rows


def _group(
    file: pq.ParquetFile, group: int, first: int, columns: list[str]
) -> Iterator[tuple[str, dict[str, Any]] | Broken]:
    number = first
    try:
        for batch in file.iter_batches(ROWS, row_groups=[group], columns=columns, use_threads=False):
            values = {name: _values(batch.column(i)) for i, name in enumerate(batch.schema.names)}
            for i in range(batch.num_rows):
                yield _decoded(str(number), {name: column[i] for name, column in values.items()})
                number += 1
    except DAMAGE as error:
        yield Broken(f"{number}", f"row group {group} is damaged from row {number} on ({_line(error)})")


def _values(column: pa.Array) -> list[Any]:
    """The values of a column; text as bytes, since one value that is no UTF-8 would spoil the whole batch."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())
    return list(column.to_pylist())


def _decoded(place: str, row: dict[str, Any]) -> tuple[str, dict[str, Any]] | Broken:
    for name, value in row.items():
        if isinstance(value, bytes) and name not in HTML_FIELDS:
            try:
                row[name] = value.decode()
            except UnicodeDecodeError as error:
                return Broken(place, f"column {name!r} is no UTF-8 ({error.reason})", excerpt(value))
    return place, row


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
