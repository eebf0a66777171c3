"""The first step: ids that follow from names alone, and counts that are those of the files written."""

import hashlib
import json
import os
import random
import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

from foretell.corpus import pages
from foretell.corpus.corpus_config import CorpusConfig, LanguageConfig, LinkConfig, SourceConfig
from foretell.corpus.funnel import from_rows
from foretell.corpus.karma import links as links_of
from foretell.corpus.karma import save_links
from foretell.corpus.pages import parts_of, read_pages
from foretell.corpus.partition import PAGES, tables
from foretell.corpus.partitions import Partition, fingerprint
from foretell.corpus.reading import Submission, files_of, parts, read_part
from tests.corpus.made_documents import HELP, kept, lost, made, partition, write_rows

CFG = CorpusConfig(recipe="plain")
GERMAN = "Der schnelle braune Fuchs springt \u00fcber den faulen Hund und freut sich, dass die Sonne scheint. " * 20


def read(tmp_path, *sources: SourceConfig, cfg=CFG, links="", name="read"):
    """All documents, all dropped records and all counts of sources, part by part."""
    counts, documents, gone = Counter(), [], []
    for i, part in enumerate(part for source in sources for part in parts_of(source)):
        folder = made(tmp_path / name / str(i))
        counts.update(from_rows(read_pages((json.dumps(asdict(part)),), folder, cfg=cfg, links=links)["counts"]))
        documents += kept(folder)
        gone += lost(folder)
    return documents, gone, counts


def source(*paths, name="a", **more) -> SourceConfig:
    return SourceConfig(name=name, paths=tuple(map(str, paths)), **more)


def tree(root: Path, rng: random.Random) -> Path:
    """A folder of files of all kinds in folders, whose names come again and again."""
    for where in (".", "x", "x/y", "y", "x.jsonl.d"):
        (root / where).mkdir(parents=True, exist_ok=True)
        for name in rng.sample(["a", "b", "1", "x"], 3):
            (root / where / f"{name}.txt").write_text(f"{where} {name} {rng.random()}")
            write_rows(root / where / f"{name}.jsonl", [f"{where} {name} {i}" for i in range(rng.randint(1, 4))])
            (root / where / f"{name}.html").write_text(f"<p>{where} {name} {rng.random()}</p>")
    (root / "x.jsonl.d" / "no.kind").write_text("not read")
    return root


@pytest.mark.parametrize("seed", range(3))
def test_ids_are_unique_across_parts_and_paths_and_sources(tmp_path, seed):
    rng = random.Random(seed)
    one, two = (tree(tmp_path / top / "same", rng) for top in ("one", "two"))
    rows = write_rows(tmp_path / "same", ["no ending"]) and write_rows(tmp_path / "same.jsonl", ["a", "b"])
    both = [source(one, two, rows), source(one, two / "x", two / "x/y", name="b")]
    documents, gone, counts = read(tmp_path, *both)
    ids = [row["id"] for row in (*documents, *gone)]
    assert len(set(ids)) == len(ids)
    assert len(ids) == sum(len(list(read_part(part))) for s in both for path in s.paths for part in parts(path))
    assert sum(n for key, n in counts.items() if key[1:] == ("language", "documents")) == len(documents)


def test_ids_are_the_same_in_whatever_folder_the_sources_lie(tmp_path, monkeypatch):
    here = tree(tmp_path / "here" / "text", random.Random(0))
    there = tmp_path / "far" / "away" / "text"
    shutil.copytree(here, there)
    wanted = [(row["id"], row["text"]) for row in read(tmp_path, source(here))[0]]
    monkeypatch.chdir(there.parent)
    os.symlink(there, "link")
    for i, path in enumerate([there, f"{there}/", "text", "./text/", "../away/text"]):
        found = [(row["id"], row["text"]) for row in read(tmp_path, source(path), name=f"again {i}")[0]]
        assert found == wanted, path
    others = [row["id"] for row in read(tmp_path, source("link"), name="other name")[0]]
    assert not set(others) & {name for name, _ in wanted}, "another name is another source"


