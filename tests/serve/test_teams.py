"""Several people at one store: what each is given and sees, what is measured of them, and what feeds training."""

import json
import re
from collections import Counter

import pytest

from foretell.align.assignments import next_task, tasks_of, waiting
from foretell.align.database import writing
from foretell.align.handing import (
    Settings,
    instructions,
    publish,
    put_settings,
    set_handing,
    settings,
)
from foretell.align.known_answers import scores
from foretell.align.records import Candidates, Output, Prompt
from foretell.align.schema import table
from foretell.align.store import add_candidates, add_prompts, counts, demonstrations, prompts, rankings
from foretell.errors import BadUse
from foretell.serve.accounts.accounts import account, set_screened
from foretell.serve.labelling.told import REASONS
from tests.serve.accounts_made import serving

TEXTS = ("Fine.", "It is a key.", "No.", "<script>alert(1)</script>")
BEST_FIRST = sorted(TEXTS)


def candidates(number):
    made = tuple(Output(text=text, model=f"secret-{i}") for i, text in enumerate(TEXTS))
    return Candidates(prompt=f"What is key {number}?", outputs=made)


def shown_on(page):
    """The task's number, and the texts in their order."""
    texts = re.findall(r'<p class="text output">(.*?)</p>', page)
    return int(re.search(r'data-task="(\d+)"', page)[1]), texts[: len(texts) // 2]


def rank(client, agrees=True):
    """Rank what is next as the texts are sorted, or the other way round, and return what the server says."""
    task, texts = shown_on(client.get("/label/rank").text)
    ranks = [1 + sorted(texts).index(text) for text in texts]
    if not agrees:
        ranks = [len(texts) + 1 - one for one in ranks]
    ratings = [{"likert": 8 - one, "flags": [] if agrees else ["opinion"], "seconds": 1.0} for one in ranks]
    return client.post("/label/rank", json={"task": task, "ratings": ratings, "ranks": ranks, "seconds": 9.0})


def read(client):
    """Say that the instructions were read."""
    version = re.search(r'name="version" value="([^"]+)"', client.get("/label").text)[1]
    assert client.post("/label/instructions", json={"version": version}).json() == {"next": "/label"}


@pytest.fixture
def team(tmp_path):
    """A function that makes clients, and the store, which holds six prompts to be ranked."""
    with serving(tmp_path / "labels.db") as (client, desk):
        add_candidates(desk.store, [candidates(number) for number in range(6)])
        yield client, desk.store


def ids(store):
    return [one.prompt_id for one in prompts(store)]


def test_a_labeller_reads_the_instructions_first_and_again_when_they_change(team):
    client, store = team
    ana = client("ana")
    for path in ("/label", "/label/rank", "/label/demonstration"):
        assert "I have read them" in ana.get(path).text
    assert ana.post("/label/instructions", json={"version": "none"}).status_code == 400
    read(ana)
    assert rank(ana).json() == {"saved": True}
    boss = client("boss", "admin")
    changed = {"version": "2", "told": "Be <b>strict</b>."}
    assert boss.post("/admin/instructions", json=changed).status_code == 200
    assert "Be &lt;b&gt;strict" in ana.get("/label/rank").text
    assert "I have read them" in ana.get("/label/rank").text
    read(ana)
    assert rank(ana).json() == {"saved": True}
    assert Counter(one.instructions for one in rankings(store)) == {"pages-1": 1, "2": 1}
    answer = boss.post("/admin/instructions", json={"version": "2", "told": "Be lax."})
    assert "with other words" in answer.json()["error"]["message"]
    assert instructions(store) == ("2", "Be <b>strict</b>.")


def test_an_open_task_is_of_the_instructions_that_it_is_shown_with(team):
    client, store = team
    boss = client("boss", "admin")
    task, _ = shown_on(boss.get("/label/rank").text)
    publish(store, "2", "Other words.")
    assert shown_on(boss.get("/label/rank").text)[0] == task
    rank(boss)
    assert [one.instructions for one in rankings(store)] == ["2"]


def test_nobody_hands_in_skips_or_drafts_a_task_of_another(team):
    client, store = team
    ana, eve = client("ana"), client("eve", "admin")
    read(ana)
    task, texts = shown_on(ana.get("/label/rank").text)
    ratings = [{"likert": 4, "flags": [], "seconds": 1} for _ in texts]
    sent = {"task": task, "ratings": ratings, "ranks": [1] * len(texts), "seconds": 1}
    assert eve.post("/label/rank", json=sent).status_code == 409
    skip = {"task": task, "kind": "ranking", "reason": REASONS[0], "seconds": 1}
    assert eve.post("/label/skip", json=skip).status_code == 409
    draft = {"task": task, "kind": "ranking", "draft": "{}"}
    assert eve.post("/label/draft", json=draft).json() == {"saved": False}
    assert counts(store)["rankings"] == 0
    assert eve.post("/label/rank", json=sent | {"labeller": "ana"}).status_code == 400  # nobody says who they are
    assert ana.post("/label/rank", json=sent).json() == {"saved": True}
    assert [one.labeller for one in rankings(store)] == ["ana"]


def test_a_draft_comes_back_elsewhere_and_to_its_labeller_alone(team):
    client, store = team
    ana = client("ana")
    read(ana)
    task, _ = shown_on(ana.get("/label/rank").text)
    draft = json.dumps({"at": 5, "value": {"text": SECRET}})
    assert ana.post("/label/draft", json={"task": task, "kind": "ranking", "draft": draft}).json() == {"saved": True}
    assert "kept for ana" in client("ana").get("/label/rank").text
    put_settings(store, Settings(overlap=3, instructions="pages-1"))
    bo = client("bo")
    read(bo)
    assert "kept for ana" not in bo.get("/label/rank").text
    assert "<i>" not in client("ana").get("/label/rank").text
    rank(client("ana"))
    with store.engine.connect() as connection:
        assert not connection.execute(table("drafts").select()).all()
    for wrong in ("x" * 300_000, 5, None):
        assert ana.post("/label/draft", json={"task": task, "kind": "ranking", "draft": wrong}).status_code == 400


SECRET = "kept for ana <i>"


def test_a_labeller_sees_nothing_of_others_nor_of_models(team):
    client, store = team
    put_settings(store, Settings(overlap=3, instructions="pages-1"))
    ana, bo = client("ana-smith"), client("bo", "held-out labeller")
    read(ana)
    read(bo)
    rank(ana)
    ids_kept = ids(store)
    for path in ("/label", "/label/rank", "/label/demonstration", "/label/instructions"):
        shown = bo.get(path).text
        assert "ana-smith" not in shown
        assert "secret-" not in shown
        assert "<script>alert" not in shown
        assert "gold" not in shown
        if path != "/label/rank" and path != "/label/demonstration":
            assert not any(one in shown for one in ids_kept)
    for path in (
        "/label/agreement",
        "/admin",
        "/admin/exports/rankings.jsonl",
        "/admin/labellers",
        "/playground",
        "/v1/x",
    ):
        assert bo.get(path).status_code in (403, 404), path


def test_each_prompt_goes_to_as_many_as_are_wanted_of_each_group(team):
    client, store = team
    put_settings(store, Settings(overlap=2, gold_every=0, instructions="pages-1"))
    first = ids(store)[0]
    set_handing(store, [first], overlap=3)
    set_handing(store, [ids(store)[1]], open_=False)
    for name, role in [(f"n{i}", "labeller") for i in range(4)] + [
        ("h1", "held-out labeller"),
        ("h2", "held-out labeller"),
    ]:
        one = client(name, role)
        read(one)
        while waiting(store, name, "ranking", 2):
            assert rank(one).json() == {"saved": True}
    given = Counter((one.prompt_id, one.labeller[0]) for one in rankings(store))
    assert {given[key, "n"] for key in ids(store)[2:]} == {2}
    assert {given[key, "h"] for key in ids(store)[2:]} == {2}
    assert (given[first, "n"], given[first, "h"]) == (3, 2)
    assert not given[ids(store)[1], "n"]


def test_an_open_task_keeps_its_place_for_a_day(team):
    client, store = team
    for name in ("ana", "bo"):
        client(name)
    for _ in ids(store):
        next_task(store, "ana", "ranking")
        with writing(store) as connection:
            connection.execute(table("tasks").update().values(state="done"))
    assert next_task(store, "bo", "ranking") is None
    with writing(store) as connection:
        tasks = table("tasks")
        connection.execute(tasks.update().values(state="assigned", created="2020-01-01T00:00:00+00:00"))
    assert next_task(store, "bo", "ranking")


def gold(client, store, n, purpose):
    """Mark the first prompts, and let a researcher answer them."""
    chosen = ids(store)[:n]
    set_handing(store, chosen, purpose=purpose)
    researcher = client("rho", "researcher")
    for _ in chosen:
        assert rank(researcher).json() == {"saved": True}
    assert {one["prompt_id"] for one in tasks_of(store, "rho")} == set(chosen)  # those come first
    return set(chosen)


def test_who_agrees_with_researchers_passes_the_test_and_works(team):
    client, store = team
    chosen = gold(client, store, 3, "screening")
    ana = client("ana")
    read(ana)
    assert "Take the test" in ana.get("/label").text
    assert "I cannot tell" not in ana.get("/label/rank").text
    task, _ = shown_on(ana.get("/label/rank").text)
    skip = {"task": task, "kind": "ranking", "reason": REASONS[0], "seconds": 1}
    assert ana.post("/label/skip", json=skip).status_code == 400
    assert "test" in ana.get("/label/demonstration").text
    for _ in range(3):
        assert rank(ana).json() == {"saved": True}
    assert {one["prompt_id"] for one in tasks_of(store, "ana")} == chosen
    assert "Take the test" not in ana.get("/label").text
    assert account(store, "ana").screened == "passed"
    told = scores(store, "screening")["ana"]
    assert (told["rankings"]["value"], told["flags"]["value"]) == (1.0, 1.0)
    rank(ana)
    assert len({one["prompt_id"] for one in tasks_of(store, "ana")} - chosen) == 1


def test_who_does_not_agree_waits_for_an_admin_who_decides(team):
    client, store = team
    gold(client, store, 2, "screening")
    ana = client("ana")
    read(ana)
    for _ in range(2):
        rank(ana, agrees=False)
    for path in ("/label", "/label/rank", "/label/demonstration"):
        assert "an admin looks at it" in ana.get(path).text
    assert account(store, "ana").screened == "failed"
    boss = client("boss", "admin")
    assert "below 0.75" in boss.get("/admin/labellers").text
    assert boss.post("/admin/labellers/screened", json={"name": "ana", "screened": "passed"}).status_code == 200
    assert rank(ana).json() == {"saved": True}


def test_what_the_test_gave_feeds_no_training(team):
    client, store = team
    chosen = gold(client, store, 2, "screening")
    ana = client("ana")
    read(ana)
    for _ in range(3):
        rank(ana)
    boss = client("boss", "admin")
    rows = [json.loads(line) for line in boss.get("/admin/exports/rankings.jsonl").text.splitlines()]
    assert len(rows) == 1
    assert not {row["prompt_id"] for row in rows} & chosen
    assert len(boss.get("/admin/exports/rankings.jsonl?held_out=all").text.splitlines()) == 5


def test_gold_prompts_come_among_the_others_and_score_each_labeller(team):
    client, store = team
    chosen = gold(client, store, 2, "gold")
    put_settings(store, Settings(overlap=5, gold_every=2, instructions="pages-1"))
    ana, bo = client("ana"), client("bo")
    for one, agrees in ((ana, True), (bo, False)):
        read(one)
        for _ in range(4):
            rank(one, agrees)
    for name in ("ana", "bo"):
        places = [one["prompt_id"] in chosen for one in tasks_of(store, name)]
        assert places == [False, True, False, True]
    told = scores(store, "gold")
    assert told["ana"]["rankings"]["value"] == 1
    assert told["bo"]["rankings"]["value"] == 0
    assert told["ana"]["rankings"]["n"] == 12
    page = client("boss", "admin").get("/admin/labellers").text
    assert "rankings 1.00" in page
    assert "rankings 0.00" in page


def test_a_gold_prompt_without_an_answer_is_given_to_nobody(team):
    client, store = team
    set_handing(store, ids(store)[:3], purpose="gold")
    put_settings(store, Settings(gold_every=2, instructions="pages-1"))
    ana = client("ana")
    read(ana)
    for _ in range(3):
        rank(ana)
    assert {one.prompt_id for one in rankings(store)} == set(ids(store)[3:])
    assert "Nothing waits" in ana.get("/label/rank").text


def test_labels_of_held_out_labellers_are_in_a_file_of_their_own(team):
    client, store = team
    ana, kim = client("ana"), client("kim", "held-out labeller")
    add_prompts(store, [Prompt(text="Say one.")])
    for one in (ana, kim):
        read(one)
        rank(one)
        task = int(re.search(r'data-task="(\d+)"', one.get("/label/demonstration").text)[1])
        one.post("/label/demonstration", json={"task": task, "completion": "One.", "seconds": 1})
    boss = client("boss", "admin")
    for what in ("rankings", "demonstrations"):
        names = {
            held: [
                json.loads(line)["labeller"]
                for line in boss.get(f"/admin/exports/{what}.jsonl?held_out={held}").text.splitlines()
            ]
            for held in ("no", "only", "all")
        }
        assert names["no"] == ["ana"]
        assert names["only"] == ["kim"]
        assert sorted(names["all"]) == ["ana", "kim"]
    assert len(demonstrations(store)) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/admin/exports/secrets.jsonl",
        "/admin/exports/..%2f..%2fetc%2fpasswd",
        "/admin/exports/%2e%2e/labels.db",
        "/admin/exports/rankings.jsonl?side=../x",
        "/admin/exports/rankings.jsonl?held_out=maybe",
        "/admin/tasks?only=' OR 1=1",
        "/admin/tasks?page_=-1",
        "/admin/tasks?page_=99999999999999999999",
    ],
)
def test_no_request_reaches_a_file_or_the_query(team, path):
    client, _ = team
    answer = client("boss", "admin").get(path)
    assert answer.status_code in ((200,) if "/tasks" in path else (400, 404))
    assert "root:" not in answer.text


