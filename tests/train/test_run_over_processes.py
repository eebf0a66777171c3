"""What surrounds the steps of a run over several processes: its files, its end, and being asked to stop."""

import os
import signal
from pathlib import Path
from threading import Event

import pytest

from foretell.errors import Failed
from foretell.ranks import from_environment
from foretell.train import checkpoint, loop, sharded_checkpoint
from foretell.train import together as meeting
from foretell.train.config import Machine
from foretell.train.events import read_events
from foretell.train.sharded_checkpoint import Saver, begun
from tests.train.in_parallel import cfg_of, train
from tests.train.processes import together
from tests.train.test_parallel import assert_near
from tests.train.test_together import outcome

STOP = 3


def averaged():
    return cfg_of("lm", average=2, checkpoint_every=1, machine=Machine(device="cpu", threads=1, hang_after=60))


def stopped():
    return cfg_of("lm", steps=6, checkpoint_every=2)


def two_runs(folder):
    """A run whose first process is slow to complete its checkpoints, and one of which the second is asked to stop."""
    rank, taken, metrics = from_environment().rank, [], []
    complete, step = sharded_checkpoint.completed, loop.train_step

    def completed(*given):
        Event().wait(0.3)
        complete(*given)

    def train_step(*given):
        taken.append(0)
        if len(taken) == STOP and rank == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(*given)

    def work():
        sharded_checkpoint.completed = completed
        with meeting.together(from_environment()):
            metrics.append(train(averaged(), Path(folder, "averaged")))
            loop.train_step = train_step
            train(stopped(), Path(folder, "stopped"))

    end = outcome(work)
    return metrics, end, sorted(path.name for path in checkpoint.every(Path(folder, "stopped", "checkpoints")))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The folder of both runs, and what each process says of them."""
    folder = tmp_path_factory.mktemp("both")
    return folder, together(2, two_runs, folder)


@pytest.mark.slow
def test_the_mean_of_the_last_checkpoints_is_the_same_in_every_process(told, tmp_path):
    folder, found = told
    assert found[0][0] == found[1][0]
    train(averaged(), tmp_path)
    assert_near(tmp_path, folder / "averaged")


@pytest.mark.slow
def test_what_is_written_beside_the_steps_is_written_once(told):
    events = [(event["what"], event["step"]) for event in read_events(told[0] / "averaged")]
    assert events == [("start", 0), ("end", 4)]
    kept = {"checkpoints", "config.json", "events.jsonl", "lineage.json", "metrics.jsonl", "model", ".held"}
    assert {path.name for path in (told[0] / "averaged").iterdir()} == kept


@pytest.mark.slow
def test_where_one_process_is_asked_to_stop_all_do_and_none_before_the_checkpoint_is_whole(told, tmp_path):
    folder, found = told
    assert sorted(end for _, end, _ in found) == [
        ("Stopped", f"stopped after step {STOP} of 6; the same command continues"),
        ("SystemExit", "130"),
    ]
    assert [there for _, _, there in found] == [["step-00000002", "step-00000003"]] * 2
    train(stopped(), folder / "stopped")
    assert [event["what"] for event in read_events(folder / "stopped")] == ["start", "stop", "start", "end"]
    train(stopped(), tmp_path)
    assert_near(tmp_path, folder / "stopped")


def hangs_in_the_second(folder):
    """A run whose second process never ends its first step, which has a time of its own however slow the machine is."""
    step = loop.train_step

    def train_step(*given):
        if from_environment().rank == 1:
            Event().wait()
        return step(*given)

    loop.train_step = train_step
    return train(cfg_of("lm", machine=Machine(device="cpu", threads=1, hang_after=0.2)), folder)


@pytest.mark.slow
def test_where_one_process_hangs_all_end_and_leave_where_they_were(tmp_path):
    with pytest.raises(AssertionError, match="ended with 75"):
        together(2, hangs_in_the_second, tmp_path)
    hung = [event for event in read_events(tmp_path) if event["what"] == "hung"]
    assert {event["stacks"] for event in hung} <= {"stacks.txt", "stacks-1.txt"}
    assert {(event["part"], event["step"]) for event in hung} == {("step", 0)}
    assert all("train_step" in (tmp_path / event["stacks"]).read_text() for event in hung)


def test_a_checkpoint_that_cannot_be_begun_is_one_line(tmp_path):
    (tmp_path / "checkpoints").touch()
    with pytest.raises(Failed, match=r"cannot write .*step-00000001: .*; nothing was changed there") as error:
        begun(tmp_path / "checkpoints" / "step-00000001")
    assert "\n" not in str(error.value)


def test_whatever_goes_wrong_while_a_checkpoint_is_written_is_told_where_it_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(sharded_checkpoint.dist, "new_group", lambda **given: None)

    def gather_object(*given, **more):
        raise RuntimeError("Connection closed by peer\n at ...")

    monkeypatch.setattr(sharded_checkpoint.dist, "gather_object", gather_object)
    saver = Saver(tmp_path, sharded_checkpoint.Spread())
    model = loop.build(stopped().model, 0, "cpu")
    saver.save(model, [], {"step": 1}, keep=2, spacing=1)
    with pytest.raises(Failed, match=r"^no checkpoint could be written: Connection closed by peer$"):
        saver.wait()
