"""The arena: blind until the vote, which is kept once, and figures that say how sure they are."""

import json
import re

import pytest

from foretell.align.answers import answers_of
from foretell.align.store import counts
from foretell.serve.arena.rounds import pairs, results
from tests.serve.accounts_made import serving

ASK = {"prompt": "What is a <b>key</b>?", "temperature": 1.0, "max_tokens": 8}


@pytest.fixture
def two(models, tmp_path):
    with serving(tmp_path / "labels.db", {name: models[name] for name in ("one", "two", "encoder")}) as (enter, desk):
        yield enter("ana", "researcher"), desk.store


def vote(client, task, winner="left"):
    return client.post("/arena/vote", json={"task": task, "winner": winner, "seconds": 2.5})


def test_a_round_names_no_model_until_the_vote_which_names_both(two):
    client, store = two
    told = client.post("/arena/round", json=ASK)
    assert told.status_code == 200, told.text
    assert set(told.json()) == {"task", "left", "right"}
    (waiting,) = answers_of(store, "arena", "assigned")
    assert waiting.shown["prompt"] == ASK["prompt"]
    named = vote(client, told.json()["task"]).json()
    assert {named["left"], named["right"]} == {"one", "two"}
    (kept,) = answers_of(store, "arena")
    assert (kept.labeller, kept.given, kept.seconds) == ("ana", {"winner": "left"}, 2.5)
    assert kept.shown["left"] == {"model": named["left"], "text": told.json()["left"]}
    assert {name: counts(store)[name] for name in ("prompts", "rankings")} == {"prompts": 0, "rankings": 0}


def test_a_round_is_what_the_api_answers_with_the_same_seed(two):
    client, store = two
    told = client.post("/arena/round", json=ASK).json()
    (kept,) = answers_of(store, "arena", "assigned")
    how = {name: kept.shown[name] for name in ("temperature", "max_tokens", "seed")}
    for side in ("left", "right"):
        asked = {"model": kept.shown[side]["model"], "messages": [{"role": "user", "content": ASK["prompt"]}], **how}
        said = client.post("/v1/chat/completions", json=asked).json()["choices"][0]["message"]["content"]
        assert said == told[side]


def test_a_vote_counts_once_outlives_the_server_and_is_of_whoever_began(models, tmp_path):
    pair = {name: models[name] for name in ("one", "two")}
    with serving(tmp_path / "labels.db", pair) as (enter, _):
        task = enter("ana").post("/arena/round", json=ASK).json()["task"]
    with serving(tmp_path / "labels.db", pair) as (enter, desk):
        assert vote(enter("bo"), task).status_code == 409
        ana = enter("ana")
        assert vote(ana, task, "both bad").status_code == 200
        assert vote(ana, task).status_code == 409
        assert vote(ana, task + 1).status_code == 409
        assert [one.given["winner"] for one in answers_of(desk.store, "arena")] == ["both bad"]


