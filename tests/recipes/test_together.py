"""Runs side by side come to what each comes to alone; one that fails is told; a stop saves all."""

from dataclasses import replace

import pytest

from foretell import recipes
from foretell.errors import BadUse, Failed
from foretell.recipes.lineage import together
from foretell.recipes.lineage.plan import Climb
from foretell.recipes.lineage.together import Hand, Job, longest_way_first, run_job, step_of, work_off
from foretell.recipes.sources import resolve
from foretell.runs import sha256
from foretell.train.config import Machine
from foretell.train.folder import finished
from foretell.train.loop import train
from foretell.train.run import Stopped
from tests.prose import write_prose


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    """A tiny run of one thread, on text that is made here."""
    root = tmp_path_factory.mktemp("text")
    cfg = recipes.recipe("gpt2.pretrain:smoke")
    cfg = resolve(cfg, root / "corpora", text=str(write_prose(root / "prose")), quiet=True)
    return replace(cfg, machine=Machine(threads=1), checkpoint_every=2)


def job(name, weight, *needs):
    return Job(name=name, weight=weight, told={}, needs=needs)


def test_jobs_that_much_work_waits_for_come_first_and_quick_ones_before_all():
    jobs = [job("a", 10), job("b", 20), job("c", 15, "a"), job("d", 5, "c"), job("e", 3, "b")]
    assert [one.name for one in longest_way_first(jobs)] == ["e", "a", "b", "c", "d"]  # 30, 23, 20 and 5 seconds on
    assert longest_way_first(jobs[:1]) == jobs[:1]


class Busy:
    """A hand's process that does nothing."""

    class stdin:  # noqa: N801
        write = staticmethod(lambda _: None)
        flush = staticmethod(lambda: None)


def test_a_job_waits_until_what_it_needs_is_done(monkeypatch):
    monkeypatch.setattr(together, "begin", lambda _: Hand(process=Busy(), said=None))
    waiting, hands = [job("b", 9, "a"), job("a", 8), job("c", 7), job("d", 6)], []
    together.give_out(waiting, set(), hands, 2, None)
    assert [hand.job.name for hand in hands] == ["a", "c"]
    hands[0].job = None
    together.give_out(waiting, {"a"}, hands, 2, None)
    assert [hand.job.name for hand in hands] == ["b", "c"]
    assert [one.name for one in waiting] == ["d"]


def work(tmp_path, jobs):
    """Done by two processes, and what each said."""
    told = []
    work_off(jobs, Climb(out=tmp_path, text="embedded", scale="smoke", quiet=True), told.append)
    return told


@pytest.mark.slow
def test_runs_side_by_side_are_what_each_is_alone(tmp_path, resolved):
    cfgs = {name: replace(resolved, seed=seed, steps=5) for seed, name in enumerate("abc")}
    told = work(tmp_path, [run_job(cfg, tmp_path / name) for name, cfg in cfgs.items()])
    assert sorted(one.job.name for one in told) == ["a", "b", "c"]
    assert all(one.memory > 1e8 for one in told)
    for name, cfg in cfgs.items():
        train(cfg, tmp_path / f"{name}-alone", quiet=True)
        weights = "model/model.safetensors"
        assert finished(tmp_path / name)
        assert step_of(tmp_path / name) == 5
        assert sha256(tmp_path / name / weights) == sha256(tmp_path / f"{name}-alone" / weights)


@pytest.mark.slow
def test_a_run_that_fails_is_told_in_one_line(tmp_path, resolved):
    good, bad = (
        replace(resolved, steps=5),
        replace(resolved, data=replace(resolved.data, folder=str(tmp_path / "nowhere"))),
    )
    with pytest.raises((Failed, BadUse), match=r"^bad: .*nowhere"):
        work(tmp_path, [run_job(good, tmp_path / "good"), run_job(bad, tmp_path / "bad")])
    assert not finished(tmp_path / "bad")


@pytest.mark.slow
def test_a_stop_is_passed_on_and_the_same_call_continues(tmp_path, resolved, monkeypatch):
    jobs = [run_job(replace(resolved, steps=2000), tmp_path / "long")]
    looks = iter(range(10_000))

    def pressed(out):
        if step_of(out) and next(looks) > 3:
            raise KeyboardInterrupt
        return step_of(out)

    monkeypatch.setattr(together, "step_of", pressed)
    with pytest.raises(Stopped):
        work(tmp_path, jobs)
    stopped = step_of(tmp_path / "long")
    assert 0 < stopped < 2000
    assert not finished(tmp_path / "long")
    assert (tmp_path / "long" / "checkpoints" / f"step-{stopped:08d}").exists()
