"""`foretell label user`: accounts from the command line."""

import json

import pytest

from foretell.align.store import close, open_store
from foretell.cli import main
from foretell.serve.accounts.accounts import link_owner


def said(capsys, *words):
    assert main(["label", "user", *words]) == 0
    return capsys.readouterr().out


def test_an_account_is_made_listed_changed_and_disabled(tmp_path, capsys):
    db = str(tmp_path / "labels.db")
    said(capsys, "add", db, "boss", "--role", "admin")
    line = said(capsys, "add", db, "ana", "--address", "https://labels.example/")
    assert line.startswith("https://labels.example/link/")
    secret = line.split()[0].rpartition("/")[2]
    store = open_store(db)
    assert link_owner(store, secret).name == "ana"
    assert "lets ana in" in said(capsys, "link", db, "ana")
    assert link_owner(store, secret) is None
    said(capsys, "role", db, "ana", "held-out labeller")
    said(capsys, "disable", db, "ana")
    told = {one["name"]: one for one in json.loads(said(capsys, "list", db, "--json"))}
    assert (told["ana"]["role"], told["ana"]["active"]) == ("held-out labeller", False)
    assert "held-out labeller" in said(capsys, "list", db)
    said(capsys, "enable", db, "ana")
    close(store)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["ad", "{db}", "x"], "did you mean"),
        (["add", "{db}", "boss"], "has an account"),
        (["add", "{db}", "x", "--role", "king"], "is no role"),
        (["role", "{db}", "boss", "labeller"], "the last admin"),
        (["disable", "{db}", "boss"], "the last admin"),
        (["link", "{db}", "nobody"], "nobody called 'nobody'"),
        (["list", "{db}x"], "does not exist"),
        (["labeller", "boss", "--db", "{db}"], "foretell label user role"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path, capsys, words, why):
    db = str(tmp_path / "labels.db")
    said(capsys, "add", db, "boss", "--role", "admin")
    part = ["label"] if words[0] == "labeller" else ["label", "user"]
    assert main([*part, *[word.replace("{db}", db) for word in words]]) == 2
    told = capsys.readouterr().err.strip()
    assert why in told
    assert "\n" not in told
