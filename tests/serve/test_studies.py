"""The other kinds of task: blind, kept once, half done kept too, exported; and what came of them, counted plainly."""

import json
import re
from collections import Counter

import pytest

from foretell.align.answers import answers_of
from foretell.align.records import Output, Prompt
from foretell.align.store import add_outputs, add_prompts
from foretell.commands.flags import parser
from foretell.commands.serve_command import add_flags, check
from foretell.errors import BadUse
from foretell.serve.api import make_app
from foretell.serve.labelling.desk import open_desk
from foretell.serve.labelling.questions import CATEGORIES, QUESTIONS, TITLES, TOLD, checked
from foretell.serve.labelling.study import KINDS, Study, articles, read_quiz
from foretell.serve.labelling.study_results import comparison, study_results
from foretell.serve.labelling.study_routes import PATHS
from foretell.serve.labelling.told import REASONS
from foretell.tasks.news import Article
from foretell.tasks.news_quiz import quiz, write_quiz
from tests.serve.accounts_made import entered
from tests.serve.conftest import LIMITS

SCRIPT = "<script>alert(1)</script>"
TOXIC = {"prompt_toxicity": 0, "output_toxicity": 2, "relative": 1, "continuity": 7}


@pytest.fixture
def news(tmp_path):
    """A quiz of one model: six titles."""
    asked = [Article(title=f"Title {i}", subtitle="", text=f"Human text {i}.") for i in range(6)]
    write_quiz([quiz(asked, [f"Model text {i}." for i in range(6)], "gpt-x")], tmp_path / "quiz")
    return tmp_path / "quiz"


@pytest.fixture
def desk(models, tmp_path, news):
    """A function that makes clients, and the store behind them, with outputs of a baseline and of two others."""
    from starlette.testclient import TestClient

    opened = open_desk(str(tmp_path / "labels.db"), "boss", 1)
    entries, key = read_quiz(news)
    study = Study(baseline="old", entries=entries, key=key)
    app = make_app({"one": models["one"]}, LIMITS, {}, opened, None, study)
    add_prompts(opened.store, [Prompt(text=f"What is a key? {i}") for i in range(3)])
    with TestClient(app, base_url="http://testserver") as first:

        def client(name, role="researcher"):
            made = TestClient(app, base_url="http://testserver", follow_redirects=False)
            made.portal = first.portal
            return entered(made, opened.store, name, role)

        yield client, opened.store, study
    opened.store.engine.dispose()


def with_outputs(store, prompts=2):
    from foretell.align.store import prompts as stored

    for one in stored(store)[:prompts]:
        for model in ("old", "new", "newer"):
            add_outputs(store, one.prompt_id, [Output(text=f"{SCRIPT} by-{model[::-1]}", model=model)])


def task_in(page):
    return int(re.search(r'data-task="(\d+)"', page)[1])


def answer(client, kind, given):
    page = client.get(PATHS[kind]).text
    body = {"task": task_in(page), "kind": kind, "given": given, "seconds": 1.5}
    return client.post("/label/studies/answer", json=body)


def test_pairs_are_blind_and_their_win_rates_are_those_of_the_votes(desk):
    client, store, study = desk
    with_outputs(store)
    ana = client("ana")
    page = ana.get("/label/pairwise").text
    assert SCRIPT not in page
    assert "new" not in re.sub(r"by-\w+", "", page.split("<main>")[1])
    for winner in ("left", "right", "tie", "left"):
        assert answer(ana, "pairwise", {"winner": winner}).json() == {"saved": True}
    assert "Nothing of this kind is left" in ana.get("/label/pairwise").text
    kept = answers_of(store, "pairwise")
    assert Counter(one.shown["model"] for one in kept) == {"new": 2, "newer": 2}
    assert all({one.shown["left"]["model"], one.shown["right"]["model"]} == {"old", one.shown["model"]} for one in kept)
    for model in ("new", "newer"):
        mine = [one for one in kept if one.shown["model"] == model]
        plain = [
            0.5 if one.given["winner"] == "tie" else float(one.shown[one.given["winner"]]["model"] != "old")
            for one in mine
        ]
        assert [comparison(one)["preference"] for one in mine] == plain
    rows = study_results(study, store)["pairwise"]
    assert [row[0] for row in rows] == ["new / old", "newer / old"]


def test_sides_are_drawn_for_each_labeller(desk):
    _, store, _ = desk
    with_outputs(store, 3)
    from foretell.serve.labelling.study import pairs

    sides = {tuple(shown["left"]["model"] == "old" for _, shown in pairs(store, "old", name)) for name in "abcdefgh"}
    assert len(sides) > 2


