"""`foretell label sample`: outputs that simulated labellers can rank, and what is refused in one line."""

import json

import pytest

from foretell.align.store import close, open_store, outputs, rankings
from foretell.cli import main
from tests.align.talkers import saved


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"Return {word} value"} for word in ("the", "one more", "no", "every", "that other")]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["label", "init", "prompts.jsonl", "--db", "labels.db"]) == 0
    return "labels.db"


def sample(folder, *more):
    how = ["--max-new-tokens", "8", "--quiet"]
    return main(["label", "sample", folder, "--db", "labels.db", *how, *more])


def held(of):
    store = open_store("labels.db")
    found = of(store)
    close(store)
    return found


def test_outputs_are_sampled_and_ranked_by_simulated_labellers(folder, labels, capsys):
    assert sample(folder, "--k", "4..6") == 0
    said = capsys.readouterr().out
    assert "outputs of 5 prompts added to labels.db" in said
    assert all(2 <= len(some) <= 6 for some in held(outputs).values())
    assert sample(folder, "--k", "4..6", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"prompts": 0, "outputs": 0, "had_outputs": 5, "too_long": 0}
    assert main(["label", "simulate", "--db", labels, "--labellers", "2"]) == 0
    assert len(held(rankings)) == 10


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--k", "4..10"], "2 to 9 outputs can be ranked"),
        (["--k", "many"], "'many' is no number of outputs such as 4"),
        (["--temperature", "-1"], "temperature=-1.0"),
        (["--max-new-tokens", "96"], "leaves room"),
    ],
)
def test_what_cannot_be_sampled_is_one_line(folder, labels, capsys, words, told):
    assert sample(folder, *words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert told in line
    assert not held(outputs)
