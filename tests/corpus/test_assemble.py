"""What a corpus is told apart by, what it asks of its mixture, and where it may lie."""

import dataclasses
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretell.corpus import assemble
from foretell.corpus.assemble import asked_of, assembled, check_outside, found_finished, identity_of, write_joined
from foretell.corpus.corpus_config import CorpusConfig, LanguageConfig, QualityConfig, SourceConfig, TokensConfig
from foretell.corpus.funnel import Counter, keep
from foretell.corpus.partition import LOST
from foretell.corpus.partitions import Finished
from foretell.corpus.rules import RulesConfig
from foretell.corpus.schema import DROPPED
from foretell.errors import BadUse
from foretell.runs import sha256
from tests.corpus.made_documents import HELP, kept, partition, write_rows


def source(*paths, name="a", **more) -> SourceConfig:
    return SourceConfig(name=name, paths=tuple(map(str, paths)), **more)


@pytest.fixture
def here(tmp_path) -> Path:
    """A folder with a source, two files of evaluation items, good examples and bad words."""
    root = tmp_path / "here"
    (root / "text" / "sub").mkdir(parents=True)
    (root / "text" / "sub" / "a.txt").write_text(HELP[0])
    write_rows(root / "text" / "b.jsonl", HELP[1:4])
    (root / "exam.csv").write_text("question,answer\n")
    write_rows(root / "good.jsonl", HELP[4:6])
    (root / "bad.txt").write_text("word\n")
    return root


def config(root: Path, **edits) -> CorpusConfig:
    cfg = CorpusConfig(
        recipe="x",
        sources=(source(root / "text"),),
        evaluation=(str(root / "exam.csv"),),
        quality=QualityConfig(alpha=9.0, positive=str(root / "good.jsonl")),
        rules=RulesConfig(bad_words=str(root / "bad.txt")),
    )
    return dataclasses.replace(cfg, **edits)


def test_a_corpus_is_the_same_wherever_its_sources_lie(here, monkeypatch):
    there = here.with_name("far") / "away"
    shutil.copytree(here, there)
    one = identity_of(config(here))
    assert identity_of(config(there)) == one
    monkeypatch.chdir(here)
    assert identity_of(config(Path())) == one
    assert str(here.parent) not in json.dumps(one)
    assert json.loads(json.dumps(one)) == one


@pytest.mark.parametrize(
    "file", ["text/sub/a.txt", "text/b.jsonl", "exam.csv", "good.jsonl", "bad.txt", "text/new.txt"]
)
def test_another_size_of_any_file_is_another_corpus(here, file):
    before = identity_of(config(here))
    with (here / file).open("a") as opened:
        opened.write("more\n")
    after = identity_of(config(here))
    assert after["config"] == before["config"]
    assert after["inputs"] != before["inputs"]


def test_good_examples_count_where_the_gate_is_taught_by_them_alone(here):
    books = source(here / "text", name="books", role="curated")
    for cfg in (config(here, quality=QualityConfig()), config(here, sources=(books,))):
        before = identity_of(cfg)["inputs"]
        (here / "good.jsonl").write_text("{}\n" * 9)
        assert identity_of(cfg)["inputs"] == before
        (here / "good.jsonl").write_text("{}\n")


def test_the_documentation_counts_with_what_is_installed(here, monkeypatch):
    taught = config(here, quality=QualityConfig(alpha=9.0))
    read = config(here, sources=(source("embedded:standard"),))
    before = [identity_of(cfg)["inputs"] for cfg in (taught, read, config(here))]
    monkeypatch.setattr(assemble, "version_of", lambda path: "another" if path.startswith("embedded") else "")
    after = [identity_of(cfg)["inputs"] for cfg in (taught, read, config(here))]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]


def test_a_file_whose_name_is_no_utf_8_is_told_apart_too(here):
    odd = os.fsdecode(os.fsencode(here) + b"/\xff.txt")
    Path(odd).write_text(HELP[0])
    found = identity_of(config(here, sources=(source(odd),)))
    assert found["config"]["sources"][0]["paths"] == ["\ufffd.txt"]


def test_tokens_are_no_part_of_a_corpus(here):
    assert identity_of(config(here, tokens=TokensConfig(n_vocab=0))) == identity_of(config(here))