def test_toxicity_is_rated_and_its_means_are_told(desk):
    client, store, study = desk
    with_outputs(store, 1)
    ana = client("ana")
    for output in (0, 1, 2):
        assert answer(ana, "toxicity", TOXIC | {"output_toxicity": output}).json() == {"saved": True}
    assert {one.shown["model"]: one.given["output_toxicity"] for one in answers_of(store, "toxicity")}.keys() == {
        "old",
        "new",
        "newer",
    }
    rows = {row[0]: row[1] for row in study_results(study, store)["toxicity"]}
    assert len(rows) == 9
    assert rows["old: continuity"] == "7"
    lines = ana.get("/label/studies/results/toxicity.jsonl").text.splitlines()
    assert all(json.loads(row)["prompt"].startswith("What is a key?") for row in lines)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        TOXIC | {"output_toxicity": 3},
        TOXIC | {"output_toxicity": True},
        TOXIC | {"output_toxicity": "1"},
        TOXIC | {"more": 1},
        {"output_toxicity": 1},
    ],
    ids=str,
)
def test_answers_that_were_not_asked_for_are_refused(desk, wrong):
    client, store, _ = desk
    with_outputs(store, 1)
    ana = client("ana")
    assert answer(ana, "toxicity", wrong).status_code == 400
    assert not answers_of(store, "toxicity")
    assert answer(ana, "toxicity", TOXIC).status_code == 200


def test_what_is_half_done_is_back_and_a_skip_has_a_reason(desk):
    client, store, _ = desk
    with_outputs(store, 1)
    ana = client("ana")
    task = task_in(ana.get("/label/toxicity").text)
    half = {"task": task, "kind": "toxicity", "given": {"output_toxicity": 2}}
    assert ana.post("/label/studies/draft", json=half).status_code == 200
    assert "{&#34;output_toxicity&#34;: 2}" in ana.get("/label/toxicity").text
    for name in ("bo",):
        assert client(name).post("/label/studies/draft", json=half).status_code == 409
    sent = {"task": task, "kind": "toxicity", "reason": REASONS[0], "seconds": 1}
    assert ana.post("/label/studies/skip", json=sent | {"reason": "whim"}).status_code == 400
    assert ana.post("/label/studies/skip", json=sent).json() == {"saved": True}
    assert ana.post("/label/studies/draft", json=half).status_code == 409
    assert task_in(ana.get("/label/toxicity").text) != task


def test_a_conversation_is_kept_turn_by_turn_and_its_failure_marked(desk):
    client, store, study = desk
    ana = client("ana", "labeller")
    read_instructions(ana)
    task = task_in(ana.get("/label/red-team").text)
    mark = {"task": task, "failed": 1, "category": CATEGORIES[0], "note": "there", "seconds": 3}
    assert ana.post("/label/red-team/mark", json=mark).status_code == 400
    said = ana.post("/label/red-team/say", json={"task": task, "content": SCRIPT})
    assert said.status_code == 200, said.text
    page = ana.get("/label/red-team").text
    assert task_in(page) == task
    assert SCRIPT not in page
    assert "one" not in re.findall(r"<p class=\"who\">(\w+)", page)
    wrongs = [{"failed": 0}, {"failed": 2}, {"failed": -2}, {"category": "whim"}, {"category": ""}, {"failed": -1}]
    for wrong in wrongs:
        assert ana.post("/label/red-team/mark", json=mark | wrong).status_code == 400, wrong
    assert client("bo").post("/label/red-team/mark", json=mark).status_code == 409
    assert ana.post("/label/red-team/mark", json=mark).json() == {"saved": True}
    assert ana.post("/label/red-team/say", json={"task": task, "content": "more"}).status_code == 409
    (kept,) = answers_of(store, "red_team")
    assert [turn["role"] for turn in kept.given["turns"]] == ["user", "assistant"]
    assert kept.given["turns"][1]["content"] == said.json()["content"]
    lines = client("cy").get("/label/studies/results/red_team.jsonl").text.splitlines()
    (row,) = map(json.loads, lines)
    assert (row["model"], row["failed"], row["category"], row["note"]) == ("one", 1, CATEGORIES[0], "there")
    assert study_results(study, store)["red_team"][0][:2] == ("one", "1")


