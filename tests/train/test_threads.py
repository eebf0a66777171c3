import os

import pytest
import torch

from foretell.train import threads
from foretell.train.threads import choose_threads


@pytest.fixture
def machine(monkeypatch):
    """A machine of so many cores on which work takes the seconds that are given for each number of threads."""

    def make(cores, seconds):
        runs = []

        def timed(work):
            work()
            runs.append(torch.get_num_threads())
            return seconds[torch.get_num_threads()]

        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)))
        monkeypatch.setattr(threads, "_seconds", timed)
        return runs

    return make


@pytest.mark.parametrize(("seconds", "want"), [({1: 0.01, 2: 0.05}, 1), ({1: 0.05, 2: 0.03}, 2)])
def test_the_quicker_of_one_and_all_is_chosen(machine, seconds, want):
    runs = machine(2, seconds)
    assert choose_threads(lambda: None) == want
    assert {1, 2} == set(runs)


def test_one_core_needs_no_measurement(machine):
    runs = machine(1, {})
    assert choose_threads(lambda: pytest.fail("nothing is to be measured")) == 1
    assert runs == []


def test_long_steps_take_every_core_and_are_measured_once(machine):
    runs = machine(4, {1: 0.1, 4: 1.5})
    assert choose_threads(lambda: None) == 4
    assert runs == [4]


def test_measuring_takes_less_than_a_second_or_so(machine):
    for step in (1e-4, 0.05, 0.9):
        runs = machine(2, {1: step, 2: step})
        choose_threads(lambda: None)
        assert len(runs) * step < 5
        runs.clear()