HOSTILE = [
    ("/admin/labellers", {"name": "x", "role": "king"}),
    ("/admin/labellers", {"name": "", "role": "labeller"}),
    ("/admin/labellers", {"name": "boss", "role": "labeller"}),
    ("/admin/labellers/role", {"name": "boss", "role": "labeller"}),
    ("/admin/labellers/active", {"name": "boss", "active": "no"}),
    ("/admin/labellers/link", {"name": "nobody"}),
    ("/admin/labellers/screened", {"name": "nobody", "screened": "passed"}),
    ("/admin/tasks", {"prompt": "nothing", "open": True, "overlap": 1, "purpose": ""}),
    ("/admin/tasks", {"prompt": "x", "open": 1, "overlap": 1, "purpose": ""}),
    ("/admin/tasks/settings", {"overlap": 0, "gold_every": 0, "screen_rankings": 0.5, "screen_flags": 0.5}),
    ("/admin/tasks/settings", {"overlap": 1, "gold_every": 1, "screen_rankings": 0.5, "screen_flags": 0.5}),
    ("/admin/tasks/settings", {"overlap": 1, "gold_every": 0, "screen_rankings": 1.5, "screen_flags": 0.5}),
    ("/admin/instructions", {"version": " ", "told": "x"}),
    ("/admin/instructions", {"version": "v", "told": "x" * 50_001}),
    ("/admin/instructions", {"version": "v"}),
]


