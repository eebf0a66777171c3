"""What watches a run from beside it: a step that never ends, and the room on its disk.

A thread looks at the clock. Where a step, an evaluation or a save takes longer than 20 times as long as usual, and than
the seconds allowed, it writes the stack of every thread into the run's folder (of several processes each into a file of
its own) and ends the process with HUNG, on which the supervisor starts it again. Where the interpreter itself is stuck,
so that no thread of it runs, faulthandler's own does the same, later, with exit code 1. The clock is the monotonic one:
setting the time changes nothing.
"""

import faulthandler
import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

from torch import nn
from torch.optim import Optimizer

from foretell.errors import Failed
from foretell.runs import peak_memory
from foretell.train import events

HUNG = 75  # the exit code of a process that was ended because a step did not end; sysexits' "try again"
FACTOR = 20  # times the median
UNKNOWN = 24  # times the seconds allowed, for the first of its kind: it compiles, or waits for others
KEPT = 64  # durations of each kind that are remembered
MARGIN = 2**25  # bytes of a disk that stay free, for logs


class Watch:
    """The clock of a run. `during` is told when something begins and ends."""

    def __init__(self, folder: Path, allowed: float, rank: int = 0, leave: Callable[[int], object] = os._exit) -> None:
        self.folder, self.allowed, self.rank, self.leave = folder, allowed, rank, leave
        self.usual: dict[str, list[float]] = {}
        self.now: tuple[str, int, float, float] = ("", 0, 0.0, inf)  # what, step, when it began, when it is too long
        self.armed = ("", 0.0)
        self.over = threading.Event()

    @contextmanager
    def during(self, what: str, step: int) -> Iterator[None]:
        """Something that must end: a step, an evaluation, a save."""
        if not self.allowed:
            yield
            return
        begun, limit = time.monotonic(), self.limit(what)
        self.now = (what, step, begun, begun + limit)
        self.arm(what, begun, limit)
        yield
        took = time.monotonic() - begun
        self.now = ("", 0, 0.0, inf)
        if what in self.usual and took > limit / 2 and self.rank == 0:  # all wait for the slowest: one tells
            events.record(self.folder, "slow", step, part=what, seconds=round(took, 3), allowed=round(limit, 3))
        kept = self.usual.setdefault(what, [])
        kept.append(took)
        del kept[:-KEPT]

    def limit(self, what: str) -> float:
        """The seconds that it may take."""
        kept = self.usual.get(what)
        return max(FACTOR * statistics.median(kept), self.allowed) if kept else UNKNOWN * self.allowed

    def arm(self, what: str, now: float, limit: float) -> None:
        """Set faulthandler's thread anew where it was set for something else, or a while ago."""
        if self.armed[0] == what and now - self.armed[1] < limit / 2:
            return
        faulthandler.dump_traceback_later(2 * limit, exit=True, file=self.file)
        self.armed = (what, now)

    def look(self) -> None:
        """Look at the clock until the run is over."""
        while not self.over.wait(min(1.0, self.allowed / 8)):
            what, step, begun, end = self.now
            if time.monotonic() > end:
                self.hung(what, step, time.monotonic() - begun)
                return

    def hung(self, what: str, step: int, seconds: float) -> None:
        """Write down where every thread is, and end the process."""
        faulthandler.dump_traceback(self.file)
        told = {"part": what, "seconds": round(seconds, 3), "stacks": Path(self.file.name).name}
        events.record(self.folder, "hung", step, **told, peak_memory=peak_memory())
        self.leave(HUNG)

    @contextmanager
    def open(self) -> Iterator["Watch"]:
        """The watch while the block runs; a file of stacks that stayed empty is removed."""
        if not self.allowed:
            yield self
            return
        path = self.folder / (f"stacks-{self.rank}.txt" if self.rank else "stacks.txt")
        with path.open("a") as self.file:
            thread = threading.Thread(target=self.look, name="watch", daemon=True)
            thread.start()
            try:
                yield self
            finally:
                faulthandler.cancel_dump_traceback_later()
                self.over.set()
                thread.join()
        if not path.stat().st_size:
            path.unlink()


def checkpoint_bytes(model: nn.Module, optimizers: list[Optimizer]) -> int:
    """About how large a checkpoint is: the weights, and two values of the optimizer for each that is trained."""
    trained = {id(p): p for one in optimizers for group in one.param_groups for p in group["params"]}
    weights = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    return weights + 2 * sum(p.numel() * p.element_size() for p in trained.values())


def check_room(folder: Path, needed: int, then: str) -> None:
    """Failed where the disk has no room for a checkpoint, before anything is written on it."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN:
        there = f"{free / 1e6:,.0f} MB are free on the disk of {folder}"
        raise Failed(
            f"{there} and a checkpoint needs {(needed + MARGIN) / 1e6:,.0f}; "
            f"free some space and start the same again: {then}"
        )
