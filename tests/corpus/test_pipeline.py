"""The corpus from raw sources to its card: what every step takes, one result however it is made, faults, bad input."""

import dataclasses
import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path
from pydoc_data.topics import topics

import pyarrow.parquet as pq
import pytest

from foretell.corpus import pipeline
from foretell.corpus.assemble import assembled
from foretell.corpus.corpus_config import CorpusConfig, SourceConfig
from foretell.corpus.engine import EngineConfig
from foretell.corpus.inspection import inspected, lines
from foretell.corpus.pipeline import Making, make_corpus, tokens_of
from foretell.corpus.tokens import open_tokens
from foretell.corpus.verifying import verified
from foretell.errors import BadUse
from foretell.recipes.corpora import corpus_recipe
from foretell.runs import alone, sha256

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
ENGINE = EngineConfig(workers=1)
HELP = [topics[name] for name in sorted(topics) if len(topics[name]) > 1500]
PAGE = "<html><head><title>t</title></head><body><nav><a href=/>home</a></nav><article>{}</article></body></html>"


def paragraphs(text: str) -> str:
    return "".join(f"<p>{part}</p>" for part in text.replace("<", "&lt;").split("\n\n"))


def warc(records: dict[str, str]) -> bytes:
    """A compressed archive of pages by address."""
    packed = b""
    for url, html in records.items():
        content = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(content)}\r\n\r\n"
        packed += gzip.compress(head.encode() + content + b"\r\n\r\n")
    return packed


def write_rows(file: Path, texts: list[str]) -> str:
    file.write_text(
        "".join(json.dumps({"id": f"{file.stem}-{i}", "text": text}) + "\n" for i, text in enumerate(texts))
    )
    return str(file)


def made(out: Path, cfg: CorpusConfig, *sources: SourceConfig, engine=ENGINE, **edits) -> dict:
    cfg = dataclasses.replace(cfg, sources=sources, **edits)
    return make_corpus(cfg, Making(out=out, engine=engine, quiet=True))


def raw(*paths: str, name="raw", **more) -> SourceConfig:
    return SourceConfig(name=name, paths=paths, **more)


def documents(folder: Path) -> list[dict]:
    return [row for file in sorted(folder.glob("documents-*.parquet")) for row in pq.read_table(file).to_pylist()]


def dropped(folder: Path) -> list[dict]:
    return pq.read_table(folder / "dropped.parquet").to_pylist()


def hashes(folder: Path) -> dict[str, str]:
    """Every file of a corpus but for the card, which holds the same hashes."""
    return {file.name: sha256(file) for file in sorted(folder.rglob("*")) if file.is_file()}


def steps(card: dict) -> dict[str, int]:
    return {row["step"]: row["documents"] for row in card["funnel"]}


PLAIN = corpus_recipe("plain")


def test_exact_copies_go_and_near_ones_stay_in_the_plain_recipe(tmp_path):
    near = HELP[0].replace("the", "a", 1)
    source = raw(write_rows(tmp_path / "a.jsonl", [HELP[0], HELP[1], HELP[0].upper(), near]))
    card = made(tmp_path / "x", PLAIN, source)
    assert sorted(row["text"] for row in documents(tmp_path / "x")) == sorted([HELP[0], HELP[1], near]) or (
        HELP[0].upper() in {row["text"] for row in documents(tmp_path / "x")}
    )
    assert steps(card)["read"] == 4
    assert steps(card)["exact duplicates"] == card["n_documents"] == 3
    (gone,) = dropped(tmp_path / "x")
    assert gone["step"] == "exact duplicates"
    assert gone["reason"].startswith("the same text as another: ")
    assert gone["reason"].split()[-1] in {row["id"] for row in documents(tmp_path / "x")}


def test_the_best_source_keeps_its_copy(tmp_path):
    crawl = raw(write_rows(tmp_path / "a.jsonl", HELP[:4]), name="crawl")
    books = raw(write_rows(tmp_path / "b.jsonl", HELP[2:6]), name="books", role="curated")
    card = made(tmp_path / "x", PLAIN, crawl, books)
    assert card["documents_of"] == {"books": 4, "crawl": 2}