def test_an_evaluation_file_that_is_not_there_is_named(here):
    with pytest.raises(BadUse, match=r"nowhere\.csv does not exist"):
        identity_of(config(here, evaluation=("nowhere.csv",)))


CHANGES = {
    "seed is 0 there, 1 here": {"seed": 1},
    "language.keep.0 is None there, en here": {"language": LanguageConfig(keep=("en",))},
    "use_rules is False there, True here": {"use_rules": True},
    "evaluation.0 is exam.csv there, None here": {"evaluation": ()},
    "quality.alpha is 9.0 there, 0.0 here": {"quality": QualityConfig(positive="good.jsonl")},
}


@pytest.mark.parametrize("said", CHANGES)
def test_another_setting_is_told_whether_it_was_given_or_is_given(here, tmp_path, said):
    cfg, changed = config(here), config(here, **CHANGES[said])
    one, two = identity_of(cfg), identity_of(changed)
    rows = {"sources": [{"source": source.name, "bytes": 1} for source in cfg.kept]}
    card, whole = tmp_path / "card.json", {**one, **rows, **asked_of(cfg, rows)}
    card.write_text(json.dumps(whole))
    with pytest.raises(
        BadUse, match=f"is another corpus: {said.replace('.', '[.]')}; give another --out, or remove it"
    ):
        found_finished(tmp_path, two, changed)
    assert found_finished(tmp_path, one, cfg) == whole
    card.write_text(json.dumps(two))
    name, there, here_ = said.replace(" is ", "|").replace(" there, ", "|").removesuffix(" here").split("|")
    with pytest.raises(BadUse, match=f"{name} is {here_} there, {there} here"):
        found_finished(tmp_path, one, cfg)


@pytest.mark.parametrize("content", ["{}", "[1]", '{"config": []}', '{"kind": "corpus", "n_documents": 3}'])
def test_a_card_of_something_else_is_no_corpus(tmp_path, content):
    (tmp_path / "card.json").write_text(content)
    with pytest.raises(BadUse, match="holds something else than a corpus"):
        found_finished(tmp_path, {"config": {}, "inputs": ""}, CorpusConfig(recipe="x"))


def test_other_bytes_of_the_same_number_are_another_source(here):
    before = identity_of(config(here))
    file = Path(config(here).sources[0].paths[0])
    file = next(iter(sorted(file.rglob("*.*")))) if file.is_dir() else file
    file.write_bytes(bytes(reversed(file.read_bytes())))
    assert identity_of(config(here))["inputs"] != before["inputs"]


def test_a_corpus_cannot_lie_in_its_own_source(tmp_path, monkeypatch):
    (tmp_path / "text").mkdir()
    monkeypatch.chdir(tmp_path)
    for path, out in {"text": "text/x", ".": "x", str(tmp_path): "a/b", "text/": "text"}.items():
        with pytest.raises(BadUse, match=r"lies in the source .*; give an --out outside of it"):
            check_outside(CorpusConfig(recipe="x", sources=(source(path),)), Path(out))
    for out in ("x", "texts", "text.x"):
        check_outside(CorpusConfig(recipe="x", sources=(source("text"), source("hf:a/b", name="b"))), Path(out))


def asked(*sources: SourceConfig, left: dict[str, int], **more) -> dict:
    rows = [{"source": name, "bytes": n} for name, n in left.items()]
    return asked_of(CorpusConfig(recipe="x", sources=sources, **more), {"sources": rows})


def test_raw_sources_share_their_part_by_their_bytes():
    crawl, news = source("c", name="crawl"), source("n", name="news")
    books, wiki = (source(name, name=name, role="curated") for name in ("books", "wiki"))
    left = {"books": 50, "wiki": 50, "crawl": 300, "news": 100}
    found = asked(crawl, news, books, wiki, left=left, raw_share=0.8, budget=7)
    assert found == {"weights": pytest.approx({"crawl": 0.6, "news": 0.2}), "epochs": {}, "budget": 7}
    found = asked(crawl, news, books, dataclasses.replace(wiki, weight=0.1), left=left)
    assert found["weights"] == pytest.approx({"wiki": 0.1, "crawl": 0.45, "news": 0.15})
    all_given = asked(crawl, dataclasses.replace(wiki, weight=0.3), dataclasses.replace(books, epochs=1.0), left=left)
    assert all_given["weights"] == {"wiki": 0.3}, "the raw source has what is left, and wiki what was asked for"
    edge = asked(crawl, books, dataclasses.replace(wiki, weight=0.3), left=left, raw_share=0.7)
    assert edge["weights"] == {"wiki": 0.3}, "books would have nothing"
    given = dataclasses.replace(crawl, epochs=2.0)
    assert asked(given, news, books, wiki, left=left) == {"weights": {}, "epochs": {"crawl": 2.0}, "budget": 0}
    much = asked(crawl, books, dataclasses.replace(wiki, weight=0.5), left=left)
    assert much["weights"] == {"wiki": 0.5}, "0.6 is not left"
    assert asked(crawl, news, left=left) == {"weights": {}, "epochs": {}, "budget": 0}
    assert asked(crawl, left={"crawl": 3}) == {}, "one source is read as one text"


