import subprocess
import sys
import time
from math import inf
from pathlib import Path

import pytest
import torch

from foretell.errors import Failed
from foretell.train import loop, run, watch
from foretell.train.config import Machine
from foretell.train.events import read_events
from foretell.train.loop import train
from foretell.train.watch import FACTOR, HUNG, UNKNOWN, Watch, check_room, checkpoint_bytes
from tests.train.in_memory import Rows, config, network
from tests.train.planted import guarded, plant


def test_a_step_may_take_twenty_times_as_long_as_usual_and_never_less_than_allowed(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    one = Watch(tmp_path, 3.0)
    one.arm = lambda *given: None
    assert one.limit("step") == UNKNOWN * 3.0
    for seconds in (1.0, 2.0, 9.0):
        with one.during("step", 0):
            clock[0] += seconds
    assert one.limit("step") == FACTOR * 2.0
    assert one.limit("save") == UNKNOWN * 3.0
    with one.during("save", 0):
        clock[0] += 0.01
    assert one.limit("save") == 3.0
    assert one.now[-1] == inf


def test_a_step_that_was_slow_but_ended_is_told(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    one = Watch(tmp_path, 2.0)
    one.arm = lambda *given: None
    for step, seconds in enumerate((0.5, 0.5, 0.5, 6.0)):
        with one.during("step", step):
            clock[0] += seconds
    [event] = read_events(tmp_path)
    assert (event["what"], event["step"], event["seconds"], event["allowed"]) == ("slow", 3, 6.0, 10.0)


def test_a_step_that_never_ends_leaves_its_stacks_and_ends_the_process(tmp_path):
    codes = []
    one = Watch(tmp_path, 0.01, leave=codes.append)
    with one.open():
        with one.during("step", 0):
            pass
        with one.during("step", 1):
            end = time.monotonic() + 20
            while not codes and time.monotonic() < end:
                one.over.wait(0.01)
    assert codes == [HUNG]
    [event] = [event for event in read_events(tmp_path) if event["what"] == "hung"]
    assert (event["step"], event["part"], event["stacks"]) == (1, "step", "stacks.txt")
    assert event["peak_memory"] > 0
    assert "test_a_step_that_never_ends" in (tmp_path / "stacks.txt").read_text()


def test_who_does_not_watch_starts_no_thread_and_writes_nothing(tmp_path):
    with Watch(tmp_path, 0).open() as one, one.during("step", 0):
        assert one.now[0] == ""
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_watched_is_the_same_and_leaves_no_empty_file(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))
    one = train(config(), tmp_path / "one", quiet=True)
    other = train(config(machine=Machine(threads=1, hang_after=60)), tmp_path / "other", quiet=True)
    assert one.metrics == other.metrics
    assert not (tmp_path / "other" / "stacks.txt").exists()


def test_each_of_several_processes_has_a_file_of_stacks_and_one_tells_of_what_was_slow(tmp_path, monkeypatch):
    with Watch(tmp_path, 60).open(), Watch(tmp_path, 60, rank=1).open():
        assert sorted(path.name for path in tmp_path.iterdir()) == ["stacks-1.txt", "stacks.txt"]
    assert list(tmp_path.iterdir()) == []
    clock = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    for rank in range(3):
        one = Watch(tmp_path, 2.0, rank=rank)
        one.arm = lambda *given: None
        for seconds in (0.5, 6.0):
            with one.during("step", 0):
                clock[0] += seconds
    assert [event["what"] for event in read_events(tmp_path)] == ["slow"]


def test_going_back_is_no_step_that_takes_too_long(tmp_path, monkeypatch):
    plant(monkeypatch, poison=[12])
    armed, at_work = [], []
    monkeypatch.setattr(watch.faulthandler, "dump_traceback_later", lambda limit, **given: armed.append(limit))
    monkeypatch.setattr(run.Run, "go_back", spied(run.Run.go_back, lambda self: at_work.append(self.watch.now)))
    cfg = guarded(steps=16, machine=Machine(threads=1, hang_after=60))
    train(cfg, tmp_path, quiet=True)
    [(what, step, begun, end)] = at_work
    assert (what, step, end - begun) == ("rollback", 13, pytest.approx(UNKNOWN * 60))
    assert 2 * UNKNOWN * 60 in armed


def spied(real, look):
    def spy(self, *given):
        look(self)
        return real(self, *given)

    return spy


STUCK = """
import ctypes, sys
from pathlib import Path
from foretell.train.watch import Watch
watch = Watch(Path(sys.argv[1]), 0.2)
with watch.open():
    for step in range(3):
        with watch.during("step", step):
            if step == 2:
                ctypes.PyDLL(None).sleep(60)  # holds the interpreter: no thread of it runs
"""


@pytest.mark.slow
def test_where_the_interpreter_itself_is_stuck_the_process_ends_too(tmp_path):
    command = [sys.executable, "-c", STUCK, str(tmp_path)]
    root = Path(__file__).parents[2]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    assert said.returncode == 1, said.stderr
    assert "Timeout" in (tmp_path / "stacks.txt").read_text()


def test_a_checkpoint_is_as_large_as_foreseen(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))
    sizes = []
    monkeypatch.setattr(run, "checkpoint_bytes", lambda *given: sizes.append(checkpoint_bytes(*given)) or sizes[-1])
    train(config(model=network(d_model=64, d_ff=256, d_head=32), steps=1), tmp_path, quiet=True)
    there = sum(path.stat().st_size for path in (tmp_path / "checkpoints" / "step-00000001").glob("*.safetensors"))
    assert sizes[0] == pytest.approx(there, rel=0.1)
    layer = torch.nn.Linear(3, 4)
    assert checkpoint_bytes(layer, [torch.optim.SGD(layer.parameters(), lr=1)]) == 3 * 16 * 4


def free(monkeypatch, n_bytes):
    real = watch.shutil.disk_usage
    monkeypatch.setattr(watch.shutil, "disk_usage", lambda folder: real(folder)._replace(free=n_bytes))


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    free(monkeypatch, 10**8)
    check_room(tmp_path / "absent" / "run", 10**7, "")
    with pytest.raises(Failed) as error:
        check_room(tmp_path, 10**8, "it begins at step 0")
    rule = "100 MB are free on the disk of {} and a checkpoint needs 134; free some space and start the same again: "
    assert str(error.value) == rule.format(tmp_path) + "it begins at step 0"
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))
    free(monkeypatch, 1000)
    with pytest.raises(Failed, match="0 MB are free"):
        train(config(), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_a_disk_that_fills_up_ends_the_run_whole_and_it_goes_on_when_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))
    with monkeypatch.context() as patch:
        real, calls = run.check_room, []

        def check(*given):
            calls.append(0)
            if len(calls) == 3:
                free(patch, 1000)
            real(*given)

        patch.setattr(run, "check_room", check)
        with pytest.raises(Failed, match=r"free some space and start the same again: it goes on from the checkpoint"):
            train(config(), tmp_path, quiet=True)
    train(config(), tmp_path, quiet=True)
    assert [event["what"] for event in read_events(tmp_path)] == ["start", "start", "end"]
    assert [event["step"] for event in read_events(tmp_path)] == [0, 4, 12]


def test_a_clock_that_is_set_back_during_a_run_changes_no_duration(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))
    monkeypatch.setattr(run.time, "time", lambda: 0.0)
    monkeypatch.setattr(run.time, "perf_counter", lambda: 5.0)  # a clock too coarse to see a step
    train(config(), tmp_path, quiet=True)
