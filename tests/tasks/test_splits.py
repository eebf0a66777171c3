import json
import random

import pytest

from foretell.errors import BadUse
from foretell.eval.prompts import drawn
from foretell.tasks import registry
from foretell.tasks.item import Free
from foretell.tasks.source import Hub, NoData, Source
from foretell.tasks.splits import Split, left_out, questions
from foretell.tasks.task import Task


def question(row, name):
    return Free(id=name, context=row["q"], answers=(" a",)) if row["q"] else None


def written(folder, **files):
    for name, said in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"q": q, "of": q[:1]}) + "\n" for q in said))
    return Source(folders=(folder,))


def load(source, shown=("train",), **how):
    return questions(source, "task", question, Split(files=("dev", "test")), Split(files=shown), **how)


def said(items):
    return [item.context for item in items]


def test_questions_and_demonstrations_are_from_their_files(tmp_path):
    found = load(written(tmp_path, test=["t"], train=["x", "y"]))
    assert (said(found.items), said(found.pool), found.origin) == (["t"], ["x", "y"], "test.jsonl")
    assert [item.id for item in (*found.items, *found.pool)] == ["task-0", "task-shown-0", "task-shown-1"]


def test_the_first_file_that_is_there_counts(tmp_path):
    assert said(load(written(tmp_path, test=["t"], dev=["d"], train=["x"])).items) == ["d"]


def test_of_a_file_that_is_alone_every_question_is_asked_and_the_pool_is_empty(tmp_path):
    found = load(written(tmp_path, dev=["a", "b", "c"]))
    assert (said(found.items), said(found.pool)) == (["a", "b", "c"], [])
    assert [item.id for item in found.items] == ["task-0", "task-1", "task-2"]


def test_a_training_file_that_is_asked_is_not_shown_as_well(tmp_path):
    found = load(written(tmp_path, dev=["a", "b", "c"]), shown=("dev",))
    assert (len(found.items), said(found.pool)) == (3, [])


def test_questions_and_demonstrations_know_their_kin(tmp_path):
    source = written(tmp_path, dev=["a1", "b1", "a2"], train=["a3", "c1"])
    found = load(source, kin=lambda row: row["of"])
    assert [item.kin for item in (*found.items, *found.pool)] == ["a", "b", "a", "a", "c"]
    assert {item.kin for item in load(source).items} == {""}
    assert {item.kin for item in load(source, kin=lambda row: None).items} == {""}


def test_a_lone_file_is_shown_in_its_own_form_but_never_to_its_kin(tmp_path):
    source = written(tmp_path, dev=["a1", "b1", "a2"])

    def long(row, name):
        return Free(id=name, context=f"long {row['q']}", answers=(" a",))

    found = load(source, kin=lambda row: row["of"], build_shown=long)
    assert (said(found.items), said(found.pool)) == (["a1", "b1", "a2"], ["long a1", "long b1", "long a2"])
    task = Task(name="task", family="f", about="", load=lambda source: found, shots=5)
    drawn_ones = drawn(task, found, found.items[0], 5, seed=0, draw="each", labels="right")
    assert drawn_ones == ["long b1 a"]


