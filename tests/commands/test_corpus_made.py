"""Corpora made by hand: what is printed, a second call, what inspect shows, and training on one."""

import gzip
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from foretell.cli import main
from foretell.corpus import engine, pipeline
from foretell.corpus.funnel import STEPS
from tests.corpus.made_documents import HELP, write_rows

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
ALONE = ["--threads", "1", "--quiet", "--tokens.n-vocab", "0"]
MAKE = ["corpus", "crawl.jsonl", "--curated", "books.jsonl", "--curated", "wiki=notes/", "--evaluation", "exam.jsonl"]
MAKE += ["--weight", "wiki=0.2", "--out", "made/mine", "--threads", "1", "--quiet", "--tokens.n-vocab", "400"]
MAKE += ["--language.keep", "en"]


@pytest.fixture(scope="module")
def corpus():
    """A corpus of three sources with an evaluation set, its tokens beside it; tests leave both as they are."""
    assert main(MAKE) == 0
    return Path("made/mine")


def test_what_is_made_is_told(corpus, capsys):
    assert main(MAKE) == 0
    said = capsys.readouterr().out
    card = json.loads((corpus / "card.json").read_text())
    for row in card["funnel"]:
        assert re.search(rf"(?m)^{row['step']} +{row['documents']} +{row['bytes']:,}\b", said)
    assert "languages: en 100.0%" in said
    assert re.search(r"(?m)^evaluation set exam: 1 items, 0 too short; 1 documents cut, 0 with", said)
    assert re.search(r"(?m)^wiki +\S+ \w? +20\.0% ", said)
    assert f"the corpus is {corpus.resolve()}" in said
    assert f"its tokens are {corpus.resolve()}-bpe-400" in said
    assert "table 2.2" not in said, "which is for the recipe gpt3 alone"


