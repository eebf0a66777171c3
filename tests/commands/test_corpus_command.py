"""`foretell corpus` as a stranger types it: what arrives, what its help says, one line where it is wrong."""

import json
import re
import shlex
import sys
import types
from pathlib import Path

import pytest

from foretell.cli import main
from foretell.commands.corpus_command import EXAMPLES, INSPECT, ROLES
from foretell.corpus import pipeline
from foretell.corpus.partitions import done_here

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own
ALONE = ["--threads", "1", "--quiet", "--tokens.n-vocab", "0"]


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
        ("wiki.en wiki.de", {"wiki.en": ["wiki.en"], "wiki.de": ["wiki.de"]}),
        ("wiki.en wiki.en more.jsonl", {"wiki": ["wiki.en", "wiki.en"], "more": ["more.jsonl"]}),
        ("a=notes/0.txt a=other/0.txt", {"a": ["notes/0.txt", "other/0.txt"]}),
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


@pytest.mark.parametrize(
    "words", ["notes/0.txt other/0.txt", "hf:a/wiki hf:b/wiki", "notes=other notes", "notes far/notes"]
)
def test_two_paths_of_one_name_are_refused_not_merged(error, words):
    said = error(*words.split(), "--out", "x")
    assert "would both be the source" in said
    assert all(word.rpartition("=")[2] in said for word in words.split())


def test_links_to_folders_are_told_in_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(pipeline, "make_corpus", lambda cfg, making: {})
    for name in ("a", "b"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "0.txt").write_text("text")
    words = ["corpus", str(tmp_path / "mine"), "--out", "x", "--json", "--tokens.n-vocab", "0"]
    assert (main(words), capsys.readouterr().err) == (0, "")
    (tmp_path / "mine" / "0.txt").symlink_to(tmp_path / "mine" / "a" / "0.txt")  # a file is read
    (tmp_path / "mine" / "a" / "far").symlink_to(tmp_path)
    (tmp_path / "mine" / "b" / "up").symlink_to(tmp_path)
    assert main(words) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"foretell: {tmp_path}/mine/a/far and 1 more: a link to a folder is not followed")


def test_a_folder_of_posts_alone_is_links(arrived, tmp_path):
    for month in ("RS_2016-01", "RS_2016-02"):
        (tmp_path / month).write_bytes(Path("RS_2016-01").read_bytes())
    cfg, _ = arrived(f"posts={tmp_path}", "crawl.jsonl", "--out", "x")
    assert [(source.name, source.role) for source in cfg.sources] == [("posts", "links"), ("crawl", "raw")]
    (tmp_path / "a.txt").touch()
    cfg, _ = arrived(f"posts={tmp_path}", "crawl.jsonl", "--out", "x")
    assert cfg.sources[0].role == "raw"


def test_an_empty_path_is_not_this_folder(error):
    assert "an empty path names no source; give a folder" in error("", "--out", "x")
    assert "an empty path names no source" in error("a=", "--out", "x")
    assert "has no path, or an empty one; give NAME=PATH" in error("notes", "--curated", "", "--out", "x")
    assert "--evaluation is given an empty path" in error("notes", "--evaluation", "", "--out", "x")


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
    "line", [line for line in examples() if not any(x in line for x in ("inspect", "import", "verify", "--fields"))]
)
def test_every_example_of_the_help_is_a_command(arrived, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[2:]
    for path in (word.partition("=")[2] or word for word in words if not word.startswith("-")):
        if path.endswith("/"):
            (Path(path) / "x").mkdir(parents=True)
            (Path(path) / "x" / "a.txt").touch()
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
        ("odd=name.txt --out x", "source name 'odd=name' is empty or holds / \\ = or"),
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
        ("notes --curated RS_2016-01 --out x", "RS_2016-01 holds links, not pages; give"),
        ("inspect", "the following arguments are required: DIR"),
        ("inspect nowhere", "nowhere/card.json does not exist"),
        ("inspect notes", "notes/card.json does not exist"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(words, said, error):
    assert said in error(*words.split(), "--json")
    assert not Path("x").exists()


def test_a_folder_that_cannot_be_made_is_a_failure(error):
    said = error("notes", "--out", "crawl.jsonl/x", *ALONE, code=1)
    assert "cannot write crawl.jsonl/x" in said


def test_a_source_of_the_hub_needs_its_package_and_the_network(monkeypatch, error):
    def here(work, partitions, stage, *, key, **_):
        return [done_here(work, stage, one, key) for one in partitions]

    def offline(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(pipeline, "map_partitions", here)  # workers are processes, which see no patch
    monkeypatch.setitem(sys.modules, "datasets", None)
    said = error("hf:someone/stories", "--out", "x", *ALONE)
    assert "hf:someone/stories needs the package datasets; pip install datasets" in said
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=offline))
    said = error("hf:someone/stories", "--out", "x", *ALONE, code=1)
    assert "cannot be read (no route to host); check the name and the network, or give a folder or a file" in said
