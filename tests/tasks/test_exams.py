"""Questions by letter: their text, the letters of the files, the exam that is always there."""

import json
from collections import Counter

import pytest

from foretell.errors import BadUse
from foretell.tasks.exam_questions import (
    Question,
    answered,
    as_choice,
    asked,
    explained,
    from_agieval,
    from_mmlu,
    from_row,
    lettered,
    shuffled,
    with_own_ids,
)
from foretell.tasks.exams import AGIEVAL, TASKS, agieval, mmlu
from foretell.tasks.item import shown
from foretell.tasks.made_exam import arithmetic, knowledge
from foretell.tasks.mmlu_subjects import AREAS, SUBJECTS
from foretell.tasks.source import NoData, Source

TWO = Question(
    id="x/1", question="What is 2 + 2?", options=("3", "4", "22"), gold=1, explanation="Two and two\nare four."
)


def test_a_question_ends_where_its_letter_follows():
    assert asked(TWO) == "What is 2 + 2?\nA. 3\nB. 4\nC. 22\nAnswer:"
    assert answered(TWO) == "What is 2 + 2?\nA. 3\nB. 4\nC. 22\nAnswer: B"
    assert shown(as_choice(TWO)) == answered(TWO)
    assert explained(TWO).endswith("C. 22\nExplanation: Two and two are four.\nThe answer is therefore B")


def test_a_passage_stands_before_its_question():
    question = from_row(
        {"passage": "All is red.", "question": "Which?", "options": ["a", "b"], "answer": "b"}, "x", "f"
    )
    assert asked(question) == "All is red.\nWhich?\nA. a\nB. b\nAnswer:"
    assert question.gold == 1


def test_shuffling_moves_the_right_option_with_its_letter():
    found = Counter()
    for seed in range(300):
        moved = shuffled(TWO, seed)
        assert sorted(moved.options) == sorted(TWO.options)
        assert moved.options[moved.gold] == "4"
        assert moved == shuffled(TWO, seed)
        found[moved.options] += 1
    assert len(found) == 6
    assert min(found.values()) > 30


@pytest.mark.parametrize(
    ("printed", "options"),
    [
        (["(A)one", "(B) two"], ("one", "two")),
        (["(A)one", "(C)three", "(B)two", "(D)four"], ("one", "two", "three", "four")),
        (["A one", "B? two"], ("one", "two")),
        (["A cat", "(B)two"], ("A cat", "two")),
        (["A cat", "a dog"], ("A cat", "a dog")),
    ],
)
def test_options_go_by_the_letters_that_they_bear(printed, options):
    assert lettered(printed) == options


def test_a_label_is_a_printed_letter():
    row = {"passage": None, "question": "q", "options": ["(A)x", "(C)y", "(B)right", "(D)z"], "label": "B"}
    question = from_agieval({**row, "other": {"solution": "because"}}, "logic", "file")
    assert question.options[question.gold] == "right"
    assert question.explanation == "because"
    with pytest.raises(BadUse, match="says that option -1 is right"):
        from_agieval({**row, "label": "none"}, "logic", "file")


def test_a_row_of_mmlu_names_the_right_choice_by_place_or_letter():
    row = {"subject": "anatomy", "question": "q", "choices": ["a", "b", "c"]}
    assert [from_mmlu({**row, **how}, "f").gold for how in ({"gold": 2}, {"answer": 2}, {"answer": "C"})] == [2, 2, 2]
    for wrong in ("Z", "", None, 1.5, 3, -1):
        with pytest.raises(BadUse, match=r"file, question 3|has options 0 to 2"):
            from_mmlu({**row, "answer": wrong}, "file, question 3")


