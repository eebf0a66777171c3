"""A claim that held in the reference run and does not here is named, and the exit code is 1."""

import json
from dataclasses import replace

import pytest

from foretell.commands.report_command import run
from foretell.errors import BadUse, Failed
from foretell.report import check
from foretell.report.claim import NOT_YET
from foretell.report.claims import claims
from foretell.report.read import read_demo
from foretell.report.verdicts import FAILS, HOLDS, UNCLEAR


@pytest.fixture(scope="module")
def read(whole):
    return read_demo(whole)


def test_the_reference_of_this_version_is_of_the_laptops_scale_and_has_all_ten_claims():
    kept = check.read_reference(check.REFERENCE)
    assert kept.scale == "nano"
    assert [one.number for one in kept.claims] == list(range(1, 11))
    assert {one.verdict for one in kept.claims} <= {HOLDS, FAILS, UNCLEAR, NOT_YET}
    assert any(one.verdict == HOLDS for one in kept.claims)
    assert check.text_of(kept) == check.REFERENCE.read_text()


def test_a_run_has_lost_nothing_of_its_own_reference(read, whole, tmp_path, capsys):
    file = tmp_path / "claims.json"
    run([str(whole), "--save-claims", str(file)])
    assert check.read_reference(file) == check.reference_of(read)
    capsys.readouterr()
    run([str(whole), "--check", "--reference", str(file)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("(1) holds here: Pretraining")
    assert lines[7].startswith("(8) not measured: A large run's")


def without_gain(demo):
    """Pretraining gives nothing there."""
    path = demo / "results" / "finetune.json"
    found = json.loads(path.read_text())
    scratch = {row["task"]: row["accuracy"] for row in found["rows"] if row["start"] == "scratch"}
    for row in found["rows"]:
        row["accuracy"] = scratch[row["task"]]
    path.write_text(json.dumps(found))
    return demo


def test_a_claim_that_does_not_hold_any_more_is_named(whole, demo, tmp_path, capsys):
    file = tmp_path / "claims.json"
    run([str(whole), "--save-claims", str(file)])
    capsys.readouterr()
    with pytest.raises(Failed, match=r"^claim \(1\) held with \+12.* and is now too small to tell with \+0\.0 points"):
        run([str(without_gain(demo)), "--check", "--reference", str(file), "--json"])
    assert json.loads(capsys.readouterr().out)["lost"] == [1]


def test_what_never_held_cannot_be_lost_and_what_holds_now_is_told(read):
    kept = check.reference_of(read)
    never = replace(kept, claims=[replace(one, verdict=UNCLEAR) for one in kept.claims])
    assert check.lost(read, never) == []
    assert check.told(read, never)[0].startswith("(1) holds here (reference: too small to tell): ")


def test_a_claim_that_was_not_measured_here_but_held_is_lost(read):
    kept, bare = check.reference_of(read), replace(read, finetune=None)
    held = [one.number for one in claims(read)[:2] if one.verdict == HOLDS]
    assert [one.number for one, _ in check.lost(bare, kept) if one.number < 3] == held == [1]


def test_another_scale_is_no_reference(read):
    with pytest.raises(BadUse, match="is of scale 'nano' and the reference run of 'mini'; give --reference FILE"):
        check.lost(read, replace(check.reference_of(read), scale="mini"))


def test_a_run_that_is_not_finished_is_no_reference(read):
    stages = [*read.story.stages, replace(read.story.stages[0], done=False)]
    with pytest.raises(BadUse, match="is not finished, so it is no reference; foretell demo goes on with it"):
        check.reference_of(replace(read, story=replace(read.story, stages=stages)))


def test_a_file_that_is_no_reference_is_named(tmp_path):
    (tmp_path / "x.json").write_text('{"version": 3}')
    for name in ("x.json", "absent.json"):
        with pytest.raises(BadUse, match=rf"{name}.*--save-claims makes one"):
            check.read_reference(tmp_path / name)
