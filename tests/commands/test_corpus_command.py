"""`foretell corpus` as a stranger types it, rightly and wrongly: what arrives, what is told, one line for an error."""

import gzip
import json
import re
import shlex
import sys
import types
from pathlib import Path
from pydoc_data.topics import topics

import pyarrow.parquet as pq
import pytest

from foretell.cli import main
from foretell.commands.corpus_command import EXAMPLES, INSPECT, ROLES
from foretell.corpus import engine, pipeline
from foretell.corpus.funnel import STEPS
from foretell.corpus.partitions import done_here

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
HELP = [topics[name] for name in sorted(topics) if len(topics[name]) > 1500]
POST = {"score": 5, "subreddit": "a", "is_self": False, "over_18": False}
ALONE = ["--threads", "1", "--quiet", "--tokens.n-vocab", "0"]


def write_rows(file: Path, texts: list[str]) -> Path:
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return file


@pytest.fixture(scope="module", autouse=True)
def _here(tmp_path_factory):
    """All commands of this file run in one folder with these sources."""
    here = tmp_path_factory.mktemp("here")
    for name, (first, end) in {"crawl": (0, 8), "more": (8, 12), "books": (12, 20)}.items():
        write_rows(here / f"{name}.jsonl", HELP[first:end])
    write_rows(here / "exam.jsonl", [" ".join(HELP[12].split()[100:140])])
    (here / "RS_2016-01").write_text(json.dumps({**POST, "url": "http://site.example/a"}) + "\n")
    for folder in ("notes", "other"):
        (here / folder).mkdir()
        for i in range(3):
            (here / folder / f"{i}.txt").write_text(HELP[20 + i] + folder)
    (here / "odd=name.txt").write_text(HELP[30])
    (here / "table.csv").write_text("a,b\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        yield


@pytest.fixture
def arrived(monkeypatch, capsys):
    """A function that types a command and gives the config and the making that the pipeline would be called with."""
    seen = []
    monkeypatch.setattr(pipeline, "make_corpus", lambda cfg, making: seen.append((cfg, making)) or {})

    def typed(*words):
        assert main(["corpus", *words, "--json", "--tokens.n-vocab", "0"]) == 0, capsys.readouterr().err
        assert json.loads(capsys.readouterr().out) == {"tokens": {}}
        return seen.pop()

    return typed


@pytest.fixture(scope="module")
def corpus():
    """A corpus of three sources with an evaluation set, its tokens beside it; tests leave both as they are."""
    assert main(MAKE) == 0
    return Path("made/mine")


MAKE = ["corpus", "crawl.jsonl", "--curated", "books.jsonl", "--curated", "wiki=notes/", "--evaluation", "exam.jsonl"]
MAKE += ["--weight", "wiki=0.2", "--out", "made/mine", "--threads", "1", "--quiet", "--tokens.n-vocab", "400"]
MAKE += ["--language.keep", "en"]


def error(capsys, *words, code=2):
    """The one line that a wrong command prints."""
    assert main(["corpus", *words]) == code
    said = capsys.readouterr()
    (line,) = said.err.strip().splitlines()
    assert line.startswith("foretell: ")
    return line


def test_every_flag_arrives(arrived):
    words = "crawl.jsonl --curated books.jsonl --positive good=notes --negative other --evaluation exam.jsonl"
    words += " --evaluation table.csv --weight books=0.25 --epochs crawl=1.5 --recipe gpt3 --seed 7 --out far/away"
    words += " --threads 3 --quiet --quality.alpha 4 --dedup.bands 3 --language.keep en fr --use-rules --budget 1000"
    cfg, making = arrived(*words.split())
    assert [(s.name, s.role, s.paths) for s in cfg.sources] == [
        ("crawl", "raw", ("crawl.jsonl",)),
        ("books", "curated", ("books.jsonl",)),
        ("good", "positive", ("notes",)),
        ("other", "negative", ("other",)),
    ]
    assert [(s.weight, s.epochs) for s in cfg.sources] == [(0, 1.5), (0.25, 0), (0, 0), (0, 0)]
    assert cfg.evaluation == ("exam.jsonl", "table.csv")
    assert (cfg.recipe, cfg.seed, cfg.quality.alpha, cfg.dedup.bands, cfg.budget) == ("gpt3", 7, 4.0, 3, 1000)
    assert cfg.language.keep == ("en", "fr")
    assert cfg.use_rules
    assert (making.out, making.quiet, making.engine.workers) == (Path("far/away"), True, 3)
    assert (making.engine.runner, making.engine.address) == ("native", "")
    _, making = arrived("crawl.jsonl", "--out", "x", "--runner", "ray", "--address", "ray://head:1")
    assert (making.engine.runner, making.engine.address) == ("ray", "ray://head:1")


def test_without_flags_the_recipe_is_plain(arrived):
    cfg, making = arrived("notes", "--out", "x")
    assert (cfg.recipe, cfg.seed, making.engine.workers, making.quiet) == ("plain", 0, 0, False)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("notes", {"notes": ["notes"]}),
        ("notes/", {"notes": ["notes/"]}),
        ("./notes/../other", {"other": ["./notes/../other"]}),
        ("crawl.jsonl", {"crawl": ["crawl.jsonl"]}),
        ("a=crawl.jsonl", {"a": ["crawl.jsonl"]}),
        ("my-own_1=crawl.jsonl", {"my-own_1": ["crawl.jsonl"]}),
        ("a=crawl.jsonl b=more.jsonl a=books.jsonl", {"a": ["crawl.jsonl", "books.jsonl"], "b": ["more.jsonl"]}),
        ("notes/0.txt notes/1.txt other/2.txt", {"notes": ["notes/0.txt", "notes/1.txt"], "2": ["other/2.txt"]}),
        ("notes/0.txt other/0.txt", {"0": ["notes/0.txt", "other/0.txt"]}),
        ("a=notes/0.txt notes/1.txt", {"a": ["notes/0.txt"], "1": ["notes/1.txt"]}),
        ("RS_2016-01 crawl.jsonl", {"RS_2016-01": ["RS_2016-01"], "crawl": ["crawl.jsonl"]}),
        ("w=odd=name.txt", {"w": ["odd=name.txt"]}),
        ("hf:someone/stories", {"stories": ["hf:someone/stories"]}),
        ("hf:someone/stories/part:train", {"part": ["hf:someone/stories/part:train"]}),
        ("embedded:standard", {"standard": ["embedded:standard"]}),
        ("embedded", {"embedded": ["embedded"]}),
    ],
)
def test_sources_are_named_by_the_user_or_by_their_paths(arrived, words, names):
    cfg, _ = arrived(*words.split(), "--out", "x")
    assert {source.name: list(source.paths) for source in cfg.sources} == names


