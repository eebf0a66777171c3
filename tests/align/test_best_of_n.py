"""The best of n answers, and how far its distribution is from that of one."""

from math import log

import numpy as np
import pytest

from foretell.align.best_of_n import best_of, kl_bound
from foretell.errors import BadUse, Failed

PROMPTS = [{"prompt_id": "a", "text": "A"}, {"prompt_id": "b", "text": "B"}]


def test_the_answer_with_the_highest_score_is_chosen_and_the_first_of_equal_ones():
    asked = []

    def score(pairs):
        asked.extend((prompt["prompt_id"], text) for prompt, text in pairs)
        return [float(len(text)) for _, text in pairs]

    assert best_of(PROMPTS, [["x", "yyy", "x", "zzz"], ["q"]], score, batch=2) == ["yyy", "q"]
    assert asked == [("a", "x"), ("a", "yyy"), ("a", "zzz"), ("b", "q")]


def test_no_answers_and_scores_that_are_none_are_refused():
    with pytest.raises(BadUse, match="prompt b has no answer"):
        best_of(PROMPTS, [["x"], []], lambda pairs: [0.0] * len(pairs))
    with pytest.raises(Failed, match="prompt a is nan"):
        best_of(PROMPTS, [["x"], ["y"]], lambda pairs: [float("nan")] * len(pairs))


@pytest.mark.parametrize("n", [1, 2, 4, 8, 64])
def test_the_bound_is_the_divergence_where_all_rewards_differ(n):
    states = 200_000  # equally likely, ordered by reward: the best of n has the cumulated share to the power of n
    share = np.arange(states + 1) / states
    best = np.diff(share**n)
    divergence = float((best[best > 0] * np.log(best[best > 0] * states)).sum())
    assert divergence == pytest.approx(kl_bound(n), abs=1e-3)
    assert kl_bound(n) == log(n) - (n - 1) / n


@pytest.mark.parametrize("n", [2, 5, 16])
def test_the_bound_is_never_passed_by_few_answers(n):
    draw = np.random.default_rng(n)
    for _ in range(50):
        p = draw.dirichlet(np.ones(6))
        cumulated = np.concatenate([[0.0], p.cumsum()])
        best = np.diff(cumulated**n)
        assert float((best * np.log(best / p)).sum()) <= kl_bound(n) + 1e-12


def test_a_best_of_none_has_no_bound():
    with pytest.raises(BadUse, match="best of 0"):
        kl_bound(0)
