"""The rules, the gate, the survivors and their text, on partitions written by hand."""

import random
from collections import Counter
from math import isnan
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus.corpus_config import CorpusConfig, QualityConfig
from foretell.corpus.dedup import final_duplicates
from foretell.corpus.engine import EngineConfig
from foretell.corpus.extract import exact_text, fast_text
from foretell.corpus.funnel import from_rows
from foretell.corpus.hashing_tf import N_BUCKETS
from foretell.corpus.pii import masked
from foretell.corpus.quality import SETTINGS, Classifier, keep, load, save, score
from foretell.corpus.rules import reasons
from foretell.corpus.steps import Pages, judge, once_each, survivors
from tests.corpus.made_documents import HELP, kept, lost, made, partition

RULES = CorpusConfig(recipe="x", use_rules=True)
GATE = CorpusConfig(recipe="x", quality=QualityConfig(alpha=3.0), seed=5)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """The settings of a classifier with weights of no meaning."""
    folder = tmp_path_factory.mktemp("classifier")
    weights = np.random.default_rng(0).normal(scale=9, size=N_BUCKETS).astype(np.float32)
    save(Classifier(weights=weights, bias=0.1, n_positive=9, n_negative=9, inverse_penalty=1.0, seed=0), folder)
    return str(folder / SETTINGS)


def rows_of(rng: random.Random, n: int) -> list[dict]:
    texts = [*HELP, "lorem ipsum dolor " * 30, "short", "{" * 300, "buy now " * 200]
    return [{"id": f"{i:016x}", "text": rng.choice(texts) + f" {i}", "source": rng.choice("abc")} for i in range(n)]


def counted(rows: list[dict], gone: list[dict], step: str) -> Counter:
    """The counts of a step, by hand."""
    twin = Counter()
    for row in rows:
        twin[row["source"], step, "documents"] += 1
        twin[row["source"], step, "bytes"] += len(row["text"].encode())
    for row in gone:
        twin[row["source"], step, "dropped " + row["reason"].split(": ")[0]] += 1
    return twin


@pytest.mark.parametrize("seed", range(3))
def test_the_rules_drop_raw_documents_with_their_reasons(tmp_path, seed):
    rows = rows_of(random.Random(seed), 60)
    found = judge((partition(tmp_path / "in", rows),), made(tmp_path / "out"), cfg=RULES, raw=("a", "b"))
    why = {row["id"]: "" if row["source"] == "c" else reasons(row["text"], RULES.rules, "en") for row in rows}
    assert [row["id"] for row in kept(tmp_path / "out")] == [name for name, reason in why.items() if not reason]
    gone = lost(tmp_path / "out")
    assert {row["id"]: row["reason"] for row in gone} == {name: reason for name, reason in why.items() if reason}
    assert all(row["excerpt"] and len(row["excerpt"]) <= 200 and row["step"] == "rules" for row in gone)
    assert from_rows(found["counts"]) == counted(kept(tmp_path / "out"), gone, "rules")


@pytest.mark.parametrize("seed", range(3))
def test_the_gate_scores_all_and_keeps_raw_ones_by_chance(tmp_path, classifier, seed):
    rows = rows_of(random.Random(seed), 80)
    inputs = (partition(tmp_path / "in", rows), classifier)
    found = judge(inputs, made(tmp_path / "out"), cfg=GATE, raw=("a", "b"))
    scores = score(load(Path(classifier).parent), [row["text"] for row in rows])
    passed = keep(scores, [row["id"] for row in rows], alpha=3.0, seed=5)
    stays = {row["id"]: s for row, s, ok in zip(rows, scores, passed, strict=True) if ok or row["source"] == "c"}
    left, gone = kept(tmp_path / "out"), lost(tmp_path / "out")
    assert {row["id"]: row["quality"] for row in left} == pytest.approx(stays, abs=1e-6)
    assert {row["source"] for row in gone} == {"a", "b"}
    assert {(row["step"], row["reason"]) for row in gone} == {("quality", "quality")}
    assert from_rows(found["counts"]) == counted(left, gone, "quality")


