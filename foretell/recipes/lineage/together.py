"""Training runs of a climb side by side: two processes, each of one thread where the networks are small.

Two threads train such a network half as quickly again as one; two processes train two networks in the time of one. What
a run comes to does not depend on the others: its config says its threads.

A process trains its share of the runs one after another, and stops, when it has saved, where its standard input ends:
the climb closes it, or was killed.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from foretell import progress
from foretell.config import dump, load
from foretell.errors import BadUse, Failed
from foretell.recipes import sources
from foretell.recipes.lineage.plan import Climb
from foretell.recipes.trainers import trainer
from foretell.runs import peak_memory, read_json, usable_cores, write_whole
from foretell.train.config import Machine, RunConfig
from foretell.train.folder import METRICS, finished
from foretell.train.run import Stopped

LOOK_EVERY = 0.3  # seconds between looks at how far the runs are
HELD = "processes.json"
AT_ONCE = 2  # processes: with more a climb would not stay under 4 GiB
Wanted = tuple[RunConfig, str]
Placed = tuple[RunConfig, Path]


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """A process with its share of the runs."""

    process: subprocess.Popen[bytes]
    outs: Sequence[Path]
    held: IO[bytes]
    """what it writes when it ends: the most memory that it held, in bytes"""
    said: IO[bytes]


def run_together(plan: Climb, wanted: Sequence[Wanted]) -> None:
    """Nothing; every run, a config and the name of its folder, is finished.

    Failed with what the first process said that failed; Stopped on Ctrl-C, when all have saved.
    """
    placed = [(one, plan.out / name) for one, name in wanted]
    placed = [(sources.resolve(one, plan.corpora, text=plan.text, quiet=plan.quiet), out) for one, out in placed]
    at_once = min(usable_cores(), AT_ONCE, len(placed))
    threads = 1 if plan.scale != "mini" else max(usable_cores() // at_once, 1)
    waiting = [(replace(cfg, machine=Machine(threads=threads)), out) for cfg, out in placed if not finished(out)]
    if at_once < 2 or len(waiting) < 2:
        for cfg, out in waiting:
            trainer(cfg.objective.kind)(cfg, out, plan.quiet)
    else:
        held = side_by_side(shares(waiting, at_once), quiet=plan.quiet)
        write_whole(plan.out / HELD, json.dumps({"peak_bytes": max(held, children_held(plan))}) + "\n")


def children_held(plan: Climb) -> int:
    """The most memory, in bytes, that processes of a climb which ran side by side held together, at most."""
    path = plan.out / HELD
    return int(read_json(path)["peak_bytes"]) if path.exists() else 0


def shares(waiting: Sequence[Placed], n: int) -> list[list[Placed]]:
    """The runs dealt out to n processes, the longest first and each to the one that has least to do."""
    dealt: list[list[Placed]] = [[] for _ in range(min(n, len(waiting)))]
    for one in sorted(waiting, key=lambda one: -work(one[0])):
        min(dealt, key=lambda share: sum(work(cfg) for cfg, _ in share)).append(one)
    return dealt


def work(cfg: RunConfig) -> float:
    """About how long a run takes beside others."""
    return cfg.steps * cfg.batch.rows * cfg.data.length * cfg.model.n_layers * cfg.model.d_model**2


def side_by_side(dealt: Sequence[Sequence[Placed]], *, quiet: bool) -> int:
    """The memory that the processes held, the sum of each one's most, after each share was trained by one of them."""
    outs = [out for share in dealt for _, out in share]
    steps, held = sum(cfg.steps for share in dealt for cfg, _ in share), 0
    with progress.bar(f"{len(outs)} runs", steps, quiet=quiet) as shown, ended() as running:
        shown.start_at(sum(map(step_of, outs)))
        running += [begin(share) for share in dealt]
        while running:
            with suppress(subprocess.TimeoutExpired):
                running[0].process.wait(LOOK_EVERY)
            for child in [one for one in running if one.process.poll() is not None]:
                running.remove(child)
                held += check(child)
            now = [next((out for out in one.outs if not finished(out)), one.outs[-1]) for one in running]
            text = "  ".join(f"{out.name} {step_of(out)}" for out in now)
            shown.advance(sum(map(step_of, outs)) - shown.done, text)
    return held


@contextmanager
def ended() -> Iterator[list[Child]]:
    """A list for processes: on the way out those in it are asked to save and stop, and waited for."""
    running: list[Child] = []
    try:
        yield running
    except KeyboardInterrupt:
        raise Stopped("stopped; the same command continues") from None
    finally:
        for child in running:
            pipe(child).close()
        for child in running:
            child.process.wait()
            child.said.close()
            child.held.close()


def begin(share: Sequence[Placed]) -> Child:
    """The process that trains these runs, which reads them as its first line; what it says in the end is kept."""
    held, said = TemporaryFile(), TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-m", "foretell.recipes.lineage.together"],
        stdin=subprocess.PIPE,
        stdout=held,
        stderr=said,
        start_new_session=True,  # Ctrl-C is the climb's to pass on
    )
    child = Child(process=process, outs=[out for _, out in share], held=held, said=said)
    told = [{"out": str(out), "config": json.loads(dump(cfg))} for cfg, out in share]
    with suppress(BrokenPipeError):  # it has ended at once: check() tells why
        pipe(child).write(json.dumps(told).encode() + b"\n")
        pipe(child).flush()
    return child


def pipe(child: Child) -> IO[bytes]:
    """The process's standard input."""
    assert child.process.stdin is not None, "a child has a pipe"
    return child.process.stdin


def check(child: Child) -> int:
    """The most memory that a process held, in bytes; Failed with its last line where it did not end well."""
    pipe(child).close()
    lines, held = read(child.said), read(child.held)
    if child.process.returncode:
        code = child.process.returncode
        raise Failed(lines[-1] if lines else f"a training process ended with {code}; the same command continues")
    return int(held[-1])


def read(written: IO[bytes]) -> list[str]:
    """The lines of a file that a process has written, which is closed."""
    with written as file:
        file.seek(0)
        return file.read().decode("utf-8", "replace").strip().splitlines()


def step_of(out: Path) -> int:
    """How many steps a run has done, by the last whole line of its metrics."""
    path = out / METRICS
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - 4096, 0))
            lines = file.read().split(b"\n")
        return int(json.loads(lines[-2])["step"])
    except (OSError, IndexError, ValueError):
        return 0


def main() -> int:
    """Train the runs that the first line of standard input names; the exit code."""
    told = json.loads(sys.stdin.readline())
    threading.Thread(target=stop_with_input, daemon=True).start()
    for one in told:
        out = Path(one["out"])
        try:
            cfg = load(RunConfig, json.dumps(one["config"]), f"the config of {out.name}")
            trainer(cfg.objective.kind)(cfg, out, True)
        except Stopped:
            return 130
        except (BadUse, Failed, ValueError) as error:
            sys.stderr.write(f"{out.name}: {error}\n")
            return 1
    sys.stdout.write(f"{peak_memory()}\n")
    return 0


def stop_with_input() -> None:
    """Ask this process to stop when its standard input ends."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
