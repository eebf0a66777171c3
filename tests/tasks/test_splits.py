import json
import random

import pytest

from foretell.errors import BadUse
from foretell.tasks import registry
from foretell.tasks.item import Free
from foretell.tasks.source import Hub, NoData, Source
from foretell.tasks.splits import Split, cut_in_two, left_out, questions


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


def test_a_file_that_is_alone_is_cut_in_two(tmp_path):
    found = load(written(tmp_path, dev=["a", "b", "c"]))
    assert (said(found.items), said(found.pool)) == (["a", "c"], ["b"])
    assert [item.id for item in (*found.items, *found.pool)] == ["task-0", "task-2", "task-1"]


def test_a_training_file_that_is_asked_is_not_shown_as_well(tmp_path):
    found = load(written(tmp_path, dev=["a", "b", "c"]), shown=("dev",))
    assert not set(said(found.items)) & set(said(found.pool))


def test_what_belongs_together_is_not_parted(tmp_path):
    found = load(written(tmp_path, dev=["a1", "b1", "a2", "c1", "b2"]), together=lambda row: row["of"])
    assert (said(found.items), said(found.pool)) == (["a1", "a2", "c1"], ["b1", "b2"])


@pytest.mark.parametrize("seed", range(20))
def test_a_cut_keeps_every_row_once_and_parts_no_group(seed):
    draw = random.Random(seed)
    rows = [{"of": draw.randrange(6)} for _ in range(draw.randrange(1, 30))]
    asked, shown = cut_in_two(list(enumerate(rows)), lambda row: row["of"])
    assert sorted(number for number, _ in asked + shown) == list(range(len(rows)))
    assert not {row["of"] for _, row in asked} & {row["of"] for _, row in shown}
    order = list(dict.fromkeys(row["of"] for row in rows))  # the slow twin: groups by turns
    assert {row["of"] for _, row in asked} == set(order[::2])


def test_a_lone_group_is_asked(tmp_path):
    found = load(written(tmp_path, dev=["a1", "a2"]), together=lambda row: row["of"])
    assert (said(found.items), said(found.pool)) == (["a1", "a2"], [])


def test_a_set_may_be_shown_from_itself(tmp_path):
    found = load(written(tmp_path, dev=["a", "b"], train=["x"]), among_themselves=True)
    assert (said(found.items), said(found.pool)) == (["a", "b"], [])


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


def test_a_split_of_the_hub_that_is_asked_is_cut_and_not_shown_whole(monkeypatch):
    hub = Hub(dataset="d", split="train")
    monkeypatch.setattr("foretell.tasks.source.from_hub", lambda of: [{"q": q} for q in "abc"])
    split = Split(files=("dev",), hub=hub)
    found = questions(Source(online=True), "task", question, split, split)
    assert (said(found.items), said(found.pool), found.origin) == (["a", "c"], ["b"], "hf:d (train)")


FAMILIES = (
    "winograd",
    "common_sense",
    "comprehension",
    "entailment",
    "classification",
    "big_bench",
    "zero_shot_prompts",
)
TASKS = [task.name for task in registry.every().values() if task.family in FAMILIES]
FILES = {"winograd": "winograd_wsc", "openbookqa": "openbook_qa", "pubmedqa": "pubmed_qa_labeled", "cb_f1": "cb"}
FILES |= {
    "drop_prompts": "drop_subset",
    "fr_en_prompts": "fr_to_en",
    "tldr_news": "cnn_dailymail",
    "tldr_posts": "tldr",
}
FILES |= {"tldr_lead": "articles", "equals_en_fr": "wmt14_fr_en", "equals_fr_en": "wmt14_fr_en"}
FILES |= {"told_conversation": "coqa", "told_document": "squad"}
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