def test_sides_and_pairs_are_drawn_by_chance(two):
    client, store = two
    for _ in range(12):
        assert client.post("/arena/round", json={**ASK, "max_tokens": 1}).status_code == 200
    assert {one.shown["left"]["model"] for one in answers_of(store, "arena", "assigned")} == {"one", "two"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ""},
        {"prompt": "x" * 20_001},
        {"prompt": None},
        {"prompt": "\ud800"},
        {"temperature": 3},
        {"temperature": "hot"},
        {"max_tokens": 0},
        {"max_tokens": 10**7},
        {"model": "one"},
    ],
    ids=str,
)
def test_what_is_no_round_is_refused(two, wrong):
    client, store = two
    body = json.dumps(ASK | wrong)
    answer = client.post("/arena/round", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert not answers_of(store, "arena", "assigned")


@pytest.mark.parametrize(
    "wrong", [{"winner": "me"}, {"winner": None}, {"task": 0}, {"task": True}, {"seconds": -1}, {"x": 1}]
)
def test_what_is_no_vote_is_refused(two, wrong):
    client, _ = two
    sent = {"task": 1, "winner": "left", "seconds": 1} | wrong
    assert client.post("/arena/vote", json=sent).status_code == 400


def test_pages_of_others_cannot_vote(two):
    client, store = two
    task = client.post("/arena/round", json=ASK).json()["task"]
    for headers in ({"X-Page-Token": ""}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.example"}):
        sent = {"task": task, "winner": "left", "seconds": 1}
        assert client.post("/arena/vote", json=sent, headers=headers).status_code == 403
        assert client.post("/arena/round", json=ASK, headers=headers).status_code == 403
    assert not answers_of(store, "arena")


def test_one_model_is_not_enough_and_without_a_store_there_is_no_arena(models, tmp_path, client):
    with serving(tmp_path / "labels.db", {"one": models["one"]}) as (enter, _):
        alone = enter("ana")
        assert "needs two models" in alone.get("/arena").text
        assert alone.post("/arena/round", json=ASK).status_code == 409
    assert client.get("/arena").status_code == 404


def test_who_labels_may_vote_and_does_not_see_the_results(models, tmp_path):
    with serving(tmp_path / "labels.db", {name: models[name] for name in ("one", "two")}) as (enter, _):
        ana = enter("ana", "held-out labeller")
        assert "/arena/results" not in ana.get("/arena").text
        assert vote(ana, ana.post("/arena/round", json=ASK).json()["task"]).status_code == 200
        for path in ("/arena/results", "/arena/results/votes.jsonl"):
            assert ana.get(path).status_code == 403
            assert enter().get(path).status_code == 401


def test_results_tell_ratings_win_rates_and_how_many_votes(two):
    client, store = two
    assert "Nobody has voted yet" in client.get("/arena/results").text
    for winner in ("left", "right", "tie", "both bad", "left"):
        vote(client, client.post("/arena/round", json={**ASK, "max_tokens": 2}).json()["task"], winner)
    told = results(answers_of(store, "arena"))
    assert told["n"] == 5
    assert told["chosen"] == {"left": 2, "right": 1, "tie": 1, "both bad": 1}
    assert told["left"]["value"] == pytest.approx(2 / 3)
    ((first, second, rate),) = pairs(answers_of(store, "arena"))
    assert (first, second, rate["n"], rate["ties"]) == ("one", "two", 5, 0.4)
    scores = {"left": 1.0, "right": 0.0}
    plain = [
        scores.get(one.given["winner"], 0.5)
        if one.shown["left"]["model"] == "one"
        else 1 - scores.get(one.given["winner"], 0.5)
        for one in answers_of(store, "arena")
    ]
    assert rate["value"] == pytest.approx(sum(plain) / 5)
    page = client.get("/arena/results").text
    assert f"{rate['value']:.3f}" in page
    assert len(re.findall(r"\d+ to \d+", page)) >= 2
    rows = [json.loads(row) for row in client.get("/arena/results/votes.jsonl").text.splitlines()]
    assert [row["winner"] for row in rows] == ["left", "right", "tie", "both bad", "left"]


def test_pages_carry_a_policy_without_inline_code(two):
    client, _ = two
    for path in ("/arena", "/arena/results"):
        answer = client.get(path)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r" (style|on\w+)=|<style|http://|https://", answer.text)
    assert "innerHTML" not in client.get("/static/arena.js").text


def test_the_length_that_the_page_begins_with_leaves_every_model_room_for_a_prompt(two, models):
    client, _ = two
    length = int(re.search(r'id="max_tokens"[^>]*value="(\d+)"', client.get("/arena").text).group(1))
    assert length == min(60, *(models[name].network.cfg.n_ctx // 2 for name in ("one", "two")))
    assert client.post("/arena/round", json={"prompt": "A key?", "max_tokens": length}).status_code == 200