def test_posts_are_links_whatever_their_name(arrived):
    cfg, _ = arrived("posts=RS_2016-01", "crawl.jsonl", "--out", "x")
    assert [(source.name, source.role) for source in cfg.sources] == [("posts", "links"), ("crawl", "raw")]


@pytest.mark.parametrize("words", ["--recipe plain --out x crawl.jsonl more.jsonl", "--out x --quiet crawl.jsonl"])
def test_flags_of_the_command_may_come_first(arrived, words):
    cfg, _ = arrived(*words.split())
    assert cfg.sources[0].paths[0] == "crawl.jsonl"


def examples():
    return [line.split("   ")[0].strip() for line in (EXAMPLES + "\n" + INSPECT).splitlines() if "foretell" in line]


@pytest.mark.parametrize(
    "line", [line for line in examples() if not any(x in line for x in ("inspect", "import", "--fields"))]
)
def test_every_example_of_the_help_is_a_command(arrived, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[2:]
    for path in (word.partition("=")[2] or word for word in words if not word.startswith("-")):
        if path.endswith("/"):
            Path(path).mkdir()
        elif "." in path or path.startswith("RS_"):
            Path(path).touch()
    cfg, _ = arrived(*words)
    assert cfg.sources


def test_the_help_names_every_flag_with_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["corpus", "--help"])
    assert not ended.value.code
    text = capsys.readouterr().out
    flags = {"out", "seed", "json", "quiet", "evaluation", "weight", "epochs", "recipe", "runner", "address", "threads"}
    assert {f"--{flag}" for flag in {*flags, *ROLES, "fields", "debug"}} <= set(re.findall(r"--[a-z]+", text))
    assert all(line in text for line in EXAMPLES.splitlines())
    with pytest.raises(SystemExit):
        main(["corpus", "inspect", "--help"])
    text = capsys.readouterr().out
    assert all(line in text for line in INSPECT.splitlines())


