import hashlib
import json
import os
import subprocess
import sys

import pytest
from safetensors import SafetensorError

from foretell.errors import BadUse, Failed
from foretell.runs import machine, read_json, read_text, sha256, whole_folder, write_whole


def test_a_folder_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "run"
    with whole_folder(target) as aside:
        (aside / "a").write_text("1")
        assert not target.exists()
        assert aside.parent == tmp_path
    assert (target / "a").read_text() == "1"
    assert os.listdir(tmp_path) == ["run"]


def test_a_folder_that_was_there_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "run"
    for content in ("old", "new"):
        with whole_folder(target) as aside:
            (aside / content).write_text(content)
    assert os.listdir(target) == ["new"]
    assert os.listdir(tmp_path) == ["run"]


def fill(target, content, error):
    with whole_folder(target) as aside:
        (aside / "a").write_text(content)
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_a_block_that_ends_badly_leaves_the_old_folder_and_no_litter(tmp_path, error):
    target = tmp_path / "run"
    with whole_folder(target) as aside:
        (aside / "a").write_text("old")
    with pytest.raises(error):
        fill(target, "half", error)
    assert (target / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), SafetensorError("No space left on device")],
    ids=["system", "safetensors"],
)
def test_a_full_disk_is_one_line_and_nothing_is_changed(tmp_path, error):
    with pytest.raises(Failed, match=r"cannot write .*run: No space left on device; nothing was changed there"):
        fill(tmp_path / "run", "half", error)
    assert os.listdir(tmp_path) == []


def test_what_a_kill_left_under_the_same_process_number_is_no_hindrance(tmp_path):
    left = tmp_path / f".run.partial-{os.getpid()}"
    left.mkdir()
    (left / "half").write_text("half")
    with whole_folder(tmp_path / "run") as aside:
        (aside / "a").write_text("1")
    assert os.listdir(tmp_path / "run") == ["a"]


def test_missing_parents_are_made(tmp_path):
    with whole_folder(tmp_path / "a" / "b" / "run"):
        pass
    write_whole(tmp_path / "c" / "d" / "file", "x")
    assert (tmp_path / "a" / "b" / "run").is_dir()
    assert (tmp_path / "c" / "d" / "file").read_text() == "x"


@pytest.mark.parametrize("content", ["text \u00e9\n", b"\x00\xff"])
def test_a_file_is_replaced_as_a_whole(tmp_path, content):
    path = tmp_path / "file"
    path.write_text("old")
    write_whole(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failed, match=r"cannot write .*file: No space left on device; the file there is as it was"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_path_through_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Failed, match="cannot write"):
        write_whole(tmp_path / "file" / "below", "x")
    with pytest.raises(Failed, match="cannot write"), whole_folder(tmp_path / "file" / "below"):
        pass


def test_json_is_read_or_its_file_is_named(tmp_path):
    path = tmp_path / "card.json"
    with pytest.raises(BadUse, match=r"card\.json does not exist; is its folder the right one\?"):
        read_json(path)
    path.write_text('{"a": [1, 2.5]}')
    assert read_json(path) == {"a": [1, 2.5]}
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadUse, match=r"card\.json is no UTF-8 text"):
        read_json(path)
    for damaged in (b'{"a": [1', b""):
        path.write_bytes(damaged)
        with pytest.raises(BadUse, match=r"card\.json is not JSON .*it was damaged or is something else"):
            read_json(path)


def test_sha256_is_that_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc" * 100_000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_the_machine_is_told_in_json():
    found = machine()
    assert json.loads(json.dumps(found)) == found
    assert {"processor", "cores", "python", "torch", "numpy", "tokenizers", "safetensors"} == set(found)
    assert found["processor"]


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_dead_processes_left_is_removed_and_that_of_living_ones_is_not(tmp_path, dead):
    living = os.getppid()
    for number in (dead, living):
        (tmp_path / f".run.partial-{number}").mkdir()
        (tmp_path / f".file.partial-{number}").write_text("half")
        (tmp_path / f".other.partial-{number}").mkdir()
    with whole_folder(tmp_path / "run"):
        pass
    write_whole(tmp_path / "file", "x")
    left = {f".run.partial-{living}", f".file.partial-{living}", f".other.partial-{living}", f".other.partial-{dead}"}
    assert set(os.listdir(tmp_path)) == {"run", "file", *left}


def test_a_folder_that_was_moved_away_and_not_replaced_comes_back(tmp_path, dead):
    (tmp_path / f".run.old-{dead}").mkdir()
    (tmp_path / f".run.old-{dead}" / "a").write_text("old")
    with pytest.raises(ValueError, match="stop"):
        fill(tmp_path / "run", "half", ValueError("stop"))
    assert (tmp_path / "run" / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["run"]


def test_a_folder_that_was_replaced_does_not_come_back(tmp_path, dead):
    (tmp_path / "run").mkdir()
    (tmp_path / f".run.old-{dead}").mkdir()
    with whole_folder(tmp_path / "run") as aside:
        (aside / "a").write_text("new")
    assert os.listdir(tmp_path) == ["run"]
    assert (tmp_path / "run" / "a").read_text() == "new"


def test_text_is_read_or_its_file_is_named(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("\u00e9", encoding="utf-8")
    assert read_text(path) == "\u00e9"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(BadUse, match=r"config\.json is no UTF-8 text .*it was damaged or is something else"):
        read_text(path)
    with pytest.raises(BadUse, match="cannot be read"):
        read_text(tmp_path)
