"""Ratings by votes: against the model written plainly, a logistic regression, and strengths that are known."""

import math
import random

import pytest

from foretell.errors import BadUse
from foretell.eval.elo import bradley_terry, elo, expected, ratings


def made_votes(strengths, n, seed, ties=0.2):
    """Votes of models whose ratings are known."""
    draw, names = random.Random(seed), list(strengths)
    votes = []
    for _ in range(n):
        a, b = draw.sample(names, 2)
        chance = 1 / (1 + 10 ** ((strengths[b] - strengths[a]) / 400))
        score = 0.5 if draw.random() < ties else float(draw.random() < chance)
        votes.append((a, b, score))
    return votes


def plainly(votes, prior=1.0, rounds=20_000):
    """The same by climbing the log-likelihood a little at a time, with an average opponent that never moves."""
    names = sorted({name for vote in votes for name in vote[:2]})
    strength = dict.fromkeys(names, 0.0)
    for _ in range(rounds):
        slope = {name: prior * (0.5 - 1 / (1 + math.exp(-strength[name]))) for name in names}
        for a, b, score in votes:
            surprise = score - 1 / (1 + math.exp(strength[b] - strength[a]))
            slope[a] += surprise
            slope[b] -= surprise
        for name in names:
            strength[name] += slope[name] / (len(votes) + prior)
        if max(map(abs, slope.values())) < 1e-9:
            break
    mean = sum(strength.values()) / len(names)
    return {name: 1000 + 400 / math.log(10) * (strength[name] - mean) for name in names}


@pytest.mark.parametrize("seed", range(3))
def test_ratings_are_the_most_likely_ones(seed):
    votes = made_votes({"a": 1100, "b": 1000, "c": 900}, 40, seed)
    slow = plainly(votes)
    assert bradley_terry(votes) == pytest.approx(slow, abs=1e-4)


@pytest.mark.slow
def test_ratings_are_those_of_a_logistic_regression():
    linear = pytest.importorskip("sklearn.linear_model")
    votes = [vote for vote in made_votes({"a": 1150, "b": 1000, "c": 900, "d": 950}, 400, 7) if vote[2] != 0.5]
    names = sorted({name for vote in votes for name in vote[:2]})
    rows = [[(name == a) - (name == b) for name in names] for a, b, _ in votes]
    fit = linear.LogisticRegression(C=1e9, fit_intercept=False, tol=1e-10, max_iter=1000).fit(
        rows, [score for *_, score in votes]
    )
    theirs = fit.coef_[0] - fit.coef_[0].mean()
    ours = bradley_terry(votes, prior=1e-9)
    assert [ours[name] for name in names] == pytest.approx(list(1000 + 400 / math.log(10) * theirs), abs=0.05)


def test_two_models_have_the_rating_that_the_share_of_wins_says():
    votes = [("a", "b", 1.0)] * 30 + [("b", "a", 1.0)] * 8 + [("a", "b", 0.5)] * 4
    found = bradley_terry(votes, prior=1e-12)
    assert found["a"] - found["b"] == pytest.approx(400 * math.log10(32 / 10))
    assert list(found) == ["a", "b"]


def test_known_strengths_are_found_and_intervals_hold_them():
    strengths = {"a": 1120.0, "b": 1030.0, "c": 960.0, "d": 890.0}
    held = n = 0
    for seed in range(12):
        found = ratings(made_votes(strengths, 600, seed, ties=0.0), rounds=100, seed=seed)
        assert found["a"]["value"] > found["d"]["value"]
        for name, true in strengths.items():
            held += found[name]["low"] <= true <= found[name]["high"]
            n += 1
    assert held / n > 0.85


def test_the_order_of_votes_and_of_sides_changes_no_rating():
    votes = made_votes({"a": 1100, "b": 1000, "c": 900}, 60, 1)
    turned = [(b, a, 1 - score) for a, b, score in reversed(votes)]
    assert bradley_terry(turned) == pytest.approx(bradley_terry(votes))


def test_one_that_won_everything_has_a_finite_rating_that_grows_with_its_votes():
    few, many = (bradley_terry([("a", "b", 1.0)] * n)["a"] for n in (3, 30))
    assert 1000 < few < many < 2000
    assert bradley_terry([("a", "b", 0.5)] * 5) == pytest.approx({"a": 1000.0, "b": 1000.0})


def test_every_rating_has_its_interval_and_its_votes():
    votes = [("a", "b", 1.0), ("b", "c", 0.5), ("a", "c", 1.0), ("a", "b", 0.0)]
    found = ratings(votes, rounds=50)
    assert {name: one["n"] for name, one in found.items()} == {"a": 3, "b": 3, "c": 2}
    assert all(one["low"] <= one["value"] <= one["high"] for one in found.values())
    assert ratings(votes, rounds=50) == found


def test_elos_own_rule_by_hand():
    found = elo([("a", "b", 1.0), ("a", "b", 0.5)], k=20)
    first = 20 * 0.5
    second = 20 * (0.5 - expected(1010, 990))
    assert found == pytest.approx({"a": 1000 + first + second, "b": 1000 - first - second})
    assert expected(1200, 1000) == pytest.approx(10 / (10 + 10**0.5), rel=1e-12)


@pytest.mark.parametrize("votes", [[], [("a", "a", 1.0)], [("a", "b", 0.7)], [("a", "b", math.nan)]])
def test_what_is_no_vote_is_refused(votes):
    with pytest.raises(BadUse):
        bradley_terry(votes)