@pytest.mark.parametrize(("path", "body"), HOSTILE, ids=lambda value: str(value)[:50])
def test_what_an_admin_cannot_do_is_said_and_changes_nothing(team, path, body):
    client, store = team
    boss = client("boss", "admin")
    held = settings(store)
    answer = boss.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert settings(store) == held
    assert account(store, "boss").role == "admin"


@pytest.mark.parametrize("path", ["/admin/labellers", "/admin/tasks", "/admin/instructions", "/label/rank", "/sign-in"])
@pytest.mark.parametrize("body", ["", "[]", "null", "{", '"x"', "[" * 5000, '{"name": "\\ud800"}'])
def test_bodies_that_are_no_request_are_refused(team, path, body):
    client, _ = team
    one = client("boss", "admin")
    token = {}
    if path == "/sign-in":
        token = {"X-Page-Token": re.search(r'name="token" content="([^"]+)"', one.get("/sign-in").text)[1]}
    answer = one.post(path, content=body, headers={"content-type": "application/json", **token})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(team):
    client, _ = team
    boss = client("boss", "admin")
    assert boss.post("/admin/instructions", json={"version": "v", "told": "x" * 2**21}).status_code == 413


def test_what_is_changed_is_noted_and_shown_escaped(team):
    client, store = team
    boss = client("boss", "admin")
    boss.post("/admin/labellers", json={"name": "<b>ana", "role": "labeller"})
    boss.post("/admin/labellers/role", json={"name": "<b>ana", "role": "researcher"})
    boss.post("/admin/tasks", json={"prompt": ids(store)[0], "open": False, "overlap": 4, "purpose": "gold"})
    boss.get("/admin/exports/rankings.jsonl")
    page = boss.get("/admin/audit").text
    assert "<b>" not in page
    for words in ("account made", "link made", "role", "prompt", "export"):
        assert f"<td>{words}</td>" in page
    tasks = boss.get("/admin/tasks?only=closed").text
    assert "What is key" in tasks
    assert "<h2>1 prompts</h2>" in tasks