def read_instructions(client):
    page = client.get("/label").text
    version = re.search(r'name="version" value="([^"]+)"', page)
    sent = {"version": version[1]} if version else {}
    answer = client.post("/label/instructions", json=sent)
    assert answer.status_code in (200, 400, 404), answer.text


def test_everybody_has_one_quiz_in_its_order_and_both_versions_are_used(desk):
    client, store, study = desk
    quizzes = {}
    for name in ("ana", "bo", "cy"):
        one = client(name)
        while "data-task" in one.get("/label/news").text:
            page = one.get("/label/news").text
            assert "gpt-x" not in page
            item = answers_of(store, "news", "assigned")[-1].item
            right = study.key[item]
            model = 5 if right["author"] == "model" else 1
            assert answer(one, "news", {"answer": right["answer"] or model}).status_code == 200
        mine = [one for one in answers_of(store, "news") if one.labeller == name]
        places = [study.entries[one.item]["place"] for one in mine]
        assert places == sorted(places) == list(range(1, 8))
        quizzes[name] = {one.shown["quiz"] for one in mine}
    assert all(len(some) == 1 for some in quizzes.values())
    assert quizzes["ana"] != quizzes["bo"]
    rows = study_results(study, store)["news"]
    assert rows[0][:2] == ("gpt-x", "1")
    assert rows[0][3] == "3"


def test_the_quiz_of_the_fewest_is_given(desk):
    _, _, study = desk
    (first, *_), (second, *_) = articles(study, [], "x"), articles(study, [], "y")
    assert first == second


def test_results_are_for_those_who_research(desk):
    client, store, _ = desk
    with_outputs(store, 1)
    answer(client("cy"), "toxicity", TOXIC)
    page = client("cy").get("/label/studies/results").text
    assert ": output_toxicity" in page
    ana = client("ana", "labeller")
    for path in ("/label/studies/results", "/label/studies/results/toxicity.jsonl"):
        assert ana.get(path).status_code == 403
    assert client("cy").get("/label/studies/results/none.jsonl").status_code == 404


def test_who_has_not_read_the_instructions_is_sent_to_them(desk):
    client, _, _ = desk
    assert client("dee", "labeller").get("/label/toxicity").headers["location"] == "/label"


def test_pages_carry_a_policy_without_inline_code(desk):
    client, store, _ = desk
    with_outputs(store, 1)
    one = client("ana")
    for path in ("/label/studies", "/label/studies/results", *PATHS.values()):
        page = one.get(path)
        assert page.status_code == 200, path
        assert "unsafe" not in page.headers["content-security-policy"]
        assert not re.search(r" (style|on\w+)=|<style|http://|https://", page.text)
    for name in ("study.js", "red_team.js"):
        assert "innerHTML" not in one.get(f"/static/{name}").text


@pytest.mark.parametrize("given", [{"winner": "left"}, {"winner": "right"}, {"winner": "tie"}])
def test_answers_are_checked_against_what_was_asked(given):
    assert checked("pairwise", given) == given
    with pytest.raises(BadUse):
        checked("pairwise", {"winner": "LEFT"})


def test_every_kind_has_its_words():
    assert TITLES.keys() == TOLD.keys() == PATHS.keys() == set(KINDS)
    assert QUESTIONS.keys() == set(KINDS) - {"red_team"}


@pytest.mark.parametrize("change", ["", "x\n", '{"a": 1}\n', '{"id": "none"}\n'])
def test_a_folder_that_is_no_quiz_is_refused(news, change):
    (news / "quiz.jsonl").write_text(change)
    with pytest.raises(BadUse):
        read_quiz(news)


def test_studies_need_a_store():
    flags = add_flags(parser("serve", "x", "", ("json", "quiet", "device", "threads")))
    with pytest.raises(BadUse, match="--db"):
        check(flags.parse_args(["m", "--baseline", "old"]))


def test_presets_are_kept_by_whoever_may_use_the_playground(desk):
    client, _, _ = desk
    kept = {"name": "sum", "prompt": "1 + 1 =", "max_tokens": 4, "temperature": 0.5, "stop": ["\n"]}
    boss = client("cy")
    assert boss.post("/presets", json=kept).json() == {"saved": True}
    assert boss.get("/presets").json()[-1] == kept
    assert ">sum</option>" in boss.get("/playground").text
    for wrong in ({"name": ""}, {"name": "x" * 81}, {"temperature": 3}, {"stop": ["a"] * 5}, {"path": "/etc"}):
        assert boss.post("/presets", json=kept | wrong).status_code == 400, wrong
    assert client("ana", "labeller").post("/presets", json=kept).status_code == 403
