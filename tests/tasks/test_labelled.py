"""Real sets as task folders: every spelling of a row, both kinds of split, and what is wrong in a file."""

import gzip
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from foretell.corpus.examples import check_rows, task_card
from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.tasks.labelled import split, task_folder, texts, without_copies
from foretell.tasks.labelled_rows import class_of
from foretell.tasks.labelled_sets import SETS, labelled
from foretell.tasks.source import NoData, Source

NOUNS = "abcdefghijklmnop"
TEXTS = [f"the {adjective} {noun} {verb}" for adjective in ("old", "new") for noun in NOUNS for verb in ("is", "was")]


def write(folder, name, rows):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Source(folders=(folder,))


def read(folder):
    return {name: read_lines(folder / f"{name}.jsonl") for name in ("train", "val")}


def test_a_set_with_two_files_keeps_its_splits(tmp_path):
    rows = [{"text": text, "label": i % 2} for i, text in enumerate(TEXTS)]
    write(tmp_path / "data", "sst2.train.jsonl", rows[:20])
    source = write(tmp_path / "data", "sst2.dev.jsonl", rows[20:])
    folder = task_folder("sst2", source, tmp_path / "tasks")
    want = [{"a": row["text"], "label": row["label"]} for row in rows]
    assert read(folder) == {"train": want[:20], "val": want[20:]}
    card = task_card(folder)
    assert (card["shape"], card["n_outputs"], card["n_examples"]) == ("classification", 2, {"train": 20, "val": 44})
    assert card["origin"] == "sst2.train.jsonl and sst2.dev.jsonl"


def test_a_folder_is_made_once_and_changed_files_make_another(tmp_path):
    rows = [{"text": text, "label": i % 2} for i, text in enumerate(TEXTS)]
    source = write(tmp_path / "data", "mr.jsonl", rows)
    folder = task_folder("mr", source, tmp_path / "tasks")
    (folder / "mark").touch()
    assert task_folder("mr", source, tmp_path / "tasks") == folder
    assert (folder / "mark").exists()
    write(tmp_path / "data", "mr.jsonl", [*rows, {"text": "another", "label": 0}])
    other = task_folder("mr", source, tmp_path / "tasks")
    assert other != folder
    assert len(read(other)["train"]) + len(read(other)["val"]) == len(rows) + 1


def test_no_text_is_on_both_sides_however_examples_are_linked():
    draw = np.random.default_rng(0)
    for links in (0, 40, 4000):
        names = [f"text {i}" for i in range(200)]
        found = [{"a": f"{name}  A", "b": f"{name} b", "label": 0} for name in names]
        found += [
            {"a": f"Text {i} a", "b": f"text {j} b", "label": 1} for i, j in draw.integers(0, 200, (links, 2)).tolist()
        ]
        sides = split(found)
        left, right = ({text for one in side for text in texts(one)} for side in sides.values())
        assert not left & right
        assert sum(map(len, sides.values())) == len(found)
        if links < 4000:  # all are linked then
            assert 0.08 < len(sides["val"]) / len(found) < 0.4


