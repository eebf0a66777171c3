"""Partitions with manifests: whole or absent, done once, done again when what they follow from changes."""

import json
import re
from pathlib import Path

import pytest

from foretell.corpus.partitions import DONE, Partition, check_names, done_here, fingerprint, found, mark, sweep
from foretell.errors import Failed


def shouted(inputs, folder):
    (folder / "text.txt").write_text(Path(inputs[0]).read_text().upper())
    return {"letters": len(Path(inputs[0]).read_text())}


@pytest.fixture
def text(tmp_path) -> Path:
    (tmp_path / "in.txt").write_text("abc")
    return tmp_path / "in.txt"


def test_a_partition_is_a_folder_with_its_files_and_what_was_returned(tmp_path, text):
    done = done_here(shouted, tmp_path / "stage", Partition("p", (str(text),)), "")
    assert (done.folder / "text.txt").read_text() == "ABC"
    assert done.result == {"letters": 3}
    manifest = json.loads((done.folder / DONE).read_text())
    assert manifest["files"]["text.txt"][0] == 3
    assert re.fullmatch("[0-9a-f]{64}", manifest["files"]["text.txt"][1])


def test_what_is_done_is_not_done_again(tmp_path, text):
    one = Partition("p", (str(text),))
    assert [done_here(shouted, tmp_path / "stage", one, "").before for _ in range(3)] == [False, True, True]


def test_another_input_key_or_work_does_it_again(tmp_path, text):
    stage, one = tmp_path / "stage", Partition("p", (str(text),))
    done_here(shouted, stage, one, "")
    assert not done_here(shouted, stage, one, "other").before
    assert not done_here(shouted, stage, one._replace(key="other"), "other").before
    text.write_text("longer")
    again = done_here(shouted, stage, one, "other")
    assert (again.before, again.result) == (False, {"letters": 6})


@pytest.mark.parametrize("damage", ["{", '{"of": 1}', "[]"])
def test_a_damaged_manifest_is_no_manifest(tmp_path, text, damage):
    one = Partition("p", (str(text),))
    (done_here(shouted, tmp_path / "stage", one, "").folder / DONE).write_text(damage)
    assert not done_here(shouted, tmp_path / "stage", one, "").before


def test_a_file_that_is_lost_or_cut_is_made_again(tmp_path, text):
    one = Partition("p", (str(text),))
    stage = tmp_path / "stage"
    (done_here(shouted, stage, one, "").folder / "text.txt").write_text("A")
    assert not done_here(shouted, stage, one, "").before
    (stage / "p" / "text.txt").unlink()
    assert done_here(shouted, stage, one, "").folder.joinpath("text.txt").read_text() == "ABC"


def test_work_that_fails_leaves_nothing_and_the_old_as_it_was(tmp_path, text):
    def broken(inputs, folder):
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    one = Partition("p", (str(text),))
    done_here(shouted, tmp_path / "stage", one, "")
    with pytest.raises(Failed, match="No space left"):
        done_here(broken, tmp_path / "stage", one, "new")
    assert [path.name for path in (tmp_path / "stage").iterdir()] == ["p"]
    assert (tmp_path / "stage" / "p" / "text.txt").exists()


def test_the_mark_of_an_output_is_its_hash_so_that_the_same_content_made_again_changes_nothing(tmp_path, text):
    one = Partition("p", (str(text),))
    file = done_here(shouted, tmp_path / "stage", one, "").folder / "text.txt"
    before = mark(str(file))
    done_here(shouted, tmp_path / "stage", one, "another key")
    assert mark(str(file)) == before
    assert len(before) == 64


def test_the_mark_of_what_is_no_file_is_empty():
    assert mark("hf:some/dataset") == ""
    assert mark("nul\0") == ""


def test_what_a_kill_left_aside_is_swept(tmp_path):
    for name in (".p.partial-17", ".p.old-17", "p"):
        (tmp_path / name).mkdir()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize("names", [["a", "a"], [""], ["../a"], [".a"]])
def test_names_that_would_meet_or_leave_the_stage_are_refused(names):
    with pytest.raises(ValueError, match="partition name"):
        check_names([Partition(name, ()) for name in names])


def test_an_absent_partition_is_not_found(tmp_path):
    one = Partition("p", ())
    assert found(tmp_path, one, fingerprint("work", "", one)) is None
