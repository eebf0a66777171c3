"""Bets whose value and outcome agree or not, read back from their own words."""

import re

import numpy as np
import pytest

from foretell.tasks.hindsight import N_QUESTIONS, slope
from foretell.tasks.registry import task
from foretell.tasks.source import Source


def read(context):
    """Expected value and whether the bet was won, from the text alone."""
    win = int(re.search(r"win (\d+) dollars", context)[1])
    lose = int(re.search(r"lose (\d+) dollars", context)[1])
    p = int(re.search(r"(\d+) percent chance to win|chance of (\d+)", context).expand(r"\1\2"))
    won = "and won" in context
    return (p * win - (100 - p) * lose) / 100, won


@pytest.mark.parametrize(("name", "agree"), [("hindsight_neglect", False), ("hindsight_control", True)])
def test_the_right_answer_follows_the_expected_value_and_the_outcome_as_said(name, agree):
    found = task(name).load(Source(seed=3))
    assert len(found.items) == N_QUESTIONS
    assert len({item.context for item in found.items}) == N_QUESTIONS
    assert sum(item.gold == 0 for item in found.items) == N_QUESTIONS // 2
    for item in found.items:
        value, won = read(item.context)
        assert (value > 0) == (item.options[item.gold] == " Yes")
        assert won == ((value > 0) == agree)


def test_demonstrations_agree_and_are_none_of_the_questions():
    found = task("hindsight_neglect").load(Source())
    asked = {item.context for item in found.items}
    assert found.pool
    for item in found.pool:
        value, won = read(item.context)
        assert won == (value > 0) == (item.gold == 0)
        assert item.context not in asked


def test_a_seed_gives_the_same_questions_and_another_seed_others():
    load = task("hindsight_neglect").load
    assert load(Source(seed=1)) == load(Source(seed=1))
    assert load(Source(seed=1)).items != load(Source(seed=2)).items


def test_the_slope_is_that_of_numpy_and_needs_two_sizes():
    sizes, accuracies = [10**5, 10**6, 3 * 10**7], [0.6, 0.45, 0.3]
    assert slope(sizes, accuracies) == pytest.approx(np.polyfit(np.log(sizes), accuracies, 1)[0])
    with pytest.raises(ValueError, match="two different"):
        slope([5, 5], [0.1, 0.2])
