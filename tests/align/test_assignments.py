"""Tasks: nobody is asked twice, as many label a prompt as are wanted, also where several ask at once."""

import subprocess
import sys
from collections import Counter

import pytest

from foretell.align.assignments import end_task, next_task, tasks_of, waiting
from foretell.align.records import Candidates, Demonstration, Output, Prompt, Ranking
from foretell.align.store import (
    add_candidates,
    add_demonstrations,
    add_prompts,
    add_ranking,
    close,
    counts,
    open_store,
    outputs,
)
from foretell.errors import BadUse


def candidates(number, k=3):
    return Candidates(prompt=f"Say {number}.", outputs=tuple(Output(text=f"{place}", seed=place) for place in range(k)))


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "labels.db", create=True)
    add_candidates(opened, [candidates(number) for number in range(4)])
    yield opened
    close(opened)


def test_an_open_task_comes_back_until_it_is_ended(store):
    one = next_task(store, "kim", "ranking")
    assert next_task(store, "kim", "ranking") == one
    end_task(store, one.id, seconds=2.5)
    other = next_task(store, "kim", "ranking")
    assert other.prompt_id != one.prompt_id
    assert [(row["state"], row["seconds"]) for row in tasks_of(store, "kim")] == [("done", 2.5), ("assigned", None)]
    with pytest.raises(BadUse, match=f"has no open task {one.id}"):
        end_task(store, one.id)


def all_tasks(store, labeller, **more):
    found = []
    while task := next_task(store, labeller, "ranking", **more):
        found.append(task)
        end_task(store, task.id)
    return found


def test_as_many_label_a_prompt_as_are_wanted_and_nobody_twice(store):
    given = [task.prompt_id for name in ("kim", "ana", "bo") for task in all_tasks(store, name, overlap=2)]
    assert set(Counter(given).values()) == {2}
    assert len(given) == 8
    assert all(len({row["prompt_id"] for row in tasks_of(store, name)}) == 4 for name in ("kim", "ana"))


def test_what_was_skipped_goes_to_another_and_not_back(store):
    one = next_task(store, "kim", "ranking")
    end_task(store, one.id, skipped="unclear")
    assert one.prompt_id not in [task.prompt_id for task in all_tasks(store, "kim")]
    assert next_task(store, "ana", "ranking").prompt_id == one.prompt_id
    assert tasks_of(store, "kim")[0]["reason"] == "unclear"


def test_a_prompt_with_one_output_is_written_for_and_not_ranked(tmp_path):
    store = open_store(tmp_path / "one.db", create=True)
    add_candidates(store, [candidates(0, k=1)])
    add_prompts(store, [Prompt(text="Nothing yet.")])
    assert next_task(store, "kim", "ranking") is None
    assert next_task(store, "kim", "demonstration").outputs == ()
    close(store)


def test_the_order_shown_is_random_and_follows_from_seed_and_labeller(store, tmp_path):
    orders = {name: [task.outputs for task in all_tasks(store, name, overlap=9)] for name in "abcdef"}
    assert len({order for some in orders.values() for order in some}) > 10
    again = open_store(tmp_path / "again.db", create=True)
    add_candidates(again, [candidates(number) for number in range(4)])
    assert [task.outputs for task in all_tasks(again, "a", overlap=9)] == orders["a"]
    assert [task.outputs for task in all_tasks(again, "b", overlap=9, seed=1)] != orders["b"]
    close(again)


def test_at_most_nine_outputs_are_shown(store):
    for model in ("m", "n"):
        many = tuple(Output(text=f"{model} {seed}", seed=seed, model=model) for seed in range(9))
        add_candidates(store, [Candidates(prompt="!", prompt_id="!", outputs=many)])
    assert len(outputs(store)["!"]) == 18
    assert len(set(next_task(store, "kim", "ranking").outputs)) == 9


def test_a_text_that_two_models_gave_is_shown_once(tmp_path):
    opened = open_store(tmp_path / "twice.db", create=True)
    same = (Output(text="a", model="m"), Output(text="a", model="n"))
    add_candidates(opened, [Candidates(prompt="?", outputs=same)])
    assert next_task(opened, "kim", "ranking") is None
    add_candidates(opened, [Candidates(prompt="?", outputs=(Output(text="b"),))])
    assert len(next_task(opened, "kim", "ranking").outputs) == 2
    close(opened)


def test_a_prompt_that_has_a_demonstration_waits_for_none(store):
    n = waiting(store, "kim", "demonstration")
    task = next_task(store, "kim", "demonstration")
    assert waiting(store, "kim", "demonstration") == n == 4
    one = candidates(0)
    whose = {"prompt_id": one.prompt_id, "group_id": "g", "split": "train", "prompt": one.prompt}
    add_demonstrations(store, [Demonstration(completion="0", **whose)])
    end_task(store, task.id)
    left = 3 if task.prompt_id == one.prompt_id else 2
    assert waiting(store, "kim", "demonstration") == left
    assert waiting(store, "ana", "demonstration", overlap=2) == 4
    assert waiting(store, "nobody", "ranking") == 4


def test_a_ranking_names_the_task_that_it_answers(store):
    task = next_task(store, "kim", "ranking")
    told = {"prompt_id": task.prompt_id, "group_id": "g", "split": "train", "labeller": "kim"}
    prompt = next(one for one in (candidates(n) for n in range(4)) if one.prompt_id == task.prompt_id)
    add_ranking(store, Ranking(prompt=prompt.prompt, outputs=prompt.outputs, ranks=(1, 2, 2), **told), task=task.id)
    assert counts(store)["outputs"] == 12
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT task_id FROM rankings").scalar() == task.id


@pytest.mark.parametrize("wrong", [{"overlap": 0}, {"most": 1}, {"most": 10}])
def test_numbers_that_cannot_be_are_told(store, wrong):
    with pytest.raises(BadUse, match="give 1 or more, and 2 to 9"):
        next_task(store, "kim", "ranking", **wrong)


ASKING = """
import sys
sys.path.insert(0, sys.argv[1])
from foretell.align.assignments import end_task, next_task
from foretell.align.store import open_store
store = open_store(sys.argv[2])
while task := next_task(store, sys.argv[3], "ranking", overlap=2):
    end_task(store, task.id)
"""


@pytest.mark.slow
def test_labellers_who_ask_at_once_get_no_place_twice(tmp_path, request):
    path = tmp_path / "labels.db"
    store = open_store(path, create=True)
    add_candidates(store, [candidates(number) for number in range(25)])
    words = [sys.executable, "-c", ASKING, str(request.config.rootpath), str(path)]
    all_of_them = [subprocess.Popen([*words, name], stderr=subprocess.PIPE, text=True) for name in "abc"]
    said = [one.communicate()[1] for one in all_of_them]
    assert [one.returncode for one in all_of_them] == [0, 0, 0], said
    given = Counter(row["prompt_id"] for name in "abc" for row in tasks_of(store, name))
    assert set(given.values()) == {2}
    assert len(given) == 25
    close(store)
