import random
from functools import cache

import pytest

from foretell.eval.rouge import rouge, rouge_l, rouge_mean, rouge_n, words

CAT = ("the cat was on the mat", "the cat sat on the mat")


def test_words_that_are_shared_are_counted():
    assert rouge_n(*CAT, 1) == pytest.approx(5 / 6)
    assert rouge_n(*CAT, 2) == pytest.approx(3 / 5)
    assert rouge_l(*CAT) == pytest.approx(5 / 6)


def test_a_word_counts_as_often_as_both_have_it():
    assert rouge_n("the the the the", "the cat", 1) == pytest.approx(2 / 6)


def test_case_and_signs_part_words_and_count_nothing():
    assert words("It's 4,000; caf\u00e9!") == ["it", "s", "4", "000", "caf"]
    assert rouge_l("The CAT.", "the cat") == 1


@pytest.mark.parametrize("one", ["", "...", "a"])
@pytest.mark.parametrize("other", ["", "b"])
def test_nothing_shared_is_zero(one, other):
    assert rouge_n(one, other, 1) == rouge_n(one, other, 2) == rouge_l(one, other) == 0


def test_of_several_references_the_best_counts_for_each():
    found = rouge("a b c", ["c a", "a b"])
    assert found["rouge2"] == pytest.approx(2 / 3)
    assert found["mean"] == pytest.approx((found["rouge1"] + found["rouge2"] + found["rougeL"]) / 3)
    assert rouge_mean("a b c", ["c a", "a b"]) == found["mean"]
    assert rouge("a", []) == {"rouge1": 0.0, "rouge2": 0.0, "rougeL": 0.0, "mean": 0.0}


def slow_n(output, reference, n):
    """Each run of the output takes away an equal one of the reference."""
    said, wanted = (words(text) for text in (output, reference))
    of_said = [said[i : i + n] for i in range(len(said) - n + 1)]
    left = [wanted[i : i + n] for i in range(len(wanted) - n + 1)]
    total, hits = len(of_said) + len(left), 0
    for run in of_said:
        if run in left:
            left.remove(run)
            hits += 1
    return 2 * hits / total if hits else 0.0


def slow_l(output, reference):
    """The longest common subsequence as its definition has it."""
    said, wanted = words(output), words(reference)

    @cache
    def longest(i, j):
        if i == len(said) or j == len(wanted):
            return 0
        if said[i] == wanted[j]:
            return 1 + longest(i + 1, j + 1)
        return max(longest(i + 1, j), longest(i, j + 1))

    both = longest(0, 0)
    return 2 * both / (len(said) + len(wanted)) if both else 0.0


def drawn(n):
    draw = random.Random(n)
    return [" ".join(draw.choices("abcde", k=draw.randrange(12))) for _ in range(2)]


@pytest.mark.parametrize("n", range(40))
def test_it_is_what_its_definition_says(n):
    one, other = drawn(n)
    assert rouge_n(one, other, 1) == pytest.approx(slow_n(one, other, 1))
    assert rouge_n(one, other, 2) == pytest.approx(slow_n(one, other, 2))
    assert rouge_l(one, other) == pytest.approx(slow_l(one, other))
    assert rouge_l(one, other) == pytest.approx(rouge_l(other, one))


def test_it_is_what_the_package_says():
    scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="the package rouge-score is not installed")
    theirs = scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    for n in range(200):
        one, other = drawn(n)
        found = rouge(one, [other])
        for name, score in theirs.score(other, one).items():
            assert found[name] == pytest.approx(score.fmeasure), (one, other)
