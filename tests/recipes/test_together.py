"""Runs side by side come to what each comes to alone; one that fails is told; a stop saves all."""

from dataclasses import replace

import pytest

from foretell import recipes
from foretell.errors import Failed
from foretell.recipes.lineage import together
from foretell.recipes.lineage.together import shares, side_by_side, step_of
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


def test_the_longest_run_begins_first_and_no_process_waits_for_another():
    cfg = recipes.recipe("gpt2.pretrain:smoke")
    waiting = [(replace(cfg, steps=steps), name) for name, steps in zip("abcde", (10, 50, 30, 20, 40), strict=True)]
    dealt = [[name for _, name in share] for share in shares(waiting, 2)]
    assert dealt == [["b", "d", "a"], ["e", "c"]]
    assert shares(waiting[:1], 4) == [waiting[:1]]


@pytest.mark.slow
def test_runs_side_by_side_are_what_each_is_alone(tmp_path, resolved):
    cfgs = {name: replace(resolved, seed=seed, steps=5) for seed, name in enumerate("abc")}
    side_by_side(shares([(cfg, tmp_path / name) for name, cfg in cfgs.items()], 2), quiet=True)
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
    with pytest.raises(Failed, match=r"^bad: .*nowhere"):
        side_by_side([[(good, tmp_path / "good")], [(bad, tmp_path / "bad")]], quiet=True)
    assert not finished(tmp_path / "bad")


@pytest.mark.slow
def test_a_stop_is_passed_on_and_the_same_call_continues(tmp_path, resolved, monkeypatch):
    share = [(replace(resolved, steps=2000), tmp_path / "long")]
    looks = iter(range(10_000))

    def pressed(out):
        if step_of(out) and next(looks) > 3:
            raise KeyboardInterrupt
        return step_of(out)

    monkeypatch.setattr(together, "step_of", pressed)
    with pytest.raises(Stopped):
        side_by_side([share], quiet=True)
    stopped = step_of(tmp_path / "long")
    assert 0 < stopped < 2000
    assert not finished(tmp_path / "long")
    assert (tmp_path / "long" / "checkpoints" / f"step-{stopped:08d}").exists()
