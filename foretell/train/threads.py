"""How many processor threads: measured, because a tiny model can be several times quicker on one than on all."""

import time
from collections.abc import Callable

import torch

from foretell.runs import usable_cores

LONG = 1.0  # seconds: a step of this length gains from every core, and measuring more would cost too much


def choose_threads(work: Callable[[], object]) -> int:
    """The quicker of one thread and all cores for `work`, which must leave nothing behind."""
    cores = usable_cores()
    if cores == 1:
        return 1
    torch.set_num_threads(cores)
    first = _seconds(work)
    if first > LONG:
        return cores
    rounds = max(2, min(8, int(0.3 / first)))
    times: dict[int, list[float]] = {1: [], cores: []}
    for _ in range(rounds):
        for threads in times:
            torch.set_num_threads(threads)
            times[threads].append(_seconds(work))
    return min(times, key=lambda threads: min(times[threads]))


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
