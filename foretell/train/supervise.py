"""Starts a run again when its process dies, until it is finished or stays where it is.

    code = supervise(lambda: launched(command), out, restarts=5, say=print)

A new process is the whole cure: a run goes on from its last checkpoint bit for bit. Where several processes train
together and one dies, the others are ended and all start anew, at another port: torchrun's own restart keeps the store
of the dead ones, whose addresses the new ones then find (pytorch issues 135712 and 167288). This process needs no torch
and little memory. If it is killed itself, the run goes on alone.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from foretell.errors import BadUse, Failed
from foretell.train.events import read_events, record
from foretell.train.folder import last_step

DONE, USE, STOPPED, HUNG = 0, BadUse.exit_code, 130, 75  # HUNG: train/watch.py
LONGEST = 60.0  # seconds between two tries
GRACE = 30.0  # seconds in which several processes end by themselves, where one has saved and stopped


class Child(Protocol):
    """A process that trains: a subprocess.Popen, or several."""

    def wait(self) -> int:
        """Its exit code, when it has ended; the negative number of the signal that ended it."""

    def send_signal(self, number: int) -> None:
        """Pass a signal on."""


def supervise(
    start: Callable[[], Child], out: Path, restarts: int, say: Callable[[str], object], pause: float = 1.0
) -> int:
    """The exit code of a run that was started as often as it took: 0, 130 where it was asked to stop, 2 for BadUse.

    Failed after so many restarts without a new checkpoint, or where the run has given up itself. `pause` is the first
    wait in seconds; it doubles at each restart without progress.
    """
    furthest, tried = last_step(out), 0
    with passed_on() as running:
        while True:
            code = running.wait(start)
            if code in (DONE, USE, STOPPED) or running.asked:
                return STOPPED if running.asked and code != DONE else code
            reached = last_step(out)
            if out.exists():
                record(out, "died", reached, how=in_words(code))
            if given_up(out):
                raise Failed(f"{out} has given up: {given_up(out)}")
            tried = 0 if reached > furthest else tried
            furthest = max(furthest, reached)
            if tried == restarts:
                raise Failed(
                    f"{out} stays at step {reached} after {restarts} restarts (last: {in_words(code)}); "
                    f"what it says without --restarts tells why"
                )
            tried += 1
            say(f"{out}: {in_words(code)}; going on from step {reached} (restart {tried} of {restarts} here)")
            running.rest(min(pause * 2 ** (tried - 1), LONGEST))


def in_words(code: int) -> str:
    """How a process ended."""
    if code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return "hung, and was ended" if code == HUNG else f"failed with exit code {code}"


def given_up(out: Path) -> str:
    """Why the run will not go on however often it is started; empty if it may."""
    for event in reversed(read_events(out)):
        if event["what"] in ("start", "gave up"):
            return str(event["why"]) if event["what"] == "gave up" else ""
    return ""


class Running:
    """The child of now, and whether a person asked to stop."""

    def __init__(self) -> None:
        self.child: Child | None = None
        self.asked = 0
        """the number of the signal"""
        self.passed = False
        """whether the child was told"""

    def wait(self, start: Callable[[], Child]) -> int:
        """The exit code of a new child."""
        if self.asked:
            return STOPPED
        self.child = start()
        if self.asked and not self.passed:  # it came while the child was being started
            self.note(self.asked, None)
        try:
            return self.child.wait()
        finally:
            self.child = None

    def note(self, number: int, frame: object) -> None:
        """Pass a signal on to the child, which saves and stops."""
        self.asked = number
        if self.child is not None:
            self.passed = True
            self.child.send_signal(number)

    def rest(self, seconds: float) -> None:
        """Wait, unless asked to stop."""
        end = time.monotonic() + seconds
        while not self.asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))


@contextmanager
def passed_on() -> Iterator[Running]:
    """What runs, to which Ctrl-C and SIGTERM are passed on."""
    running = Running()
    before = {number: signal.signal(number, running.note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield running
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def launched(command: Sequence[str], processes: int = 1) -> Child:
    """The processes of one try, in a session of their own: Ctrl-C is the supervisor's to pass on."""
    if processes == 1:
        return subprocess.Popen(command, start_new_session=True)
    sizes = {"WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
    shared = {**sizes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    started = []
    for rank in range(processes):
        own = {name: str(value) for name, value in {**shared, "RANK": rank, "LOCAL_RANK": rank}.items()}
        environment = {**os.environ, **own}  # noqa: TID251  (torchrun's own interface)
        started.append(subprocess.Popen(command, start_new_session=True, env=environment))
    return Together(started)


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Together:
    """Processes that train one model: where one fails, the others end."""

    def __init__(self, processes: Sequence[subprocess.Popen]) -> None:
        self.processes = processes

    def send_signal(self, number: int) -> None:
        """Pass a signal on to all."""
        for one in self.processes:
            one.send_signal(number)

    def wait(self) -> int:
        """0 when all have ended well; else the code of the first that failed, the others having been ended.

        Where one was asked to stop, was asked wrongly or hung, the others are about to end too, and may first write
        down what they know.
        """
        end = 0.0
        while True:
            codes = [one.poll() for one in self.processes]
            bad = [code for code in codes if code]
            own = [code for code in bad if code in (USE, STOPPED, HUNG)]
            if bad and not end:
                end = time.monotonic() + (GRACE if own else 0)
            if None not in codes or (end and time.monotonic() >= end):
                for one in self.processes:
                    one.kill()
                    one.wait()
                return next(iter([*own, *bad]), DONE)
            time.sleep(0.05)
