"""Checkpoints of several processes: read by any number of them, and a killed one is made up for."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from foretell.train import loop
from foretell.train.config import Parallel
from foretell.train.metrics import read_metrics
from tests.train.in_parallel import cfg_of, train, with_dropout
from tests.train.processes import together
from tests.train.test_parallel import TIMES, assert_near

ROOT = Path(__file__).parents[2]
STOP = 2


class Killed(BaseException):
    """Stands for a kill: nothing in the package may catch it."""


def until(cfg, out, steps):
    """A run that is killed after so many steps, its last checkpoint written."""
    real, taken = loop.train_step, []

    def train_step(*given):
        taken.append(0)
        if len(taken) > steps:
            raise Killed
        return real(*given)

    loop.train_step = train_step
    try:
        train(cfg, out)
    except Killed:
        return True
    finally:
        loop.train_step = real
    return False


def run(n, work, *given):
    return [work(*given)] if n == 1 else together(n, work, *given)


@pytest.mark.slow
@pytest.mark.parametrize("ways", [[2, 1, 4], [1, 2, 1], [4, 2, 2]], ids=str)
def test_a_run_goes_on_over_any_number_of_processes(ways, tmp_path):
    cfg = cfg_of("lm", steps=6, checkpoint_every=2)
    train(cfg, tmp_path / "alone")
    for n in ways[:-1]:
        assert run(n, until, cfg, tmp_path / "moved", STOP) == [True] * n
    run(ways[-1], train, cfg, tmp_path / "moved")
    assert_near(tmp_path / "alone", tmp_path / "moved")


@pytest.mark.slow
def test_a_run_goes_on_with_its_blocks_cut_into_tensor_parts_and_back(tmp_path):
    cfg = cfg_of("lm", steps=6, checkpoint_every=2)
    train(cfg, tmp_path / "alone")
    assert all(together(4, until, replace(cfg, parallel=Parallel(tensor=2)), tmp_path / "moved", STOP))
    assert all(together(2, until, replace(cfg, parallel=Parallel(tensor=2)), tmp_path / "moved", STOP))
    train(cfg, tmp_path / "moved")
    assert_near(tmp_path / "alone", tmp_path / "moved")


def torchrun(folder, step, rank, number):
    """A run of two processes, of which one is sent a signal within a step; torchrun starts them anew."""
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "2"]
    torchrun += ["--local-addr", "localhost", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    given = ["-m", "tests.train.in_parallel", str(folder), str(step), str(rank), str(int(number))]
    command = [sys.executable, *torchrun, *given]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)


def everything(folder):
    """All that a run wrote but its times: measures, model, the last checkpoint's every part."""
    lines = read_metrics(folder / "metrics.jsonl")
    tensors = {}
    for path in sorted([*folder.glob("model/*.safetensors"), *folder.glob("checkpoints/step-00000006/*.safetensors")]):
        tensors |= {f"{path.name} {name}": value for name, value in load_file(path).items()}
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines], tensors


@pytest.mark.slow
def test_a_killed_worker_is_started_again_and_the_run_ends_bit_for_bit_as_if_it_had_not_been(tmp_path):
    together(2, train, with_dropout(), tmp_path / "whole")
    killed = torchrun(tmp_path / "killed", 4, 1, signal.SIGKILL)
    assert killed.returncode == 0, killed.stderr
    assert (tmp_path / "killed-was-killed").exists()
    (one, a), (other, b) = everything(tmp_path / "whole"), everything(tmp_path / "killed")
    assert one == other
    assert a.keys() == b.keys()
    assert len(a) > 20
    assert all(torch.equal(a[name], b[name]) for name in a)
