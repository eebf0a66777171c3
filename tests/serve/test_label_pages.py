"""The labelling pages: what they show, what they keep and when, what they refuse, and what training reads of it."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

from foretell.align.assignments import tasks_of
from foretell.align.records import Candidates, Output, Prompt, Turn
from foretell.align.store import (
    add_candidates,
    add_labeller,
    add_prompts,
    close,
    counts,
    demonstrations,
    open_store,
    outputs,
    prompts,
    rankings,
)
from foretell.cli import main
from foretell.errors import BadUse
from foretell.serve.accounts.accounts import accounts, add_account
from foretell.serve.accounts.sessions import begin, page_token
from foretell.serve.api import make_app
from foretell.serve.labelling.desk import open_desk
from foretell.serve.labelling.told import FLAGS, REASONS, VERSION
from tests.serve.accounts_made import empty_store
from tests.serve.conftest import LIMITS

SCRIPT = "<script>alert(1)</script>"
TEXTS = ("Fine.", SCRIPT, "It is a key.", "No & no.")


@contextmanager
def at_desk(path, labeller="ana", overlap=1):
    """A client of the pages, and the store behind them."""
    from starlette.testclient import TestClient

    if not path.exists():
        path.write_bytes(empty_store())
    desk = open_desk(path, "boss", overlap)
    with TestClient(make_app({}, LIMITS, {}, desk), base_url="http://testserver") as client:
        enter(client, desk.store, labeller)
        yield client, desk.store
    close(desk.store)


def enter(client, store, name, role="researcher"):
    """Let somebody in, whose account is made where there is none."""
    if name not in {one.name for one in accounts(store)}:
        add_account(store, name, role)
    (key,) = [one.id for one in accounts(store) if one.name == name]
    secret = begin(store, key)
    client.cookies.set("foretell", secret)
    client.headers["X-Page-Token"] = page_token(secret)


def candidates(name="What is a key?", texts=TEXTS):
    made = tuple(Output(text=text, model=f"secret-{i}", seed=i) for i, text in enumerate(texts))
    return Candidates(prompt=name, outputs=made)


@pytest.fixture
def desk(tmp_path):
    with at_desk(tmp_path / "labels.db") as opened:
        yield opened


def task_in(page):
    return int(re.search(r'data-task="(\d+)"', page)[1])


def rated(likert=4, flags=(), seconds=1.5):
    return {"likert": likert, "flags": list(flags), "seconds": seconds}


def ranked(task, ranks, **more):
    ratings = [rated(likert=7 - i) for i in range(len(ranks))]
    return {"task": task, "ratings": ratings, "ranks": ranks, "seconds": 30.0, **more}


def test_an_empty_store_has_pages_that_say_so(desk):
    client, _ = desk
    assert "Labelling" in client.get("/label").text
    assert "No prompt is left" in client.get("/label/demonstration").text
    assert "two outputs or more" in client.get("/label/rank").text
    assert "no outputs that two labellers both ranked" in client.get("/label/agreement").text


def test_a_prompt_is_kept_with_consent_alone(desk):
    client, store = desk
    typed = {"prompt": "Write to ana@example.org about a key."}
    for consent in ({}, {"consent": False}, {"consent": None}, {"consent": "yes"}):
        assert client.post("/label/prompts", json=typed | consent).status_code == 400
    assert not prompts(store)
    assert client.post("/label/prompts", json=typed | {"consent": True}).json() == {"kept": True, "why": ""}
    (one,) = prompts(store)
    assert (one.source, one.user, one.use_case, one.split) == ("user", "ana", "", "train")
    assert "ana@example.org" not in one.text
    again = client.post("/label/prompts", json=typed | {"consent": True}).json()
    assert not again["kept"]
    assert again["why"]
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who are you?"}]
    assert client.post("/label/prompts", json={"prompt": turns, "consent": True}).json()["kept"]
    assert (Turn(role="system", content="Be brief."), Turn(role="user", content="Who are you?")) in [
        one.text for one in prompts(store)
    ]


def test_without_a_store_the_playground_says_that_nothing_is_kept_and_with_one_it_asks(desk, client):
    assert "keeps none of it" in client.get("/playground").text
    assert "consent" not in client.get("/playground").text
    assert client.get("/label").status_code == 404
    assert client.post("/label/prompts", json={"prompt": "x", "consent": True}).status_code == 404
    asking, _ = desk
    for path in ("/playground", "/playground/chat", "/compare"):
        page = asking.get(path).text
        assert "may be used for training" in page
        assert re.search(r'<input id="consent" type="checkbox">', page)


def test_a_demonstration_is_written_for_a_prompt_that_has_none(desk):
    client, store = desk
    add_prompts(store, [Prompt(text=f"Explain {SCRIPT}."), Prompt(text="Say two.")])
    seen = set()
    for answer in ("One.", "Two."):
        page = client.get("/label/demonstration").text
        assert SCRIPT not in page
        assert client.get("/label/demonstration").text == page
        task = task_in(page)
        sent = {"task": task, "completion": answer, "seconds": 12.5}
        assert client.post("/label/demonstration", json=sent).json() == {"saved": True}
        assert client.post("/label/demonstration", json=sent).status_code == 409
        seen.add(task)
    assert len(seen) == 2
    kept = demonstrations(store)
    assert {one.completion for one in kept} == {"One.", "Two."}
    assert {(one.labeller, one.instructions, one.seconds) for one in kept} == {("ana", VERSION, 12.5)}
    assert [one["state"] for one in tasks_of(store, "ana")] == ["done", "done"]
    assert "No prompt is left" in client.get("/label/demonstration").text


def test_an_empty_answer_is_refused_and_the_task_stays_open(desk):
    client, store = desk
    add_prompts(store, [Prompt(text="Say one.")])
    task = task_in(client.get("/label/demonstration").text)
    answer = client.post("/label/demonstration", json={"task": task, "completion": " \n", "seconds": 1})
    assert answer.status_code == 400
    assert "skip the task with a reason" in answer.json()["error"]["message"]
    assert task_in(client.get("/label/demonstration").text) == task
    assert counts(store)["demonstrations"] == 0


@pytest.mark.parametrize("kind", ["demonstration", "ranking"])
def test_a_prompt_is_skipped_with_a_reason_and_does_not_come_back(desk, kind):
    client, store = desk
    add_candidates(store, [candidates()])
    path = {"demonstration": "/label/demonstration", "ranking": "/label/rank"}[kind]
    sent = {"task": task_in(client.get(path).text), "kind": kind, "reason": REASONS[0], "seconds": 3}
    assert client.post("/label/skip", json=sent | {"reason": "whim"}).status_code == 400
    other = {"demonstration": "ranking", "ranking": "demonstration"}[kind]
    assert client.post("/label/skip", json=sent | {"kind": other}).status_code == 409
    assert client.post("/label/skip", json=sent).json() == {"saved": True}
    (told,) = tasks_of(store, "ana")
    assert (told["state"], told["reason"], told["seconds"]) == ("skipped", REASONS[0], 3)
    assert "Nothing waits" in client.get(path).text


def test_outputs_are_shown_escaped_in_a_seeded_order_and_without_their_models(tmp_path):
    orders = {}
    for name in ("ana", "bo", "cy", "di"):
        with at_desk(tmp_path / "labels.db", name, overlap=4) as (client, store):
            if name == "ana":
                add_candidates(store, [candidates()])
            page = client.get("/label/rank").text
            assert client.get("/label/rank").text == page
        assert SCRIPT not in page
        assert "secret" not in page
        orders[name] = tuple(re.findall(r'<p class="text output">(.*?)</p>', page))
        assert len(orders[name]) == 8  # each alone, then all
        assert orders[name][:4] == orders[name][4:]
    assert len(set(orders.values())) > 1


def test_ratings_and_a_ranking_with_ties_are_kept_as_they_were_given(desk):
    client, store = desk
    add_candidates(store, [candidates()])
    add_labeller(store, "ana", "b", role="researcher")
    page = client.get("/label/rank").text
    shown = re.findall(r'<p class="text output">(.*?)</p>', page)[:4]
    sent = ranked(task_in(page), [3, 1, 3, 4])
    sent["ratings"][1] = rated(2, ["opinion", "hallucination"], 9.25)
    assert client.post("/label/rank", json=sent).json() == {"saved": True}
    (one,) = rankings(store)
    assert one.ranks == (2, 1, 2, 4)
    assert [output.order for output in one.outputs] == [0, 1, 2, 3]
    assert [
        output.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for output in one.outputs
    ] == shown
    assert [output.likert for output in one.outputs] == [7, 2, 5, 4]
    assert {output.model for output in one.outputs} == {f"secret-{i}" for i in range(4)}
    assert one.outputs[1].flags == {name: name in ("opinion", "hallucination") for name in FLAGS}
    assert (one.labeller, one.labeller_group, one.instructions, one.seconds) == ("ana", "b", VERSION, 30.0)
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT seconds FROM ratings ORDER BY id").scalars().all() == [
            1.5,
            9.25,
            1.5,
            1.5,
        ]
    assert client.post("/label/rank", json=sent).status_code == 409
    assert counts(store)["rankings"] == 1


WRONG = [
    {"ranks": [1, 2, 3]},
    {"ranks": [0, 1, 2, 3]},
    {"ranks": [1, 2, 3, 10]},
    {"ranks": [1, 2, 3, "4"]},
    {"ranks": [1, 2, 3, 1.5]},
    {"ranks": "1234"},
    {"ratings": [rated()] * 3},
    {"ratings": [rated(0), *[rated()] * 3]},
    {"ratings": [rated(8), *[rated()] * 3]},
    {"ratings": [rated(flags=["unheard of"]), *[rated()] * 3]},
    {"ratings": [rated(seconds=-1), *[rated()] * 3]},
    {"seconds": -1},
    {"seconds": 1e300},
    {"task": 0},
    {"task": 10**12},
    {"task": True},
    {"more": 1},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_no_ranking_is_refused_and_nothing_is_kept(desk, wrong):
    client, store = desk
    add_candidates(store, [candidates()])
    sent = ranked(task_in(client.get("/label/rank").text), [1, 2, 3, 4]) | wrong
    answer = client.post("/label/rank", json=sent)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert {name: counts(store)[name] for name in ("rankings", "ratings")} == {"rankings": 0, "ratings": 0}
    assert tasks_of(store, "ana")[0]["state"] == "assigned"


@pytest.mark.parametrize(
    "body", ["", "[]", "null", "{", '"x"', '{"task": NaN}', '{"prompt": "\\ud800", "consent": true}']
)
def test_bodies_that_are_no_request_are_refused(desk, body):
    client, store = desk
    for route in ("prompts", "demonstration", "rank", "skip"):
        answer = client.post(f"/label/{route}", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400, route
        assert answer.json()["error"]["message"]
    assert not prompts(store)


@pytest.mark.parametrize(
    "prompt", ["", [], [{"role": "assistant", "content": "x"}], [{"role": "tool", "content": "x"}], "x" * 200_001, 3]
)
def test_prompts_that_cannot_be_are_refused(desk, prompt):
    client, store = desk
    assert client.post("/label/prompts", json={"prompt": prompt, "consent": True}).status_code == 400
    assert not prompts(store)


def test_pages_of_others_and_of_another_run_cannot_save(desk):
    client, store = desk
    sent = {"prompt": "Say one.", "consent": True}
    attempts = [
        {"X-Page-Token": ""},
        {"X-Page-Token": "x" * 43},
        {"Origin": "http://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "elsewhere.example"},
    ]
    for headers in attempts:
        assert client.post("/label/prompts", json=sent, headers=headers).status_code == 403, headers
    form = client.post("/label/prompts", content=json.dumps(sent), headers={"content-type": "text/plain"})
    assert form.status_code == 415
    assert client.get("/label", headers={"Host": "elsewhere.example"}).status_code == 403
    assert not prompts(store)


def test_a_task_of_another_labeller_cannot_be_handed_in(tmp_path):
    with at_desk(tmp_path / "labels.db") as (client, store):
        add_prompts(store, [Prompt(text="Say one.")])
        task = task_in(client.get("/label/demonstration").text)
    with at_desk(tmp_path / "labels.db", "bo") as (client, store):
        answer = client.post("/label/demonstration", json={"task": task, "completion": "One.", "seconds": 1})
        assert answer.status_code == 409
        assert counts(store)["demonstrations"] == 0


def test_pages_carry_a_policy_without_inline_code(desk):
    client, store = desk
    add_candidates(store, [candidates()])
    for path in ("/label", "/label/demonstration", "/label/rank", "/label/agreement"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?! type=\"module\" src=\"/static/)", answer.text)
        assert not re.search(r" (style|on\w+)=|<style", answer.text)
    for name in ("label.js", "demonstration.js", "rank.js", "label.css"):
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200
        assert "innerHTML" not in answer.text


def test_agreement_is_what_the_command_prints(tmp_path, capsys):
    path = tmp_path / "labels.db"
    for name, ranks in (("ana", [1, 2, 3, 4]), ("bo", [1, 2, 4, 3])):
        with at_desk(path, name, overlap=2) as (client, store):
            add_candidates(store, [candidates(), candidates("And a lock?")])
            for _ in range(2):
                assert client.post("/label/rank", json=ranked(task_in(client.get("/label/rank").text), ranks)).json()
            page = client.get("/label/agreement").text
    assert main(["label", "agreement", "--db", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["pairwise"]
    assert re.search(rf'<th scope="row">pairwise</th><td>{told["value"]:.3f}</td>.*<td>{told["n"]}</td>', page), page
    assert re.search(r'<th scope="row">ana</th>', page)


def test_a_name_that_is_no_persons_is_refused(tmp_path):
    store = open_store(tmp_path / "labels.db", create=True)
    add_labeller(store, "sim-1", role="simulated")
    close(store)
    for name in ("", " ", "a\nb", "x" * 65):
        with pytest.raises(BadUse, match="is no name"):
            open_desk(tmp_path / "labels.db", name)
    with pytest.raises(BadUse, match="simulated"):
        open_desk(tmp_path / "labels.db", "sim-1")


def test_what_the_pages_keep_is_exported_and_trains(tmp_path, capsys):
    from foretell.corpus.labels import label_rows

    path = tmp_path / "labels.db"
    with at_desk(path) as (client, store):
        client.post("/label/prompts", json={"prompt": "What is a key?", "consent": True})
        task = task_in(client.get("/label/demonstration").text)
        client.post("/label/demonstration", json={"task": task, "completion": "It opens a lock.", "seconds": 9})
        add_candidates(store, [candidates()])
        assert len(outputs(store)) == len(prompts(store)) == 1
        client.post("/label/rank", json=ranked(task_in(client.get("/label/rank").text), [2, 1, 1, 4]))
    for what in ("rankings", "demonstrations"):
        assert (
            main(["label", "export", "--db", str(path), "--out", str(tmp_path / f"{what}.jsonl"), "--what", what]) == 0
        )
    capsys.readouterr()
    (one,), none = label_rows(tmp_path, "rankings")
    assert one["ranks"] == [3, 1, 1, 4]
    assert not none
    (written,), _ = label_rows(tmp_path, "demonstrations")
    assert (written["prompt"], written["completion"]) == ("What is a key?", "It opens a lock.")


SERVING = """
import sys
sys.path.insert(0, sys.argv[1])
from foretell.commands.serve_command import Ready, listen, server
from foretell.serve.api import make_app
from foretell.serve.accounts.accounts import accounts, add_account
from foretell.serve.accounts.sessions import begin, page_token
from foretell.serve.accounts.accounts import accounts
from foretell.serve.accounts.sessions import begin
from foretell.serve.labelling.desk import open_desk
from foretell.serve.settings import Limits
desk = open_desk(sys.argv[2], "ana")
listening = listen("127.0.0.1", 0)
secret = begin(desk.store, accounts(desk.store)[0].id)
print(listening.getsockname()[1], secret, flush=True)
server(Ready(make_app({}, Limits(), {}, desk), listening, "", [])).run(sockets=[listening])
"""


@pytest.mark.slow
def test_what_is_acknowledged_outlives_a_kill(tmp_path, request):
    path = tmp_path / "labels.db"
    store = open_store(path, create=True)
    add_candidates(store, [candidates(f"Say {number}.") for number in range(5)])
    close(store)
    words = [sys.executable, "-c", SERVING, str(request.config.rootpath), str(path)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    port, secret = process.stdout.readline().split()
    address = f"http://127.0.0.1:{port}"

    def asked(route, body=None):
        headers = {
            "Content-Type": "application/json",
            "X-Page-Token": page_token(secret),
            "Cookie": f"foretell={secret}",
        }
        sent = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(address + route, sent, headers), timeout=20) as answer:
            return answer.read().decode()

    try:
        for number in range(3):
            task = task_in(asked("/label/rank"))
            assert json.loads(asked("/label/rank", ranked(task, [1, 1, 2, number + 1]))) == {"saved": True}
            written = {"task": task_in(asked("/label/demonstration")), "completion": f"{number}", "seconds": 1}
            assert json.loads(asked("/label/demonstration", written)) == {"saved": True}
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    store = open_store(path)
    assert len(rankings(store)) == len(demonstrations(store)) == 3
    assert sorted(one["state"] for one in tasks_of(store, "ana")) == ["done"] * 6
    close(store)
