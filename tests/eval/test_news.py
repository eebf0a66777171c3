import numpy as np
import pytest

from foretell.errors import BadUse
from foretell.eval.measured import share
from foretell.eval.news import (
    against_control,
    judgements,
    news_accuracy,
    participant_accuracies,
    power_law,
)
from foretell.tasks.news import Article
from foretell.tasks.news_quiz import quiz

ASKED = [Article(title=f"T{n}", subtitle="S", text=f"human {n}") for n in range(25)]
TEXTS = [f"machine {n}" for n in range(25)]


def study(sees, n_people, model="m", control=False, seed=0):
    """Answers of people who recognise an author with probability `sees` and are neutral in a tenth of the entries."""
    made, draw = quiz(ASKED, TEXTS, model, control), np.random.default_rng(seed)
    quizzes = sorted({entry["quiz"] for entry in made.entries})
    answers = []
    for person in range(n_people):
        for entry, key in zip(made.entries, made.key, strict=True):
            if entry["quiz"] == quizzes[person % 2]:
                right = draw.random() < sees
                human = (key["author"] == "human") == right
                answer = key["answer"] or (3 if draw.random() < 0.1 else int(draw.integers(1, 3)) + 3 * (not human))
                answers.append({"participant": f"{model}{person}", "id": entry["id"], "answer": answer})
    return answers, made.key


def plain_accuracies(answers, key):
    """The slow twin: counts per participant."""
    author = {row["id"]: row["author"] for row in key}
    found = {}
    for person in {row["participant"] for row in answers}:
        right = wrong = 0
        for row in answers:
            if row["participant"] == person and author[row["id"]] is not None and row["answer"] != 3:
                said = "human" if row["answer"] in (1, 2) else "model"
                right, wrong = right + (said == author[row["id"]]), wrong + (said != author[row["id"]])
        found[person] = right / (right + wrong)
    return found


def test_accuracy_is_the_mean_over_participants_of_right_among_not_neutral():
    answers, key = study(0.7, 20)
    judged, failed = judgements(answers, key)
    each = plain_accuracies(answers, key)
    assert failed == []
    assert participant_accuracies(judged) == pytest.approx(each)
    found = news_accuracy(judged)
    assert found.accuracy["value"] == pytest.approx(np.mean(list(each.values())))
    stats = pytest.importorskip("scipy.stats")
    low, high = stats.t.interval(0.95, 19, found.accuracy["value"], stats.sem(list(each.values())))
    assert (found.accuracy["low"], found.accuracy["high"]) == pytest.approx((low, high))
    decided = [one.right for one in judged if one.right is not None]
    assert found.of_answers == share(sum(decided), len(decided))
    assert found.neutral == pytest.approx(1 - len(decided) / (20 * 25))
    assert (found.accuracy["n"], found.undecided) == (20, 0)


def test_the_interval_covers_what_people_can_see():
    covered = 0
    for seed in range(60):
        judged, _ = judgements(*study(0.6, 12, seed=seed))
        found = news_accuracy(judged).accuracy
        covered += found["low"] <= 0.6 <= found["high"]
    assert covered >= 51  # 57 are expected, with a deviation of 1.7


@pytest.mark.parametrize("equal", [True, False])
def test_the_test_against_the_control_is_scipys(equal):
    stats = pytest.importorskip("scipy.stats")
    model, control = study(0.55, 30, "m", seed=1), study(0.85, 25, "bad", control=True, seed=2)
    ours = against_control(judgements(*model)[0], judgements(*control)[0], equal)
    each = [list(plain_accuracies(*side).values()) for side in (model, control)]
    theirs = stats.ttest_ind(*each, equal_var=equal)
    assert (ours.t, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert ours.t < 0


def test_who_fails_the_reading_check_is_left_out_and_named():
    answers, key = study(0.7, 4)
    check = {row["id"]: row["answer"] for row in key if row["kind"] == "attention"}
    for row in answers:
        if row["participant"] == "m1" and row["id"] in check:
            row["answer"] = 3
    judged, failed = judgements(answers, key)
    assert failed == ["m1"]
    assert {one.participant for one in judged} == {"m0", "m2", "m3"}


def test_who_never_decides_is_counted_apart():
    answers, key = study(0.7, 3)
    check = {row["id"] for row in key if row["kind"] == "attention"}
    for row in answers:
        if row["participant"] == "m0" and row["id"] not in check:
            row["answer"] = 3
    found = news_accuracy(judgements(answers, key)[0])
    assert (found.accuracy["n"], found.undecided) == (2, 1)
    with pytest.raises(BadUse, match="1 participants decided"):
        news_accuracy(judgements([row for row in answers if row["participant"] != "m1"], key)[0])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"id": "none"}, "the key has no entry 'none'"),
        ({"answer": 6}, "the answer 6 to .* is no step"),
        ({"answer": True}, "the answer True"),
        ({"answer": "2"}, "the answer '2'"),
    ],
)
def test_an_answer_that_cannot_be_is_named(wrong, says):
    answers, key = study(0.7, 2)
    with pytest.raises(BadUse, match=says):
        judgements([answers[0] | wrong, *answers[1:]], key)


def test_an_answer_given_twice_is_named():
    answers, key = study(0.7, 2)
    with pytest.raises(BadUse, match=r"participant m0 answered .* 2 times"):
        judgements([*answers, answers[0]], key)


def test_a_power_law_is_found_again():
    sizes = [125e6, 350e6, 1.3e9, 13e9, 175e9]
    a, b = power_law(sizes, [1.5 * n**-0.04 for n in sizes])
    assert (a, b) == pytest.approx((1.5, 0.04))
    slope, height = np.polyfit(np.log(sizes), np.log([0.76, 0.61, 0.62, 0.55, 0.52]), 1)
    assert power_law(sizes, [0.76, 0.61, 0.62, 0.55, 0.52]) == pytest.approx((np.exp(height), -slope))
    with pytest.raises(BadUse, match="2 sizes or more"):
        power_law([1e6, 1e6], [0.5, 0.6])