def test_an_id_is_a_hash_of_the_source_and_the_place(tmp_path):
    root = tmp_path / "text"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.txt").write_text(HELP[0])
    write_rows(root / "sub" / "b.jsonl", [HELP[1], HELP[2]])
    documents, _, _ = read(tmp_path, source(root, name="n"))
    names = ["text/sub/b.jsonl/1", "text/sub/b.jsonl/2", "text/sub/a.txt"]
    wanted = [hashlib.sha256(f"n\0{name}".encode()).hexdigest()[:16] for name in names]
    assert [row["id"] for row in documents] == wanted


def test_a_corpus_is_read_as_its_documents_alone(tmp_path):
    partition(tmp_path / "corpus", [{"id": "1", "text": HELP[0]}, {"id": "2", "text": HELP[1], "source": "b"}])
    for name in ("README.md", "card.json"):
        (tmp_path / "corpus" / name).write_text("{}")
    (tmp_path / "corpus" / "dropped.parquet").write_bytes((tmp_path / "corpus" / "documents.parquet").read_bytes())
    documents, gone, _ = read(tmp_path, source(tmp_path / "corpus"))
    assert [row["text"] for row in documents] == HELP[:2]
    assert {row["source"] for row in documents} == {"a"}
    assert not gone


def test_names_of_files_may_be_any_bytes(tmp_path):
    (tmp_path / "text").mkdir()
    with open(os.fsencode(tmp_path / "text") + b"/\xff\xfe.txt", "wb") as file:
        file.write(HELP[0].encode())
    documents, gone, _ = read(tmp_path, source(tmp_path / "text"))
    assert [row["text"] for row in documents] == [HELP[0]]
    assert not gone


def test_a_part_of_many_files_is_no_path_that_is_too_long(tmp_path):
    folder = tmp_path / "text" / ("deep" * 20)
    folder.mkdir(parents=True)
    for i in range(300):
        (folder / f"{i:0100}.txt").touch()
    (part,) = parts_of(source(tmp_path / "text"))
    one = Partition("0", (json.dumps(asdict(part)), *files_of(part.path)))
    assert fingerprint("work", "", one) == fingerprint("work", "", one)


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_the_files_written_whatever_the_batches(tmp_path, monkeypatch, seed):
    rng = random.Random(seed)
    texts = [rng.choice([*HELP, GERMAN, " \n", "12 34 " * 40]) + f" {i}" * rng.randint(0, 1) for i in range(40)]
    lines = [rng.choice([json.dumps({"text": text}), "{broken", "[1]", '{"html": "<p>"}']) for text in texts]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    cfg = CorpusConfig(recipe="plain", language=LanguageConfig(keep=("en",)))
    found = {}
    for size in (1, 7, 512):
        monkeypatch.setattr(pages, "BATCH", size)
        found[size] = read(tmp_path, source(tmp_path / "a.jsonl"), cfg=cfg, name=f"by {size}")
    documents, gone, counts = found[512]
    for other in (1, 7):
        assert str(found[other][0]) == str(documents)
        assert sorted(map(str, found[other][1])) == sorted(map(str, gone))
        assert found[other][2] == counts
    twin = Counter()
    for row in gone:
        twin["a", row["step"], "dropped " + row["reason"].split(": ")[0].split(" (")[0]] += 1
    left = len(documents) + len(gone)
    for step in ("read", "extract", "language"):
        left -= sum(row["step"] == step for row in gone)
        twin["a", step, "documents"] = left
    told = {key: n for key, n in counts.items() if "bytes" not in key and not key[2].startswith("language ")}
    assert told == twin
    assert counts["a", "language", "bytes"] == sum(len(row["text"].encode()) for row in documents)
    of = Counter({what: n for (_, _, what), n in counts.items() if what.startswith("language ")})
    assert of["language en"] == sum(row["language"] == "en" for row in documents) == len(documents)
    assert of.total() == counts["a", "extract", "documents"]


