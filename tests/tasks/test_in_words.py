import json

import pytest

from foretell.errors import BadUse
from foretell.tasks.in_words import in_words
from foretell.tasks.source import Source


def folder(at, rows, **card):
    for name, part in {"train": rows[1:], "val": rows[:1]}.items():
        (at / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    (at / "card.json").write_text(json.dumps({"name": "t", "about": "what is it?", "classes": [], **card}))
    return at


def only(at):
    found = in_words(at).load(Source())
    (item,) = found.items
    return item, found


def test_classes_are_options_after_the_text(tmp_path):
    rows = [{"a": "good film", "label": 1}, {"a": "bad film", "label": 0}]
    item, found = only(folder(tmp_path, rows, shape="classification", classes=["no", "yes"]))
    assert (item.context, item.options, item.gold) == ("good film\nAnswer:", (" no", " yes"), 1)
    assert [one.context for one in found.pool] == ["bad film\nAnswer:"]


def test_two_texts_stand_on_two_lines(tmp_path):
    rows = [{"a": "it rains", "b": "it is wet", "label": 1}] * 2
    item, _ = only(folder(tmp_path, rows, shape="entailment", classes=["no", "yes"]))
    assert item.context == "it rains\nit is wet\nAnswer:"


def test_choices_follow_on_the_next_line(tmp_path):
    rows = [{"a": "f(x)", "choices": ["one", "two"], "label": 0}] * 2
    item, _ = only(folder(tmp_path, rows, shape="multiple_choice"))
    assert (item.context, item.options) == ("f(x)", ("\none", "\ntwo"))


def test_questions_of_both_splits_have_ids_of_their_own(tmp_path):
    rows = [{"a": str(i), "label": i % 2} for i in range(5)]
    found = in_words(folder(tmp_path, rows, shape="classification", classes=["no", "yes"])).load(Source())
    assert len({item.id for item in (*found.items, *found.pool)}) == 5


def test_a_number_as_label_is_refused(tmp_path):
    with pytest.raises(BadUse, match="numbers as labels"):
        in_words(folder(tmp_path, [{"a": "x", "b": "y", "label": 3.5}] * 2, shape="similarity"))
