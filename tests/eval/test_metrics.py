"""Metrics against definitions written out in full, known cases, and scikit-learn."""

import random
import re
import string

import pytest

from foretell.eval.metrics import (
    drop_f1,
    exact_answer,
    exact_match,
    f1,
    f1_macro,
    first_word,
    group_accuracy,
    normal_answer,
    word_and_rest,
    word_ended,
)


def slow_normal(text):
    """One change after the other, a character and a word at a time."""
    kept = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(word for word in re.sub(r"(?<!\w)(a|an|the)(?!\w)", " ", kept).split() if word)


def slow_f1(output, answer):
    """Precision and recall, each word of the answer taken once."""
    said, wanted = slow_normal(output).split(), slow_normal(answer).split()
    left, both = list(wanted), 0
    for word in said:
        if word in left:
            left.remove(word)
            both += 1
    if both == 0:
        return 0.0
    precision, recall = both / len(said), both / len(wanted)
    return 2 * precision * recall / (precision + recall)


def sentences(n, seed=0):
    draw = random.Random(seed)
    words = [
        "The",
        "a",
        "an",
        "cat",
        "Cat's",
        "sat.",
        "on",
        "U.S.",
        "mat,",
        "3.5",
        "theatre",
        "--",
        "\u00e9t\u00e9",
        "an-",
    ]
    return [" ".join(draw.choices(words, k=draw.randint(1, 7))) for _ in range(n)]


def test_normalisation_is_squads():
    assert normal_answer("  The Cat's  an-archy, A. ") == "cats anarchy"
    assert normal_answer("Theatre another A the") == "theatre another"


def test_normalisation_and_f1_are_those_of_the_slow_twins():
    texts = [text for text in sentences(300) if slow_normal(text)]
    for output, answer in zip(texts, reversed(texts), strict=True):
        assert normal_answer(output) == slow_normal(output)
        assert f1(output, [answer]) == pytest.approx(slow_f1(output, answer))
        assert exact_match(output, [answer]) == float(slow_normal(output) == slow_normal(answer))


def test_the_best_answer_counts():
    assert f1("the big cat", ["a dog", "big cat sat"]) == pytest.approx(0.8)
    assert exact_match("Obama", ["Barack Obama", "obama."]) == 1.0
    assert f1("x", []) == exact_match("x", []) == exact_answer("x", []) == 0.0


def test_f1_counts_a_word_as_often_as_it_occurs():
    assert f1("cat cat cat", ["cat"]) == pytest.approx(0.5)
    assert f1("cat cat", ["cat cat dog"]) == pytest.approx(0.8)


def test_an_answer_of_which_normalisation_leaves_nothing_is_met_by_itself_alone():
    for metric in (exact_match, f1):
        assert metric(" A", ["a"]) == 1.0
        assert metric("", ["A"]) == metric("the", ["A"]) == metric("A cat", ["A"]) == 0.0
        assert metric("", [" "]) == 1.0


def test_an_exact_answer_is_the_same_text():
    assert exact_answer(" 34", [" 34"]) == exact_answer("34\n", [" 34"]) == 1.0
    assert exact_answer(" 345", [" 34"]) == exact_answer("34.", [" 34"]) == exact_answer("Casino", [" casino"]) == 0.0


@pytest.mark.parametrize(
    ("text", "word", "ended"),
    [
        (" Bob said", "Bob", True),
        (" Bob.", "Bob", True),
        (" Bob\n", "Bob", True),
        (" Bo", "Bo", False),
        (' "Bob,', "Bob", True),
        (" \u201cdon\u2019t\u201d", "don\u2019t", True),
        (" don'", "don", False),
        (" half-way there", "half-way", True),
        (" , Bob", "", False),
        ("", "", False),
    ],
)
def test_the_first_word_ends_at_white_space_or_a_sign(text, word, ended):
    assert (word_and_rest(text)[0], word_ended(text)) == (word, ended)


def test_the_first_word_is_compared_with_that_of_each_answer():
    assert first_word(" fun, he said", [' "fun', " joy"]) == first_word("joy", [' "fun', " joy"]) == 1.0
    assert first_word(" Fun", [" fun"]) == first_word(" funny", [" fun"]) == first_word("", [" fun"]) == 0.0
    assert first_word("...", ["..."]) == 0.0


def test_what_a_word_leaves_is_the_rest_of_the_text():
    for text in sentences(200):
        word, rest = word_and_rest(text)
        assert text.endswith(word + rest)
        if word:  # the slow twin: letters and digits, and one mark between two of them, one character at a time
            at, end = text.index(word), text.index(word)
            while end < len(text) and (
                text[end].isalnum() or (text[end] in "'-" and text[end + 1 : end + 2].isalnum())
            ):
                end += 1
            assert text[at:end] == word


def test_drop_wants_the_number_right():
    assert drop_f1("7 yards", ["7"]) == pytest.approx(2 / 3)
    assert drop_f1("8 yards", ["7 yards"]) == 0.0
    assert drop_f1("7.0", ["7"]) == drop_f1("1,000", ["1000"]) == 1.0
    assert drop_f1("yards", ["7 yards"]) == 0.0


def test_drop_compares_words_of_spans():
    assert drop_f1("Tony Romo", ["the Tony Romo"]) == 1.0
    assert drop_f1("Jean-Luc", ["Jean Luc"]) == 1.0
    assert drop_f1("Romo", [("Tony Romo", "Smith")]) == pytest.approx(1 / 3)
    assert drop_f1("Romo", ["Smith", ("Romo",)]) == 1.0
    assert drop_f1("", ["Smith"]) == 0.0


def test_a_group_is_right_when_all_of_it_is():
    assert group_accuracy([True, False, True, True], ["a", "b", "a", "b"]) == (1, 2)
    assert group_accuracy([], []) == (0, 0)
    with pytest.raises(ValueError, match="longer"):
        group_accuracy([True], ["a", "b"])


def test_macro_f1_is_the_mean_over_classes():
    assert f1_macro([0, 0, 1], [0, 1, 1]) == pytest.approx(2 / 3)
    assert f1_macro(["yes", "yes"], ["yes", "no"]) == pytest.approx((2 / 3 + 0) / 2)
    assert f1_macro([], []) == 0.0


def test_macro_f1_is_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    draw = random.Random(1)
    for _ in range(30):
        predicted, gold = ([draw.randrange(4) for _ in range(12)] for _ in range(2))
        wanted = metrics.f1_score(gold, predicted, average="macro", zero_division=0)
        assert f1_macro(predicted, gold) == pytest.approx(wanted)
