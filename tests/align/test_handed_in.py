"""What is handed in: a label and the end of its task together, or neither."""

import pytest

from foretell.align.assignments import next_task, tasks_of
from foretell.align.handed_in import NotOpen, Rating, hand_back, hand_in_demonstration, hand_in_ranking, shown
from foretell.align.records import Candidates, Output
from foretell.align.store import add_candidates, close, counts, open_store, rankings
from foretell.errors import BadUse

RATINGS = [Rating(likert=5, seconds=1.0), Rating(likert=3, flags={"opinion": True}, seconds=2.0), Rating(likert=3)]


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "labels.db", create=True)
    outputs = tuple(Output(text=text, model="m") for text in ("one", "two", "three"))
    add_candidates(opened, [Candidates(prompt="Say it.", outputs=outputs)])
    yield opened
    close(opened)


def held(store):
    return {name: counts(store)[name] for name in ("rankings", "ratings", "demonstrations")}


def test_what_is_kept_is_in_the_order_that_was_shown(store):
    task = next_task(store, "kim", "ranking")
    texts = shown(store, task).texts
    hand_in_ranking(store, "kim", task.id, RATINGS, [9, 4, 9], 3.5)
    (one,) = rankings(store)
    assert tuple(output.text for output in one.outputs) == texts
    assert one.ranks == (2, 1, 2)
    assert [output.likert for output in one.outputs] == [5, 3, 3]
    assert tasks_of(store, "kim")[0]["state"] == "done"
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT seconds FROM ratings ORDER BY id").scalars().all() == [1.0, 2.0, None]


@pytest.mark.parametrize(
    ("ratings", "places", "said"),
    [
        (RATINGS[:2], [1, 2, 3], "2 ratings for 3 outputs"),
        (RATINGS, [1, 2], "2 ranks for 3 outputs"),
        ([*RATINGS[:2], Rating(likert=3, seconds=-1.0)], [1, 2, 3], "no time"),  # found after the ranking was put
    ],
)
def test_what_is_refused_keeps_nothing_and_leaves_the_task_open(store, ratings, places, said):
    task = next_task(store, "kim", "ranking")
    with pytest.raises(BadUse, match=said):
        hand_in_ranking(store, "kim", task.id, ratings, places, 3.5)
    assert held(store) == {"rankings": 0, "ratings": 0, "demonstrations": 0}
    assert next_task(store, "kim", "ranking") == task


def test_only_the_labeller_who_has_a_task_hands_it_in_and_once(store):
    task = next_task(store, "kim", "demonstration")
    next_task(store, "ana", "ranking")
    for who, number in (("ana", task.id), ("kim", task.id + 9)):
        with pytest.raises(NotOpen, match="was given no demonstration task"):
            hand_in_demonstration(store, who, number, "It.", 1.0)
    with pytest.raises(NotOpen, match="was given no ranking task"):
        hand_back(store, "kim", task.id, "ranking", "unclear", 1.0)
    with pytest.raises(BadUse, match="give one"):
        hand_back(store, "kim", task.id, "demonstration", " ", 1.0)
    hand_in_demonstration(store, "kim", task.id, "It.", 1.0)
    with pytest.raises(NotOpen, match="done already"):
        hand_in_demonstration(store, "kim", task.id, "It.", 1.0)
    assert held(store)["demonstrations"] == 1
