import json

import pytest

from foretell.errors import BadUse
from foretell.tasks import source as sources
from foretell.tasks.cloze import TASKS
from foretell.tasks.item import Choice, Free
from foretell.tasks.source import NoData, Source
from tests.tasks.prompts import few_shot, zero_shot

BY_NAME = {task.name: task for task in TASKS}


def loaded(tmp_path, name, *rows):
    (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = next(task for task in TASKS if name.startswith(task.name))
    return task, task.load(Source(folders=(tmp_path,))).items


def test_lambada_is_asked_with_a_blank_where_there_are_demonstrations(tmp_path):
    rows = [
        {"context": "Alice was friends with Bob. Alice went to visit her friend", "continuation": "Bob"},
        {"context": "George bought some baseball equipment, a ball, a glove, and a", "continuation": "bat"},
    ]
    task, (alice, george) = loaded(tmp_path, "lambada_openai", *rows)
    assert few_shot(task, [alice], george) == (
        "Fill in blank:\n\n"
        "Alice was friends with Bob. Alice went to visit her friend ____. -> Bob\n"
        "George bought some baseball equipment, a ball, a glove, and a ____. ->"
    )
    assert zero_shot(task, alice) == "Alice was friends with Bob. Alice went to visit her friend"
    assert (george.answers, task.shots, task.max_new_tokens) == ((" bat",), 15, 8)
    assert (task.metric, task.stop) == ("first_word", ("\n",))


@pytest.mark.parametrize(
    ("row", "passage", "answers"),
    [
        ({"text": "He sat on the\nchair"}, "He sat on the", (" chair",)),
        ({"context": "She put on", "continuation": "the\ngloves"}, "She put on the", (" gloves",)),
        ({"context": "He said that he was", "continuation": '"fun'}, "He said that he was", (' "fun', " fun")),
    ],
)
def test_the_last_word_is_the_answer_however_the_row_is_cut(tmp_path, row, passage, answers):
    _, (item,) = loaded(tmp_path, "lambada_openai", row)
    assert (item.zero_context, item.answers) == (passage, answers)


CAKE = "Several cake pops are shown on a display. A woman and girl are shown making the cake pops in a kitchen. They"


def test_hellaswag_is_an_activity_and_a_text(tmp_path):
    row = {"activity_label": "Making a cake", "ctx": CAKE, "endings": ["bake them.", "eat them."], "label": "1"}
    task, (item,) = loaded(tmp_path, "hellaswag", row)
    wanted = Choice(id="hellaswag-0", context=f"Making a cake: {CAKE}", options=(" bake them.", " eat them."), gold=1)
    assert item == wanted
    assert zero_shot(task, item) == f"Making a cake: {CAKE}"
    _, (ready,) = loaded(
        tmp_path, "hellaswag", {"query": wanted.context, "choices": ["bake them.", "eat them."], "gold": 1}
    )
    assert ready == wanted
    assert (task.shots, task.norm, task.metric) == (20, "token", "accuracy")


def test_the_marks_of_wikihow_are_no_text(tmp_path):
    row = {"activity_label": "Pets", "ctx": "[header] How to bath a cat [title] Brush it. [step] Do so", "label": "0"}
    _, (item,) = loaded(tmp_path, "hellaswag", row | {"endings": ["twice. [substeps] Wait.", "[title] never."]})
    assert item.context == "Pets: How to bath a cat Brush it. Do so"
    assert item.options == (" twice. Wait.", " never.")


@pytest.mark.parametrize("capitals", [True, False])
def test_a_story_is_four_sentences_and_two_ends(tmp_path, capitals):
    said = ["Ann was late.", "She ran.", "She fell.", "She cried."]
    row = {f"InputSentence{n}" if capitals else f"input_sentence_{n}": text for n, text in enumerate(said, 1)}
    ends = (
        ("RandomFifthSentenceQuiz1", "RandomFifthSentenceQuiz2") if capitals else ("sentence_quiz1", "sentence_quiz2")
    )
    row |= dict(zip(ends, ("She laughed.", "Her knee hurt."), strict=True))
    row |= {"AnswerRightEnding" if capitals else "answer_right_ending": 2}
    task, (item,) = loaded(tmp_path, "storycloze", row)
    assert item.context == "Ann was late. She ran. She fell. She cried."
    assert (item.options, item.gold, task.shots) == ((" She laughed.", " Her knee hurt."), 1, 70)


def test_hellaswag_of_the_hub_draws_from_its_training_split(tmp_path, monkeypatch):
    row = {"activity_label": "Run", "ctx": "They", "endings": ["go.", "stay."], "label": "0"}
    for where in ("source", "splits"):
        monkeypatch.setattr(
            f"foretell.tasks.{where}.from_hub", lambda hub: [row | {"ctx": f"{hub.dataset} {hub.split}"}]
        )
    found = BY_NAME["hellaswag"].load(Source(folders=(tmp_path,), online=True))
    assert found.items[0].context == "Run: Rowan/hellaswag validation"
    assert found.pool[0].context == "Run: Rowan/hellaswag train"


def test_a_row_that_lacks_a_field_and_a_file_that_is_not_there_are_named(tmp_path):
    with pytest.raises(BadUse, match="hellaswag-0 has no field 'endings'"):
        loaded(tmp_path, "hellaswag", {"activity_label": "a", "ctx": "b"})
    with pytest.raises(NoData, match=r"storycloze.jsonl"):
        BY_NAME["storycloze"].load(Source(folders=(tmp_path,)))


def test_a_passage_of_one_word_and_a_split_without_labels_are_refused(tmp_path):
    for whole in ("alone", " "):
        with pytest.raises(BadUse, match="lambada-0 has no word before its last"):
            loaded(tmp_path, "lambada_openai", {"text": whole})
    row = {"activity_label": "Run", "ctx": "They", "endings": ["go.", "stay."], "label": ""}
    with pytest.raises(BadUse, match=r"hellaswag-0: 'label' is '', .* without labels"):
        loaded(tmp_path, "hellaswag", row)


def test_every_real_passage_of_lambada_is_whole_again_with_its_answer(shared_data):
    found = BY_NAME["lambada"].load(Source(folders=(shared_data,)))
    rows = list(sources.read(shared_data / "zeroshot/lambada_openai.jsonl.gz"))
    assert len(found.items) == len(rows) > 3000
    for item, row in zip(found.items, rows, strict=True):
        assert isinstance(item, Free)
        whole = f"{item.zero_context}{item.answers[0]}"
        assert whole.split() == f"{row['context']} {row['continuation']}".split()
        assert len(item.answers[0].split()) == 1
        assert not item.answers[-1].lstrip().startswith(('"', "'", "\u2018", "\u201c"))
        assert item.context == f"{item.zero_context} ____. ->"
