import time
from collections import Counter

import pytest

from foretell.eval.prompts import drawn, joined, prompt
from foretell.tasks.item import Choice, Free, Partial, shown
from foretell.tasks.task import Questions, Task


def task(**given):
    return Task(**{"name": "sums", "family": "f", "about": "a", "load": lambda source: None, "shots": 3, **given})


ITEMS = [Choice(id=str(i), context=f"{i} + 1 =", options=(f" {i + 1}", f" {i + 2}"), gold=0) for i in range(20)]
SELF = Questions(items=ITEMS, origin="made")
APART = Questions(items=ITEMS[:10], pool=ITEMS[10:], origin="made")


def words(text):
    return len(text.split())


def draws(questions, item, shots=3, seed=0, draw="each", labels="right"):
    return drawn(task(), questions, item, shots, seed=seed, draw=draw, labels=labels)


def test_demonstrations_are_of_the_pool_all_different_and_never_the_question():
    for item in ITEMS:
        found = draws(SELF, item, shots=19)
        assert sorted(found) == sorted(shown(one) for one in ITEMS if one.id != item.id)
    assert set(draws(APART, ITEMS[0], shots=10)) == {shown(one) for one in ITEMS[10:]}


def test_a_pool_that_is_too_small_gives_all_that_it_has():
    assert len(draws(APART, ITEMS[0], shots=50)) == 10
    assert len(draws(SELF, ITEMS[0], shots=50)) == 19


def of_kin(n, size):
    """n questions, each `size` of which share a text."""
    kin = [f"text {i // size}" for i in range(n)]
    return [Free(id=str(i), context=f"{kin[i]}, {i}:", answers=(" a",), kin=kin[i]) for i in range(n)]


@pytest.mark.parametrize(("n", "size"), [(12, 4), (12, 12), (50, 1), (40, 30)])
@pytest.mark.parametrize("shots", [0, 1, 5, 60])
@pytest.mark.parametrize("apart", [True, False])
def test_no_demonstration_shares_the_text_of_the_question(n, size, shots, apart):
    items = of_kin(n, size)
    for item in items:
        questions = Questions(items=[item] if apart else items, pool=items if apart else (), origin="made")
        found = draws(questions, item, shots=shots)
        others = [shown(one) for one in items if one.kin != item.kin]
        assert len(found) == len(set(found)) == min(shots, len(others))
        assert set(found) <= set(others)


def test_every_question_that_is_no_kin_is_shown_equally_often():
    items = of_kin(8, 2)
    count = Counter(
        text for seed in range(3000) for text in draws(Questions(items=items, origin=""), items[0], 1, seed)
    )
    assert set(count) == {shown(one) for one in items[2:]}
    assert all(400 < n < 600 for n in count.values())  # 500 each, with a standard deviation of 20


def test_questions_without_a_common_text_are_no_kin():
    assert len(draws(SELF, ITEMS[0], shots=50)) == 19


def test_a_large_pool_is_not_looked_through():
    items = of_kin(10_000, 5)
    questions = Questions(items=items, origin="made")
    begun = time.process_time()
    for item in items[:1000]:
        draws(questions, item, shots=8)
    assert time.process_time() - begun < 1  # looking through it would be 10 million comparisons


def test_demonstrations_follow_from_seed_task_and_question():
    assert draws(SELF, ITEMS[0]) == draws(SELF, ITEMS[0])
    assert draws(SELF, ITEMS[0]) != draws(SELF, ITEMS[1])
    assert draws(SELF, ITEMS[0]) != draws(SELF, ITEMS[0], seed=1)


def test_drawn_once_they_are_the_same_for_all_questions():
    assert len({tuple(draws(APART, item, draw="once")) for item in APART.items}) == 1


def test_no_shots_are_no_demonstrations():
    assert draws(SELF, ITEMS[0], shots=0) == []


def test_shuffled_labels_show_the_same_questions_with_labels_drawn_at_random():
    many = Questions(items=ITEMS[:1], pool=[one for one in ITEMS if one.id != "0"], origin="made")
    found = draws(many, ITEMS[0], shots=19, labels="shuffled")
    right = draws(many, ITEMS[0], shots=19)
    assert [text.split("=")[0] for text in found] == [text.split("=")[0] for text in right]
    assert 3 <= sum(a == b for a, b in zip(found, right, strict=True)) <= 16


def test_shuffled_answers_are_answers_of_other_questions():
    free = [Free(id=str(i), context=f"q{i}:", answers=(f" {i}",)) for i in range(30)]
    found = draws(Questions(items=free[:1], pool=free[1:], origin="made"), free[0], shots=29, labels="shuffled")
    answers = [text.split(":")[1] for text in found]
    assert set(answers) <= {f" {i}" for i in range(1, 30)}
    assert sum(text == f"q{a.strip()}:{a}" for text, a in zip(found, answers, strict=True)) < 10


def test_a_prompt_is_instruction_demonstrations_and_context():
    item = Free(id="1", context="c a t =", answers=(" cat",), zero_context="unscramble c a t")
    scramble = task(instruction="Please:\n", separator="\n", zero_instruction="")
    assert joined(scramble, item, ["d o g = dog", "x y = xy"]) == ("Please:\nd o g = dog\nx y = xy\nc a t =",)
    assert joined(scramble, item, []) == ("unscramble c a t",)


def test_a_partial_question_has_a_prompt_for_each_context():
    item = Partial(id="1", contexts=("The cat", "The dog"), completion=" slept.", gold=1)
    assert joined(task(), item, ["A. B."]) == ("A. B.\n\nThe cat", "A. B.\n\nThe dog")


@pytest.mark.parametrize("room", range(3, 25))
def test_demonstrations_that_do_not_fit_are_dropped_from_the_front_and_counted(room):
    demonstrations = ["one two three", "four", "five six", "seven eight nine"]
    item = Choice(id="1", context="a b c", options=(" d", " e"), gold=0)
    found = prompt(task(), item, demonstrations, words, room)
    fits = [k for k in range(5) if words("\n\n".join([*demonstrations[4 - k :], item.context])) <= room]
    assert found.n_demonstrations == max(fits)
    assert found.dropped == 4 - found.n_demonstrations
    assert found.texts == joined(task(), item, demonstrations[4 - max(fits) :])


def test_a_question_that_does_not_fit_alone_is_told():
    assert prompt(task(), ITEMS[0], ["x y z"], words, room=2) is None
