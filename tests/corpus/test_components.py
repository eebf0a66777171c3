"""Connected components on arrays and by stars, against a plain search, scipy, and paths that defeat propagation."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from foretell.corpus.components import components, star_components
from foretell.corpus.engine import EngineConfig

ENGINE = EngineConfig(workers=2)


def plain(edges):
    """Label every node with the least of its component, by walking from each in turn."""
    beside = {}
    for u, v in edges:
        beside.setdefault(u, set()).add(v)
        beside.setdefault(v, set()).add(u)
    labels = {}
    for node in sorted(beside):
        waiting = [] if node in labels else [node]
        while waiting:
            one = waiting.pop()
            if one not in labels:
                labels[one] = node
                waiting += beside[one]
    return labels


def as_arrays(edges):
    u, v = np.array(edges, dtype=np.uint64).reshape(-1, 2).T
    return u, v


def random_edges(n_nodes, n_edges, seed):
    rng = np.random.default_rng(seed)
    names = rng.integers(0, 2**64, n_nodes, dtype=np.uint64)  # numbers beyond 2^63 too
    pairs = rng.integers(0, n_nodes, (n_edges, 2))
    return [(int(names[a]), int(names[b])) for a, b in pairs if a != b]


def path(n, seed):
    names = [int(x) for x in np.random.default_rng(seed).permutation(n)]
    return list(pairwise(names))


GRAPHS = {
    "none": [],
    "one edge": [(5, 3)],
    "the same edge thrice": [(5, 3), (3, 5), (5, 3)],
    "a path of 300": path(300, 0),
    "a star": [(9, leaf) for leaf in range(50) if leaf != 9],
    "random, sparse": random_edges(400, 180, 1),
    "random, dense": random_edges(60, 300, 2),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_labels_are_the_least_nodes_of_the_components(name):
    found = components(*as_arrays(GRAPHS[name]))
    assert dict(zip(found.nodes.tolist(), found.labels.tolist(), strict=True)) == plain(GRAPHS[name])
    assert (np.diff(found.nodes.astype(object)) > 0).all()


@pytest.mark.parametrize(("n_nodes", "n_edges"), [(20_000, 9_000), (20_000, 60_000), (300, 20_000)])
def test_scipy_finds_the_same_components_of_larger_graphs(n_nodes, n_edges):
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    u, v = np.random.default_rng(n_edges).integers(0, n_nodes, (2, n_edges))
    found = components(u, v)
    places = np.searchsorted(found.nodes, u), np.searchsorted(found.nodes, v)
    _, part = connected_components(coo_array((np.ones(n_edges), places), shape=(len(found.nodes),) * 2))
    least = [found.nodes[part == label].min() for label in range(part.max() + 1)]
    assert np.array_equal(found.labels, np.array(least)[part])


@pytest.mark.parametrize("name", GRAPHS)
def test_stars_in_the_engine_give_the_same_labels(name):
    u, v = as_arrays(GRAPHS[name])
    whole, stars = components(u, v), star_components(pa.table({"u": u, "v": v}), ENGINE)
    assert np.array_equal(whole.nodes, stars.nodes)
    assert np.array_equal(whole.labels, stars.labels)