def test_what_the_rules_drop_never_meets_the_gate(tmp_path, classifier):
    rows = rows_of(random.Random(9), 60)
    cfg = CorpusConfig(recipe="x", use_rules=True, quality=QualityConfig(alpha=3.0))
    found = from_rows(
        judge((partition(tmp_path / "in", rows), classifier), made(tmp_path / "out"), cfg=cfg, raw="abc")["counts"]
    )
    for source in "abc":
        dropped = sum(
            n for (of, step, what), n in found.items() if (of, step) == (source, "quality") and "drop" in what
        )
        assert found[source, "rules", "documents"] == found[source, "quality", "documents"] + dropped


def test_a_classifier_that_is_made_anew_is_read_anew(tmp_path):
    rows = rows_of(random.Random(1), 5)
    file, found = partition(tmp_path / "in", rows), []
    for bias in (-3.0, 3.0):
        weights = np.zeros(N_BUCKETS, dtype=np.float32)
        whole = Classifier(weights=weights, bias=bias, n_positive=9, n_negative=9, inverse_penalty=1.0, seed=0)
        save(whole, tmp_path)
        judge((file, str(tmp_path / SETTINGS)), made(tmp_path / f"out {bias}"), cfg=GATE, raw=())
        found.append({round(row["quality"], 3) for row in kept(tmp_path / f"out {bias}")})
    assert found == [{0.047}, {0.953}]


ID = {letter: f"{ord(letter):016x}" for letter in "abcdexz"}


def duplicates(folder, rows: list[tuple[str, str, str]]) -> str:
    file = folder / "clusters.parquet"
    columns = [pa.array(column, pa.string()) for column in (list(zip(*rows, strict=True)) or [[], [], []])]
    pq.write_table(pa.table(dict(zip(("id", "cluster", "kind"), columns, strict=True))), file)
    return str(file)


@pytest.mark.parametrize("near", [True, False])
def test_copies_go_with_the_name_of_the_one_that_is_kept(tmp_path, near):
    rows = [{"id": ID[name], "text": HELP[i]} for i, name in enumerate("abcde")]
    copies = [("a", "b", "exact"), ("b", "b", "kept"), ("c", "x", "fuzzy"), ("z", "z", "kept")]
    table = duplicates(tmp_path, sorted((ID[one], ID[cluster], kind) for one, cluster, kind in copies))
    cfg = CorpusConfig(recipe="x", near_duplicates=near)
    file = partition(tmp_path / "in", rows)
    counts = from_rows(
        survivors((file, table, str(tmp_path / "in/pages.parquet")), made(tmp_path / "out"), cfg=cfg)["counts"]
    )
    clusters = {row["id"]: row["cluster"] for row in kept(tmp_path / "out")}
    assert clusters == {ID["b"]: ID["b"], ID["d"]: "", ID["e"]: ""} | ({} if near else {ID["c"]: ID["x"]})
    told = {row["id"]: (row["step"], row["reason"]) for row in lost(tmp_path / "out")}
    wanted = {ID["a"]: ("exact duplicates", f"the same text as another: {ID['b']}")}
    wanted |= {ID["c"]: ("near duplicates", f"nearly the text of another: {ID['x']}")} if near else {}
    assert told == wanted
    assert ("a", "near duplicates", "documents") in counts or not near
    assert counts["a", "exact text", "documents"] == len(clusters)


def page(text: str) -> str:
    return f"<html><body><nav><a href=/>menu</a></nav><article><p>{text}</p></article></body></html>".replace(
        "\n\n", "<p>"
    )


@pytest.mark.parametrize("exact", [True, False])
def test_surviving_pages_have_the_careful_extractors_text(tmp_path, exact):
    html = {ID[name]: page(HELP[i].replace("<", "")) for i, name in enumerate("abc")} | {ID["d"]: "<p>x</p>"}
    rows = [{"id": name, "text": fast_text(one)} for name, one in html.items()] + [{"id": ID["e"], "text": "no page"}]
    table = duplicates(tmp_path, [(ID["a"], ID["a"], "kept"), (ID["b"], ID["a"], "exact")])
    file = partition(tmp_path / "in", rows, html)
    cfg = CorpusConfig(recipe="x", exact_text=exact)
    survivors((file, table, str(tmp_path / "in/pages.parquet")), made(tmp_path / "out"), cfg=cfg)
    found = {row["id"]: row["text"] for row in kept(tmp_path / "out")}
    fast = {row["id"]: row["text"] for row in rows}
    wanted = {
        name: (exact_text(html[name]) if exact and name in html else "") or fast[name] for name in map(ID.get, "acde")
    }
    assert found == wanted
    assert (wanted[ID["a"]] != fast[ID["a"]]) == exact, "the two extractors differ, or this shows nothing"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
