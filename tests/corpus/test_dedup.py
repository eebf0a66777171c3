"""Duplicates against a plain search of all pairs; which copy is kept; the same for any cut of the files and runner."""

import hashlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus.clusters import chosen, ids_of, nodes_of
from foretell.corpus.components import components
from foretell.corpus.dedup import DedupConfig, duplicates
from foretell.corpus.engine import EngineConfig
from foretell.corpus.schema import document_id
from foretell.errors import BadUse
from tests.corpus.test_minhash import altered, plain_jaccard, random_texts

ENGINE = EngineConfig(workers=1)
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
TEN_TABLES = DedupConfig(bands=10, rows=1, ngram=1, verify=0.8)  # Brown et al. 2020, appendix A
ROOT = Path(__file__).parents[2]


def documents(texts, sources=None, quality=None):
    n = len(texts)
    return pa.table(
        {
            "id": pa.array([document_id("test", str(i)) for i in range(n)], pa.string()),
            "text": pa.array(texts, pa.string()),
            "source": pa.array(sources or ["web"] * n, pa.string()),
            "quality": pa.array(quality or [float("nan")] * n, pa.float32()),
        }
    )


def found(table, folder, cfg=None, n_files=1, **kwargs):
    """The clusters as {id: (kept, kind)}."""
    files = []
    for i, part in enumerate(np.array_split(np.arange(table.num_rows), n_files)):
        files.append(str(folder / f"in{i}.parquet"))
        pq.write_table(table.take(pa.array(part, pa.int64())), files[-1])
    given = {"engine": ENGINE, "quiet": True, **kwargs}
    rows = pq.read_table(duplicates(files, folder / f"stage{n_files}", cfg or DedupConfig(), **given)).to_pylist()
    return {row["id"]: (row["cluster"], row["kind"]) for row in rows}


def clusters(marked):
    groups = {}
    for name, (kept, _) in marked.items():
        groups.setdefault(kept, set()).add(name)
    return {frozenset(group) for group in groups.values()}


def test_exact_and_near_copies_are_told_apart_and_one_of_each_cluster_is_kept(tmp_path):
    a, b, c = random_texts(3)
    table = documents([a, b, a.upper() + "!", altered(a, 0.01, 1), c, b])
    ids = table["id"].to_pylist()
    marked = found(table, tmp_path)
    assert clusters(marked) == {frozenset(ids[i] for i in (0, 2, 3)), frozenset(ids[i] for i in (1, 5))}
    best = min(ids[i] for i in (0, 2, 3))
    assert all(marked[ids[i]][0] == best for i in (0, 2, 3))
    assert marked[best] == (best, "kept")
    assert sorted(marked[ids[i]][1] for i in (0, 2, 3)) == ["fuzzy", "fuzzy", "kept"]
    assert ids[4] not in marked


@pytest.mark.parametrize("near", [True, False])
def test_texts_that_differ_in_signs_are_no_exact_copies(tmp_path, near):
    texts = ["a = b + c", "a = b - c", "1.5", "15", "+++", "((;;))", "The cat", "the\n CAT ", "+++"]
    table = documents(texts)
    marked = found(table, tmp_path, near=near)
    place = {one: i for i, one in enumerate(table["id"].to_pylist())}
    groups = {frozenset(place[one] for one in group) for group in clusters(marked)}
    assert groups == {frozenset({6, 7}), frozenset({4, 8})} | (
        {frozenset({0, 1}), frozenset({2, 3})} if near else set()
    )
    kinds = {place[one]: kind for one, (_, kind) in marked.items() if kind != "kept"}
    assert {kind for i, kind in kinds.items() if i >= 4} == {"exact"}
    assert {kind for i, kind in kinds.items() if i < 4} == ({"fuzzy"} if near else set())


def test_a_document_is_exact_only_if_a_better_one_has_its_very_text(tmp_path):
    a = random_texts(1)[0]
    near = altered(a, 0.01, 1)
    table = documents([a, a, near, near], quality=[0.9, 0.1, 0.8, 0.2])
    ids = table["id"].to_pylist()
    marked = found(table, tmp_path)
    assert [marked[one] for one in ids] == [(ids[0], kind) for kind in ("kept", "exact", "fuzzy", "exact")]


