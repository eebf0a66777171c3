"""Connected components of a graph of documents: each node's label is the least node of its component.

    components        in memory, by hooking and pointer jumping on arrays (Shiloach and Vishkin 1982): 40 bytes an edge
    star_components   by alternating stars (Kiveris et al. 2014, "Connected components in MapReduce and beyond"), every
                      round a query of the engine, for graphs beyond one memory; the labels are the same

    large star   each node u sends each neighbour v > u to m, the least of u and its neighbours: (v, m)
    small star   each node u sends itself and each neighbour v < u to m, the least of them: (v, m) and (u, m)

The paper leaves open how the end is known. Our choice: both stars leave the edges as they were, told by their number
and the sums of hashes of them.

E edges   N nodes that have an edge
"""

from typing import Any, NamedTuple

import numpy as np

from foretell.corpus.engine import EngineConfig, started

MOST_IN_MEMORY = 100_000_000  # edges
MOST_ROUNDS = 200  # some 20 suffice for a path of a million nodes


class Components(NamedTuple):
    """The nodes that have an edge, in order, and each one's label."""

    nodes: np.ndarray
    labels: np.ndarray


def components(u: np.ndarray, v: np.ndarray) -> Components:  # (E,), (E,) -> (N,), (N,)
    """The components of a graph, in memory: roots that an edge joins are hooked, the greater below the lesser."""
    nodes, places = np.unique(np.concatenate([u, v]), return_inverse=True)
    a, b = places[: len(u)], places[len(u) :]
    root = np.arange(len(nodes))
    while len(a):
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        root = _flattened(root)
        a, b = root[a], root[b]
        apart = a != b
        a, b = a[apart], b[apart]
    return Components(nodes, nodes[root])


def _flattened(parents: np.ndarray) -> np.ndarray:  # (N,) -> (N,)
    """Each node's root, of its parent; a root is its own."""
    while not np.array_equal(above := parents[parents], parents):
        parents = above
    return parents


def star_components(edges: Any, engine: EngineConfig) -> Components:  # -> (N,), (N,)
    """The components of a table of edges `u`, `v`, by queries of the engine."""
    daft = started(engine)
    frame = daft.from_arrow(edges.select(["u", "v"]))
    before = None
    for _ in range(MOST_ROUNDS):
        frame = _small_star(daft, _large_star(daft, frame))
        frame = _kept(frame, engine)
        now = _state(daft, frame)
        if now == before:
            return _labels(frame)
        before = now
    raise RuntimeError(f"no end after {MOST_ROUNDS} rounds of stars")


def _kept(frame: Any, engine: EngineConfig) -> Any:
    """The rows of a round, held; on Ray in as many partitions as before, which a union would double each time."""
    return (frame.into_partitions(engine.n_workers) if engine.runner == "ray" else frame).collect()


def _large_star(daft: Any, edges: Any) -> Any:
    """Edges (u, v) from larger to smaller nodes, of edges in any direction."""
    u, v, least = daft.col("u"), daft.col("v"), daft.col("least")
    both = edges.select("u", "v").union_all(edges.select(v.alias("u"), u.alias("v")))
    center = both.groupby("u").agg(v.min().alias("least"))
    center = center.select("u", daft.functions.when(least < u, least).otherwise(u).alias("least"))
    return both.join(center, on="u").where(v > u).select(v.alias("u"), least.alias("v")).distinct()


def _small_star(daft: Any, edges: Any) -> Any:
    """Edges (u, v) with u > v, of edges with u > v."""
    v, least = daft.col("v"), daft.col("least")
    center = edges.groupby("u").agg(v.min().alias("least"))
    moved = edges.join(center, on="u").where(v > least).select(v.alias("u"), least.alias("v"))
    return moved.union_all(center.select("u", least.alias("v"))).distinct()


def _state(daft: Any, frame: Any) -> tuple[int, ...]:
    """What tells two sets of edges apart: their number, and the sums of 40 bits of two hashes of each."""
    u, v = daft.col("u"), daft.col("v")
    bits = [daft.functions.hash(u, v, seed=seed, hash_function="xxhash").shift_right(daft.lit(24)) for seed in (0, 1)]
    terms = frame.select(u, bits[0].alias("a"), bits[1].alias("b"))
    sums = terms.agg(daft.col("u").count().alias("n"), daft.col("a").sum(), daft.col("b").sum()).to_pydict()
    return tuple(int(column[0] or 0) for column in sums.values())


def _labels(frame: Any) -> Components:
    """The labels of stars that change no more: every node but a center has one edge, to its center."""
    table = frame.to_arrow()
    u, v = table["u"].to_numpy(), table["v"].to_numpy()
    nodes, first = np.unique(np.concatenate([u, v]), return_index=True)
    return Components(nodes, np.concatenate([v, v])[first])
