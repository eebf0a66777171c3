"""The main job, at a size that takes a minute: every rung, measured, reported; found done the second time."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from foretell.cli import main
from foretell.errors import BadUse
from foretell.recipes.lineage import Climb, climb, seals, stages
from foretell.recipes.lineage.measures import some
from tests.prose import write_prose

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a pipe of Daft's own


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of text of the user's own."""
    return write_prose(tmp_path_factory.mktemp("text"))


@pytest.mark.slow
def test_the_demo_climbs_every_rung_and_writes_the_report(tmp_path):
    out = tmp_path / "demo"
    asked = [sys.executable, "-m", "foretell.cli", "demo", "--scale", "smoke", "--out", str(out)]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)  # its memory alone is measured
    assert said.returncode == 0, said.stderr
    assert str(out / "report.html") in said.stdout
    n = len(stages(Climb(out=out, text="embedded", scale="smoke")))
    assert f"[{n}/{n}]" in said.stderr
    names = {path.stem for path in (out / "results").iterdir()}
    assert names == {
        "corpus",
        "translation",
        "finetune",
        "masked_words",
        "zero_shot",
        "few_shot",
        "samples",
        "filtering",
        "limits",
        "aligned",
        "images",
        "survival",
        "safety",
        "system",
        "calibration",
        "hindsight",
        "story",
    }
    story = json.loads((out / "results" / "story.json").read_text())
    assert all(stage["done"] for stage in story["stages"])
    page = (out / "report.html").read_text()
    assert not re.search(r'(?:src|href)="https?://', page)
    assert "GPT-2" in page
    assert 1e8 < story["peak_bytes"] < 4 * 2**30
    took = {stage["name"]: stage["seconds"] for stage in story["stages"]}
    before = {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")}
    assert main(["demo", "--scale", "smoke", "--out", str(out), "--quiet"]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")}
    again = json.loads((out / "results" / "story.json").read_text())["stages"]
    assert {stage["name"]: stage["seconds"] for stage in again} == took


@pytest.mark.slow
def test_the_demo_climbs_on_the_users_own_text(tmp_path, folder):
    report = climb(Climb(out=tmp_path / "mine", text=str(folder), scale="smoke", quiet=True))
    assert folder.name in report.read_text()


def children(number):
    """The processes that a process has begun."""
    return [int(each.parent.name) for each in Path("/proc").glob("[0-9]*/stat") if parent(each) == number]


def parent(stat):
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told by /proc, which is not here")
def test_a_kill_in_any_kind_of_stage_costs_only_what_was_being_done(tmp_path, folder):
    """Killed with all its processes as soon as one stage is done, then as soon as some more are."""
    out, killed, kept = tmp_path / "mine", 0, {}
    command = [sys.executable, "-m", "foretell.cli", "demo", "--text", str(folder), "--scale", "smoke", "--out", out]
    plan = Climb(out=out, text=str(folder), scale="smoke")
    every = stages(plan)
    for at in (1, *range(4, len(every) - 1, 6)):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as climbing:
            while len(seals.read_seals(plan)) < at and climbing.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    climbing.wait(0.05)
            for number in [climbing.pid, *children(climbing.pid)]:
                os.kill(number, signal.SIGKILL)
        assert climbing.returncode == -signal.SIGKILL
        killed += 1
        for path, when in kept.items():
            assert path.stat().st_mtime_ns == when, path
        kept = {
            out / path: (out / path).stat().st_mtime_ns
            for stage in every
            if stage.name in seals.read_seals(plan)
            for path in stage.makes
        }
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert killed > 4
    assert seals.undone(plan, every, seals.source_mark(plan)) == []
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    assert "This is an early report" not in (out / "report.html").read_text()


def made(plan, every):
    """Every file that the stages make, with something in it, and their seals."""
    for stage in every:
        for path in stage.makes:
            (plan.out / path).parent.mkdir(parents=True, exist_ok=True)
            (plan.out / path).write_text(stage.name)
        seals.write_seal(plan, stage, "text")


def test_what_is_done_is_known_by_its_seal_and_what_follows_from_a_lost_file_is_not(tmp_path):
    plan = Climb(out=tmp_path, text="embedded", scale="nano")
    every = stages(plan)
    assert seals.undone(plan, every, "text") == list(every)
    made(plan, every)
    assert seals.undone(plan, every, "text") == []
    assert seals.undone(plan, every, "other text") == list(every)
    (tmp_path / "bert.pretrain" / "model" / "model.safetensors").unlink()
    left = [stage.name for stage in seals.undone(plan, every, "text")]
    tasks = [f"bert.finetune-{task}" for task in ("topic", "describes", "same_text", "which_description")]
    assert left == ["bert.pretrain", *tasks, "GPT, BERT: measure"]
    (tmp_path / seals.FILE).write_text("{")
    assert seals.undone(plan, every, "text") == list(every)


@pytest.mark.parametrize("scale", ["smoke", "nano", "mini"])
def test_stages_stand_after_what_they_need_and_nothing_is_made_twice(scale):
    every = stages(Climb(out=Path("x"), text="embedded", scale=scale))
    names = [stage.name for stage in every]
    files = [path for stage in every for path in stage.makes]
    assert len(set(names)) == len(names)
    assert len(set(files)) == len(files)
    for number, stage in enumerate(every):
        assert set(stage.needs) <= set(names[:number]), stage.name


def test_an_unknown_scale_is_refused(tmp_path):
    with pytest.raises(BadUse, match="scale 'big' is none of smoke, nano, mini"):
        climb(Climb(out=tmp_path, text="embedded", scale="big", quiet=True))


def test_a_demo_for_something_else_is_refused_before_anything_changes(tmp_path):
    (tmp_path / "plan.json").write_text('{"scale": "smoke", "text": "embedded"}')
    with pytest.raises(BadUse, match="holds a demo whose scale is 'smoke', not 'nano'; give another --out"):
        climb(Climb(out=tmp_path, text="embedded", scale="nano", quiet=True))
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_the_command_of_a_climb_can_be_given_again():
    plan = Climb(out=Path("runs/my demo"), text="a/b c", scale="mini")
    assert plan.command == "foretell demo --text 'a/b c' --scale mini --out 'runs/my demo'"


def test_a_text_too_poor_for_the_tasks_is_refused_before_training(tmp_path):
    text = tmp_path / "text"
    text.mkdir()
    for number in range(40):
        (text / f"{number}.txt").write_text(f"Words and words, number {number}, and no signature among them. " * 60)
    with pytest.raises(BadUse):
        climb(Climb(out=tmp_path / "out", text=str(text), scale="smoke", quiet=True))
    assert not list((tmp_path / "out").glob("*/config.json"))


def test_measures_without_an_example_that_fits_say_so():
    with pytest.raises(BadUse, match="no held-out pair of this text fits"):
        some([], "pair")
