"""A branched run is, bit for bit, the run that began at its beginning."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from foretell.errors import BadUse
from foretell.scaling.branches import branch, shared_steps
from foretell.train import checkpoint, loop
from foretell.train.config import BatchSize, Schedule
from foretell.train.loop import train
from foretell.train.metrics import read_metrics
from foretell.train.schedule import rate
from tests.scaling.runs import RULE, config
from tests.train.in_memory import Rows

SHORT, LONG = config(16, 0.5), config(16, 1.0)
TIMES = {"seconds", "cpu_seconds", "tokens_per_second"}


@pytest.fixture(autouse=True)
def _rows_in_memory(monkeypatch):
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))


@pytest.fixture(scope="module")
def shorter(tmp_path_factory):
    """The finished shorter run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))
        out = tmp_path_factory.mktemp("runs") / "short"
        train(SHORT, out, quiet=True)
    return out


def steps(run):
    """What each step measured but its times."""
    return [{k: v for k, v in line.items() if k not in TIMES} for line in read_metrics(run / "metrics.jsonl")]


def test_a_branched_run_is_the_run_from_its_beginning(tmp_path, shorter):
    assert branch(shorter, SHORT, LONG, tmp_path / "branched") == SHORT.steps * 4 // 5
    for name in ("branched", "whole"):
        train(LONG, tmp_path / name, quiet=True)
    a, b = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("branched", "whole"))
    assert all(torch.equal(a[name], b[name]) for name in b)
    rows = steps(tmp_path / "branched"), steps(tmp_path / "whole")
    assert [r for r in rows[0] if r["step"] > 0] == [r for r in rows[1] if r["step"] > 0]


def test_the_branch_says_where_it_comes_from(tmp_path, shorter):
    at = branch(shorter, SHORT, LONG, tmp_path / "b")
    lineage = json.loads((tmp_path / "b" / "lineage.json").read_text())
    assert lineage["branched"]["run"] == "short"
    assert lineage["branched"]["step"] == at
    assert [line["step"] for line in read_metrics(tmp_path / "b" / "metrics.jsonl")] == list(range(at + 1))


def test_a_branch_that_has_begun_is_left_alone(tmp_path, shorter):
    assert branch(shorter, SHORT, LONG, tmp_path / "b") > 0
    assert branch(shorter, SHORT, LONG, tmp_path / "b") == 0


def test_shared_steps_are_those_of_equal_rates():
    rates = [[rate(cfg.schedule, step, cfg.steps) for step in range(SHORT.steps)] for cfg in (SHORT, LONG)]
    same = [a == b for a, b in zip(*rates, strict=True)]
    assert shared_steps(SHORT, LONG) == same.index(False)
    assert shared_steps(SHORT, SHORT) == SHORT.steps


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("seed", {"seed": 1}),
        ("batch", {"batch": BatchSize(rows=5)}),
        ("schedule.warmup_steps", {"schedule": replace(LONG.schedule, warmup_steps=9)}),
    ],
)
def test_a_run_of_other_settings_takes_nothing_over(tmp_path, shorter, field, changes):
    with pytest.raises(BadUse, match=f"another {field}"):
        branch(shorter, SHORT, replace(LONG, **changes), tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_runs_that_share_no_kept_step_are_refused(tmp_path, shorter):
    falls_at_once = replace(SHORT, schedule=Schedule(shape="linear"))
    with pytest.raises(BadUse, match="keeps no sound checkpoint of its first 1 steps"):
        branch(shorter, falls_at_once, replace(LONG, schedule=Schedule(shape="linear")), tmp_path / "b")


def test_a_damaged_checkpoint_is_not_taken(tmp_path, shorter):
    copy = tmp_path / "copy"
    copy.mkdir()
    kept = checkpoint.every(shorter / "checkpoints")[0]
    (copy / "checkpoints" / kept.name).mkdir(parents=True)
    for file in kept.iterdir():
        (copy / "checkpoints" / kept.name / file.name).write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BadUse, match="keeps no sound checkpoint"):
        branch(copy, SHORT, LONG, tmp_path / "b")


def test_the_ladder_keeps_the_checkpoint_before_the_fall(shorter):
    assert [checkpoint.step_of(path) for path in checkpoint.every(shorter / "checkpoints")] == [
        SHORT.steps * 4 // 5,
        SHORT.steps,
    ]
    assert RULE.shares == (0.25, 0.5, 1.0)