def test_a_split_does_not_depend_on_the_order_of_the_rows():
    found = [{"a": text, "b": TEXTS[i // 3], "label": 0} for i, text in enumerate(TEXTS)]
    forwards, backwards = split(found), split(found[::-1])
    assert all(sorted(map(str, forwards[name])) == sorted(map(str, backwards[name])) for name in forwards)


def test_what_is_held_out_is_not_trained_on_in_either_order():
    held = [{"a": "One", "b": "two", "label": 1}]
    train = [{"a": "two", "b": "one", "label": 0}, {"a": "one", "b": "three", "label": 0}]
    assert without_copies({"train": train, "val": held}) == {"train": train[1:], "val": held}


ROWS = {
    "cola": ({"sentence": "x y", "label": 1}, {"a": "x y", "label": 1}),
    "trec": ({"text": "x", "coarse_label": 3}, {"a": "x", "label": 3}),
    "rte": (
        {"premise": "x", "hypothesis": "y", "label": "not_entailment"},
        {"a": "x", "b": "y", "label": 1},
    ),
    "snli": (
        {"sentence1": "x", "sentence2": "y", "gold_label": "neutral"},
        {"a": "x", "b": "y", "label": 1},
    ),
    "mnli": ({"premise": "x", "hypothesis": "y", "label": 2, "idx": 4}, {"a": "x", "b": "y", "label": 2}),
    "qnli": ({"question": "x", "sentence": "y", "label": 0}, {"a": "x", "b": "y", "label": 0}),
    "sick": (
        {"sentence1": "x", "sentence2": "y", "relatedness": 3.5, "label": "CONTRADICTION"},
        {"a": "x", "b": "y", "label": 2},
    ),
    "sick_relatedness": (
        {"sentence1": "x", "sentence2": "y", "relatedness": 3.5, "label": "NEUTRAL"},
        {"a": "x", "b": "y", "label": 3.5},
    ),
    "qqp": ({"question1": "x", "question2": "y", "is_duplicate": 1}, {"a": "x", "b": "y", "label": 1}),
    "stsb": ({"sentence1": "x", "sentence2": "y", "score": "4.5"}, {"a": "x", "b": "y", "label": 4.5}),
    "copa": (
        {"premise": "x.", "question": "effect", "choice1": "y", "choice2": "z", "label": 1},
        {"a": "x. What happened as a result?", "choices": ["y", "z"], "label": 1},
    ),
    "swag": (
        {"sent1": "x.", "sent2": "He", "ending0": "p", "ending1": "q", "ending2": "r", "ending3": "s", "label": "2"},
        {"a": "x. He", "choices": ["p", "q", "r", "s"], "label": 2},
    ),
    "storycloze": (
        {f"InputSentence{i}": f"s{i}." for i in range(1, 5)}
        | {"RandomFifthSentenceQuiz1": "y", "RandomFifthSentenceQuiz2": "z", "AnswerRightEnding": 2},
        {"a": "s1. s2. s3. s4.", "choices": ["y", "z"], "label": 1},
    ),
    "race": (
        {"article": "x", "question": "q?", "options": ["p", "q", "r", "s"], "answer": "C"},
        {"a": "x q?", "choices": ["p", "q", "r", "s"], "label": 2},
    ),
    "arc_easy": (
        {"question": "q?", "choices": {"label": ["1", "2"], "text": ["y", "z"]}, "answerKey": "1"},
        {"a": "q?", "choices": ["y", "z"], "label": 0},
    ),
    "openbook_qa": ({"query": "q", "choices": ["y", "z"], "gold": 1}, {"a": "q", "choices": ["y", "z"], "label": 1}),
    "commonsense_qa": (
        {"query": "Question: q?\nChoices:\nA. bank\nB. mall\nAnswer:", "choices": ["A", "B"], "gold": 1},
        {"a": "q?", "choices": ["bank", "mall"], "label": 1},
    ),
    "siqa": (
        {"context": "x.", "question": "q?", "answerA": "p", "answerB": "q", "answerC": "r", "label": "3"},
        {"a": "x. q?", "choices": ["p", "q", "r"], "label": 2},
    ),
}


@pytest.mark.parametrize("name", list(ROWS))
def test_rows_are_read_as_their_sets_spell_them(name):
    row, want = ROWS[name]
    assert labelled(name).read(row, "row 1") == [want]


def test_a_passage_with_several_questions_gives_as_many_examples():
    row = {"article": "x", "questions": ["q", "r"], "options": [["a", "b"], ["c", "d"]], "answers": ["A", "B"]}
    found = labelled("race").read(row, "row 1")
    assert [(one["a"], one["choices"], one["label"]) for one in found] == [
        ("x q", ["a", "b"], 0),
        ("x r", ["c", "d"], 1),
    ]


def test_rows_without_a_label_give_nothing():
    assert labelled("snli").read({"sentence1": "x", "sentence2": "y", "gold_label": "-"}, "row 1") == []
    assert labelled("sst2").read({"sentence": "x", "label": -1}, "row 1") == []
    assert labelled("arc_easy").read({"question": "q", "choices": ["y", "z"], "answerKey": ""}, "row 1") == []
    assert labelled("stsb").read({"sentence1": "x", "sentence2": "y", "score": None}, "row 1") == []


def test_questions_with_another_number_of_choices_and_empty_texts_are_left_out_and_counted(tmp_path):
    rows = [{"query": text, "choices": ["y", "z"], "gold": i % 2} for i, text in enumerate(TEXTS)]
    rows += [{"query": "three", "choices": ["x", "y", "z"], "gold": 0}, {"query": "", "choices": ["y", "z"], "gold": 0}]
    rows += [{"query": "empty", "choices": ["y", " "], "gold": 0}]
    folder = task_folder("arc_easy", write(tmp_path / "data", "arc_easy.jsonl", rows), tmp_path / "tasks")
    assert task_card(folder)["dropped"] == 3
    assert Counter(len(one["choices"]) for side in read(folder).values() for one in side) == {2: len(TEXTS)}


def test_what_is_wrong_in_a_file_is_told_with_its_row(tmp_path):
    source = write(tmp_path / "data", "sst2.train.jsonl", [{"text": "x", "label": 0}, {"text": "x", "label": 7}])
    with pytest.raises(BadUse, match=r"sst2\.train\.jsonl, row 2: the label is 7; it must be 0 to 1, or negative, pos"):
        task_folder("sst2", source, tmp_path)
    with pytest.raises(BadUse, match="row 1 has no field 'text'; it has 'words'"):
        labelled("sst2").read({"words": "x", "label": 0} | {}, "row 1")
    with pytest.raises(BadUse, match="it must be text"):
        labelled("sst2").read({"text": 3, "label": 0}, "row 1")
    with pytest.raises(BadUse, match="row 1: the right answer is 'F', which is none of its 2 choices"):
        labelled("arc_easy").read({"question": "q", "choices": ["y", "z"], "answerKey": "F"}, "row 1")
    with pytest.raises(BadUse, match="it asks for 'why'; it must be cause or effect"):
        labelled("copa").read({"premise": "x", "question": "why", "choices": ["y", "z"], "label": 0}, "row 1")
    with pytest.raises(BadUse, match="the score is 'good', it must be a number"):
        labelled("stsb").read({"sentence1": "x", "sentence2": "y", "score": "good"}, "row 1")


def test_a_set_that_is_too_small_unknown_or_nowhere_is_named(tmp_path):
    source = write(tmp_path / "data", "mr.jsonl", [{"text": text, "label": 0} for text in TEXTS[:3]])
    with pytest.raises(BadUse, match=r"mr\.jsonl gives . examples of mr in .*; at least 4 are needed"):
        task_folder("mr", source, tmp_path)
    with pytest.raises(BadUse, match="no task to fine-tune on is called 'sst3'; did you mean 'sst"):
        task_folder("sst3", source, tmp_path)
    with pytest.raises(NoData, match=r"rte\.train\.jsonl .* is not there .*--online to take hf:nyu-mll/glue/rte"):
        task_folder("rte", source, tmp_path)


def test_a_class_is_a_number_or_a_name():
    assert [class_of({"label": value}, ("no", "yes"), "") for value in (0, "1", "YES", True, 1.0, -1)] == [
        0, 1, 1, 1, 1, None,
    ]  # fmt: skip


def test_every_set_that_is_here_makes_a_folder_that_fine_tuning_reads(shared_data, tmp_path):
    folders = tuple(shared_data / name for name in ("cls", "nli-sim", "zeroshot"))
    made = 0
    for one in SETS:
        try:
            folder = task_folder(one.name, Source(folders=folders), tmp_path)
        except NoData:
            continue
        card, sides = task_card(folder), read(folder)
        for name, side in sides.items():
            check_rows(side, card, folder / f"{name}.jsonl")
        assert len({one["label"] for one in sides["val"]}) > 1
        made += 1
    assert made >= 18


def test_the_files_of_a_set_may_be_packed(tmp_path):
    (tmp_path / "data").mkdir()
    with gzip.open(tmp_path / "data" / "cr.jsonl.gz", "wt") as file:
        file.writelines(json.dumps({"text": text, "label": 1}) + "\n" for text in TEXTS)
    assert task_card(task_folder("cr", Source(folders=(tmp_path,)), tmp_path))["origin"] == "cr.jsonl.gz"


def test_the_hub_is_asked_for_both_splits_where_no_file_is_there(tmp_path, monkeypatch):
    asked = []

    def from_hub(hub):
        asked.append(str(hub))
        rows = [{"sentence1": text, "sentence2": "x", "label": i % 2, "idx": i} for i, text in enumerate(TEXTS)]
        return rows[:40] if hub.split == "train" else [*rows[40:], rows[0]]

    monkeypatch.setattr("foretell.tasks.source.from_hub", from_hub)
    folder = task_folder("mrpc", Source(online=True), tmp_path)
    assert asked == ["hf:nyu-mll/glue/mrpc (train)", "hf:nyu-mll/glue/mrpc (validation)"]
    assert task_card(folder)["n_examples"] == {"train": 39, "val": len(TEXTS) - 39}
    assert task_card(folder)["origin"] == asked[0]
    assert task_card(folder)["metrics"] == ["f1", "accuracy"]
    source = write(tmp_path / "data", "mrpc.train.jsonl", [{"sentence1": t, "sentence2": t, "label": 0} for t in TEXTS])
    assert task_folder("mrpc", replace(source, online=True), tmp_path) != folder
    assert len(asked) == 2
