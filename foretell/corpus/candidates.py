"""Documents that share a key, one key at a time over files of keys: by sorting here, or by the engine's group-bys.

In one process up to AT_ONCE documents are sorted, 40 bytes each, which takes a third of the time of a query; of more,
and on a cluster, the engine groups AT_ONCE at once, some 150 bytes each in a query's tables. Both give the same rows. A
document here is a node, the 64 bits of its id; edges and pairs are tables of `u` and `v`, nodes with u < v.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus import columns
from foretell.corpus.columns import column, numbers
from foretell.corpus.engine import EngineConfig, read_columns, started

Table = Any
AT_ONCE = 5_000_000  # documents; of more, those of a part of the keys' values after those of another


def edges(files: Sequence[str], keys: Sequence[str], engine: EngineConfig) -> Table:
    """An edge from the least node of each group that agrees in all `keys` to each other node: a star for each group."""
    n = -(-_documents(files) // AT_ONCE)
    if n == 1 and engine.runner == "native":
        return _sorted_edges(files, keys)
    found = [_edges(files, keys, engine, (part, n)) for part in range(n)]
    return _in_order(pa.concat_tables(found)) if n > 1 else found[0]


def _sorted_edges(files: Sequence[str], keys: Sequence[str]) -> Table:
    """The edges of files that are held at once."""
    held = pa.concat_tables([columns.read_columns(file, ["node", *keys]) for file in files]).combine_chunks()
    held = held.filter(held[keys[0]].is_valid()) if held[keys[0]].null_count else held
    node, *values = (numbers(held[name]) for name in ("node", *keys))
    rows = _repeated(values[0])
    rows = rows[np.lexsort((node[rows], *(one[rows] for one in reversed(values))))]
    begins = np.ones(len(rows), bool)
    begins[1:] = np.any([one[rows[1:]] != one[rows[:-1]] for one in values], axis=0)
    v = node[rows]
    u = v[np.flatnonzero(begins)[np.cumsum(begins) - 1]]
    return _in_order(pa.table({"u": column(u[u < v]), "v": column(v[u < v])}))


def _repeated(key: np.ndarray) -> np.ndarray:  # (N,) -> rows
    """The rows whose key another row has too: few, so that what follows costs little."""
    order = np.argsort(key)
    same = key[order[1:]] == key[order[:-1]]
    return order[np.append(False, same) | np.append(same, False)] if len(key) else order


def _edges(files: Sequence[str], keys: Sequence[str], engine: EngineConfig, share: tuple[int, int]) -> Table:
    """The edges of the keys' values that leave the first number when they are divided by the second."""
    daft = started(engine)
    node, key = daft.col("node"), daft.col(keys[0])
    rows = read_columns(daft, files).where(key.not_null()).select("node", *keys)
    if share[1] > 1:
        rows = rows.where(key % _whole(daft, share[1]) == _whole(daft, share[0]))
    groups = rows.groupby(*keys).agg(node.min().alias("u"), node.max().alias("most"))
    groups = groups.where(daft.col("u") < daft.col("most")).select(*keys, "u")  # most groups hold one document
    found = rows.join(groups, on=list(keys)).where(daft.col("u") < node)
    return _in_order(found.select("u", node.alias("v")).to_arrow())


def _whole(daft: Any, number: int) -> Any:
    return daft.lit(number).cast(daft.DataType.uint64())


def _documents(files: Sequence[str]) -> int:
    """How many documents the files hold; 1 where there is none, whose query has no rows."""
    return max(sum(pq.read_metadata(file).num_rows for file in files), 1)


def pairs(files: Sequence[str], key: str, engine: EngineConfig) -> Table:
    """Every pair of nodes that agrees in a key: n (n - 1) / 2 for a group of n."""
    daft = started(engine)
    rows = read_columns(daft, files).where(daft.col(key).not_null()).select("node", key)
    other = rows.select(daft.col("node").alias("v"), daft.col(key))
    found = rows.join(other, on=key).where(daft.col("node") < daft.col("v"))
    return _in_order(found.select(daft.col("node").alias("u"), "v").to_arrow())


def n_pairs(files: Sequence[str], key: str, engine: EngineConfig) -> int:
    """How many pairs pairs() would return."""
    daft = started(engine)
    rows = read_columns(daft, files).where(daft.col(key).not_null())
    sizes = rows.groupby(key).agg(daft.col("node").count().alias("n"))
    n = daft.col("n").cast(daft.DataType.float64())  # a group of 5 billion has more pairs than 64 bits count
    total = sizes.select((n * (n - 1) / 2).alias("pairs")).agg(daft.col("pairs").sum()).to_pydict()["pairs"][0]
    return int(total or 0)


def _in_order(table: Table) -> Table:
    """Rows in the order of u and v: the order in which they come follows from the runner."""
    return table.sort_by([("u", "ascending"), ("v", "ascending")])