def test_pages_of_links_come_through_with_their_text_alone(tmp_path):
    urls = [f"http://site.example/{i}" for i in range(4)]
    posts = [
        {"url": urls[0], "score": 5, "subreddit": "a", "is_self": False, "over_18": False},
        {"url": urls[1], "score": 2, "subreddit": "a", "is_self": False, "over_18": False},
        {"url": urls[2] + "#part", "score": 3, "subreddit": "b", "is_self": False, "over_18": False},
    ]
    (tmp_path / "RS_2011-01").write_text("".join(json.dumps(post) + "\n" for post in posts))
    pages = {url: PAGE.format(paragraphs(HELP[i])) for i, url in enumerate(urls)}
    (tmp_path / "crawl.warc.gz").write_bytes(warc(pages))
    cfg = dataclasses.replace(corpus_recipe("webtext"), use_rules=False)
    links = SourceConfig(name="posts", paths=(str(tmp_path / "RS_2011-01"),), role="links")
    card = made(tmp_path / "x", cfg, links, raw(str(tmp_path / "crawl.warc.gz")))
    left = documents(tmp_path / "x")
    assert sorted(row["url"] for row in left) == [urls[0], urls[2]]
    assert all("home" not in row["text"].split()[:3] and len(row["text"]) > 1000 for row in left)
    assert card["links"]["links"] == 2
    assert {row["reason"] for row in dropped(tmp_path / "x")} == {"no post of 3 karma or more links to it"}


@pytest.mark.slow
def test_the_gate_the_cuts_and_the_mixture_of_gpt3(tmp_path):
    junk = [f"click here buy now {i} cheap cheap offer offer " * 40 + f"unique{i} " * 3 for i in range(40)]
    crawl = raw(write_rows(tmp_path / "crawl.jsonl", [*HELP[30:60], *junk]), name="crawl")
    books = raw(write_rows(tmp_path / "books.jsonl", HELP[:30]), name="books", role="curated")
    item = " ".join(max(HELP[3].split("\n\n"), key=len).split())
    exam = write_rows(tmp_path / "exam.jsonl", [item, "too short"])
    card = made(tmp_path / "x", corpus_recipe("gpt3"), crawl, books, evaluation=(exam,))
    kept = documents(tmp_path / "x")
    assert card["documents_of"]["crawl"] < 30, "nine of ten raw documents do not look like books"
    assert all(item not in " ".join(row["text"].split()) for row in kept)
    assert {row["source"] for row in kept if row["quality"] != row["quality"]} == set(), "every document has a score"
    (told,) = card["decontamination"]["sets"]
    assert (told["items"], told["too_short"]) == (2, 1)
    assert told["cut"] >= 1
    hits = pq.read_table(tmp_path / "x" / "hits.parquet").to_pylist()
    assert {hit["evaluation_set"] for hit in hits} == {told["set"]}
    assert card["weights"] == {"crawl": pytest.approx(0.6)}
    cfg = dataclasses.replace(corpus_recipe("gpt3"), tokens=dataclasses.replace(PLAIN.tokens, n_vocab=400))
    tokens = tokens_of(cfg, Making(out=tmp_path / "x", engine=ENGINE, quiet=True))
    assert tokens["mixture"] == [{"first": 0, "weights": {"books": pytest.approx(0.4), "crawl": pytest.approx(0.6)}}]
    folder = tmp_path / tokens["folder"]
    assert not verified(folder).problems
    assert set(open_tokens(folder).source_ends("train")) == {"books", "crawl"}
    said = "\n".join(lines(inspected(tmp_path / "x")))
    assert "epochs are counted over" in said
    assert "classifier: AUC" in said


def test_workers_and_a_second_call_change_no_byte(tmp_path):
    files = [write_rows(tmp_path / f"{i}.jsonl", HELP[i * 8 : i * 8 + 8]) for i in range(4)]
    cfg = dataclasses.replace(PLAIN, near_duplicates=True)
    made(tmp_path / "one" / "x", cfg, raw(*files))
    made(tmp_path / "two" / "x", cfg, raw(*files), engine=EngineConfig(workers=2))
    assert hashes(tmp_path / "one" / "x") == hashes(tmp_path / "two" / "x")
    before = hashes(tmp_path / "one" / "x")
    made(tmp_path / "one" / "x", cfg, raw(*files))
    assert hashes(tmp_path / "one" / "x") == before
    assert not list((tmp_path / "one").glob(".*"))


KILLED = """
import dataclasses, os, signal, sys, threading
from pathlib import Path
from tests.corpus.test_pipeline import PLAIN, made, raw

done, out = int(sys.argv[1]), Path(sys.argv[2])

def watch():
    while sum("done.json" in files for _, _, files in os.walk(out.parent)) < done:
        pass
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=watch, daemon=True).start()
made(out, dataclasses.replace(PLAIN, near_duplicates=True), raw(*sys.argv[3:]))
"""
FULL = """
import resource, sys
from pathlib import Path
from tests.corpus.test_pipeline import PLAIN, made, raw

resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))
made(Path(sys.argv[1]), PLAIN, raw(*sys.argv[2:]))
"""


