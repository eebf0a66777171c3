import os
import random
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from foretell.train import checkpoint, loop, run
from foretell.train.loop import train
from foretell.train.metrics import Metrics, read_metrics
from foretell.train.run import Stopped
from tests.train.in_memory import OPTIM, Rows, config

TIMES = {"seconds", "cpu_seconds", "tokens_per_second"}


class Killed(BaseException):
    """Stands for a kill: nothing in the package may catch it."""


@pytest.fixture(autouse=True)
def _rows_in_memory(monkeypatch):
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folders of the uninterrupted runs, one for each config, made when first asked for."""
    done = {}

    def folder(cfg):
        if cfg not in done:
            done[cfg] = tmp_path_factory.mktemp("whole")
            train(cfg, done[cfg], quiet=True)
        return done[cfg]

    return folder


def assert_same_run(one, other):
    """Bit-identical: all that a step measured but its times, the model, the last checkpoint's every tensor."""
    found = []
    for folder in (one, other):
        lines = read_metrics(folder / "metrics.jsonl")
        found.append([{name: value for name, value in line.items() if name not in TIMES} for line in lines])
    assert found[0] == found[1]
    files = ["model/model.safetensors"]
    for name in ("model", "optimizer"):
        files.append(f"checkpoints/{checkpoint.every(one / 'checkpoints')[-1].name}/{name}.safetensors")
    for file in files:
        a, b = load_file(one / file), load_file(other / file)
        assert set(a) == set(b)
        assert all(torch.equal(a[name], b[name]) for name in a), file


def killed_at(monkeypatch, where, name, count):
    """Let the call of that number to where.name be the last thing that the process does."""
    real, calls = getattr(where, name), []

    def last(*given, **more):
        calls.append(0)
        if len(calls) == count:
            raise Killed
        return real(*given, **more)

    monkeypatch.setattr(where, name, last)


PLACES = [
    (loop, "train_step", 1),
    (loop, "train_step", 3),
    (loop, "train_step", 6),
    (loop, "train_step", 12),
    (Metrics, "write", 1),
    (Metrics, "write", 6),
    (Metrics, "write", 9),
    (checkpoint, "save_file", 1),
    (checkpoint, "save_file", 2),
    (checkpoint, "save_file", 5),
    (checkpoint, "sha256", 2),
    (loop, "evaluate", 3),
    (loop, "finish", 1),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[1]}-{place[2]}")
def test_wherever_a_run_was_killed_it_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, whole, place):
    with monkeypatch.context() as patch:
        killed_at(patch, *place)
        with pytest.raises(Killed):
            train(config(), tmp_path, quiet=True)
    train(config(), tmp_path, quiet=True)
    assert_same_run(whole(config()), tmp_path)


@pytest.mark.parametrize("optim", OPTIM)
def test_a_run_that_is_killed_again_and_again_arrives(tmp_path, monkeypatch, whole, optim):
    cfg = config(optim=OPTIM[optim])
    for count in (5, 3, 6):
        with monkeypatch.context() as patch:
            killed_at(patch, loop, "train_step", count)
            with pytest.raises(Killed):
                train(cfg, tmp_path, quiet=True)
    train(cfg, tmp_path, quiet=True)
    assert_same_run(whole(cfg), tmp_path)


def test_the_last_checkpoint_may_be_damaged_too(tmp_path, monkeypatch, whole):
    with monkeypatch.context() as patch:
        killed_at(patch, loop, "train_step", 11)
        with pytest.raises(Killed):
            train(config(), tmp_path, quiet=True)
    (tmp_path / "checkpoints" / "step-00000008" / "optimizer.safetensors").write_bytes(b"")
    train(config(), tmp_path, quiet=True)
    assert_same_run(whole(config()), tmp_path)


@pytest.mark.parametrize("step", [1, 4, 6, 11])
@pytest.mark.parametrize("average", [1, 2])
def test_ctrl_c_and_the_same_command_again_change_nothing(tmp_path, monkeypatch, whole, step, average):
    cfg, real, taken = config(average=average), loop.train_step, []

    def interrupted(*given):
        taken.append(0)
        if len(taken) == step:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", interrupted)
        with pytest.raises(Stopped, match=f"stopped after step {step} of 12"):
            train(cfg, tmp_path, quiet=True)
    train(cfg, tmp_path, quiet=True)
    assert_same_run(whole(cfg), tmp_path)


def test_what_the_caller_does_with_the_random_stream_between_changes_nothing(tmp_path, monkeypatch, whole):
    with monkeypatch.context() as patch:
        killed_at(patch, loop, "train_step", 7)
        with pytest.raises(Killed):
            train(config(), tmp_path, quiet=True)
    torch.manual_seed(99)
    torch.rand(1000)
    train(config(), tmp_path, quiet=True)
    assert_same_run(whole(config()), tmp_path)


def test_a_damaged_checkpoint_of_a_stop_is_out_of_the_way_later(tmp_path, monkeypatch, whole):
    cfg = replace(config(), average=2)
    with monkeypatch.context() as patch:
        patch.setattr(run, "stop_asked", stops_after(6))
        with pytest.raises(Stopped):
            train(cfg, tmp_path, quiet=True)
    (tmp_path / "checkpoints" / "step-00000006" / "model.safetensors").write_bytes(b"")
    train(cfg, tmp_path, quiet=True)
    assert_same_run(whole(cfg), tmp_path)


def stops_after(step):
    @contextmanager
    def asked():
        calls = []
        yield lambda: calls.append(0) or len(calls) >= step

    return asked


def run_in_a_process(folder, optim, step, number):
    program = Path(__file__).with_name("in_memory.py")
    command = [sys.executable, str(program), str(folder), optim, str(step), str(int(number))]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.slow
@pytest.mark.parametrize("optim", OPTIM)
def test_kill_9_at_any_moment_is_repeated_bit_by_bit(tmp_path, whole, optim):
    step = random.Random(optim).randint(2, 12)
    said = run_in_a_process(tmp_path, optim, step, signal.SIGKILL)
    assert said.returncode == -signal.SIGKILL, said.stderr
    again = run_in_a_process(tmp_path, optim, 0, 0)
    assert again.returncode == 0, again.stderr
    assert_same_run(whole(config(optim=OPTIM[optim])), tmp_path)
