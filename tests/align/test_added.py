"""A reward on top of another: added with its weight, alone where there is no other."""

import pytest
import torch

from foretell.align.episodes import Sampled, episodes_of
from foretell.align.judged import by_function, scaled, with_added
from foretell.align.ppo import train_ppo
from foretell.errors import BadUse
from foretell.train.metrics import read_metrics
from tests.align.made_run import config, even_share, made

EPISODES = episodes_of([[1, 2], [3]], [Sampled([4, 5], [-0.1, -0.2], True), Sampled([6], [-0.3], True)])


def lengths(prompts, answers):
    return [float(len(answer)) for answer in answers]


def test_the_sum_is_the_reward_and_the_weighted_other():
    alone = by_function(even_share)
    found = with_added(alone, lengths, 0.5)(EPISODES)
    assert torch.allclose(found, alone(EPISODES) + 0.5 * torch.tensor([2.0, 1.0]))
    assert torch.equal(with_added(alone, None, 3.0)(EPISODES), alone(EPISODES))
    assert scaled(lengths, 2.0)([], [[1, 2, 3]]) == [6.0]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return made(tmp_path_factory.mktemp("made"))


def test_a_run_without_a_reward_model_learns_from_what_is_added_alone(files, tmp_path):
    objective = {"reward": "", "rubric": "x", "rubric_weight": 0.5, "advantages": "leave_one_out", "samples": 4}
    train_ppo(config(files, objective, steps=1), tmp_path / "added", quiet=True, added=even_share)
    train_ppo(config(files, {**objective, "rubric": ""}, steps=1), tmp_path / "plain", quiet=True, score=even_share)
    found = [read_metrics(tmp_path / name / "metrics.jsonl")[1]["reward"] for name in ("added", "plain")]
    assert found[0] == pytest.approx(0.5 * found[1])


def test_a_rubric_that_nobody_reads_is_refused_before_the_run(files, tmp_path):
    with pytest.raises(BadUse, match=r"objective\.rubric=x"):
        train_ppo(config(files, {"rubric": "x"}), tmp_path / "run", quiet=True)