def python(script: str, *args: object) -> subprocess.CompletedProcess:
    """A script run from the project's folder, in a process group of its own."""
    call = [sys.executable, "-W", "ignore", "-c", script, *map(str, args)]
    root = Path(__file__).parents[2]
    return subprocess.run(call, cwd=root, capture_output=True, timeout=120, check=False, start_new_session=True)


@pytest.mark.slow
@pytest.mark.parametrize("done", [0, 2, 5, 9])
def test_a_killed_run_goes_on_to_the_same_corpus(tmp_path, done, monkeypatch):
    files = [write_rows(tmp_path / f"{i}.jsonl", HELP[i * 8 : i * 8 + 8]) for i in range(3)]
    cfg = dataclasses.replace(PLAIN, near_duplicates=True)
    made(tmp_path / "whole" / "x", cfg, raw(*files))
    out = tmp_path / "killed" / "x"
    ended = python(KILLED, done, out, *files)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    there = list((tmp_path / "killed").rglob("done.json"))
    assert len(there) >= done
    finished = mtimes(file for file in there if ".partial-" not in str(file))
    seen: list[tuple] = []
    monkeypatch.setattr(pipeline, "assembled", lambda *args: seen.append(mtimes(finished)) or assembled(*args))
    made(out, cfg, raw(*files))
    assert seen == [finished], "what was done is not done again"
    assert hashes(out) == hashes(tmp_path / "whole" / "x")


def mtimes(files) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in files}


CHANGED = {
    "bad words": ("words.txt", "metaclass\n", {"use_rules": True}),
    "evaluation": ("exam/a.txt", "", {}),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_file_that_changed_while_a_run_was_stopped_counts(tmp_path, what, monkeypatch):
    name, content, edits = CHANGED[what]
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("nothing of it, " * 20)
    content = content or max(HELP[5].split("\n\n"), key=len)
    files = [write_rows(tmp_path / "a.jsonl", HELP[:12])]
    rules = dataclasses.replace(PLAIN.rules, bad_words=str(file)) if edits else PLAIN.rules
    more = {**edits, "rules": rules, "evaluation": () if edits else (str(file.parent),)}

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "assembled", stopped)
        with pytest.raises(KeyboardInterrupt):
            made(tmp_path / "x", PLAIN, raw(*files), **more)
    file.write_text(content)
    made(tmp_path / "x", PLAIN, raw(*files), **more)
    made(tmp_path / "fresh" / "x", PLAIN, raw(*files), **more)
    assert hashes(tmp_path / "x") == hashes(tmp_path / "fresh" / "x")
    assert dropped(tmp_path / "x") or (tmp_path / "x" / "hits.parquet").exists()


def test_a_mixture_is_asked_anew_of_a_corpus_that_is_made(tmp_path):
    sources = [
        raw(write_rows(tmp_path / f"{name}.jsonl", HELP[i : i + 4]), name=name) for i, name in ((0, "a"), (9, "b"))
    ]
    made(tmp_path / "x", PLAIN, *sources)
    before = {name: digest for name, digest in hashes(tmp_path / "x").items() if "documents" in name}
    card = made(tmp_path / "x", PLAIN, dataclasses.replace(sources[0], weight=0.3), sources[1])
    assert card["weights"] == {"a": 0.3}
    assert json.loads((tmp_path / "x" / "card.json").read_text()) == card
    assert before.items() <= hashes(tmp_path / "x").items()


def test_two_calls_do_not_work_in_one_folder(tmp_path):
    files = [write_rows(tmp_path / "a.jsonl", HELP[:2])]
    (tmp_path / ".x.work").mkdir()
    with (
        alone(tmp_path / ".x.work" / "lock", "another process works"),
        pytest.raises(BadUse, match=r"another process works in .*; wait for it, or give another --out"),
    ):
        made(tmp_path / "x", PLAIN, raw(*files))