def test_fields_shows_every_field_of_the_recipe_with_its_value(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["corpus", "--recipe", "gpt3", "--fields"])
    assert not ended.value.code
    text = " ".join(capsys.readouterr().out.split())
    assert "--recipe gpt3" in text
    for field in ("links.min-karma", "dedup.bands", "rules.min-words", "decontaminate.window", "tokens.n-vocab"):
        assert f"--{field}" in text
    assert re.search(r"--quality\.alpha FLOAT .{0,120}\(default: 9\.0\)", text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--out x", "no source is named; give a folder, a file or hf:DATASET"),
        ("--positive notes --out x", "no source is named; give a folder, a file or hf:DATASET"),
        ("notes", "no folder is named to write to; add --out"),
        ("nowhere.txt --out x", "nowhere.txt does not exist; give a folder, a file"),
        ("a=nowhere.txt --out x", "nowhere.txt does not exist"),
        ("notes --curated nowhere.txt --out x", "nowhere.txt does not exist"),
        ("table.csv --out x", "table.csv is no kind of file that is read"),
        ("notes --evaluation nowhere.jsonl --out x", "nowhere.jsonl does not exist"),
        ("odd=name.txt --out x", "source name 'odd=name' is empty or holds / \\ =; give NAME=PATH"),
        ("notes --curated notes --out x", "two sources are called 'notes'; give each its own NAME=PATH"),
        ("notes --recipe gtp3 --out x", "no corpus recipe is called 'gtp3'; did you mean 'gpt3'?"),
        ("notes --recipe x --out x", "known: gpt3, plain, webtext"),
        ("notes --weight noets=0.2 --out x", "--weight noets=0.2: no source of text is called 'noets'; did you mean"),
        ("notes --epochs other=2 --out x", "--epochs other=2: no source of text is called 'other'"),
        ("notes --weight notes --out x", "--weight notes: '' is no number; give NAME=0.2"),
        ("notes --weight notes=many --out x", "'many' is no number"),
        ("notes --weight notes=0 --out x", "0 is not above 0; give NAME=0.2, or leave the source out"),
        ("notes --weight notes=-1 --out x", "-1 is not above 0"),
        ("notes --epochs notes=nan --out x", "nan is not above 0"),
        ("notes --epochs notes=inf --out x", "inf is not above 0"),
        ("notes --weight notes=0.2 --epochs notes=2 --out x", "weight=0.2 and epochs=2.0; give one of them"),
        ("notes other --weight notes=1 --out x", "the weights sum to 1 and leave nothing for 'other'"),
        ("crawl.jsonl posts=RS_2016-01 --weight posts=0.1 --out x", "no source of text is called 'posts'"),
        ("notes --otu x", "Unrecognized options: --otu"),
        ("notes --dedup.band 3 --out x", "Perhaps you meant: --dedup.bands"),
        (
            "notes --dedup.bands many --out x",
            "Error parsing --dedup.bands: invalid literal for int() with base 10: 'many'",
        ),
        ("notes --quality.alpha -1 --out x", "alpha=-1.0 is no number from 0 on"),
        ("notes --language.keep English --out x", "language 'English' is no code such as en, de, fr"),
        ("notes --raw-share 1 --out x", "raw_share=1.0 is not between 0 and 1"),
        ("notes --budget -5 --out x", "budget=-5 is negative"),
        ("notes --seed one --out x", "invalid int value: 'one'"),
        ("notes --threads -1 --out x", "-1"),
        ("notes --runner spark --out x", "invalid choice: 'spark'"),
        ("notes --address ray://head:1 --out x", "address='ray://head:1' is for runner=ray"),
        ("notes --recipe plain other --out x", "other stands apart from the other sources; all sources come first"),
        ("--dedup.bands 3 notes --out x", "3 may be a source or the value of --dedup.bands; all sources come first"),
        ("notes --out notes/inside", "notes/inside lies in the source notes; give an --out outside of it"),
        ("notes --out other", "other is there and is no corpus; give another --out, or remove it"),
        ("RS_2016-01 --recipe webtext --out x", "add a WARC file or a folder of pages, or --links.download"),
        ("notes --curated RS_2016-01 --out x", "RS_2016-01 holds links, not pages; give it with the role `links`"),
        ("inspect", "the following arguments are required: DIR"),
        ("inspect nowhere", "nowhere/card.json does not exist"),
        ("inspect notes", "notes/card.json does not exist"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(words, said, capsys):
    assert said in error(capsys, *words.split(), "--json")
    assert not Path("x").exists()


def test_a_folder_that_cannot_be_made_is_a_failure(capsys):
    said = error(capsys, "notes", "--out", "crawl.jsonl/x", *ALONE, code=1)
    assert "cannot write crawl.jsonl/x" in said


def test_a_source_of_the_hub_needs_its_package_and_the_network(monkeypatch, capsys):
    def here(work, partitions, stage, *, key, **_):
        return [done_here(work, stage, one, key) for one in partitions]

    def offline(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(pipeline, "map_partitions", here)  # workers are processes, which see no patch
    monkeypatch.setitem(sys.modules, "datasets", None)
    said = error(capsys, "hf:someone/stories", "--out", "x", *ALONE)
    assert "hf:someone/stories needs the package datasets; pip install datasets" in said
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=offline))
    said = error(capsys, "hf:someone/stories", "--out", "x", *ALONE, code=1)
    assert "cannot be read (no route to host); check the name and the network, or give a folder or a file" in said


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
def test_another_corpus_is_refused_with_what_differs(corpus, change, said, capsys):
    assert f"made/mine is another corpus: {said}; give another --out" in error(capsys, *MAKE[1:], *change)


def test_a_source_that_has_changed_is_told(corpus, capsys):
    before = Path("crawl.jsonl").read_text()
    Path("crawl.jsonl").write_text(before + "\n")
    said = error(capsys, *MAKE[1:])
    Path("crawl.jsonl").write_text(before)
    assert "made/mine was made when its sources had other files; give another --out, or remove it" in said


def test_inspect_tells_the_funnel_the_sources_the_lengths_and_what_was_dropped(corpus, capsys):
    assert main(["corpus", "inspect", str(corpus)]) == 0
    said = capsys.readouterr().out
    card = json.loads((corpus / "card.json").read_text())
    assert said.startswith(f"plain: {card['n_documents']} documents, {card['n_bytes']:,} bytes of text\n")
    for source in ("crawl", "books", "wiki"):
        role = "raw" if source == "crawl" else "curated"
        left = card["documents_of"][source]
        assert re.search(rf"(?m)^{source} +{role} +\d+ +{left} ", said)
    assert "as tokens in mine-bpe-400:" in said
    assert main(["corpus", "inspect", str(corpus), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {*card, "lengths", "tokens", "examples"}
    assert {row["step"] for row in told["examples"]} <= set(STEPS)


def test_inspect_shows_so_many_examples_of_each_reason(capsys, tmp_path):
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
    said = error(capsys, "inspect", out, "--step", "quality")
    assert "is called 'quality'; its steps are read, extract, language, exact duplicates, exact text" in said
    assert "'-1' is no whole number of at least 0" in error(capsys, "inspect", out, "--limit", "-1")


def test_a_folder_of_tokens_and_another_tools_corpus_are_no_corpus_of_this_command(corpus, capsys, tmp_path):
    said = "is no corpus that foretell corpus wrote; give the folder of its --out"
    assert said in error(capsys, "inspect", f"{corpus}-bpe-400")
    for content in ('{"kind": "corpus"}', "[]", '"x"'):
        (tmp_path / "card.json").write_text(content)
        assert said in error(capsys, "inspect", str(tmp_path))
        assert "holds something else than a corpus" in error(capsys, "notes", "--out", str(tmp_path))
    (tmp_path / "card.json").write_text("{")
    assert "card.json is not JSON" in error(capsys, "inspect", str(tmp_path))


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