def test_posts_and_domains_decide_about_raw_pages_alone(tmp_path):
    urls = ["http://a.example/1", "http://en.wikipedia.org/x", "http://notwikipedia.org/", "http://b.example/2"]
    rows = [json.dumps({"url": url, "text": HELP[i]}) + "\n" for i, url in enumerate(urls)]
    (tmp_path / "a.jsonl").write_text("".join(rows))
    posts = [Submission(str(i), url, 3, 0, False, False) for i, url in enumerate(urls[:3])]
    save_links(links_of(posts).table, tmp_path / "links.parquet")
    cfg = CorpusConfig(recipe="x", links=LinkConfig(drop_domains=("wikipedia.org",)))
    raw, good = source(tmp_path / "a.jsonl", name="raw"), source(tmp_path / "a.jsonl", name="good", role="curated")
    documents, gone, counts = read(tmp_path, raw, good, cfg=cfg, links=str(tmp_path / "links.parquet"))
    assert [row["url"] for row in documents if row["source"] == "raw"] == [urls[0], urls[2]]
    assert [row["url"] for row in documents if row["source"] == "good"] == urls
    assert [(row["url"], row["step"], row["reason"], row["excerpt"]) for row in gone] == [
        (urls[3], "karma", "no post of 3 karma or more links to it", ""),
        (urls[1], "domain", "domain left out", ""),
    ]
    assert ("good", "karma", "documents") not in counts


def test_a_language_that_is_not_kept_goes_but_for_examples(tmp_path):
    cfg = CorpusConfig(recipe="x", language=LanguageConfig(keep=("en",)))
    file = write_rows(tmp_path / "a.jsonl", [HELP[0], GERMAN])
    for role, n in {"raw": 1, "curated": 1, "positive": 2, "negative": 2}.items():
        documents, gone, _ = read(tmp_path, source(file, role=role), cfg=cfg, name=role)
        assert len(documents) == n
        assert [row["reason"] for row in gone] == ["language de"] * (2 - n)


def test_a_language_that_is_not_certain_is_unknown(tmp_path):
    file = write_rows(tmp_path / "a.jsonl", [HELP[0], "12 34 56"])
    documents, _, counts = read(tmp_path, source(file))
    assert [(row["language"], row["language_score"] > 0.9) for row in documents] == [("en", True), ("", False)]
    assert counts["a", "language", "language "] == 1
    sure = CorpusConfig(recipe="x", language=LanguageConfig(keep=("en",), threshold=1.0))
    documents, gone, _ = read(tmp_path, source(file), cfg=sure, name="sure")
    assert not documents
    assert {row["reason"] for row in gone} == {"language unknown"}


@pytest.mark.parametrize("exact", [True, False])
def test_pages_are_kept_for_the_careful_extractor_where_it_is_asked_for(tmp_path, exact):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.html").write_text(f"<p>{HELP[0].replace('<', '&lt;')}</p>")
    (tmp_path / "text" / "b.html").write_text("<p></p>")
    (tmp_path / "text" / "c.txt").write_bytes(HELP[1].replace("\n", "\r\n").encode() + b"\rend")
    (part,) = parts_of(source(tmp_path / "text"))
    folder = made(tmp_path / "read")
    read_pages((json.dumps(asdict(part)),), folder, cfg=CorpusConfig(recipe="x", exact_text=exact), links="")
    documents = {row["text"][-3:]: row for row in kept(folder)}
    assert len(documents) == 2
    assert documents["end"]["text"] == HELP[1] + "\nend"
    held = [row["id"] for table in tables(folder / PAGES) for row in table.to_pylist()]
    (page,) = (row["id"] for row in documents.values() if row is not documents["end"])
    assert held == [page] * exact
    assert [(row["step"], row["reason"]) for row in lost(folder)] == [("extract", "no text")]
