"""`foretell chat` by a pipe and at a terminal, with a tiny model whose context is soon full."""

import io
import json
import os
import sys
from dataclasses import replace

import pytest

from foretell.cli import main
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.recipes import gpt2
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network

TEXT = ["Return the value of the key, or the default. " * 3, "Raise an error " * 9] * 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    network = random_network(replace(gpt2.network("smoke"), n_vocab=300, n_ctx=96))
    out = tmp_path_factory.mktemp("model") / "tiny"
    save_model(out, network, tokenizer, Card(recipe="tiny"))
    return str(out)


def piped(monkeypatch, folder, text, *more):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    return main(["chat", folder, "--max-new-tokens", "8", *more])


def test_each_line_of_a_pipe_gets_one_answer(monkeypatch, folder, capsys):
    assert piped(monkeypatch, folder, "Return it\n\nRaise it\n", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["message"] for row in rows] == ["Return it", "Raise it"]
    assert all(row["finish"] in ("end", "length") and row["left_out"] == 0 for row in rows)


def test_an_answer_depends_on_what_was_said_before_and_a_reset_forgets_it(monkeypatch, folder, capsys):
    how = ("--json", "--temperature", "0")
    assert piped(monkeypatch, folder, "Return it\nRaise it\n/reset\nRaise it\n/undo\nRaise it\n", *how) == 0
    after, alone, again = [json.loads(line)["answer"] for line in capsys.readouterr().out.splitlines()][1:]
    assert after != alone == again
    assert piped(monkeypatch, folder, "/system Be brief\nRaise it\n/system\nRaise it\n/quit\nRaise it\n", *how) == 0
    told, untold = (json.loads(line)["answer"] for line in capsys.readouterr().out.splitlines())
    assert told != untold == alone
    assert piped(monkeypatch, folder, "Raise it\n", *how, "--system", "Be brief") == 0
    assert json.loads(capsys.readouterr().out)["answer"] == told


def test_a_cut_beginning_is_told_once(monkeypatch, folder, capsys):
    assert piped(monkeypatch, folder, "Return the value of the key\n" * 8, "--json") == 0
    found = capsys.readouterr()
    assert found.err.count("no longer holds the conversation's beginning") == 1
    left_out = [json.loads(line)["left_out"] for line in found.out.splitlines()]
    assert left_out[0] == 0 < left_out[-1]
    assert left_out == sorted(left_out)


@pytest.mark.parametrize(
    ("text", "words"),
    [("/rest\n", "did you mean '/reset'"), ("Return the value of the key " * 30, "the context holds 96")],
)
def test_a_pipe_is_stopped_by_a_mistake_in_one_line(monkeypatch, folder, capsys, text, words):
    assert piped(monkeypatch, folder, text) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert words in line


def test_a_person_is_told_of_a_mistake_and_goes_on(monkeypatch, folder, capsys):
    master, slave = os.openpty()
    try:
        os.write(master, b"/rest\nReturn it\n/quit\n")
        with os.fdopen(os.dup(slave)) as typed:
            monkeypatch.setattr(sys, "stdin", typed)
            assert main(["chat", folder, "--max-new-tokens", "4", "--temperature", "0"]) == 0
    finally:
        os.close(master)
        os.close(slave)
    found = capsys.readouterr()
    assert "did you mean '/reset'" in found.err
    assert "/reset  /system TEXT" in found.out
    assert found.out.count("> ") == 3


def test_the_answer_at_a_terminal_is_the_one_of_a_pipe(monkeypatch, folder, capsys):
    assert piped(monkeypatch, folder, "Return it\n", "--json", "--seed", "3") == 0
    said = json.loads(capsys.readouterr().out)["answer"]
    assert piped(monkeypatch, folder, "Return it\n", "--seed", "3") == 0
    assert capsys.readouterr().out == said + "\n"


def test_a_run_on_text_alone_is_said_to_be_one(monkeypatch, folder, capsys, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "model").symlink_to(folder)
    (run / "config.json").write_text(json.dumps({"data": {"kind": "text"}}))
    assert piped(monkeypatch, str(run), "Return it\n") == 0
    assert "was trained on text alone" in capsys.readouterr().err
    assert piped(monkeypatch, str(run), "Return it\n", "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_a_model_that_cannot_generate_is_refused(monkeypatch, folder, capsys):
    assert piped(monkeypatch, folder, "x\n", "--temperature", "-1") == 2
    assert "temperature=-1.0" in capsys.readouterr().err
