"""The engine's group-bys against plain dictionaries."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus.candidates import edges, n_pairs, pairs
from foretell.corpus.engine import EngineConfig

ENGINE = EngineConfig(workers=2)


@pytest.fixture(scope="module", params=[1, 3])
def keyed(request, tmp_path_factory):
    """Nodes with two keys each in some files; every tenth key is null."""
    folder = tmp_path_factory.mktemp("keys")
    rng = np.random.default_rng(3)
    node = rng.integers(0, 2**64, 120, dtype=np.uint64)
    a = [None if i % 10 == 0 else int(key) for i, key in enumerate(rng.integers(0, 60, 120))]
    b = rng.integers(0, 3, 120).tolist()
    files = []
    for part in np.array_split(np.arange(120), request.param):
        columns = {"node": pa.array(node[part])}
        columns |= {name: pa.array([keys[i] for i in part], pa.uint64()) for name, keys in (("a", a), ("b", b))}
        files.append(str(folder / f"{len(files)}.parquet"))
        pq.write_table(pa.table(columns), files[-1])
    return files, list(zip(node.tolist(), a, b, strict=True))


def groups(rows, *places):
    found = {}
    for row in rows:
        key = tuple(row[place] for place in places)
        if None not in key:
            found.setdefault(key, []).append(row[0])
    return [sorted(group) for group in found.values()]


def listed(table):
    return list(zip(table["u"].to_pylist(), table["v"].to_pylist(), strict=True))


def test_edges_are_stars_from_the_least_node_of_each_group(keyed):
    files, rows = keyed
    assert listed(edges(files, ["a"], ENGINE)) == sorted((g[0], other) for g in groups(rows, 1) for other in g[1:])


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]])
def test_many_documents_are_taken_a_part_of_the_keys_at_a_time(keyed, keys, monkeypatch):
    whole = edges(keyed[0], keys, ENGINE)
    monkeypatch.setattr("foretell.corpus.candidates.AT_ONCE", 25)
    assert edges(keyed[0], keys, ENGINE).equals(whole)


def test_two_keys_must_both_agree(keyed):
    files, rows = keyed
    assert listed(edges(files, ["a", "b"], ENGINE)) == sorted((g[0], v) for g in groups(rows, 1, 2) for v in g[1:])


def test_pairs_are_all_of_each_group_and_are_counted_beforehand(keyed):
    files, rows = keyed
    plain = sorted(pair for group in groups(rows, 1) for pair in combinations(group, 2))
    assert listed(pairs(files, "a", ENGINE)) == plain
    assert n_pairs(files, "a", ENGINE) == len(plain)