def test_ids_follow_from_the_text_and_are_there_once():
    row = {"subject": "anatomy", "question": "q", "choices": ["a", "b"], "gold": 0}
    one, same, other = (from_mmlu(row, "f"), from_mmlu(row, "f"), from_mmlu({**row, "question": "r"}, "f"))
    assert one.id == same.id != other.id
    assert [q.id for q in with_own_ids([one, other, same])] == [one.id, other.id, f"{one.id}-2"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"question": "q", "options": ["a", "b"], "answer": "C"}, "line 3: answer 'C' is no letter of its 2 options"),
        ({"question": "q", "options": ["a", " "], "answer": "A"}, "is empty"),
        ({"question": "q", "options": ["a", "b"]}, "line 3 has no field 'answer'"),
        ({"question": "q", "options": ["a"] * 11, "answer": "A"}, "letters go to J"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(row, says):
    with pytest.raises(BadUse, match=says):
        from_row(row, "x", "line 3")


def test_the_made_exam_is_balanced_and_its_arithmetic_is_right():
    for load, n in ((arithmetic, 30), (knowledge, 30)):
        questions, examples, _ = load(Source(seed=3))
        assert (len(questions), len(examples)) == (n, 5)
        assert len({q.id for q in [*questions, *examples]}) == n + 5
        assert all(len(set(q.options)) == 4 and q.explanation for q in [*questions, *examples])
        assert max(Counter(q.gold for q in questions).values()) <= n // 4 + 1
    for question in [q for part in arithmetic(Source(seed=3))[:2] for q in part]:
        a, sign, b = question.question.removeprefix("What is ").removesuffix("?").split()
        value = {"plus": int(a) + int(b), "minus": int(a) - int(b), "times": int(a) * int(b)}[sign]
        assert question.options[question.gold] == str(value)


def test_arithmetic_follows_from_the_seed_alone():
    assert arithmetic(Source(seed=1)) == arithmetic(Source(seed=1)) != arithmetic(Source(seed=2))
    assert knowledge(Source(seed=1)) == knowledge(Source(seed=2))


def test_the_size_of_an_option_tells_nothing():
    ranks = Counter()
    for seed in range(40):
        for question in arithmetic(Source(seed=seed))[0]:
            values = [int(option) for option in question.options]
            ranks[sorted(values).index(values[question.gold])] += 1
    assert min(ranks.values()) > 0.2 * ranks.total()


def test_every_task_by_letter_scores_letters_as_they_are():
    assert len(TASKS) == 57 + 5 + 2
    assert {task.family for task in TASKS} == {"exams"}
    assert {task.norm for task in TASKS} == {"none"}


def test_without_files_it_is_said_which_file_is_looked_for(tmp_path):
    with pytest.raises(NoData, match=r"mmlu_test\.jsonl"):
        mmlu(Source(folders=(tmp_path,)), "anatomy")
    with pytest.raises(NoData, match=r"agieval_sat-math\.jsonl"):
        agieval(Source(folders=(tmp_path,)), "sat-math")


def test_a_subject_that_a_file_lacks_is_named(tmp_path):
    row = json.dumps({"subject": "anatomy", "question": "q", "choices": ["a", "b"], "gold": 0})
    for name in ("mmlu_test", "mmlu_dev5shot"):
        (tmp_path / f"{name}.jsonl").write_text(row + "\n")
    questions, examples, origin = mmlu(Source(folders=(tmp_path,)), "anatomy")
    assert (len(questions), len(examples), origin) == (1, 1, "mmlu_test.jsonl")
    with pytest.raises(NoData, match="has no question of astronomy"):
        mmlu(Source(folders=(tmp_path,)), "astronomy")


def test_the_real_files_give_every_subject_and_exam(shared_data):
    source = Source(folders=(shared_data,))
    n = {name: len(agieval(source, name)[0]) for name in AGIEVAL}
    assert n == {"sat-math": 220, "lsat-ar": 230, "lsat-lr": 510, "logiqa-en": 651, "aqua-rat": 254}
    tasks = {task.name: task for task in TASKS}
    found = tasks["mmlu_anatomy"].load(source)
    assert (len(found.items), len(found.pool)) == (78, 5)
    assert {len(item.options) for item in found.items} == {4}
    assert len(SUBJECTS) == len(set(SUBJECTS)) == 57
    assert [len(area) for area in AREAS.values()] == [18, 13, 12, 14]
    valve = next(q for q in agieval(source, "logiqa-en")[0] if "open the No.1 valve" in q.question)
    assert valve.options[valve.gold] == "No.2 valve and No.3 valve."  # the other three break a rule of the passage
