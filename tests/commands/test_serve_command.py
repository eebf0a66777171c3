"""`foretell serve` as a stranger types it: what is refused at once, what is printed, how a key is made."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from foretell.cli import main
from tests.serve.conftest import model_of


@pytest.fixture
def error(capsys):
    """A function that types a wrong command and gives the one line that is printed."""

    def typed(*words, code=2):
        assert main(["serve", *words]) == code
        (line,) = capsys.readouterr().err.strip().splitlines()
        return line

    return typed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no model is named"),
        (["m", "--host", "0.0.0.0"], "without --keys or --db: other machines may ask only with a key"),
        (["m", "--host", "example.org"], "without --keys"),
        (
            ["m", "--db", "l.db", "--host", "0.0.0.0", "--port", "0"],
            "has a password yet; start it once for this machine",
        ),
        (["m", "--db", "l.db", "--name", "models.example.org", "--port", "0"], "choose a password"),
        (["m", "--admin", "ana"], "give the label store as --db"),
        (["m", "--db", "l.db", "--admin", " ", "--port", "0"], "is no name"),
        (["m", "--db", "l.db", "--overlap", "0", "--port", "0"], "--overlap 0"),
        (["m", "--port", "65536"], "not at most 65535"),
        (["m", "--port", "x"], "no whole number"),
        (["m", "--max-waiting", "0"], "would refuse everything"),
        (["m", "--keys", "nowhere.txt"], "cannot be read"),
        (["a/m", "b/m"], "two models are called 'm'"),
        (["x=a", "x=b"], "two models are called 'x'"),
        (["nowhere", "--port", "0"], "nowhere"),
        (["--new-key", "anna"], "--keys FILE"),
        (["--new-key", "a b", "--keys", "k"], "a-z 0-9"),
        (["m", "--new-key", "anna", "--keys", "k"], "serves nothing"),
    ],
)
def test_what_cannot_be_served_is_one_line(error, words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in error(*words)


def test_a_port_that_is_taken_is_one_line(error):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert "give another --port" in error("m", "--port", str(other.getsockname()[1]), code=1)


def test_a_key_is_printed_once(tmp_path, capsys):
    file = tmp_path / "keys.txt"
    for name, more in (("anna", []), ("ben", ["--quiet"]), ("cy", ["--json"])):
        assert main(["serve", "--new-key", name, "--keys", str(file), *more]) == 0
    anna, about, ben, cy = capsys.readouterr().out.splitlines()
    assert "shown this once" in about
    assert anna.startswith("ft_")
    assert ben.startswith("ft_")
    assert json.loads(cy)["name"] == "cy"
    assert [line.split()[0] for line in file.read_text().splitlines()] == ["anna", "ben", "cy"]


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_end(tmp_path):
    from foretell.recipes import gpt2

    model_of(gpt2.network("smoke")).save(tmp_path / "Nano Model")
    command = [sys.executable, "-m", "foretell.cli", "serve", str(tmp_path / "Nano Model"), "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        told = json.loads(process.stdout.readline())
        assert told["models"] == ["nano-model"]
        with urllib.request.urlopen(f"{told['address']}/v1/models") as answer:
            assert json.load(answer)["data"][0]["id"] == "nano-model"
            assert "server" not in answer.headers
    finally:
        os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0


def given(db, **more):
    from argparse import Namespace

    return Namespace(
        **{"db": str(db), "host": "127.0.0.1", "name": [], "keys": None, "admin": None, "overlap": None, **more}
    )


def test_other_machines_are_let_in_when_an_admin_has_a_password(tmp_path):
    from foretell.align.store import close, open_store
    from foretell.commands.serve_command import opened_desk
    from foretell.errors import BadUse
    from foretell.serve.accounts.accounts import set_password

    db, public = tmp_path / "labels.db", {"host": "0.0.0.0", "name": ["labels.example.org"]}
    alone = opened_desk(given(db, admin="ana", overlap=3))
    assert alone.link
    assert (alone.door.local, alone.door.api_open) == (True, True)
    close(alone.store)
    with pytest.raises(BadUse, match="choose a password"):
        opened_desk(given(db, **public))
    store = open_store(db)
    set_password(store, "ana", "four quite plain words")
    close(store)
    desk = opened_desk(given(db, **public))
    assert (desk.link, desk.door.local, desk.door.api_open) == ("", False, False)
    close(desk.store)


@pytest.mark.slow
def test_the_link_that_is_printed_lets_the_first_admin_in(tmp_path):
    import re

    from foretell.recipes import gpt2

    model_of(gpt2.network("smoke")).save(tmp_path / "m")
    command = [sys.executable, "-m", "foretell.cli", "serve", str(tmp_path / "m"), "--port", "0", "--json"]
    process = subprocess.Popen([*command, "--db", str(tmp_path / "labels.db")], stdout=subprocess.PIPE, text=True)
    try:
        told = json.loads(process.stdout.readline())
        with urllib.request.urlopen(told["link"]) as answer:
            page, cookie = answer.read().decode(), answer.headers["set-cookie"].partition(";")[0]
        token = re.search(r'name="token" content="([^"]+)"', page)[1]
        headers = {"Content-Type": "application/json", "X-Page-Token": token, "Cookie": cookie}
        sent = json.dumps({"link": told["link"].rpartition("/")[2], "password": ""}).encode()
        asked = urllib.request.Request(f"{told['address']}/link", sent, headers)
        with urllib.request.urlopen(asked) as answer:
            session = answer.headers["set-cookie"].partition(";")[0]
        asked = urllib.request.Request(f"{told['address']}/admin/labellers", headers={"Cookie": session})
        with urllib.request.urlopen(asked) as answer:
            assert "operator" in answer.read().decode()
        with urllib.request.urlopen(f"{told['address']}/v1/models") as answer:  # as without --db
            assert json.load(answer)["data"]
    finally:
        os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
