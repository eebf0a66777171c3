"""A model sits exams: what it answers is what a plain loop finds, and the row counts it right."""

import json
from dataclasses import replace

import pytest
import torch

from foretell.errors import BadUse
from foretell.eval.exam_results import contamination, letters_row, one_letter, result, tables
from foretell.eval.exam_suite import Sitting, exam_suite, quotas
from foretell.eval.exams import Exam, Section, known_exams, made_exam
from foretell.generate.model import Model
from foretell.generate.score import Score
from foretell.tasks.exam_questions import Question, answered, asked, shuffled
from foretell.tasks.exams import instruction
from foretell.tasks.source import Source
from foretell.text.train import train_tokenizer
from tests.generate.conftest import BASE, random_network

SOURCE = Source()


@pytest.fixture(scope="module")
def model():
    exam = made_exam(SOURCE)
    texts = [answered(question) for section in exam.sections for question in section.questions]
    tokenizer = train_tokenizer("bpe", texts, 400, quiet=True)
    return Model(random_network(replace(BASE, n_vocab=400, n_ctx=512)), tokenizer)


def question(number, gold, n=4, subject=""):
    options = tuple(f"option {i}" for i in range(n))
    return Question(id=f"q{number}", question=f"{number}?", options=options, gold=gold, subject=subject)


def record(key, chosen, gold, n=4):
    return {
        "key": key,
        "scores": [[0.0]] * n,
        "chosen": {"none": chosen},
        "gold": gold,
        "value": float(chosen == gold),
        "dropped": 0,
    }


def two_sections():
    """Section a: 3 points, 1 of 2 right; section b: 1 point, 2 of 2 right, of 2 options each."""
    a = Section(name="a", topic="a", points=3.0, questions=(question(0, 0), question(1, 1)), area="one")
    b = Section(name="b", topic="b", points=1.0, questions=(question(2, 0, 2), question(3, 0, 2)), area="one")
    answers = {
        "a": [record("q0", 0, 0), record("q1", 0, 1)],
        "b": [record("q2", 0, 0, 2), record("q3", 0, 0, 2)],
    }
    return Exam(name="x", about="", origin="", sections=(a, b)), answers


def test_points_weigh_the_sections():
    exam, answers = two_sections()
    found = result(exam, answers)
    assert found["share"]["value"] == pytest.approx((3 * 0.5 + 1 * 1.0) / 4)
    assert found["score"]["value"] == pytest.approx(62.5)
    assert found["random"] == pytest.approx((3 * 0.25 + 1 * 0.5) / 4)
    assert one_letter(exam, answers) == pytest.approx((3 * 0.5 + 1 * 1.0) / 4)
    assert letters_row(answers)["A"] == {"chosen": 1.0, "right": 0.75}
    assert tables(exam, answers)["areas"]["one"]["value"] == 0.75
    assert [row["got"] for row in tables(exam, answers)["sections"]] == [1.5, 1.0]


def test_the_lower_score_of_all_and_clean_is_reported():
    exam, answers = two_sections()
    found = contamination(exam, answers, {"q0", "other"})
    assert (found["dirty_share"], found["n_clean"]) == (0.25, 3)
    assert found["clean"]["value"] == pytest.approx(25.0)
    assert found["reported"] == found["clean"]
    better = contamination(exam, answers, {"q1"})
    assert better["clean"]["value"] == pytest.approx(100.0)
    assert better["reported"] == better["all"]
    assert contamination(exam, answers, {"q2", "q3"})["clean"] is None


def test_a_limit_is_spread_over_the_sections():
    exam = made_exam(SOURCE)
    assert quotas(exam, 0) == [30, 30]
    assert quotas(exam, 20) == [10, 10]
    assert quotas(exam, 1) == [1, 1]
    assert quotas(exam, 1000) == [30, 30]


def test_the_chosen_letter_is_the_likeliest_of_a_plain_loop(model, tmp_path):
    exam = made_exam(SOURCE)
    (row,) = exam_suite(model, [exam], tmp_path, Sitting(shots=0, limit=8, shuffle=False), quiet=True)
    assert (row["n"], row["shots"], row["shuffled"], row["explained"], row["contamination"]) == (8, 0, None, None, None)
    n_right = 0
    for section in exam.sections:
        by_id = {one.id: one for one in section.questions}
        (path,) = (tmp_path / "exams").glob(f"*{section.name.replace(' ', '_')}-0.jsonl")
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(records) == 4
        for told in records:
            text = instruction(section.topic) + asked(by_id[told["key"]])
            scores = []
            for letter in "ABCD":
                context, tail = model.encoded(text, f" {letter}")
                with torch.no_grad():
                    logits = model.network(torch.tensor([[*context, *tail[:-1]]]))[0, -len(tail) :].double()
                scores.append(torch.log_softmax(logits, -1)[range(len(tail)), tail].sum().item())
            assert told["chosen"]["none"] == scores.index(max(scores))
            n_right += told["chosen"]["none"] == by_id[told["key"]].gold
    assert row["share"]["value"] == pytest.approx(n_right / 8)


def test_what_was_answered_is_not_asked_again(model, tmp_path, monkeypatch):
    sitting = Sitting(shots=1, limit=6, explain=True, explanation=4)
    first = exam_suite(model, [made_exam(SOURCE)], tmp_path, sitting, quiet=True)

    def asked_again(*args, **kwargs):
        raise AssertionError("the model was asked again")

    monkeypatch.setattr(model, "generate", asked_again)
    monkeypatch.setattr(model, "score", lambda pairs: asked_again() if pairs else [])
    assert exam_suite(model, [made_exam(SOURCE)], tmp_path, sitting, quiet=True) == first


