"""The stage that plants faults into a run: what it plants, and that the run survives it."""

import json

import numpy as np
import pytest
from pydantic import TypeAdapter

from foretell.recipes.lineage import survival
from foretell.recipes.lineage.plan import Climb
from foretell.recipes.lineage.survival import Faults, Faulty, planned, told
from foretell.report import segments
from foretell.report.segments import Survival
from foretell.train.events import read_events
from tests.train.in_memory import Rows
from tests.train.planted import guarded


def faulty(tmp_path, **faults):
    cfg = guarded(guard=survival.Guard())
    return Faulty(Rows(0), cfg, Faults(**faults), tmp_path / "marks")


def rows(number):
    return np.arange(8 * number, 8 * number + 8)


def test_only_the_batches_that_are_named_are_random_and_always_the_same(tmp_path):
    data = faulty(tmp_path, corrupt=[3])
    for number in range(6):
        here, there = data.batch(rows(number)), Rows(0).batch(rows(number))
        assert np.array_equal(here["inputs"], there["inputs"])
        assert np.array_equal(here["targets"], there["targets"]) == (number != 3)
    assert np.array_equal(data.batch(rows(3))["targets"], faulty(tmp_path, corrupt=[3]).batch(rows(3))["targets"])
    assert data.epochs(100) == Rows(0).epochs(100)
    assert len(list(data.evaluation(4, 8))) == 2


def test_a_process_is_killed_once_at_a_batch(tmp_path, monkeypatch):
    ends = []
    monkeypatch.setattr(survival.os, "kill", lambda pid, number: ends.append(int(number)))
    monkeypatch.setattr(survival.time, "sleep", lambda seconds: ends.append("hang"))
    data = faulty(tmp_path, kill=[2], hang=[4])
    for number in (0, 1, 2, 2, 3, 4, 4):
        data.batch(rows(number))
    assert ends == [9, "hang"]


def test_every_scale_has_its_faults_inside_the_run():
    for steps in survival.STEPS.values():
        faults = planned(steps)
        every = [*faults.corrupt, *faults.kill, *faults.hang]
        assert max(every) < steps
        assert len(set(every)) == len(every) == 8


@pytest.mark.slow
def test_a_run_with_all_faults_ends_as_one_without_kills(tmp_path, monkeypatch):
    text = tmp_path / "text"
    text.mkdir()
    rng = np.random.default_rng(0)
    known = ["".join(rng.choice(list("abcdefghiklmnoprstuw"), rng.integers(3, 9))) for _ in range(300)]
    words = rng.choice(known, 30_000)
    for i in range(30):
        (text / f"{i}.txt").write_text(" ".join(words[1000 * i : 1000 * i + 1000]))
    plan = Climb(out=tmp_path / "demo", text=str(text), scale="smoke", quiet=True)
    monkeypatch.setattr(survival, "planned", lambda steps: Faults(corrupt=[30], kill=[10], hang=[]))
    survival.survived(plan)
    whole = json.loads((plan.out / "results" / "survival.json").read_text())
    assert whole["identical"]
    assert whole["kills"] == 1
    assert whole["survived"] == pytest.approx(whole["clean"], rel=0.005)
    assert [one["ended"] for one in whole["segments"]] == ["killed", "rollback", "finished"]
    whole.pop("made_from")
    found = TypeAdapter(Survival).validate_json(json.dumps(whole), strict=True)
    assert [part.kind for part in segments.survival(found, "")] == ["picture", "table"]
    events = read_events(plan.out / "evaluation" / "survival" / "survived")
    assert next(event["what"] for event in events if event["what"] in ("died", "rollback", "end")) == "died"
    monkeypatch.setattr(survival, "survival", None)  # a second time nothing is trained
    survival.survived(plan)


def test_what_the_process_is_told_can_be_read_again(tmp_path):
    cfg = guarded()
    given = json.loads(told(cfg, tmp_path, Faults(kill=[1])))
    assert survival.load(type(cfg), json.dumps(given["config"])) == cfg
    assert Faults(**given["faults"]) == Faults(corrupt=[], kill=[1], hang=[])
