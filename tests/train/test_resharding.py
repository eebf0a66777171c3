"""Checkpoints of several processes: read by any number of them, and a killed one is made up for."""

from dataclasses import replace
from pathlib import Path

import pytest

from foretell.train import loop
from foretell.train.config import Parallel
from tests.train.in_parallel import cfg_of, train
from tests.train.processes import together
from tests.train.test_parallel import assert_near

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