def test_the_better_source_wins_then_the_quality_then_the_id(tmp_path):
    text = random_texts(1)[0]
    rows = [("web", 0.9), ("books", 0.1), ("books", 0.5), ("unheard of", 1.0), ("books", float("nan"))]
    table = documents([text] * 5, [source for source, _ in rows], [quality for _, quality in rows])
    ids = table["id"].to_pylist()
    kept = {kept for kept, _ in found(table, tmp_path, sources=["books", "web"]).values()}
    assert kept == {ids[2]}
    (tmp_path / "b").mkdir()
    assert {one for one, _ in found(table, tmp_path / "b", sources=["web", "books"]).values()} == {ids[0]}
    (tmp_path / "c").mkdir()
    assert {one for one, _ in found(documents([text] * 5), tmp_path / "c").values()} == {min(ids)}


def test_a_copy_of_a_copy_is_in_the_cluster(tmp_path):
    chain = [random_texts(1, words=200)[0]]
    for seed in range(12):
        chain.append(altered(chain[-1], 0.012, seed))
    assert plain_jaccard(chain[0], chain[-1], 5) < 0.6
    assert len(clusters(found(documents(chain), tmp_path))) == 1


def test_near_copies_stay_when_only_exact_ones_are_asked_for(tmp_path):
    a, b = random_texts(2)
    marked = found(documents([a, a, altered(a, 0.01, 1), b]), tmp_path, near=False)
    assert sorted(kind for _, kind in marked.values()) == ["exact", "kept"]


def test_verified_pairs_are_exactly_those_of_the_jaccard_index(tmp_path):
    texts = random_texts(40, words=60)
    texts += [altered(text, 0.03 * (i % 7), i) for i, text in enumerate(texts)]
    table = documents(texts)
    edges = [(i, j) for i in range(80) for j in range(i) if plain_jaccard(texts[i], texts[j], 1) >= 0.8]
    whole = components(*np.array(edges, dtype=np.int64).T)
    ids = table["id"].to_pylist()
    plain = {frozenset(ids[i] for i in whole.nodes[whole.labels == label]) for label in set(whole.labels.tolist())}
    assert clusters(found(table, tmp_path, TEN_TABLES)) == plain


def test_too_many_pairs_to_verify_are_refused_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr("foretell.corpus.dedup.MOST_PAIRS", 10)
    with pytest.raises(BadUse, match="pairs would be compared"):
        found(documents(random_texts(30)), tmp_path, TEN_TABLES)


def planted():
    texts = random_texts(60)
    return documents([*texts, *(altered(text, 0.02 * (i % 6), i) for i, text in enumerate(texts)), "", "  ", "!"])


def test_the_result_does_not_depend_on_how_the_documents_are_cut_and_ordered(tmp_path):
    table = planted()
    whole = found(table, tmp_path)
    assert found(table, tmp_path, n_files=4, engine=EngineConfig(workers=2)) == whole
    backwards = table.take(pa.array(range(table.num_rows - 1, -1, -1)))
    (tmp_path / "b").mkdir()
    assert found(backwards, tmp_path / "b", n_files=3) == whole
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.rglob("clusters.parquet")}
    assert len(hashes) == 1


def test_a_second_call_does_nothing_and_a_changed_file_is_hashed_alone(tmp_path):
    found(planted(), tmp_path, n_files=3)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet") if "stage" in str(path)}
    files = [str(tmp_path / f"in{i}.parquet") for i in range(3)]
    duplicates(files, tmp_path / "stage3", DedupConfig(), engine=ENGINE, quiet=True)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    pq.write_table(pq.read_table(files[1]).slice(1), files[1])
    duplicates(files, tmp_path / "stage3", DedupConfig(), engine=ENGINE, quiet=True)
    again = {path for path in times if path.stat().st_mtime_ns != times[path]}
    assert {path.parent.name for path in again if path.name == "keys.parquet"} == {"00001"}


def test_documents_without_a_copy_give_an_empty_table(tmp_path):
    assert found(documents(random_texts(4)), tmp_path) == {}
    (tmp_path / "b").mkdir()
    assert found(documents([]), tmp_path / "b") == {}


