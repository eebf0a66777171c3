"""Fifty labellers at once on a real server, and a server that is killed: every answer that it acknowledged is there."""

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import pytest

from foretell.align.assignments import tasks_of
from foretell.align.records import Candidates, Output
from foretell.align.store import add_candidates, close, open_store, rankings
from foretell.serve.accounts.accounts import account, add_account
from foretell.serve.accounts.sessions import begin, page_token
from tests.align.test_postgresql import address, server  # noqa: F401

pytestmark = pytest.mark.slow
N, EACH = 50, 2
SERVING = """
import sys
sys.path.insert(0, sys.argv[1])
from foretell.commands.serve_command import Ready, listen, server
from foretell.serve.api import make_app
from foretell.serve.labelling.desk import open_desk
from foretell.serve.settings import Limits
desk = open_desk(sys.argv[2], "boss", overlap=1000)
listening = listen("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
server(Ready(make_app({}, Limits(), {}, desk), listening, "", [])).run(sockets=[listening])
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """The address of an empty store."""
    return str(tmp_path / "labels.db") if request.param == "sqlite" else request.getfixturevalue("address")


@contextmanager
def running(where, request):
    """A server in a process of its own, and its port."""
    words = [sys.executable, "-c", SERVING, str(request.config.rootpath), where]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def made(where):
    """The sessions of fifty labellers of a store with prompts for each."""
    store = open_store(where, create=True)
    texts = ("one", "two", "three")
    some = [Candidates(prompt=f"Say {i}.", outputs=tuple(Output(text=text) for text in texts)) for i in range(EACH)]
    add_candidates(store, some)
    secrets = {}
    for number in range(N):
        name = f"labeller-{number}"
        add_account(store, name, "researcher" if number % 10 == 0 else "labeller")
        secrets[name] = begin(store, account(store, name).id)
    close(store)
    return secrets


class Labeller(threading.Thread):
    """Somebody who labels until all is done or the server is gone; `kept` is what the server acknowledged."""

    def __init__(self, port, name, secret):
        super().__init__()
        self.port, self.name_, self.secret = port, name, secret
        self.kept, self.wrong = [], []

    def run(self):
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
                self.label(connection)
        except (OSError, http.client.HTTPException):
            pass

    def label(self, connection):
        status, text = self.ask(connection, "/label")
        version = re.search(r'name="version" value="([^"]+)"', text)
        if version:
            self.ask(connection, "/label/instructions", {"version": version[1]})
        while task := re.search(r'data-task="(\d+)"', self.ask(connection, "/label/rank")[1]):
            number = int(task[1])
            ratings = [{"likert": 1 + (number + i) % 7, "flags": [], "seconds": 1} for i in range(3)]
            self.ask(connection, "/label/draft", {"task": number, "kind": "ranking", "draft": "{}"})
            sent = {"task": number, "ratings": ratings, "ranks": [1, 2, 2], "seconds": number + 0.5}
            status, text = self.ask(connection, "/label/rank", sent)
            if status == 200 and json.loads(text) == {"saved": True}:
                self.kept.append(number)

    def ask(self, connection, path, body=None):
        headers = {"Cookie": f"foretell={self.secret}", "X-Page-Token": page_token(self.secret)}
        if body is None:
            connection.request("GET", path, headers=headers)
        else:
            connection.request("POST", path, json.dumps(body), {**headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            self.wrong.append((path, answer.status, text))
        return answer.status, text


def labelling(port, secrets):
    people = [Labeller(port, name, secret) for name, secret in secrets.items()]
    for one in people:
        one.start()
    return people


def kept_in(where):
    """The number of each task that a ranking answers, by its labeller, from what the ranking itself says."""
    store = open_store(where)
    found = {}
    for one in rankings(store):
        found.setdefault(one.labeller, []).append(int(one.seconds - 0.5))
    done = {name: [one["id"] for one in tasks_of(store, name) if one["state"] == "done"] for name in found}
    close(store)
    assert {name: sorted(some) for name, some in found.items()} == {name: sorted(some) for name, some in done.items()}
    return {name: sorted(some) for name, some in found.items()}


def test_fifty_labellers_who_save_at_once_lose_nothing(where, request):
    secrets = made(where)
    with running(where, request) as (_, port):
        people = labelling(port, secrets)
        for one in people:
            one.join()
    assert not [wrong for one in people for wrong in one.wrong]
    found = kept_in(where)
    assert found == {one.name_: sorted(one.kept) for one in people}
    assert {len(some) for some in found.values()} == {EACH}


def test_what_was_acknowledged_outlives_a_kill_in_the_middle(where, request):
    secrets = made(where)
    with running(where, request) as (process, port):
        people = labelling(port, secrets)
        while sum(len(one.kept) for one in people) < N // 2:
            people[0].join(0.01)
        process.send_signal(signal.SIGKILL)
        for one in people:
            one.join()
    found = kept_in(where)
    acknowledged = {one.name_: set(one.kept) for one in people}
    assert N // 2 <= sum(map(len, acknowledged.values())) < N * EACH
    for name, numbers in acknowledged.items():
        assert numbers <= set(found.get(name, []))
    with running(where, request) as (_, port):  # and the rest goes on where it was
        rest = labelling(port, secrets)
        for one in rest:
            one.join()
    assert {len(some) for some in kept_in(where).values()} == {EACH}
