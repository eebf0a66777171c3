import os
import random
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from foretell.errors import BadUse, Failed
from foretell.train import checkpoint, loop, supervise
from foretell.train.config import Guard
from foretell.train.events import read_events, record
from foretell.train.loop import train
from foretell.train.metrics import Metrics, read_metrics
from foretell.train.segments import segments
from foretell.train.supervise import STOPPED, Together, in_words, launched
from foretell.train.watch import HUNG
from tests.train.planted import TIMES, Corrupt, guarded
from tests.train.processes import limited

KILLS = 55


@pytest.fixture(autouse=True)
def _within_five_minutes():
    with limited(300):
        yield


class Ended:
    """A child that ends with a code, after it has done something."""

    def __init__(self, code, does=lambda: None):
        self.code, self.does, self.signals = code, does, []

    def wait(self):
        self.does()
        return self.code

    def send_signal(self, number):
        self.signals.append(number)


def saves(out, step):
    return lambda: (out / "checkpoints" / f"step-{step:08d}").mkdir(parents=True)


def supervised(out, children, restarts=3):
    """The exit code over these children, how many were started, and what was said."""
    waiting, said = list(children), []
    code = supervise.supervise(lambda: waiting.pop(0), out, restarts, said.append, pause=0)
    return code, len(children) - len(waiting), said


@pytest.mark.parametrize("code", [0, 2, 130])
def test_what_is_done_or_asked_wrongly_or_stopped_is_not_started_again(tmp_path, code):
    assert supervised(tmp_path, [Ended(code), Ended(0)]) == (code, 1, [])


def test_whatever_else_ends_a_process_is_started_again(tmp_path):
    code, started, said = supervised(tmp_path, [Ended(-9), Ended(1), Ended(HUNG), Ended(0)])
    assert (code, started) == (0, 4)
    assert said[0] == f"{tmp_path}: killed by SIGKILL; going on from step 0 (restart 1 of 3 here)"
    assert said[2] == f"{tmp_path}: hung, and was ended; going on from step 0 (restart 3 of 3 here)"
    assert [event["how"] for event in read_events(tmp_path)] == [
        "killed by SIGKILL",
        "failed with exit code 1",
        "hung, and was ended",
    ]
    assert in_words(-250) == "failed with exit code -250"


