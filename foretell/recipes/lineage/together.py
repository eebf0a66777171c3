"""The work of a climb side by side: two processes, each of one thread where the networks are small.

Two threads train such a network half as quickly again as one; two processes train two networks in the time of one. What
a run comes to does not depend on the others: its config says its threads.

A process takes a job, a line of JSON on its standard input, does it, and answers with a line. It gets the next as soon
as what that needs is there: first those that most work waits for. It stops, when it has saved, where its input ends:
the climb closed it, or was killed.
"""

import json
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from foretell import progress
from foretell.config import dump
from foretell.errors import BadUse, Failed
from foretell.recipes import sources
from foretell.recipes.lineage.plan import TEXT, Climb, Stage, resolving, threads
from foretell.recipes.trainers import trainer
from foretell.runs import peak_memory, usable_cores
from foretell.train.config import Machine, RunConfig
from foretell.train.folder import METRICS, finished
from foretell.train.run import Stopped

LOOK_EVERY = 0.3  # seconds between looks at how far the work is
SOON = 4.0
KINDS: Mapping[str, type[Exception]] = {"BadUse": BadUse, "Failed": Failed}
Told = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Something that a process does when all that it needs is done."""

    name: str
    weight: float
    told: Told
    """what the process reads"""
    needs: tuple[str, ...] = ()
    run: tuple[Path, int] | None = None
    """a training run's folder and its steps, to tell how far it is"""
    alone: bool = False
    soon: bool = False
    """before those that are not, however little waits for it: the page shows it early"""


@dataclass(kw_only=True, slots=True)
class Hand:
    """A process, what it does now and since when, and the most memory that it said it has held."""

    process: subprocess.Popen[bytes]
    said: IO[bytes]
    job: Job | None = None
    since: float = 0.0
    memory: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A job that is done: the seconds that it took, and the most memory held by all processes so far."""

    job: Job
    seconds: float
    memory: int


def work_off(
    jobs: Sequence[Job], plan: Climb, after: Callable[[Done], None], look: Callable[[], None] = lambda: None
) -> None:
    """Nothing, when every job is done; `after` hears of each, `look` is called while some are at work.

    BadUse or Failed as the first job that did not end well says; Stopped on Ctrl-C, when all have saved.
    """
    waiting, done = longest_way_first(jobs), {need for job in jobs for need in job.needs} - {job.name for job in jobs}
    n, total, behind = min(plan.processes, usable_cores(), len(jobs)), sum(job.weight for job in jobs), 0.0
    with progress.bar("work", 100, quiet=plan.quiet) as shown, hands() as all_hands:
        while waiting or any(hand.job for hand in all_hands):
            give_out(waiting, done, all_hands, n, plan)
            for hand in answered(all_hands):
                told = answer_of(hand)
                job, seconds = hand.job, time.monotonic() - hand.since
                assert job is not None, "only a hand with a job answers"
                hand.job, hand.memory, behind = None, told["memory"], behind + job.weight
                done.add(job.name)
                memory = peak_memory() + sum(one.memory for one in all_hands)
                shown.say(f"[{len(jobs) - len(waiting) - at_work(all_hands)}/{len(jobs)}] {job.name}")
                after(Done(job=job, seconds=seconds, memory=memory))
                if job.alone:
                    dismiss(all_hands, hand)
            look()
            busy = [hand for hand in all_hands if hand.job]
            share = (behind + sum(part(hand) * hand.job.weight for hand in busy if hand.job)) / total
            words = "  ".join(words_of(hand) for hand in busy)
            shown.advance(max(100 * share - shown.done, 0.0), words)


def longest_way_first(jobs: Sequence[Job]) -> list[Job]:
    """The jobs by how much work, one after another, begins with them: two processes then end at about the same time.

    Those of SOON seconds come before too: what they measure is on the page early.
    """
    way: dict[str, float] = {}
    for job in reversed(jobs):  # each stands after those that it needs
        way[job.name] = job.weight + max((way[one.name] for one in jobs if job.name in one.needs), default=0.0)
    return sorted(jobs, key=lambda job: (not job.soon and job.weight > SOON, -way[job.name]))


def give_out(waiting: list[Job], done: set[str], all_hands: list[Hand], n: int, plan: Climb) -> None:
    """Give the jobs that can begin to hands that are free, at most n of them."""
    for job in [job for job in waiting if done.issuperset(job.needs)]:
        hand = next((hand for hand in all_hands if hand.job is None), None)
        if hand is None:
            if len(all_hands) >= n:
                return
            hand = begin(plan)
            all_hands.append(hand)
        waiting.remove(job)
        hand.job, hand.since = job, time.monotonic()
        with suppress(BrokenPipeError):  # it has ended: answer_of() tells why
            write(hand, job.told)


def at_work(all_hands: Sequence[Hand]) -> int:
    """How many jobs have begun and are not done."""
    return sum(hand.job is not None for hand in all_hands)


def part(hand: Hand) -> float:
    """The share of its job that a hand has done: by steps, or by the seconds that it usually takes."""
    if hand.job is None:
        return 0.0
    if hand.job.run:
        folder, steps = hand.job.run
        return step_of(folder) / steps
    return min((time.monotonic() - hand.since) / hand.job.weight, 0.9)


def words_of(hand: Hand) -> str:
    """What a hand does, as the bar shows it."""
    assert hand.job is not None, "it has a job"
    steps = f" {step_of(hand.job.run[0])} of {hand.job.run[1]}" if hand.job.run else ""
    return f"{hand.job.name}{steps}"


@contextmanager
def hands() -> Iterator[list[Hand]]:
    """A list for processes: on the way out those in it are asked to save and stop, and waited for."""
    there: list[Hand] = []
    try:
        yield there
    except KeyboardInterrupt:
        raise Stopped("stopped; the same command continues") from None
    finally:
        for hand in there:
            close(hand)
        for hand in there:
            hand.process.wait()
            hand.said.close()


def dismiss(all_hands: list[Hand], hand: Hand) -> None:
    """Let a free process end."""
    all_hands.remove(hand)
    close(hand)
    hand.process.wait()
    hand.said.close()


def begin(plan: Climb) -> Hand:
    """A process that knows the plan and waits for jobs; what it says beside its answers is kept."""
    said = TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-m", "foretell.recipes.lineage.hand"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        start_new_session=True,  # Ctrl-C is the climb's to pass on
    )
    hand = Hand(process=process, said=said)
    inside = {**asdict(plan), "out": str(plan.out), "quiet": True, "processes": 1}
    with suppress(BrokenPipeError):
        write(hand, {"plan": inside, "threads": threads(plan)})
    return hand


def write(hand: Hand, told: Told) -> None:
    """A line to a process."""
    assert hand.process.stdin is not None, "it has a pipe"
    hand.process.stdin.write(json.dumps(told).encode() + b"\n")
    hand.process.stdin.flush()


def close(hand: Hand) -> None:
    """End a process's input: it saves and stops."""
    for pipe in (hand.process.stdin, hand.process.stdout):
        assert pipe is not None, "it has two pipes"
        with suppress(BrokenPipeError):
            pipe.close()


