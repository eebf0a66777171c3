"""DPO through the training loop: measured against the start, also where a run goes on from a checkpoint."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from foretell.model.config import Heads
from foretell.objective.config import Preference
from foretell.train import loop
from foretell.train.loop import train
from tests.align import reward_folders as made


@pytest.fixture(scope="module")
def words():
    return made.tokenizer()


@pytest.fixture
def cfg(words, tmp_path):
    start = made.reward_folder(tmp_path / "start", words, Heads())
    folder = made.labels(tmp_path / "labels", rankings=made.rankings(60))
    base = made.config(folder, words, steps=8, start=str(start), checkpoint_every=3)
    return replace(base, model=made.network(Heads()), objective=Preference(beta=0.1))


def weights(run):
    return load_file(run / "model" / "model.safetensors")


def test_learns_which_outputs_are_preferred(cfg, tmp_path):
    result = train(replace(cfg, steps=20), tmp_path / "run", quiet=True)
    assert result.metrics["val_accuracy"] > 0.9
    assert result.metrics["val_preference"] < 0.6
    assert result.metrics["val_better"] > result.metrics["val_worse"]


def test_a_run_that_was_stopped_goes_on_against_the_start(cfg, tmp_path, monkeypatch):
    whole = train(cfg, tmp_path / "whole", quiet=True)
    real, steps = loop.train_step, []

    def killed(*given):
        if len(steps) == 5:
            raise RuntimeError("killed")
        steps.append(1)
        return real(*given)

    monkeypatch.setattr(loop, "train_step", killed)
    with pytest.raises(RuntimeError, match="killed"):
        train(cfg, tmp_path / "parts", quiet=True)
    monkeypatch.setattr(loop, "train_step", real)
    parts = train(cfg, tmp_path / "parts", quiet=True)
    assert parts.metrics == whole.metrics
    for name, value in weights(tmp_path / "whole").items():
        assert torch.equal(weights(tmp_path / "parts")[name], value), name
