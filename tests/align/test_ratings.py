"""Agreement on ratings and flags, by hand."""

import pytest

from foretell.align.ratings import flag_kappas, likert_alpha, ratings


def ranking(prompt, labeller, likert, harmful=None, **more):
    flags = [{} if one is None else {"harmful": one} for one in harmful or [None] * len(likert)]
    outputs = [
        {"text": str(i), "likert": one, "flags": flag} for i, (one, flag) in enumerate(zip(likert, flags, strict=True))
    ]
    return {"prompt_id": prompt, "outputs": outputs, "labeller": labeller, **more}


def test_alpha_of_ratings_by_hand():
    # 6 ratings, units (2 2) (2 6) (6 6): of two values the ordinal distance is one number, so alpha is 4/9 as nominal
    said = [
        ranking("p", "ann", [2, 2]),
        ranking("p", "bob", [2, 6]),
        ranking("q", "ann", [6]),
        ranking("q", "bob", [6]),
    ]
    found = likert_alpha(said, rounds=20)
    assert found["value"] == pytest.approx(4 / 9)
    assert (found["n"], found["prompts"]) == (3, 2)


def test_kappa_of_a_flag_by_hand():
    # 3 raters; units (y y n) and (n n n): agreement 1/3 and 1, mean 2/3; shares 2/6 and 4/6: by chance 20/36
    said = [
        ranking("p", name, [None, None], [first, False]) for name, first in (("a", True), ("b", True), ("c", False))
    ]
    found = flag_kappas(said, rounds=20)
    assert list(found) == ["harmful"]
    assert found["harmful"]["value"] == pytest.approx((2 / 3 - 20 / 36) / (1 - 20 / 36))


def test_what_is_missing_is_not_a_no():
    said = [ranking("p", "a", [None], [True]), ranking("p", "b", [3], [None]), ranking("p", "c", [None], [True])]
    assert ratings(said, "harmful") == {("p", "0"): {"a": True, "c": True}}
    assert ratings(said) == {("p", "0"): {"b": 3}}
    assert flag_kappas(said, rounds=20) == {"harmful": None}  # nothing varies
    assert likert_alpha(said, rounds=20) is None
    assert flag_kappas([], rounds=20) == {}
    assert likert_alpha([{"prompt_id": "p", "outputs": [{"text": "x"}], "labeller": "a"}]) is None


def test_unknown_labellers_are_different_people():
    said = [ranking("p", "", [4]), ranking("p", "", [5]), ranking("p", "a", [6]), ranking("p", "a", [7])]
    assert sorted(ratings(said)["p", "0"].values()) == [4, 5, 6]