def answered(all_hands: Sequence[Hand]) -> list[Hand]:
    """The hands that have said something, or ended, after waiting a moment for the first."""
    with selectors.DefaultSelector() as waits:
        for hand in all_hands:
            if hand.job and hand.process.stdout:
                waits.register(hand.process.stdout, selectors.EVENT_READ, hand)
        return [key.data for key, _ in waits.select(LOOK_EVERY)]


def answer_of(hand: Hand) -> dict[str, Any]:
    """A hand's answer; BadUse or Failed as it says, or with the last line of one that ended without."""
    assert hand.process.stdout is not None, "it has a pipe"
    line = hand.process.stdout.readline()
    if line:
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise KINDS[told["error"]](told["said"])
        return told
    code = hand.process.wait()
    hand.said.seek(0)
    lines = hand.said.read().decode("utf-8", "replace").strip().splitlines()
    raise Failed(f"a process ended with {code}{': ' + lines[-1] if lines else ''}; the same command continues")


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


def stage_job(plan: Climb, stage: Stage) -> Job:
    """A stage of the climb as a job."""
    folder = plan.out / stage.name
    run = (folder, steps_of(folder)) if f"{stage.name}/lineage.json" in stage.makes and steps_of(folder) else None
    return Job(
        name=stage.name,
        weight=stage.weight,
        told={"stage": stage.name},
        needs=stage.needs,
        run=run,
        alone=stage.alone,
        soon=stage.chapter == TEXT,
    )


def steps_of(folder: Path) -> int:
    """The steps of a run that has begun; 0 of another."""
    try:
        return int(json.loads((folder / "config.json").read_text())["steps"])
    except (OSError, ValueError, KeyError):
        return 0


def run_together(plan: Climb, wanted: Sequence[tuple[RunConfig, str]]) -> None:
    """Nothing; every run, a config and the name of its folder, is finished, two at a time where the plan allows it."""
    placed = [(one, plan.out / name) for one, name in wanted]
    with resolving(plan):
        placed = [(sources.resolve(one, plan.corpora, text=plan.text, quiet=plan.quiet), out) for one, out in placed]
    waiting = [(replace(cfg, machine=Machine(threads=threads(plan))), out) for cfg, out in placed if not finished(out)]
    if min(plan.processes, usable_cores()) < 2 or len(waiting) < 2:
        for cfg, out in waiting:
            trainer(cfg.objective.kind)(cfg, out, plan.quiet)
    else:
        work_off([run_job(cfg, out) for cfg, out in waiting], plan, after=lambda _: None)


def run_job(cfg: RunConfig, out: Path) -> Job:
    """A training run as a job."""
    m = cfg.model
    weight = cfg.steps * cfg.batch.rows * cfg.data.length * m.n_layers * m.d_model**2
    told = {"run": json.loads(dump(cfg)), "out": str(out)}
    return Job(name=out.name, weight=float(weight), told=told, run=(out, cfg.steps))
