import pytest

from foretell.align.guards import beyond, guarded, repetition
from foretell.objective.config import PolicyOptimization

FINE = {"kl": 3.0, "entropy": 2.0, "repetition": 0.1}


def ppo(**bounds):
    return PolicyOptimization(reward="r", **bounds)


@pytest.mark.parametrize(
    ("responses", "share"),
    [
        ([[1, 2, 3, 4]], 0),
        ([[1, 2, 3]], 0),
        ([[7] * 8], 4 / 5),
        ([[1, 2, 3, 4, 1, 2, 3, 4]], 1 / 5),
        ([[1, 2, 3, 4], [1, 2, 3, 4]], 0),  # in two responses: each has said it once
        ([[7] * 5, [1, 2, 3, 4, 5]], 1 / 4),
    ],
)
def test_repetition_counts_4_grams_that_their_response_has_said(responses, share):
    assert repetition(responses) == pytest.approx(share)


def test_without_bounds_nothing_is_beyond():
    assert not guarded(ppo())
    assert beyond(ppo(), {"kl": 1e9, "entropy": 0.0, "repetition": 1.0}) == ""


@pytest.mark.parametrize(
    ("bounds", "values", "said"),
    [
        ({"most_kl": 10.0}, {"kl": 11.0}, "kl=11 nats per response is above most_kl=10.0"),
        ({"least_entropy": 1.0}, {"entropy": 0.5}, "entropy=0.5 nats per token is below least_entropy=1.0"),
        ({"most_repetition": 0.3}, {"repetition": 0.4}, "repetition=0.4 of 4-grams is above most_repetition=0.3"),
    ],
)
def test_each_bound_says_what_is_beyond_it(bounds, values, said):
    assert guarded(ppo(**bounds))
    assert beyond(ppo(**bounds), FINE) == ""
    assert beyond(ppo(**bounds), {**FINE, **values}) == said
