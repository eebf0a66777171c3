"""Tasks of other kinds: handed to nobody twice, answered once, exported as they were given."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from foretell.align.answers import answers_of, assign, begin, exported, give, skip
from foretell.align.handed_in import NotOpen
from foretell.align.presets import keep_preset, kept_presets
from foretell.align.store import add_labeller, close, open_store
from foretell.errors import BadUse

ITEMS = [(name, {"text": name}) for name in "abc"]


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "labels.db", create=True)
    yield opened
    close(opened)


def test_a_labeller_gets_each_item_once_and_the_open_one_again(store):
    seen = []
    for _ in ITEMS:
        task = assign(store, "ana", "toxicity", ITEMS, instructions="t-1")
        assert assign(store, "ana", "toxicity", ITEMS) == task
        assert task.shown == {"text": task.item}
        give(store, "ana", task.id, "toxicity", {"output": 1}, 2.0)
        seen.append(task.item)
    assert seen == ["a", "b", "c"]
    assert assign(store, "ana", "toxicity", ITEMS) is None
    assert assign(store, "ana", "pairwise", ITEMS).item == "a"


@pytest.mark.parametrize("overlap", [1, 2])
def test_an_item_goes_to_as_many_as_are_wanted_and_a_skipped_one_to_another(store, overlap):
    first = [assign(store, name, "toxicity", ITEMS[:1], overlap=overlap) for name in ("ana", "bo", "cy")]
    assert [one is not None for one in first] == [i < overlap for i in range(3)]
    skip(store, "ana", first[0].id, "toxicity", "it is private", 1.0)
    assert assign(store, "ana", "toxicity", ITEMS[:1], overlap=overlap) is None
    assert assign(store, "cy", "toxicity", ITEMS[:1], overlap=overlap).item == "a"


@pytest.mark.slow
def test_labellers_who_ask_at_once_get_no_item_too_often(store):
    def work(name):
        done = 0
        while task := assign(store, name, "toxicity", ITEMS, overlap=2):
            give(store, name, task.id, "toxicity", {"output": 0}, 1.0)
            done += 1
        return done

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, [f"p{i}" for i in range(6)])) == 6
    items = [one.item for one in answers_of(store, "toxicity")]
    assert sorted(items) == ["a", "a", "b", "b", "c", "c"]


def test_an_answer_is_given_once_by_whoever_has_the_task_and_for_its_kind(store):
    task = begin(store, "ana", "arena", "round 1", {"prompt": "Say"})
    for name, number, kind in (("bo", task, "arena"), ("ana", task + 1, "arena"), ("ana", task, "pairwise")):
        with pytest.raises(NotOpen):
            give(store, name, number, kind, {"winner": "tie"}, 1.0)
    give(store, "ana", task, "arena", {"winner": "tie"}, 1.0)
    with pytest.raises(NotOpen, match="done already"):
        give(store, "ana", task, "arena", {"winner": "left"}, 1.0)
    with pytest.raises(NotOpen, match="done already"):
        skip(store, "ana", task, "arena", "late", 1.0)
    with pytest.raises(BadUse, match="already"):
        begin(store, "ana", "arena", "round 1", {})


def test_a_skip_needs_a_reason(store):
    task = begin(store, "ana", "news", "x", {})
    with pytest.raises(BadUse, match="reason"):
        skip(store, "ana", task, "news", " ", None)
    assert skip(store, "ana", task, "news", "I know it", None).state == "skipped"


def test_answers_are_exported_as_they_were_given(store):
    add_labeller(store, "ana", "outside", held_out=True)
    task = assign(store, "ana", "toxicity", ITEMS, instructions="t-1")
    give(store, "ana", task.id, "toxicity", {"output": 2}, 3.5)
    begin(store, "ana", "toxicity", "open", {})
    (row,) = map(json.loads, exported(store, "toxicity").splitlines())
    whose = {"labeller": "ana", "labeller_group": "outside", "held_out": True, "instructions": "t-1", "seconds": 3.5}
    assert row == {"kind": "toxicity", "item": "a", "text": "a", "output": 2, **whose}


def test_presets_are_kept_by_name_and_replaced(store):
    keep_preset(store, "ana", "add", {"prompt": "1 + 1 ="})
    keep_preset(store, "bo", "add", {"prompt": "2 + 2 ="})
    keep_preset(store, "bo", "a", {"prompt": "x"})
    assert kept_presets(store) == {"a": {"prompt": "x"}, "add": {"prompt": "2 + 2 ="}}
