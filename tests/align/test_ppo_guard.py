"""Reinforcement learning with the guard of all runs: back to the last good checkpoint, past the spike's prompts."""

import math

import pytest

from foretell.align import iterations
from foretell.align.ppo import train_ppo
from foretell.train import guard
from foretell.train.config import Guard
from foretell.train.events import read_events
from foretell.train.metrics import read_metrics
from tests.align import made_run

LEFT = [0, 2, 3]  # the iterations' prompts when those of the second are moved past
TIMES = ("seconds", "cpu_seconds", "tokens_per_second")


def measured(folder):
    lines = read_metrics(folder / "metrics.jsonl")
    return [{name: value for name, value in line.items() if not name.startswith(TIMES)} for line in lines]


@pytest.mark.slow
def test_a_run_goes_back_and_ends_as_if_the_prompts_of_the_spike_had_not_been_there(tmp_path, monkeypatch):
    files = made_run.made(tmp_path)
    fields = {"steps": len(LEFT), "checkpoint_every": 1}
    objective = {"target_kl": 6.0, "minibatches": 2}
    with monkeypatch.context() as patch:
        patch.setattr(guard, "place_of", lambda step, passed: LEFT[step])
        train_ppo(made_run.config(files, objective, **fields), tmp_path / "without", quiet=True)
    asked, real = [], iterations.update

    def update(*given):
        values = real(*given)
        asked.append(given[7])
        return {**values, "grad_norm": math.nan} if given[7] == 1 else values

    monkeypatch.setattr(iterations, "update", update)
    cfg = made_run.config(files, objective, **fields, guard=Guard(window=16))
    train_ppo(cfg, tmp_path / "guarded", quiet=True)
    assert asked == [0, 1, 2, 3]
    [event] = [event for event in read_events(tmp_path / "guarded") if event["what"] == "rollback"]
    assert (event["back_to"], event["moved_past"]) == (1, [1])
    assert measured(tmp_path / "guarded") == measured(tmp_path / "without")
