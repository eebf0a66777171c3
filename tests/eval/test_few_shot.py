import json

import pytest

from foretell.errors import BadUse
from foretell.eval.asking import Asking
from foretell.eval.few_shot import askings, few_shot
from foretell.tasks.item import Choice
from foretell.tasks.source import NoData, Source, rows
from foretell.tasks.task import Questions, Task
from tests.eval.conftest import Oracle

ITEMS = [Choice(id=str(i), context=f"{i} + 1 =", options=(f" {i + 1}", f" {i + 3}"), gold=0) for i in range(6)]


def made(source):
    return Questions(items=ITEMS, origin="made")


def absent(source):
    return Questions(items=rows(source, "nowhere")[0], origin="")


def task(name, load=made):
    return Task(name=name, family="f", about="a", load=load, shots=2)


def right(context, text):
    a, b = context.rsplit("\n\n", 1)[-1].removesuffix(" =").split(" + ") if "+" in context else (0, 0)
    return -1.0 if int(text) == int(a) + int(b) else -3.0


def evaluated(out, tasks=("one", "two"), shots=("0", "few"), model=None, **like):
    asked = askings(shots, Asking(**like))
    return few_shot(model or Oracle(logprob=right), [task(name) for name in tasks], Source(), asked, out, quiet=True)


def test_a_row_for_each_task_and_number_of_shots(tmp_path):
    found = evaluated(tmp_path / "e")
    assert [(row["task"], row["shots"], row["k"], row["value"]) for row in found["rows"]] == [
        ("one", "0", 0, 1.0), ("one", "few", 2, 1.0), ("two", "0", 0, 1.0), ("two", "few", 2, 1.0),
    ]  # fmt: skip
    assert json.loads((tmp_path / "e/results.json").read_text())["rows"] == found["rows"]
    assert len((tmp_path / "e/answers/one-few.jsonl").read_text().splitlines()) == 6


def test_a_second_call_keeps_the_rows_of_the_first(tmp_path):
    evaluated(tmp_path / "e", tasks=("one",), shots=("0",))
    evaluated(tmp_path / "e", tasks=("two",), shots=("0",))
    kept = json.loads((tmp_path / "e/results.json").read_text())["rows"]
    assert [row["task"] for row in kept] == ["one", "two"]


def test_tasks_without_data_are_named_or_refused(tmp_path):
    tasks = [task("one"), task("gone", absent)]
    found = few_shot(Oracle(logprob=right), tasks, Source(), [Asking()], tmp_path / "e", quiet=True)
    assert "nowhere.jsonl" in found["missing"]["gone"]
    with pytest.raises(NoData, match=r"nowhere\.jsonl"):
        few_shot(Oracle(), tasks, Source(), [Asking()], tmp_path / "f", must_have=True, quiet=True)
    with pytest.raises(NoData, match="no task of the suite has data"):
        few_shot(Oracle(), tasks[1:], Source(), [Asking()], tmp_path / "g", quiet=True)


def test_answers_of_another_model_or_draw_are_not_mixed_in(tmp_path, tiny):
    evaluated(tmp_path / "e")
    with pytest.raises(BadUse, match="another model"):
        evaluated(tmp_path / "e", model=tiny)
    with pytest.raises(BadUse, match="labels right, not shuffled"):
        evaluated(tmp_path / "e", labels="shuffled")


def test_shots_are_numbers_or_few():
    assert [one.shots for one in askings(["0", "8", "few", "8"], Asking(limit=3))] == [0, 8, "few"]
    with pytest.raises(BadUse, match="--shots many is no whole number"):
        askings(["many"], Asking())