def test_json_is_the_card_with_the_tokens(corpus, capsys):
    assert main([*MAKE, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    tokens = told.pop("tokens")
    assert told == json.loads((corpus / "card.json").read_text())
    assert tokens == {"folder": "mine-bpe-400", **json.loads((Path("made/mine-bpe-400/card.json")).read_text())}


def test_a_second_call_does_no_work(corpus, capsys, monkeypatch):
    before = {file: file.stat().st_mtime_ns for file in corpus.parent.rglob("*")}
    monkeypatch.setattr(engine, "started", None)  # no worker is ever called
    monkeypatch.setattr(pipeline, "read", None)
    assert main([*MAKE]) == 0
    assert {file: file.stat().st_mtime_ns for file in corpus.parent.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--seed", "3"], "seed is 0 there, 3 here"),
        (["--language.keep"], "language.keep.0 is en there, None here"),
        (["--language.keep", "en", "fr"], "language.keep.1 is None there, fr here"),
        (["--epochs", "crawl=2"], "sources.0.epochs is 0.0 there, 2.0 here"),
        (["--evaluation", "exam.jsonl"], "evaluation.1 is None there, exam.jsonl here"),
        (["--negative", "other"], "sources.3.epochs is None there, 0.0 here"),
    ],
)
def test_another_corpus_is_refused_with_what_differs(corpus, change, said, error):
    assert f"made/mine is another corpus: {said}; give another --out" in error(*MAKE[1:], *change)


def test_a_source_that_has_changed_is_told(corpus, error):
    before = Path("crawl.jsonl").read_text()
    Path("crawl.jsonl").write_text(before + "\n")
    said = error(*MAKE[1:])
    Path("crawl.jsonl").write_text(before)
    assert "made/mine was made when its sources had other files; give another --out, or remove it" in said


def test_inspect_tells_the_funnel_the_sources_the_lengths_and_what_was_dropped(corpus, capsys):
    assert main(["corpus", "inspect", str(corpus)]) == 0
    said = capsys.readouterr().out
    card = json.loads((corpus / "card.json").read_text())
    assert said.startswith(f"plain: {card['n_documents']} documents, {card['n_bytes']:,} bytes of text\n")
    for source in ("crawl", "books", "wiki"):
        role = "raw" if source == "crawl" else "curated"
        (left,) = (row["documents"] for row in card["sources"] if row["source"] == source)
        assert re.search(rf"(?m)^{source} +{role} +\d+ +{left} +{card['documents_of'][source]} ", said)
    assert "as tokens in mine-bpe-400:" in said
    assert main(["corpus", "inspect", str(corpus), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {*card, "lengths", "tokens", "examples", "hits"}
    assert {row["step"] for row in told["examples"]} <= set(STEPS)


def test_inspect_shows_so_many_examples_of_each_reason(capsys, tmp_path, error):
    write_rows(tmp_path / "a.jsonl", [HELP[0]] * 5 + [HELP[1]])
    (tmp_path / "a.jsonl").open("a").write("{broken\n[1]\n")
    out = str(tmp_path / "x")
    assert main(["corpus", str(tmp_path / "a.jsonl"), "--out", out, *ALONE]) == 0

    def shown(*more):
        capsys.readouterr()
        assert main(["corpus", "inspect", out, "--json", *more]) == 0
        return [row["step"] for row in json.loads(capsys.readouterr().out)["examples"]]

    assert shown() == ["read"] * 2 + ["exact duplicates"] * 2
    assert shown("--limit", "9") == ["read"] * 2 + ["exact duplicates"] * 4
    assert shown("--limit", "1", "--step", "exact duplicates") == ["exact duplicates"]
    assert shown("--limit", "0") == []
    said = error("inspect", out, "--step", "quality")
    assert "is called 'quality'; its steps are read, extract, language, exact duplicates, exact text" in said
    assert "'-1' is no whole number of at least 0" in error("inspect", out, "--limit", "-1")


def test_a_folder_of_tokens_and_another_tools_corpus_are_no_corpus_of_this_command(corpus, error, tmp_path):
    said = "is no corpus that foretell corpus wrote; give the folder of its --out"
    assert said in error("inspect", f"{corpus}-bpe-400")
    for content in ('{"kind": "corpus"}', "[]", '"x"'):
        (tmp_path / "card.json").write_text(content)
        assert said in error("inspect", str(tmp_path))
        assert "holds something else than a corpus" in error("notes", "--out", str(tmp_path))
    (tmp_path / "card.json").write_text("{")
    assert "card.json is not JSON" in error("inspect", str(tmp_path))


@pytest.mark.slow
def test_pages_of_posts_by_hand(capsys, tmp_path):
    content = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + f"<p>{HELP[0].replace('<', '&lt;')}</p>"
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://site.example/{}\r\nContent-Length: {}\r\n\r\n"
    records = (head.format(name, len(content.encode())) + content + "\r\n\r\n" for name in "ab")
    (tmp_path / "pages.warc.gz").write_bytes(b"".join(gzip.compress(record.encode()) for record in records))
    sources = ["RS_2016-01", str(tmp_path / "pages.warc.gz")]
    words = ["--recipe", "webtext", "--no-use-rules", "--out", str(tmp_path / "x"), "--json"]
    assert main(["corpus", *sources, *words, *ALONE]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["links"] == {"links": 1, "passed_over": card["links"]["passed_over"], "broken": 0}
    (row,) = pq.read_table(tmp_path / "x/documents-00000.parquet").to_pylist()
    assert row["url"] == "http://site.example/a"
    assert row["source"] == "pages"


@pytest.mark.slow
def test_the_recipe_gpt3_prints_the_papers_table(capsys, tmp_path):
    write_rows(tmp_path / "raw.jsonl", HELP[:20])
    write_rows(tmp_path / "good.jsonl", HELP[20:])
    words = [str(tmp_path / "raw.jsonl"), "--curated", str(tmp_path / "good.jsonl"), "--recipe", "gpt3"]
    assert main(["corpus", *words, "--out", str(tmp_path / "x"), *ALONE]) == 0
    said = capsys.readouterr().out
    assert "GPT-3's own sets over 300 billion tokens (Brown et al. 2020, table 2.2):" in said
    assert re.search(r"(?m)^WebText2 +19 B ", said)
    assert re.search(r"(?m)^classifier: AUC ", said)


@pytest.mark.slow
def test_training_reads_the_mixture_of_a_corpus_just_made(corpus, capsys):
    words = ["--data", str(corpus), "--out", "runs/x", "--quiet", "--threads", "1", "--steps", "2", "--json"]
    assert main(["train", "gpt2.pretrain:smoke", *words]) == 0
    run = Path("runs/x")
    config = json.loads((run / "config.json").read_text())
    folder = Path(config["data"]["folder"])
    tokens = json.loads((folder / "card.json").read_text())
    assert set(tokens["sources"]) == {"crawl", "books", "wiki"}
    (stage,) = tokens["mixture"]
    assert stage["weights"]["wiki"] == pytest.approx(0.2)
    assert stage["weights"]["crawl"] == pytest.approx(0.6)
    assert [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()][-1] == 2


def test_a_text_that_gives_too_few_tokens_is_told_with_the_remedy(error, tmp_path):
    out = str(tmp_path / "x")
    said = error("notes", "--out", out, "--threads", "1", "--quiet")
    assert said.startswith(f"foretell: {out} is made, its tokens are not: n_vocab=4096 is more than this text gives (")
    assert said.endswith("; --tokens.n-vocab 0 writes no tokens")
    assert "--model" not in said
    assert main(["corpus", "notes", "--out", out, *ALONE]) == 0
