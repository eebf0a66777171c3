"""The main job, at a size that takes a minute: every rung, measured, reported; found done the second time."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from foretell.cli import main
from foretell.errors import BadUse
from foretell.recipes.lineage import STAGES, Climb, climb
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
    assert f"[{len(STAGES)}/{len(STAGES)}]" in said.stderr
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
    assert {stage["name"]: stage["seconds"] for stage in again if took[stage["name"]] > 2} == {
        name: seconds for name, seconds in took.items() if seconds > 2
    }


@pytest.mark.slow
def test_the_demo_climbs_on_the_users_own_text(tmp_path, folder):
    report = climb(Climb(out=tmp_path / "mine", text=str(folder), scale="smoke", quiet=True))
    assert folder.name in report.read_text()


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