def test_restarts_without_a_new_checkpoint_are_counted_and_those_with_one_are_free(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    lame = [Ended(-9), Ended(-9)]
    children = [*lame, Ended(-9, saves(tmp_path, 5)), *lame, Ended(-9, saves(tmp_path, 10)), *lame, Ended(0)]
    assert supervised(tmp_path, children, restarts=3)[:2] == (0, 9)


def test_who_stays_where_it_is_is_given_up_with_one_line(tmp_path):
    children = [Ended(-9, saves(tmp_path, 5)), *[Ended(1)] * 9]
    with pytest.raises(Failed) as error:
        supervised(tmp_path, children, restarts=3)
    rule = "stays at step 5 after 3 restarts (last: failed with exit code 1); what it says without --restarts tells why"
    assert str(error.value) == f"{tmp_path} {rule}"
    assert len(read_events(tmp_path)) == 4
    with pytest.raises(Failed, match="after 0 restarts"):
        supervised(tmp_path, [Ended(-9)], restarts=0)


def test_a_run_that_has_given_up_itself_is_not_started_again_until_a_person_does(tmp_path):
    children = [Ended(1, lambda: record(tmp_path, "gave up", 7, why="loss nan at step 7")), Ended(0)]
    with pytest.raises(Failed, match="has given up: loss nan at step 7"):
        supervised(tmp_path, children)
    children = [Ended(-9, lambda: record(tmp_path, "start", 0)), Ended(0)]
    assert supervised(tmp_path, children)[:2] == (0, 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_and_nothing_is_started_after_it(tmp_path, number):
    child = Ended(-9, lambda: os.kill(os.getpid(), number))
    assert supervised(tmp_path, [child, Ended(0)])[:2] == (STOPPED, 1)
    assert child.signals == [number]
    done = Ended(0, lambda: os.kill(os.getpid(), number))
    assert supervised(tmp_path, [done])[0] == 0


def test_a_signal_while_the_child_is_being_started_reaches_it_too(tmp_path):
    child = Ended(STOPPED)

    def start():
        os.kill(os.getpid(), signal.SIGTERM)
        return child

    assert supervise.supervise(start, tmp_path, 3, lambda line: None, pause=0) == STOPPED
    assert child.signals == [signal.SIGTERM]


def test_the_wait_between_tries_grows_and_ends_when_asked(monkeypatch):
    slept, clock = [], [0.0]

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds
        running.asked = clock[0] > 0.9

    monkeypatch.setattr(supervise.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(supervise.time, "sleep", sleep)
    running = supervise.Running()
    running.rest(60)
    assert sum(slept) == pytest.approx(1.0)


def process(code, *given):
    return [sys.executable, "-c", code, *map(str, given)]


@pytest.mark.slow
def test_where_one_of_several_processes_fails_the_others_end_too():
    code = "import os, sys, time; sys.exit(7) if os.environ['RANK'] == '1' else time.sleep(60)"
    children = launched(process(code), processes=2)
    assert isinstance(children, Together)
    assert children.wait() == 7
    assert all(one.poll() is not None for one in children.processes)
    asks = "import os; assert os.environ['WORLD_SIZE'] == os.environ['LOCAL_WORLD_SIZE'] == '3'"
    assert launched(process(asks), processes=3).wait() == 0


class Polled:
    """A process that ends with a code when it was looked at so often."""

    def __init__(self, code, looks):
        self.code, self.looks, self.killed = code, looks, False

    def poll(self):
        self.looks -= 1
        return self.code if self.looks < 0 else None

    def kill(self):
        self.killed = self.looks >= 0

    def wait(self):
        return self.code


@pytest.mark.parametrize("code", [STOPPED, HUNG])
def test_where_one_has_stopped_the_others_may_end_what_they_do(monkeypatch, code):
    monkeypatch.setattr(supervise.time, "sleep", lambda seconds: None)
    both = [Polled(1, 5), Polled(code, 2)]
    assert Together(both).wait() == code
    assert not any(one.killed for one in both)
    monkeypatch.setattr(supervise, "GRACE", 0.0)
    both = [Polled(0, 10**9), Polled(code, 2)]
    assert Together(both).wait() == code
    assert both[0].killed
    both = [Polled(0, 5), Polled(-9, 2)]
    assert Together(both).wait() == -9
    assert both[0].killed


SUMS = """
import datetime, os, signal, sys
from pathlib import Path
import torch
import torch.distributed as dist
out, rank = Path(sys.argv[1]), int(os.environ["RANK"])

def main():
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=60))
    first = not (out / "died").exists()
    dist.barrier()
    if first and rank == 1:
        (out / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    total = torch.tensor([rank + 1.0])
    dist.all_reduce(total)
    dist.barrier()
    dist.destroy_process_group()
    assert total.item() == 3

main()
"""


@pytest.mark.slow
def test_processes_that_sum_over_each_other_find_themselves_again_after_a_kill(tmp_path):
    said = []
    code = supervise.supervise(lambda: launched(process(SUMS, tmp_path), 2), tmp_path, 1, said.append, pause=0)
    assert code == 0
    assert len(said) == 1


class Forked:
    """A run in a fork of this process, which costs no start of an interpreter."""

    def __init__(self, run):
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            try:
                run()
                code = 0
            finally:
                os._exit(code)

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def send_signal(self, number):
        os.kill(self.pid, number)


PLACES = [
    (loop, "train_step", 14),
    (loop, "evaluate", 3),
    (Metrics, "write", 14),
    (checkpoint, "save_file", 5),
    (checkpoint, "sha256", 7),
    (checkpoint, "restore", 1),
]


def dies_at(where, name, count):
    """Let the call of that number to where.name be the end of this process."""
    real, calls = getattr(where, name), []

    def last(*given, **more):
        calls.append(0)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **more)

    setattr(where, name, last)


@pytest.mark.slow
def test_a_run_that_is_killed_55_times_and_meets_spikes_is_bit_identical(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Corrupt(seed, [60, 61, 130]))
    cfg = guarded(steps=240, checkpoint_every=4, evaluate_every=6, guard=Guard(window=16), evaluate_rows=8)
    train(cfg, tmp_path / "whole", quiet=True)
    rng, kills = random.Random(0), []

    def run():
        if len(kills) <= KILLS:
            dies_at(*kills[-1])
        train(cfg, tmp_path / "killed", quiet=True)

    def start():
        where, name, most = rng.choice(PLACES)
        kills.append((where, name, rng.randint(1, most)))
        return Forked(run)

    code = supervise.supervise(start, tmp_path / "killed", 25, lambda line: None, pause=0)
    assert code == 0
    died = [event for event in read_events(tmp_path / "killed") if event["what"] == "died"]
    assert len(died) >= KILLS
    assert {event["how"] for event in died} == {"killed by SIGKILL"}
    assert len({name for _, name, _ in kills}) == len(PLACES)
    assert_same(tmp_path / "whole", tmp_path / "killed")
    found = segments(tmp_path / "killed")
    assert sum(one.ended == "killed" for one in found) > 30
    assert found[-1].ended == "finished"
    assert sum(one.ended == "rollback" for one in found) >= 2


def assert_same(one, other):
    """Every number but the times, and every tensor of the model and of the last checkpoint."""
    numbers = []
    for folder in (one, other):
        lines = read_metrics(folder / "metrics.jsonl")
        numbers.append([{name: value for name, value in line.items() if name not in TIMES} for line in lines])
    assert numbers[0] == numbers[1]
    last = checkpoint.every(one / "checkpoints")[-1].name
    for file in ("model/model.safetensors", *(f"checkpoints/{last}/{x}.safetensors" for x in ("model", "optimizer"))):
        a, b = load_file(one / file), load_file(other / file)
        assert set(a) == set(b)
        assert all(torch.equal(a[name], b[name]) for name in a), file


def test_the_command_runs_itself_without_the_flag_and_watches_for_hangs(monkeypatch, tmp_path):
    from foretell.commands import train_command, train_restarts

    started = []
    monkeypatch.setattr(train_restarts, "launched", lambda command: started.append(command) or Ended(0))
    monkeypatch.chdir(tmp_path)
    for flag in (["--restarts", "4"], ["--restarts=4"]):
        with pytest.raises(SystemExit) as end:
            train_command.run(["gpt2.pretrain:smoke", *flag, "--steps", "3"])
        assert end.value.code == 0
    more = ["gpt2.pretrain:smoke", "--restarts", "4", "--machine.hang-after", "9"]
    with pytest.raises(SystemExit):
        train_command.run(more)
    tail = ["-m", "foretell.cli", "train", "gpt2.pretrain:smoke", "--steps", "3", "--machine.hang-after", "300"]
    assert [command[1:] for command in started[:2]] == [tail, tail]
    assert started[2][-2:] == ["--machine.hang-after", "9"]
    with pytest.raises(BadUse, match="--restarts watches one run and --folds makes several"):
        train_command.run(["instructgpt.reward:nano", "--restarts", "1", "--folds", "2"])
    with pytest.raises(BadUse, match=r"is no whole number of at least 0|expected one argument"):
        train_command.run(["gpt2.pretrain:smoke", "--restarts", "-1"])


def test_the_supervisor_needs_no_torch():
    code = "import sys, foretell.commands.train_restarts; sys.exit('torch' in sys.modules)"
    assert subprocess.run(process(code), check=False, timeout=60).returncode == 0