def test_the_hub_is_asked_for_both_splits_only_where_there_is_no_file(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("foretell.tasks.splits.from_hub", lambda hub: asked.append(hub.split) or [{"q": hub.split}])
    monkeypatch.setattr("foretell.tasks.source.from_hub", lambda hub: asked.append(hub.split) or [{"q": hub.split}])
    splits = [Split(files=(name,), hub=Hub(dataset="d", split=name)) for name in ("dev", "train")]
    found = questions(Source(folders=(tmp_path,), online=True), "task", question, *splits)
    assert (said(found.items), said(found.pool)) == (["dev"], ["train"])
    asked.clear()
    source = Source(folders=written(tmp_path, dev=["a"]).folders, online=True)
    assert questions(source, "task", question, *splits).pool == []
    assert asked == []


def test_rows_that_give_no_question_are_counted(tmp_path):
    found = load(written(tmp_path, dev=["a", "", "c"], train=["", "x"]))
    assert (said(found.items), said(found.pool)) == (["a", "c"], ["x"])
    assert found.origin == "dev.jsonl, 2 rows without text left out"
    assert [left_out(n, "w") for n in (0, 1, 2)] == ["", ", 1 row w left out", ", 2 rows w left out"]


def test_one_row_may_give_several_questions(tmp_path):
    source = written(tmp_path, dev=["ab"], train=["x"])

    def letters(row, name):
        return [Free(id=f"{name}-{letter}", context=letter, answers=(" a",)) for letter in row["q"]]

    found = questions(source, "task", letters, Split(files=("dev",)), Split(files=("train",)), build_shown=question)
    assert ([item.id for item in found.items], said(found.pool)) == (["task-0-a", "task-0-b"], ["x"])


def test_what_is_nowhere_is_named(tmp_path):
    with pytest.raises(NoData, match=r"dev.jsonl .* is not there"):
        load(written(tmp_path, other=["a"]))


def test_a_split_of_the_hub_that_is_asked_is_not_shown_as_well(monkeypatch):
    hub = Hub(dataset="d", split="train")
    monkeypatch.setattr("foretell.tasks.source.from_hub", lambda of: [{"q": q} for q in "abc"])
    split = Split(files=("dev",), hub=hub)
    found = questions(Source(online=True), "task", question, split, split)
    assert (said(found.items), said(found.pool), found.origin) == (["a", "b", "c"], [], "hf:d (train)")


MADE = ("analogies", *(f"multi30k_{a}_{b}" for a, b in (("en", "de"), ("de", "en"), ("en", "fr"), ("fr", "en"))))
"""read from no file of rows"""
FAMILIES = (
    "winograd",
    "common_sense",
    "comprehension",
    "entailment",
    "classification",
    "big_bench",
    "zero_shot_prompts",
    "cloze",
    "closed_book",
    "arithmetic",
    "scrambling",
    "analogies",
    "translation",
)
TASKS = [task.name for task in registry.every().values() if task.family in FAMILIES and task.name not in MADE]
FILES = {"winograd": "winograd_wsc", "openbookqa": "openbook_qa", "pubmedqa": "pubmed_qa_labeled", "cb_f1": "cb"}
FILES |= {
    "drop_prompts": "drop_subset",
    "fr_en_prompts": "fr_to_en",
    "tldr_news": "cnn_dailymail",
    "tldr_posts": "tldr",
}
FILES |= {"tldr_lead": "articles", "equals_en_fr": "wmt14_fr_en", "equals_fr_en": "wmt14_fr_en"}
FILES |= {"told_conversation": "coqa", "told_document": "squad"}
FILES |= {"lambada": "lambada_openai", "natural_questions": "nq_open"}
NAMES = ("query", "choices", "gold", "label", "text", "context", "question", "answers", "data", "passage", "premise")
NAMES += ("continuation", "ref_text", "article", "story", "sentence", "context_options", "input", "target", "en", "fr")


@pytest.mark.parametrize("task", TASKS)
def test_rows_of_any_kind_are_read_or_refused_in_one_line(tmp_path, task):
    draw = random.Random(task)
    kinds = (None, 3, -1, "", "some text", [], ["a", "b"], {}, {"text": ["a"]}, [{}], True)
    rows = [{name: draw.choice(kinds) for name in draw.sample(NAMES, 18)} for _ in range(12)]
    refused = []
    for row in [None, 3, "text", [], {}, *rows]:
        path = tmp_path / f"{'bbh' if task.startswith('bbh_') else FILES.get(task, task)}.json"
        path.write_text(json.dumps([row]))
        try:
            registry.task(task).load(Source(folders=(tmp_path,)))
        except BadUse as error:
            refused.append(error)
    assert len(refused) >= 5
    assert not [error for error in refused if isinstance(error, NoData) or "\n" in str(error)]
