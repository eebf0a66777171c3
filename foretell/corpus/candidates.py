"""Documents that share a key, found by the engine's group-bys over files of keys: one key at a time.

So no more than one key of every document is held at once: 16 bytes each. A document here is a node, the 64 bits of its
id; edges and pairs are tables of `u` and `v`, nodes with u < v.
"""

from collections.abc import Sequence
from typing import Any

from foretell.corpus.engine import EngineConfig, read_columns, started

Table = Any


def edges(files: Sequence[str], keys: Sequence[str], engine: EngineConfig) -> Table:
    """An edge from the least node of each group that agrees in all `keys` to each other node: a star for each group."""
    daft = started(engine)
    node = daft.col("node")
    rows = read_columns(daft, files).where(daft.col(keys[0]).not_null()).select("node", *keys)
    groups = rows.groupby(*keys).agg(node.min().alias("u"), node.max().alias("most"))
    groups = groups.where(daft.col("u") < daft.col("most")).select(*keys, "u")  # most groups hold one document
    found = rows.join(groups, on=list(keys)).where(daft.col("u") < node)
    return _sorted(found.select("u", node.alias("v")))


def pairs(files: Sequence[str], key: str, engine: EngineConfig) -> Table:
    """Every pair of nodes that agrees in a key: n (n - 1) / 2 for a group of n."""
    daft = started(engine)
    rows = read_columns(daft, files).where(daft.col(key).not_null()).select("node", key)
    other = rows.select(daft.col("node").alias("v"), daft.col(key))
    found = rows.join(other, on=key).where(daft.col("node") < daft.col("v"))
    return _sorted(found.select(daft.col("node").alias("u"), "v"))


def n_pairs(files: Sequence[str], key: str, engine: EngineConfig) -> int:
    """How many pairs pairs() would return."""
    daft = started(engine)
    rows = read_columns(daft, files).where(daft.col(key).not_null())
    sizes = rows.groupby(key).agg(daft.col("node").count().alias("n"))
    n = daft.col("n").cast(daft.DataType.float64())  # a group of 5 billion has more pairs than 64 bits count
    total = sizes.select((n * (n - 1) / 2).alias("pairs")).agg(daft.col("pairs").sum()).to_pydict()["pairs"][0]
    return int(total or 0)


def _sorted(found: Any) -> Table:
    """A query's rows in the order of u and v: the order in which they come follows from the runner."""
    table = found.to_arrow()
    return table.sort_by([("u", "ascending"), ("v", "ascending")])