def test_pages_of_admins_carry_a_policy_without_inline_code(team):
    client, _ = team
    boss = client("boss", "admin")
    for path in (
        "/admin/labellers",
        "/admin/tasks",
        "/admin/instructions",
        "/admin/exports",
        "/admin/audit",
        "/password",
    ):
        answer = boss.get(path)
        assert answer.status_code == 200
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(r" (style|on\w+)=|<style", answer.text)
        assert answer.headers["cache-control"] == "no-store"


def test_settings_that_cannot_be_are_refused(team):
    for wrong in ({"overlap": 0}, {"gold_every": 1}, {"gold_every": -1}, {"screen_flags": 2}):
        with pytest.raises(BadUse):
            Settings(**wrong)
    _, store = team
    with pytest.raises(BadUse, match="no prompt"):
        set_handing(store, ["nothing"])
    with pytest.raises(BadUse, match="no purpose"):
        set_handing(store, ids(store), purpose="fun")
    with pytest.raises(BadUse):
        set_handing(store, ids(store), overlap=0)


def test_an_admin_can_open_the_test_again(team):
    client, store = team
    client("ana")
    set_screened(store, "ana", "failed", "boss")
    boss = client("boss", "admin")
    assert boss.post("/admin/labellers/screened", json={"name": "ana", "screened": "open"}).status_code == 200
    assert account(store, "ana").screened == ""