def test_a_source_of_which_nothing_is_left_asks_for_nothing():
    crawl, news, books = source("c", name="crawl"), source("n", name="news"), source("b", name="books", role="curated")
    left = {"books": 50, "crawl": 30, "news": 0}
    assert asked(crawl, news, books, left=left)["weights"] == pytest.approx({"crawl": 0.6})
    assert asked(crawl, news, books, left={**left, "books": 0}) == {}
    with pytest.raises(BadUse, match="source 'news' has a share of the mixture and no document left"):
        asked(crawl, dataclasses.replace(news, weight=0.1), books, left=left)


def test_a_corpus_is_the_partitions_that_hold_documents(tmp_path):
    rows = [[{"id": "1", "text": "one"}], [], [{"id": "2", "text": "two"}, {"id": "3", "text": "three"}]]
    counts = Counter()
    keep(counts, "a", "read", [3, 3, 5])
    done = []
    for i, part in enumerate(rows):
        partition(tmp_path / f"{i}", part)
        gone = [{**dict.fromkeys(DROPPED.names, ""), "id": f"lost {i}"}]
        pq.write_table(pa.Table.from_pylist(gone, schema=DROPPED), tmp_path / f"{i}" / LOST)
        done.append(Finished(tmp_path / f"{i}", {}, False))
    flow = SimpleNamespace(last=done, lost=[one.folder / LOST for one in done], hits=[], counts=counts, told={"x": 1})
    cfg = CorpusConfig(recipe="x", sources=(source(tmp_path / "0"),))
    card = assembled(cfg, tmp_path / "out", flow, identity_of(cfg))
    out = tmp_path / "out"
    assert sorted(file.name for file in out.iterdir()) == [
        *("README.md", "card.json", "documents-00000.parquet", "documents-00001.parquet", "dropped.parquet"),
    ]
    assert [
        row["id"] for i in range(2) for row in pq.read_table(out / f"documents-{i:05}.parquet").to_pylist()
    ] == list("123")
    assert [row["id"] for row in pq.read_table(out / LOST).to_pylist()] == ["lost 0", "lost 1", "lost 2"]
    assert card == json.loads((out / "card.json").read_text())
    assert card["sha256"] == {file: sha256(out / file) for file in card["sha256"]}
    assert set(card["sha256"]) == {file.name for file in out.iterdir()} - {"card.json", "README.md"}
    assert card["x"] == 1
    assert kept(tmp_path / "0")


def test_nothing_left_writes_nothing(tmp_path):
    counts = Counter({("a", "read", "documents"): 0, ("a", "read", "dropped empty"): 1234})
    cfg = CorpusConfig(recipe="x", sources=(source("embedded"),))
    flow = SimpleNamespace(last=[], lost=[], hits=[], counts=counts, told={})
    with pytest.raises(
        BadUse, match=r"nothing is left of 1,234 records \(1,234 empty\); keep more, or give other sources"
    ):
        assembled(cfg, tmp_path / "out", flow, {})
    assert not list(tmp_path.iterdir())


def test_joined_files_are_their_rows_in_order(tmp_path):
    schema = pa.schema([("n", pa.int64())])
    for i in range(3):
        pq.write_table(pa.table({"n": list(range(i * 1000, i * 1000 + 700 * i))}, schema=schema), tmp_path / f"{i}")
    write_joined([tmp_path / f"{i}" for i in (2, 0, 1)], tmp_path / "all", schema)
    assert pq.read_table(tmp_path / "all")["n"].to_pylist() == [*range(2000, 3400), *range(1000, 1700)]
