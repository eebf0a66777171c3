"""Exams of the user's own, and the errors of their files."""

import json

import pytest

from foretell.errors import BadUse
from foretell.eval.exam_file import read_dirty, read_exam
from foretell.eval.exams import Exam, percentile, scaled

QUESTION = {"question": "Which?", "options": ["this", "that"], "answer": "B"}
TEST = {
    "name": "entrance test",
    "about": "made up for tests",
    "sections": [
        {"name": "reading", "questions": "reading.jsonl", "points": 30, "topic": "reading with care", "area": "words"},
        {"name": "sums", "questions": [{**QUESTION, "subject": "algebra"}], "examples": [QUESTION], "points": 10},
    ],
    "score": {"unit": "marks", "table": [[0, 200], [40, 800]], "source": "made up for tests"},
    "percentiles": {"table": [[200, 1], [500, 40], [800, 99]], "source": "made up for tests"},
}


def written(tmp_path, **changes):
    (tmp_path / "reading.jsonl").write_text(f"{json.dumps(QUESTION)}\n{json.dumps({**QUESTION, 'id': 'mine'})}\n")
    content = {name: value for name, value in (TEST | changes).items() if value is not None}
    (tmp_path / "exam.json").write_text(json.dumps(content))
    return tmp_path / "exam.json"


def test_an_exam_is_read_with_its_sections_and_tables(tmp_path):
    exam = read_exam(written(tmp_path))
    reading, sums = exam.sections
    assert (exam.name, exam.points, exam.unit, exam.published) == ("entrance test", 40, "marks", "made up for tests")
    assert (reading.topic, reading.points, reading.area, len(reading.questions)) == (
        "reading with care",
        30,
        "words",
        2,
    )
    assert reading.questions[1].id == "mine"
    assert (sums.topic, len(sums.examples), sums.questions[0].subject) == ("sums", 1, "algebra")


def test_points_become_a_score_and_a_percentile(tmp_path):
    exam = read_exam(written(tmp_path))
    score = scaled(exam, {"value": 0.5, "low": 0.25, "high": 1.0, "n": 10})
    assert score == {"value": 500, "low": 350, "high": 800, "n": 10}
    assert percentile(exam, score) == {"value": 40, "low": 1, "high": 99, "n": 10}


def test_without_tables_the_score_is_the_share_in_per_cent(tmp_path):
    exam = read_exam(written(tmp_path, score=None, percentiles=None))
    score = scaled(exam, {"value": 0.5, "low": 0.25, "high": 1.0, "n": 10})
    assert (exam.unit, score["value"]) == ("%", 50)
    assert percentile(exam, score) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": None}, "'name' is None; it must be text"),
        ({"colour": 1}, "has the field 'colour', which is not read"),
        ({"sections": []}, "has a section without questions, or none"),
        ({"sections": [7]}, "section 1 is '7'; it must be an object"),
        ({"sections": [{"name": "a", "questions": []}]}, "points 0 is no number above 0"),
        (
            {"sections": [{"name": "a", "questions": [QUESTION]}] * 2, "score": None, "percentiles": None},
            "two sections of one name",
        ),
        ({"sections": [{"name": "a", "questions": [{**QUESTION, "answer": "C"}]}]}, "questions 1: answer 'C'"),
        ({"sections": [{"name": "a", "questions": "../reading.jsonl"}]}, "which is no file beside exam.json"),
        ({"sections": [{"name": "a", "questions": "none.jsonl"}]}, "which is no file beside exam.json"),
        ({"sections": [{"name": "a", "questions": [QUESTION], "points": -1}]}, "points -1 is no number above 0"),
        ({"score": {"table": [[0, 1], [39, 2]], "source": "me"}}, "must cover 0 to 40"),
        ({"score": {"table": [[0, 1], [40, 2]]}}, "'source' is None; it must be text"),
        ({"score": {"table": [[0, 1], [40, 2]], "source": " "}}, "names no source"),
        ({"percentiles": {"table": [[300, 1], [800, 2]], "source": "me"}}, "must cover 200 to 800"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, changes, says):
    with pytest.raises(BadUse, match=says):
        read_exam(written(tmp_path, **changes))


def test_a_file_that_is_not_there_or_no_json_is_refused(tmp_path):
    with pytest.raises(BadUse, match="does not exist"):
        read_exam(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(BadUse, match="is no JSON"):
        read_exam(tmp_path / "bad.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(BadUse, match="must be an object"):
        read_exam(tmp_path / "list.json")


def test_an_exam_needs_questions():
    with pytest.raises(BadUse, match="section without questions"):
        Exam(name="x", about="", origin="", sections=())


def test_contaminated_questions_are_named_by_line_or_by_object(tmp_path):
    (tmp_path / "plain.txt").write_text("mmlu/1\n\n mmlu/2 \n")
    (tmp_path / "rows.jsonl").write_text('{"id": "mmlu/1", "why": "x"}\n{"id": "mmlu/2"}\n')
    assert read_dirty(tmp_path / "plain.txt") == read_dirty(tmp_path / "rows.jsonl") == {"mmlu/1", "mmlu/2"}
    with pytest.raises(BadUse, match="cannot be read"):
        read_dirty(tmp_path / "none.txt")
    (tmp_path / "bad.jsonl").write_text("{\n")
    with pytest.raises(BadUse, match="cannot be read"):
        read_dirty(tmp_path / "bad.jsonl")
    (tmp_path / "rows.jsonl").write_text('{"name": "mmlu/1"}\n')
    with pytest.raises(BadUse, match="'id' is None"):
        read_dirty(tmp_path / "rows.jsonl")
