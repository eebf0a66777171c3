import json

import pytest

from foretell.errors import BadUse
from foretell.tasks.closed_book import TASKS, as_question
from foretell.tasks.source import NoData, Source
from tests.tasks.prompts import few_shot, zero_shot

BY_NAME = {task.name: task for task in TASKS}


def loaded(tmp_path, task, file, *rows):
    (tmp_path / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return BY_NAME[task].load(Source(folders=(tmp_path,))).items


def test_the_prompt_is_the_papers(tmp_path):
    rows = [
        {"question": "who wrote Hamlet", "answer": ["William Shakespeare", "Shakespeare"]},
        {"question": "who played tess on touched by an angel?", "answer": ["Della Reese"]},
    ]
    one, two = loaded(tmp_path, "natural_questions", "nq_open", *rows)
    task = BY_NAME["natural_questions"]
    assert zero_shot(task, two) == "Q: Who played tess on touched by an angel?\n\nA:"
    assert few_shot(task, [one], two) == (
        "Q: Who wrote Hamlet?\n\nA: William Shakespeare\n\nQ: Who played tess on touched by an angel?\n\nA:"
    )
    assert one.answers == (" William Shakespeare", " Shakespeare")


def test_all_are_asked_with_64_demonstrations_and_end_at_a_line():
    assert {(task.shots, task.metric, task.stop) for task in TASKS} == {(64, "exact_match", ("\n",))}
    assert set(BY_NAME) == {"natural_questions", "triviaqa", "web_questions", "efficientqa", "jeopardy"}


@pytest.mark.parametrize(
    "row",
    [
        {
            "context": "Question: What is a dik-dik?\nAnswer:",
            "answer": "Antelope",
            "aliases": ["Antelopes", "Antelope"],
        },
        {"question": "What is a dik-dik?", "answer": {"value": "Antelope", "aliases": ["Antelopes", "Antelope", " "]}},
    ],
)
def test_trivia_has_its_aliases_once_each(tmp_path, row):
    (item,) = loaded(tmp_path, "triviaqa", "triviaqa_sm_sub", row)
    assert item.context == "Q: What is a dik-dik?\n\nA:"
    assert item.answers == (" Antelope", " Antelopes")


def test_a_clue_stays_as_it_is(tmp_path):
    row = {"context": "SCIENCE: It has 79 protons", "continuation": "gold", "category": "science"}
    (item,) = loaded(tmp_path, "jeopardy", "jeopardy_all", row)
    assert (item.context, item.answers) == ("Q: SCIENCE: It has 79 protons\n\nA:", (" gold",))


@pytest.mark.parametrize(
    ("text", "asked"), [("who ran", "Who ran?"), ("Who ran?", "Who ran?"), (" he ran. ", "He ran."), ("", "?")]
)
def test_a_question_begins_with_a_capital_and_ends_with_a_mark(text, asked):
    assert as_question(text) == asked


def test_web_questions_of_the_hub_are_the_test_split(tmp_path, monkeypatch):
    for where in ("source", "splits"):
        monkeypatch.setattr(
            f"foretell.tasks.{where}.from_hub", lambda hub: [{"question": hub.split, "answers": ["a", "b"]}]
        )
    found = BY_NAME["web_questions"].load(Source(folders=(tmp_path,), online=True))
    assert (found.items[0].context, found.items[0].answers) == ("Q: Test?\n\nA:", (" a", " b"))
    assert found.pool[0].context == "Q: Train?\n\nA:"


def test_a_question_without_answers_and_missing_data_are_named(tmp_path):
    with pytest.raises(BadUse, match="question efficientqa-0 accepts no answer"):
        loaded(tmp_path, "efficientqa", "efficientqa", {"question": "why", "answer": []})
    with pytest.raises(NoData, match=r"web_questions.jsonl .*--online to take hf:stanfordnlp/web_questions \(test\)"):
        BY_NAME["web_questions"].load(Source(folders=(tmp_path,)))


@pytest.mark.parametrize(
    ("name", "n"), [("natural_questions", 2695), ("triviaqa", 2248), ("efficientqa", 1800), ("jeopardy", 1569)]
)
def test_real_files_are_read_whole(shared_data, name, n):
    items = BY_NAME[name].load(Source(folders=(shared_data / "qa",))).items
    assert len(items) == len({item.id for item in items}) == n
    for item in items:
        assert item.context.startswith("Q: ")
        assert item.context.endswith("\n\nA:")
        assert "Question:" not in item.context
        assert all(answer == f" {answer.strip()}" for answer in item.answers)