@pytest.mark.slow
def test_a_disk_that_is_full_is_told_and_what_was_done_stays(tmp_path):
    files = [write_rows(tmp_path / "a.jsonl", HELP[:1]), write_rows(tmp_path / "b.jsonl", HELP[2:14])]
    ended = python(FULL, tmp_path / "x", *files)
    assert ended.returncode == 1
    assert "File too large" in ended.stderr.decode()
    assert not (tmp_path / "x").exists()
    there = [file.parent.name for file in (tmp_path / ".x.work" / "read").rglob("done.json")]
    assert there == ["00000"], "the small part was done"
    assert made(tmp_path / "x", PLAIN, raw(*files))["n_documents"] == 13


def test_what_is_broken_is_named_and_the_rest_goes_on(tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "good.txt").write_text(HELP[0])
    (pages / "latin.txt").write_bytes("caf\xe9 au lait, d\xe9j\xe0 vu ".encode("latin-1") * 40)
    (pages / "binary.txt").write_bytes(b"\0\1\2" * 500)
    (pages / "empty.txt").write_text("")
    (pages / "bomb.html").write_text("<div>" * 200_000)
    whole = gzip.compress((json.dumps({"text": HELP[1]}) + "\n").encode())
    (pages / "rows.jsonl.gz").write_bytes(whole + gzip.compress(b'{"text": "lost"}\n' * 100)[:-9])
    (pages / "lines.jsonl").write_text(json.dumps({"text": HELP[2]}) + "\n{broken\n" + json.dumps({"text": 3}) + "\n")
    (pages / "cut.warc.gz").write_bytes(warc({"http://a.example/": PAGE.format(paragraphs(HELP[3]))})[:-30])
    card = made(tmp_path / "x", PLAIN, raw(str(pages)))
    texts = [row["text"] for row in documents(tmp_path / "x")]
    assert HELP[0] in texts
    assert HELP[1] in texts
    assert HELP[2] in texts
    assert any("caf\xe9" in text for text in texts)
    gone = dropped(tmp_path / "x")
    assert all(row["reason"] and row["step"] and row["source"] == "raw" for row in gone)
    assert card["funnel"][0]["dropped"], "records that could not be read are counted by reason"
    assert sum(card["dropped"].values()) == len(gone)
    assert any("NUL" in row["reason"] for row in gone)


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "gives no document: 1 empty"), ("{broken\n", "gives no document"), (None, "holds no files")],
)
def test_a_source_that_gives_nothing_is_an_error(tmp_path, content, words):
    folder = tmp_path / "nothing"
    folder.mkdir()
    if content is not None:
        (folder / ("a.jsonl" if content else "a.txt")).write_text(content)
    good = raw(write_rows(tmp_path / "a.jsonl", HELP[:2]), name="good")
    with pytest.raises(BadUse, match=words):
        made(tmp_path / "x", PLAIN, good, raw(str(folder), name="bad"))
    assert not (tmp_path / "x").exists()


def test_another_corpus_is_never_overwritten(tmp_path):
    source = raw(write_rows(tmp_path / "a.jsonl", HELP[:3]))
    made(tmp_path / "x", PLAIN, source)
    with pytest.raises(BadUse, match=r"another corpus: seed is 0 there, 1 here"):
        made(tmp_path / "x", PLAIN, source, seed=1)
    (tmp_path / "y").mkdir()
    with pytest.raises(BadUse, match="is there and is no corpus"):
        made(tmp_path / "y", PLAIN, source)


def test_everything_filtered_is_an_error_with_the_reasons(tmp_path):
    cfg = dataclasses.replace(PLAIN, language=dataclasses.replace(PLAIN.language, keep=("fr",)))
    with pytest.raises(BadUse, match=r"nothing is left of 3 records \(3 language en\)"):
        made(tmp_path / "x", cfg, raw(write_rows(tmp_path / "a.jsonl", HELP[:3])))


def test_masks_are_counted_by_source(tmp_path):
    text = HELP[0] + "\nWrite to someone@site.example or call +1 415 555 0132.\n"
    card = made(tmp_path / "x", PLAIN, raw(write_rows(tmp_path / "a.jsonl", [text])), mask_pii=True)
    assert card["masked"]["e-mail"] == 1
    assert "someone@" not in documents(tmp_path / "x")[0]["text"]


def test_a_corpus_is_a_source_of_its_documents_alone(tmp_path):
    made(tmp_path / "x", PLAIN, raw(write_rows(tmp_path / "a.jsonl", [HELP[0], HELP[0], HELP[1]])))
    card = made(tmp_path / "y", PLAIN, raw(str(tmp_path / "x")))
    assert steps(card)["read"] == card["n_documents"] == 2
    assert not card["dropped"]
