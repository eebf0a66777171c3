"""The learning test: the golden reward is known, so that what is learnt is too."""

import statistics

import pytest

from benchmarks.ppo_toy import learnt, passed, rise


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_reward_rises_by_more_than_two_sigma_below_10_nats(seed):
    curves = learnt(seed)
    assert passed(curves), (rise(curves), max(curves["kl"]))
    assert curves["kl"][0] == pytest.approx(0, abs=1e-4)
    assert statistics.mean(curves["explained_variance"][-5:]) > 0
    assert curves["cpu_seconds"][0] < 60


@pytest.mark.slow
@pytest.mark.parametrize("advantages", ["leave_one_out", "group"])
def test_it_rises_without_a_value_network_too(advantages):
    curves = learnt(0, 12, advantages=advantages, samples=8)
    assert curves["reward"][-1] - curves["reward"][0] > 0.3
    assert not curves["value_loss"]
