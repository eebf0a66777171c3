"""Arrow columns to NumPy arrays and back by their buffers alone.

pyarrow's own to_numpy() and array() import pandas at their first call where it is installed, to ask whether what they
are given is of it: 0.2 CPU seconds in every process of a corpus, as much as a thousand documents' hashes.

N values
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def numbers(column: Any) -> np.ndarray:  # (N,)
    """The numbers of an Arrow array, whole or in chunks; nan where null; ValueError for whole numbers that are."""
    chunks = getattr(column, "chunks", [column])
    found = [_numbers(one) for one in chunks]
    return found[0] if len(found) == 1 else np.concatenate([*found, np.zeros(0, _kind(column.type))])


def _numbers(chunk: Any) -> np.ndarray:
    valid, content = chunk.buffers()
    kind = _kind(chunk.type)
    if not len(chunk):
        return np.zeros(0, kind)
    made = np.frombuffer(content, kind)[chunk.offset :][: len(chunk)]
    if not chunk.null_count:
        return made
    if kind.kind != "f":
        raise ValueError(f"{chunk.null_count} of {len(chunk)} are null, which no {kind} tells; drop them first")
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[chunk.offset :][: len(chunk)]
    return np.where(bits, made, kind.type(np.nan))


def _kind(of: Any) -> np.dtype:
    """The kind of number, by its Arrow name: uint64, float (of 32 bits), ..."""
    return np.dtype({"float": "float32", "double": "float64", "halffloat": "float16"}.get(str(of), str(of)))


def read_columns(file: str | Path, names: Sequence[str] | None = None) -> Any:
    """The table of a Parquet file; pyarrow's read_table() first looks for folders and schemas: three times the time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        return opened.read(columns=list(names) if names else None)


def column(values: np.ndarray, valid: np.ndarray | None = None) -> Any:  # (N,), (N,)
    """The Arrow array of numbers or truths; null where not valid."""
    import pyarrow as pa

    bits = None if valid is None else _bits(valid)
    if values.dtype == bool:
        return pa.Array.from_buffers(pa.bool_(), len(values), [bits, _bits(values)])
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [bits, content])


def strings(values: Sequence[str]) -> Any:
    """The Arrow array of strings."""
    import pyarrow as pa

    coded = [one.encode() for one in values]
    bounds = np.zeros(len(coded) + 1, np.int32)
    np.cumsum([len(one) for one in coded], out=bounds[1:])
    return pa.StringArray.from_buffers(len(coded), pa.py_buffer(bounds), pa.py_buffer(b"".join(coded)))


def _bits(truths: np.ndarray) -> Any:
    import pyarrow as pa

    return pa.py_buffer(np.packbits(truths, bitorder="little"))