def test_ids_are_nodes_and_back():
    ids = [document_id("a", str(i)) for i in range(50)] + ["0" * 16, "f" * 16]
    assert ids_of(nodes_of(pa.array(ids))) == ids
    assert nodes_of(pa.array(ids)).tolist() == [int(one, 16) for one in ids]


@pytest.mark.parametrize("wrong", ["abc", "g" * 16, "A" * 16, "a" * 8 + " " + "a" * 7, "", "a" * 32])
def test_ids_that_are_no_hash_are_refused(wrong):
    with pytest.raises(BadUse, match="16 hexadecimal digits"):
        nodes_of(pa.array(["0" * 16, wrong]))


def test_the_choice_equals_a_plain_one():
    rng = np.random.default_rng(5)
    whole = components(*rng.integers(0, 60, (2, 50)))
    n = len(whole.nodes)
    texts = whole.labels * 10 + rng.integers(0, 2, n)
    ranks, quality = rng.integers(0, 3, n), rng.choice([0.1, 0.5, np.nan], n)
    kept, kinds = chosen(whole, texts, ranks, quality)
    order = [(ranks[i], -quality[i] if quality[i] == quality[i] else np.inf, whole.nodes[i]) for i in range(n)]
    for i in range(n):
        best = min((j for j in range(n) if whole.labels[j] == whole.labels[i]), key=order.__getitem__)
        of_text = min((j for j in range(n) if texts[j] == texts[i]), key=order.__getitem__)
        assert kept[i] == whole.nodes[best]
        assert kinds[i] == ("kept" if best == i else "fuzzy" if of_text == i else "exact")


@pytest.mark.parametrize("wrong", [{"bands": 0}, {"rows": 0}, {"ngram": 0}, {"verify": 1.5}, {"verify": -0.1}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DedupConfig(**wrong)


def test_the_config_can_be_read_without_the_libraries():
    code = "import sys, foretell.corpus.dedup; assert not {'pyarrow', 'daft', 'scipy', 'torch'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


ELSEWHERE = """
import sys
from pathlib import Path
from foretell.corpus.dedup import DedupConfig, duplicates
from foretell.corpus.engine import EngineConfig
engine = EngineConfig(runner=sys.argv[1], workers=int(sys.argv[2]))
duplicates(sys.argv[4:], Path(sys.argv[3]), DedupConfig(), engine=engine, quiet=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="the package ray is not installed")
def test_ray_gives_the_same_bytes(tmp_path):
    found(planted(), tmp_path, n_files=3)
    files = [str(tmp_path / f"in{i}.parquet") for i in range(3)]
    ray = [sys.executable, "-c", ELSEWHERE, "ray", "2", str(tmp_path / "ray"), *files]
    subprocess.run(ray, check=True, cwd=ROOT, timeout=240)
    made = [folder / "clusters" / "all" / "clusters.parquet" for folder in (tmp_path / "stage3", tmp_path / "ray")]
    assert made[0].read_bytes() == made[1].read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("after", ["keys/00001", "edges/b03"])
def test_a_kill_and_a_second_start_give_the_same_bytes_and_redo_nothing_finished(tmp_path, after):
    found(planted(), tmp_path, n_files=3)
    files = [str(tmp_path / f"in{i}.parquet") for i in range(3)]
    stage = tmp_path / "killed"
    here = [sys.executable, "-c", ELSEWHERE, "native", "1", str(stage), *files]
    with subprocess.Popen(here, cwd=ROOT) as process:
        while not (stage / after / "done.json").exists() and process.poll() is None:
            pass
        process.kill()
    times = {path: path.stat().st_mtime_ns for path in stage.rglob("*.parquet") if ".partial" not in str(path)}
    assert times
    assert not (stage / "clusters" / "all").exists()
    again = duplicates(files, stage, DedupConfig(), engine=ENGINE, quiet=True)
    assert again.read_bytes() == (tmp_path / "stage3" / "clusters" / "all" / "clusters.parquet").read_bytes()
    assert {path: path.stat().st_mtime_ns for path in times} == times
