"""The exact Jaccard index of pairs of documents, for corpora whose shingles fit in memory.

P pairs   N documents in them
"""

from collections.abc import Sequence

import numpy as np

from foretell.corpus.clusters import nodes_of
from foretell.corpus.minhash import shingle_sets

AT_ONCE = 50_000  # pairs compared together


def alike(u: np.ndarray, v: np.ndarray, files: Sequence[str], ngram: int, least: float) -> np.ndarray:
    """Whether the Jaccard index of the shingles of each pair of nodes is at least `least`."""  # (P,), (P,) -> (P,)
    nodes = np.unique(np.concatenate([u, v]))
    return similarities(np.searchsorted(nodes, u), np.searchsorted(nodes, v), _sets(nodes, files, ngram)) >= least


def similarities(u: np.ndarray, v: np.ndarray, sets: Sequence[np.ndarray]) -> np.ndarray:  # (P,), (P,) -> (P,)
    """The Jaccard index of each pair of sets, given by their places; 0 for two empty ones."""
    from scipy.sparse import csr_array

    sizes = np.array([len(one) for one in sets], dtype=np.int64)  # (N,)
    known, columns = np.unique(np.concatenate([np.zeros(0, np.uint64), *sets]), return_inverse=True)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    table = csr_array((np.ones(len(columns), np.int32), columns, ends), shape=(len(sets), max(len(known), 1)))
    found = np.zeros(len(u))
    for begin in range(0, len(u), AT_ONCE):
        a, b = u[begin : begin + AT_ONCE], v[begin : begin + AT_ONCE]
        both = np.asarray((table[a] * table[b]).sum(axis=1)).ravel()
        either = sizes[a] + sizes[b] - both
        found[begin : begin + AT_ONCE] = both / np.maximum(either, 1)
    return found


def _sets(nodes: np.ndarray, files: Sequence[str], ngram: int) -> list[np.ndarray]:
    """The shingles of each node's document."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sets = [np.zeros(0, np.uint64)] * len(nodes)
    for file in files:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(1024, columns=["id", "text"]):
                inside = np.isin(nodes_of(batch["id"]), nodes)
                wanted = batch.filter(pa.array(inside))
                places = np.searchsorted(nodes, nodes_of(wanted["id"]))
                for place, one in zip(places, shingle_sets(wanted["text"], ngram), strict=True):
                    sets[place] = one
    return sets
