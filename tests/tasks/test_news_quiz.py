import json
from collections import Counter

import pytest

from foretell.errors import BadUse
from foretell.tasks.news import Article
from foretell.tasks.news_quiz import SCALE, quiz, write_quiz

ASKED = [Article(title=f"Title {n}", subtitle=f"Sub {n}", text=f"human wrote {n} " * 3) for n in range(25)]
TEXTS = [f"machine wrote {n}" for n in range(25)]


@pytest.fixture(scope="module")
def made():
    return quiz(ASKED, TEXTS, "nano", seed=0)


def versions(made):
    sides = {"A": [], "B": []}
    for entry, key in zip(made.entries, made.key, strict=True):
        sides[entry["quiz"][-1]].append((entry, key))
    return sides


def test_each_quiz_shows_every_title_once_and_the_other_shows_the_other_text(made):
    sides = versions(made)
    shown = {
        version: {entry["title"]: entry["article"] for entry, key in rows if key["kind"] == "question"}
        for version, rows in sides.items()
    }
    for article, text in zip(ASKED, TEXTS, strict=True):
        assert {shown["A"][article.title], shown["B"][article.title]} == {article.text, text}
    assert {len(rows) for rows in sides.values()} == {26}  # with the reading check


def test_the_key_says_who_wrote_what_is_shown(made):
    for entry, key in zip(made.entries, made.key, strict=True):
        assert entry["id"] == key["id"]
        if key["kind"] == "question":
            assert entry["article"].startswith("human" if key["author"] == "human" else "machine")
            assert (key["words"], key["human_words"]) == (len(entry["article"].split()), 9)
            assert (key["model"], key["control"], key["answer"]) == ("nano", False, None)


def test_what_readers_see_does_not_tell_the_author(made):
    fields = {"id", "quiz", "place", "title", "subtitle", "article", "question", "scale"}
    assert {frozenset(entry) for entry in made.entries} == {frozenset(fields)}
    assert {tuple(entry["scale"]) for entry in made.entries} == {SCALE}
    assert len(SCALE) == 5
    assert not any("nano" in str(entry) for entry in made.entries)
    assert len({entry["id"] for entry in made.entries}) == 52


def test_the_coin_is_fair_and_seeded():
    humans_in_a = Counter()
    for seed in range(40):
        for entry, key in versions(quiz(ASKED, TEXTS, "nano", seed=seed))["A"]:
            if key["author"] == "human":
                humans_in_a[entry["title"]] += 1
    total = sum(humans_in_a.values())  # 1000 throws: 500, with a deviation of 16
    assert abs(total - 500) < 4.5 * 16
    assert all(3 <= humans_in_a[article.title] <= 37 for article in ASKED)
    assert quiz(ASKED, TEXTS, "nano", seed=1) == quiz(ASKED, TEXTS, "nano", seed=1) != quiz(ASKED, TEXTS, "nano")


def test_the_order_differs_between_the_quizzes_and_places_count_from_one(made):
    sides = versions(made)
    titles = {version: [entry["title"] for entry, _ in rows] for version, rows in sides.items()}
    assert titles["A"] != titles["B"]
    assert [entry["place"] for entry, _ in sides["A"]] == list(range(1, 27))


def test_the_reading_check_is_not_first_and_its_text_says_the_answer(made):
    for rows in versions(made).values():
        ((entry, key),) = [row for row in rows if row[1]["kind"] == "attention"]
        assert entry["article"].endswith(f"Please choose the answer: {SCALE[key['answer'] - 1]}.")
        assert key["answer"] != 3
        assert entry["place"] > 8


def test_the_control_model_is_marked_in_the_key_alone():
    control = quiz(ASKED, TEXTS, "bad", control=True)
    assert {key["control"] for key in control.key} == {True}
    assert not any("control" in entry for entry in control.entries)


def test_both_files_are_written_for_several_models(made, tmp_path):
    folder = write_quiz([made, quiz(ASKED, TEXTS, "bad", control=True)], tmp_path / "study")
    entries, key = (
        [json.loads(line) for line in (folder / name).read_text().splitlines()] for name in ("quiz.jsonl", "key.jsonl")
    )
    assert [row["id"] for row in entries] == [row["id"] for row in key]
    assert len({row["quiz"] for row in entries}) == 4
    assert entries[: len(made.entries)] == list(made.entries)


@pytest.mark.parametrize(("asked", "texts"), [([], []), (ASKED, TEXTS[:-1])])
def test_titles_and_texts_must_go_together(asked, texts):
    with pytest.raises(BadUse, match="a quiz needs one text for each"):
        quiz(asked, texts, "nano")
