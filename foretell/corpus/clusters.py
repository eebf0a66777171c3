"""Clusters of copies, and which document of each is kept: of the best source, then the best quality, then the least id.

N documents that have a copy
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from foretell.corpus.columns import numbers, read_columns, strings
from foretell.corpus.components import MOST_IN_MEMORY, Components, components, star_components
from foretell.corpus.engine import EngineConfig
from foretell.errors import BadUse

CLUSTERS = "clusters.parquet"


def write_clusters(inputs: tuple[str, ...], folder: Path, *, n_keys: int, engine: EngineConfig) -> dict[str, Any]:
    """Write which document is kept of every cluster."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    keys, (exact, *others) = inputs[:n_keys], inputs[n_keys:]
    same = _components(read_columns(exact), engine)
    all_edges = pa.concat_tables([read_columns(file) for file in (exact, *others)])
    whole = _components(all_edges, engine) if others else same
    ranks, quality = _standing(keys, whole.nodes)
    texts = whole.nodes.copy()  # a document without an exact copy is a text of its own
    texts[np.searchsorted(whole.nodes, same.nodes)] = same.labels
    kept, kinds = chosen(whole, texts, ranks, quality)
    columns = {"id": ids_of(whole.nodes), "cluster": ids_of(kept), "kind": kinds.tolist()}
    table = pa.table({name: strings(values) for name, values in columns.items()})
    pq.write_table(table, folder / CLUSTERS, compression="zstd")
    return {kind: int(np.count_nonzero(kinds == kind)) for kind in ("kept", "exact", "fuzzy")}


def _components(edges: Any, engine: EngineConfig) -> Components:
    if edges.num_rows > MOST_IN_MEMORY:
        return star_components(edges, engine)
    return components(numbers(edges["u"]), numbers(edges["v"]))


def _standing(keys: Sequence[str], nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # (N,) -> (N,), (N,)
    """The rank of the source and the quality of some documents, read file by file."""
    ranks, quality = np.zeros(len(nodes), np.uint16), np.full(len(nodes), np.nan, np.float32)
    for file in keys:
        table = read_columns(file, ["node", "rank", "quality"])
        node = numbers(table["node"])
        places = np.searchsorted(nodes, node)
        inside = np.flatnonzero(nodes[np.minimum(places, len(nodes) - 1)] == node) if len(nodes) else places[:0]
        ranks[places[inside]] = numbers(table["rank"])[inside]
        quality[places[inside]] = numbers(table["quality"])[inside]  # null comes as nan
    return ranks, quality


def chosen(
    whole: Components, texts: np.ndarray, ranks: np.ndarray, quality: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # (N,), (N,), (N,) -> (N,), (N,)
    """The node kept of each node's cluster, and each node's kind: kept, exact or fuzzy."""
    worth = np.where(np.isnan(quality), -np.inf, quality)
    best_first = np.lexsort((whole.nodes, -worth, ranks))
    kept = whole.nodes[_best(whole.labels, best_first)]
    best_of_text = whole.nodes[_best(texts, best_first)]
    kinds = np.where(kept == whole.nodes, "kept", np.where(best_of_text == whole.nodes, "fuzzy", "exact"))
    return kept, kinds


def _best(labels: np.ndarray, best_first: np.ndarray) -> np.ndarray:  # (N,), (N,) -> (N,)
    """The place of the best of each place's group."""
    _, first, group = np.unique(labels[best_first], return_index=True, return_inverse=True)
    best = np.empty(len(labels), dtype=np.int64)
    best[best_first] = best_first[first][group]
    return best


def nodes_of(ids: Any) -> np.ndarray:  # (N,)
    """The 64 bits of each id of an Arrow array; BadUse for what is not 16 hexadecimal digits."""
    joined = "".join(ids.to_pylist())
    try:
        nodes = np.frombuffer(bytes.fromhex(joined), dtype=">u8").astype(np.uint64)
    except ValueError:
        nodes = np.zeros(0, dtype=np.uint64)
    if len(nodes) != len(ids) or ids_of(nodes) != ids.to_pylist():
        wrong = next((one for one in ids.to_pylist() if not re.fullmatch("[0-9a-f]{16}", one)), "")
        raise BadUse(f"document id {wrong!r} is not 16 hexadecimal digits; make ids with schema.document_id")
    return nodes


def ids_of(nodes: np.ndarray) -> list[str]:  # (N,)
    """Inverse of nodes_of()."""
    joined = nodes.astype(">u8").tobytes().hex()
    return [joined[i : i + 16] for i in range(0, len(joined), 16)]
