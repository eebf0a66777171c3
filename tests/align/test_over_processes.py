"""A reward model and reinforcement learning over several processes: the steps are those of one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from foretell.align.ppo import train_ppo
from foretell.align.reward_training import train_reward
from foretell.train.config import AdamW, BatchSize, Parallel
from foretell.train.metrics import read_metrics
from tests.align import made_run, reward_folders
from tests.train.processes import together

TIMES = ("seconds", "cpu_seconds", "tokens_per_second")
LOOSER = {"explained_variance": 1e-5}  # 1 less a quotient of variances, here -100
CALM = AdamW(lr=1e-3, eps=1e-3)  # a gradient that is 0 but for rounding does not become a step


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return made_run.made(tmp_path_factory.mktemp("made"))


def ppo_run(cfg, out):
    return train_ppo(cfg, Path(out), quiet=True).metrics


def reward_run(cfg, out):
    return train_reward(cfg, Path(out), quiet=True).metrics


def assert_near(one, other):
    """Every step measured the same, but for times and rounding, and the weights end the same."""
    lines, others = (read_metrics(folder / "metrics.jsonl") for folder in (one, other))
    assert len(lines) == len(others)
    for a, b in zip(lines, others, strict=True):
        assert a.keys() == b.keys()
        for name in [name for name in a if not name.startswith(TIMES)]:
            assert b[name] == pytest.approx(a[name], rel=LOOSER.get(name, 1e-6), abs=2e-6), (a["step"], name)
    a, b = (load_file(folder / "model" / "model.safetensors") for folder in (one, other))
    for name in a:
        torch.testing.assert_close(b[name], a[name], rtol=1e-4, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 4])
def test_a_reward_model_learns_over_processes_as_in_one(n, tmp_path):
    words = reward_folders.tokenizer()
    rows, shown = reward_folders.rankings(40), reward_folders.demonstrations(12)
    folder = reward_folders.labels(tmp_path / "labels", rankings=rows, demonstrations=shown)
    cfg = reward_folders.config(folder, words, steps=4, evaluate_every=2)
    cfg = replace(cfg, optim=replace(CALM, lr=3e-4), batch=BatchSize(rows=7, micro=2))
    alone = reward_run(cfg, tmp_path / "alone")
    found = together(n, reward_run, cfg, tmp_path / "spread")
    assert all(one == found[0] for one in found)
    assert found[0] == pytest.approx(alone, rel=1e-6)
    assert_near(tmp_path / "alone", tmp_path / "spread")


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 4])
def test_reinforcement_learning_over_processes_is_that_of_one(n, files, tmp_path):
    ppo = {"ptx_weight": 1.0, "ptx_rows": 1, "minibatches": 2}
    changes = {"steps": 3, "evaluate_every": 2, "optim": CALM, "batch": BatchSize(rows=8, micro=2)}
    cfg = made_run.config(files, ppo, **changes)
    ppo_run(cfg, tmp_path / "alone")
    found = together(n, ppo_run, cfg, tmp_path / "spread")
    assert all(one == found[0] for one in found)
    assert_near(tmp_path / "alone", tmp_path / "spread")


@pytest.mark.slow
def test_without_an_average_and_over_tensor_parts_it_is_too(files, tmp_path):
    ppo = {"average": 0.0, "minibatches": 2, "most_kl": 50.0}
    cfg = made_run.config(files, ppo, steps=2, optim=CALM)
    ppo_run(cfg, tmp_path / "alone")
    together(2, ppo_run, replace(cfg, parallel=Parallel(tensor=2)), tmp_path / "spread")
    assert_near(tmp_path / "alone", tmp_path / "spread")