def test_a_row_has_the_control_and_the_explanations(model, tmp_path):
    sitting = Sitting(shots=1, limit=6, explain=True, explanation=4)
    (row,) = exam_suite(model, [made_exam(SOURCE)], tmp_path, sitting, {"none of them"}, quiet=True)
    assert row["n"] == row["shuffled"]["share"]["n"] == row["explained"]["share"]["n"] == 6
    assert 0 <= row["shuffled"]["same_option"] <= 1
    assert (row["explained"]["n_explained"], row["explained"]["unended"]) == (6, 6)
    assert row["contamination"]["reported"] == row["score"]
    assert row["random"] == 0.25
    assert sum(letter["chosen"] for letter in row["letters"].values()) == pytest.approx(1)
    assert len(row["sections"]) == 2


def knowing(model, monkeypatch, liked):
    """Let the model prefer the option whose text `liked` names for a prompt: it knows, or it likes a letter."""

    def score(pairs):
        found = []
        for context, letter in pairs:
            asked_last = context.rsplit("\n\n", 1)[-1]
            found.append(Score(-1.0 if liked(asked_last) == letter.strip() else -2.0, 1, False))
        return found

    monkeypatch.setattr(model, "score", score)


def test_who_likes_a_letter_scores_by_chance_when_options_are_shuffled(model, tmp_path, monkeypatch):
    questions = tuple(question(i, 0) for i in range(400))
    exam = Exam(name="a", about="", origin="", sections=(Section(name="s", topic="t", points=1, questions=questions),))
    knowing(model, monkeypatch, lambda text: "A")
    (row,) = exam_suite(model, [exam], tmp_path / "likes", Sitting(shots=0), quiet=True)
    assert row["share"]["value"] == row["one_letter"] == 1.0
    assert row["shuffled"]["share"]["low"] < 0.25 < row["shuffled"]["share"]["high"]
    assert 0.18 < row["shuffled"]["same_option"] < 0.32
    assert row["shuffled"]["letters"]["A"]["chosen"] == 1.0


def test_who_knows_keeps_to_the_options(model, tmp_path, monkeypatch):
    questions = tuple(question(i, i % 4) for i in range(60))
    exam = Exam(name="a", about="", origin="", sections=(Section(name="s", topic="t", points=1, questions=questions),))
    right = {one.question: one.options[one.gold] for one in questions}

    def know(text):
        lines = text.split("\n")
        wanted = right.get(lines[0])  # None where the letters are scored after `Answer:` alone
        return next((line[0] for line in lines[1:] if line[3:] == wanted), "")

    knowing(model, monkeypatch, know)
    (row,) = exam_suite(model, [exam], tmp_path, Sitting(shots=0), quiet=True)
    assert row["share"]["value"] == row["shuffled"]["share"]["value"] == row["shuffled"]["same_option"] == 1.0
    moved = [shuffled(one, 0).gold for one in questions]
    assert row["shuffled"]["letters"]["A"]["right"] == pytest.approx(moved.count(0) / 60)


def test_questions_that_do_not_fit_are_counted_and_do_not_count(model, tmp_path):
    long = replace(question(0, 0), question="What is the value of " * 400)
    section = Section(name="s", topic="t", points=2, questions=(long, question(1, 1)))
    exam = Exam(name="a", about="", origin="", sections=(section,))
    (row,) = exam_suite(model, [exam], tmp_path, Sitting(shots=0), quiet=True)
    assert (row["n"], row["too_long"]) == (1, 1)
    alone = Exam(name="b", about="", origin="", sections=(replace(section, questions=(long,)),))
    (row,) = exam_suite(model, [alone], tmp_path / "b", Sitting(shots=0), quiet=True)
    assert (row["n"], row["too_long"]) == (0, 1)
    assert "share" not in row


def test_a_folder_of_another_model_is_refused(model, tmp_path):
    exam_suite(model, [made_exam(SOURCE)], tmp_path, Sitting(shots=0, limit=2, shuffle=False), quiet=True)
    other = Model(random_network(replace(BASE, n_vocab=400, n_ctx=512), seed=5), model.tokenizer)
    with pytest.raises(BadUse, match="another model"):
        exam_suite(other, [made_exam(SOURCE)], tmp_path, Sitting(shots=0, limit=2), quiet=True)


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="shots=-1"):
        Sitting(shots=-1)


def test_without_data_the_made_exam_is_there():
    exams, missing = known_exams(SOURCE)
    assert [exam.name for exam in exams] == ["made"]
    assert set(missing) == {"mmlu", "sat-math", "lsat-ar", "lsat-lr", "logiqa-en", "aqua-rat"}
    assert "mmlu_test.jsonl" in missing["mmlu"]


@pytest.mark.slow
def test_real_exams_are_sat(model, tmp_path, shared_data):
    exams, missing = known_exams(Source(folders=(shared_data / "exams",)))
    assert not missing
    mmlu = next(exam for exam in exams if exam.name == "mmlu")
    assert (len(mmlu.sections), mmlu.points) == (56, 7824)
    rows = exam_suite(model, exams, tmp_path, Sitting(shots=1, limit=4, shuffle=False), quiet=True)
    assert [row["exam"] for row in rows[:2]] == ["made", "mmlu"]
    assert len(rows) == 7
    assert set(rows[1]["areas"]) <= {"STEM", "humanities", "social sciences", "other"}