def test_texts_that_the_careful_extractor_makes_the_same_stay_once(tmp_path):
    """Two pages that differ to the quick extractor alone, in two partitions, and one that is an earlier copy's kept."""
    rows = [{"id": ID[name], "text": f"{HELP[0]} quick {name}", "source": "ab"[name == "b"]} for name in "abc"]
    html = {ID["a"]: page(HELP[1].replace("<", "")), ID["b"]: page(HELP[1].replace("<", ""))}
    table = duplicates(tmp_path, [(ID["c"], ID["c"], "kept")])
    parts = []
    for name, group in (("one", rows[:1]), ("two", rows[1:])):
        file = partition(tmp_path / name, group, {row["id"]: html[row["id"]] for row in group if row["id"] in html})
        inputs = (file, table, str(tmp_path / name / "pages.parquet"))
        survivors(inputs, made(tmp_path / f"{name} exact"), cfg=CorpusConfig(recipe="x"))
        parts.append(str(tmp_path / f"{name} exact" / "documents.parquet"))
    a, b = (kept(Path(part).parent)[0] for part in parts)
    assert a["text"] == b["text"], "or this shows nothing"
    again = final_duplicates(parts, tmp_path / "final", engine=EngineConfig(workers=1), sources=["b", "a"], quiet=True)
    counts, left = Counter(), {}
    for i, part in enumerate(parts):
        counts.update(from_rows(once_each((part, str(again)), made(tmp_path / f"once {i}"))["counts"]))
        left |= {row["id"]: row["cluster"] for row in kept(tmp_path / f"once {i}")}
    assert left == {ID["b"]: ID["b"], ID["c"]: ID["c"]}, "the copy of the better source, and earlier clusters as before"
    (gone,) = lost(tmp_path / "once 0")
    assert (gone["id"], gone["step"]) == (ID["a"], "final duplicates")
    assert gone["reason"] == f"the same text as another: {ID['b']}"
    assert counts["a", "final duplicates", "dropped the same text as another"] == 1
    assert counts["b", "final duplicates", "documents"] == counts["a", "final duplicates", "documents"] == 1


def test_pages_of_documents_that_an_earlier_step_dropped_are_not_extracted(tmp_path):
    partition(tmp_path / "first", [], {"a": page(HELP[0]), "b": page(HELP[1])})
    assert set(Pages(tmp_path / "first/pages.parquet").exact_texts(["b"])) == {"b"}


def test_masks_are_counted_by_source_and_kind(tmp_path):
    texts = ["write to a@site.example or b@site.example", "call +1 415 555 0132", "nothing", "c@site.example"]
    rows = [{"id": f"{i:016x}", "text": text, "source": "ab"[i % 2]} for i, text in enumerate(texts)]
    cfg = CorpusConfig(recipe="x", mask_pii=True)
    inputs = (partition(tmp_path / "in", rows), duplicates(tmp_path, []), str(tmp_path / "in/pages.parquet"))
    counts = from_rows(survivors(inputs, made(tmp_path / "out"), cfg=cfg)["counts"])
    twin = Counter()
    for row in rows:
        for kind, n in masked(row["text"])[1].items():
            twin[row["source"], "exact text", f"masked {kind}"] += n
    assert twin["a", "exact text", "masked e-mail"] == 2
    assert Counter({key: n for key, n in counts.items() if key[2].startswith("masked")}) == twin
    assert [row["text"] for row in kept(tmp_path / "out")] == [masked(text)[0] for text in texts]
    assert all(isnan(row["quality"]) for row in kept(tmp_path / "out"))
