import json

import pytest

from foretell.errors import BadUse
from foretell.tasks import source as sources
from foretell.tasks.alone import questions, spoken, text, whole_number
from foretell.tasks.item import Free
from foretell.tasks.source import Hub, NoData, Source, field


def item(row, name):
    return Free(id=name, context=field(row, "q", name), answers=(" a",))


def written(folder, name, *texts):
    (folder / f"{name}.jsonl").write_text("".join(json.dumps({"q": text}) + "\n" for text in texts))


def test_a_file_alone_is_asked_whole_and_has_no_pool(tmp_path):
    written(tmp_path, "one", "first", "second")
    found = questions(Source(folders=(tmp_path,)), ["one"], item)
    assert [(i.id, i.context) for i in found.items] == [("one-0", "first"), ("one-1", "second")]
    assert (found.pool, found.origin) == ([], "one.jsonl")


@pytest.mark.parametrize("split", ["train", "dev"])
def test_demonstrations_are_of_the_other_split(tmp_path, split):
    written(tmp_path, "one", "asked")
    written(tmp_path, f"one.{split}", "shown")
    found = questions(Source(folders=(tmp_path,)), ["one"], item)
    assert [(i.id, i.context) for i in found.pool] == [(f"one.{split}-0", "shown")]


def test_the_second_name_is_taken_where_the_first_is_not_there(tmp_path):
    written(tmp_path, "two", "asked")
    assert questions(Source(folders=(tmp_path,)), ["one", "two"], item).origin == "two.jsonl"
    with pytest.raises(NoData, match=r"three.jsonl"):
        questions(Source(folders=(tmp_path,)), ["three", "four"], item)


def test_the_hub_is_asked_for_both_splits_only_where_there_is_no_file(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(sources, "from_hub", lambda hub: asked.append(hub.split) or [{"q": hub.split}])
    hub, pool = Hub(dataset="d"), Hub(dataset="d", split="train")
    found = questions(Source(folders=(tmp_path,), online=True), ["one"], item, hub, pool)
    assert ([i.context for i in found.items], [i.context for i in found.pool]) == (["validation"], ["train"])
    written(tmp_path, "one", "asked")
    asked.clear()
    assert questions(Source(folders=(tmp_path,), online=True), ["one"], item, hub, pool).pool == []
    assert asked == []


def test_an_answer_has_one_space_before_it():
    assert spoken("  124\n") == " 124"


def test_a_field_of_another_kind_is_named():
    assert (text({"q": "a"}, "q", "row 1"), whole_number({"q": "3"}, "q", "row 1")) == ("a", 3)
    with pytest.raises(BadUse, match="row 1: 'q' is None, it must be text"):
        text({"q": None}, "q", "row 1")
    for label in ("", -1, "one", 1.5):
        with pytest.raises(BadUse, match="must be a whole number"):
            whole_number({"q": label}, "q", "row 1")
