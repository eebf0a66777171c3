"""What `foretell audit` prints and keeps, what it refuses, and that nothing is done twice."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from foretell.cli import main
from foretell.commands import audit_command
from foretell.generate.model import Model
from foretell.recipes import gpt2
from foretell.text.train import train_tokenizer
from tests.audit.conftest import TEXT
from tests.generate.conftest import random_network


@pytest.fixture(scope="module", autouse=True)
def _here(tmp_path_factory):
    """All commands of this file run in one folder with the tiny models `m` and `n`."""
    here = tmp_path_factory.mktemp("here")
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    for seed, name in enumerate(("m", "n")):
        cfg = replace(gpt2.network("smoke"), n_vocab=300, n_ctx=96)
        Model(random_network(cfg, seed, spread=0.1), tokenizer).save(here / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        yield


@pytest.fixture
def typed(capsys):
    """A function that types a command and gives how it ended and what is printed."""

    def type_it(*words):
        code = main(["audit", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_it


@pytest.fixture
def counted(monkeypatch):
    """An audit of the name `repetition` that counts how often it is done."""
    module, asked = ModuleType("foretell.audit.repetition"), []

    def audit(one):
        asked.append(one)
        figures = {"share": {"value": 0.5, "low": 0.25, "high": float("inf"), "n": 8}}
        return {"figures": figures, "rows": [{"word": f"w{i}", "x": i / 3} for i in range(30)], "said": ["read this"]}

    module.audit = audit
    monkeypatch.setitem(sys.modules, "foretell.audit.repetition", module)
    monkeypatch.setattr(audit_command, "absent", lambda name: "" if name == "repetition" else "  (not in this version)")
    return asked


def test_figures_rows_and_sentences_are_printed_and_kept(typed, counted):
    code, said, noise = typed("m", "repetition", "--out", "a", "--quiet")
    assert (code, noise) == (0, "")
    assert "share     0.5  0.25  8" in said
    assert "... and 18 more" in said
    assert "  read this" in said
    assert said.rstrip().endswith("/a")
    kept = json.loads(Path("a/repetition.json").read_text(), parse_constant=pytest.fail)
    assert kept["figures"]["share"]["high"] is None
    assert len(kept["rows"]) == 30


def test_what_is_there_is_not_done_again_unless_it_is_asked_otherwise(typed, counted):
    for words in ([], [], ["--seed", "1"], ["--seed", "1"], ["--set", "top=3"]):
        assert typed("m", "repetition", "--out", "b", "--quiet", *words)[0] == 0
    assert [(one.seed, one.option("top", 0)) for one in counted] == [(0, 0), (1, 0), (0, 3)]


def test_json_is_one_object(typed, counted):
    _, said, _ = typed("m", "repetition", "--out", "c", "--json")
    assert json.loads(said, parse_constant=pytest.fail)["repetition"]["figures"]["share"]["n"] == 8


def test_settings_are_json_or_text(typed, counted):
    typed("m", "repetition", "--out", "d", "--quiet", "--set", 'parts=["a"]', "--set", "name=b", "--lexicon", "vader")
    assert counted[0].options == {"parts": ["a"], "name": "b", "lexicon": "vader"}


def test_without_names_an_audit_that_cannot_be_done_says_why_and_the_others_go_on(typed, counted):
    code, said, _ = typed("m", "--out", "e", "--quiet")
    assert code == 0
    assert "left out: the audit contamination is not in this version" in said
    assert Path("e/repetition.json").exists()
    assert not Path("e/contamination.json").exists()


def test_an_audit_that_is_not_there_is_told_in_one_line(typed, counted):
    code, _, noise = typed("m", "bias", "--out", "f", "--quiet")
    assert code == 1
    assert (
        noise.strip() == "foretell: the audit bias is not in this version; foretell audit --list shows those that are"
    )


def test_the_list_says_which_are_there(typed, counted):
    lines = typed("--list")[1].splitlines()
    assert [line.split()[0] for line in lines] == list(audit_command.AUDITS)
    assert [line.endswith("(not in this version)") for line in lines] == [True] * 6 + [False]


def test_a_folder_of_another_model_is_refused(typed, counted):
    assert typed("m", "repetition", "--out", "g", "--quiet")[0] == 0
    code, _, noise = typed("n", "repetition", "--out", "g", "--quiet")
    assert code == 2
    assert "g holds answers of another model" in noise


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no model is named"),
        (["m", "bia"], "did you mean 'bias'"),
        (["nowhere", "attribution"], "nowhere"),
        (["m", "sentiment", "--lexicon", "vadr"], "did you mean 'vader'"),
        (["m", "sentiment", "--lexicon", "sentiwordnet", "--lexicon-file", "absent"], "absent cannot be read"),
        (["m", "bias", "--set", 'parts=["crows"]'], "needs crows_pairs.jsonl"),
        (["m", "bias", "--data", "nowhere"], "nowhere is no folder"),
        (["m", "attribution", "--sentence", "word"], "has one word"),
        (["m", "attribution", "--set", "x"], "--set x has no name or no value"),
        (["m", "calibration", "--set", 'exams=["mad"]'], "no exam is called 'mad'"),
    ],
)
def test_what_is_asked_for_wrongly_is_told_in_one_line(typed, words, told):
    code, said, noise = typed(*words, "--out", "h", "--quiet")
    (line,) = noise.strip().splitlines()
    assert code == 2
    assert said == ""
    assert told in line


@pytest.mark.slow
def test_attribution_and_sentiment_of_a_tiny_model_are_done_and_done_once(typed, monkeypatch):
    words = ("m", "attribution", "sentiment", "--samples", "6", "--set", 'kinds=["religion"]', "--quiet", "--out", "i")
    code, said, noise = typed(*words)
    assert (code, noise) == (0, "")
    assert "completeness error" in said
    assert "sentiment Buddhism" in said
    monkeypatch.setattr(Model, "generate", pytest.fail)
    assert typed(*words)[1] == said
