"""What a comparison of two sides tells: who is preferred by whom, for what, and at like lengths."""

import pytest

from foretell.align.comparing import compare, labelled, like
from foretell.align.simulated import panel
from foretell.eval.win_rate import win_rate
from tests.align.talkers import prompts


def longer(prompt, a, b):
    return 0.5 + 0.5 * ((len(a) > len(b)) - (len(b) > len(a)))


def sides(n):
    a = {f"p{i}": "one two three four five" + " six" * (i % 3 == 0) for i in range(n)}
    b = {f"p{i}": "one two three four five" if i % 2 else "one" for i in range(n)}
    return a, b


def test_the_results_are_those_of_the_comparisons():
    a, b = sides(12)
    results, found = compare(prompts(12), a, b, {"long": longer}, seed=3)
    assert results["win_rate"] == win_rate(found)
    assert results["win_rate"]["value"] == sum(longer(None, a[key], b[key]) for key in a) / 12
    assert (results["prompts"], results["judges"], results["by_group"]) == (12, 1, {})
    for case, rate in results["by_use_case"].items():
        assert rate == win_rate([one for one in found if one["use_case"] == case])
    assert results["words"] == {"a": 5 + 4 / 12, "b": 3.0}
    odd = [i for i in range(12) if i % 2]  # 5 or 6 words against 5
    assert results["like_lengths"]["n"] == 6
    assert results["like_lengths"]["value"] == sum(1.0 if i % 3 == 0 else 0.5 for i in odd) / 6


def test_no_pair_of_like_lengths_is_told_as_none():
    a, b = {"p0": "one two three"}, {"p0": ""}
    assert compare(prompts(1), a, b, {"long": longer})[0]["like_lengths"] is None
    assert compare(prompts(1), b, b, {"long": longer})[0]["like_lengths"]["value"] == 0.5


@pytest.mark.parametrize(("a", "b", "alike"), [(4, 5, True), (5, 4, True), (4, 6, False), (0, 0, True), (0, 1, False)])
def test_like_lengths_are_within_a_quarter(a, b, alike):
    assert like(a, b) is alike


def test_labellers_are_told_apart_by_who_trains():
    a = {f"p{i}": f"Return the value {i} of the key that was asked for, or raise." for i in range(40)}
    b = {f"p{i}": "No" for i in range(40)}
    people = panel(3, held_out=2, seed=1)
    results, found = labelled(prompts(40), a, b, people, seed=1)
    assert results["judges"] == 5
    assert set(results["by_group"]) == {"train", "held_out"}
    assert results["by_group"]["held_out"]["n"] == 80
    assert results["win_rate"]["low"] > 0.5
    assert len(found) == 200
    again, _ = labelled(prompts(40), b, a, people, seed=1)
    assert again["win_rate"]["value"] == pytest.approx(1 - results["win_rate"]["value"])
