import json
from dataclasses import replace

import pytest

import foretell
from foretell.corpus.config import TextData
from foretell.errors import BadUse
from foretell.runs import sha256
from foretell.train import folder
from foretell.train.config import BatchSize, Machine
from foretell.train.folder import differences, open_folder, write_lineage
from tests.train.in_memory import OPTIM, config, network


def test_a_new_folder_holds_the_config_and_where_it_comes_from(tmp_path):
    lineage = open_folder(tmp_path / "a" / "run", config())
    assert json.loads((tmp_path / "a" / "run" / "lineage.json").read_text()) == lineage
    assert lineage["foretell"] == foretell.__version__
    assert {"recipe", "commit", "machine", "parents", "begun"} <= set(lineage)


def test_the_same_config_opens_the_folder_again_with_its_lineage(tmp_path):
    lineage = open_folder(tmp_path, config())
    (tmp_path / "metrics.jsonl").touch()
    write_lineage(tmp_path, {**lineage, "threads": 1})
    assert open_folder(tmp_path, config()) == {**lineage, "threads": 1}


def test_a_lost_lineage_is_begun_again(tmp_path):
    open_folder(tmp_path, config())
    (tmp_path / "lineage.json").unlink()
    assert open_folder(tmp_path, config())["recipe"] == "test.counting"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 13}, "steps is 12 there and 13 here"),
        ({"model": network(d_ff=24)}, "model.d_ff is 16 there and 24 here"),
        ({"batch": BatchSize(rows=7, micro=2, ramp_from=2, ramp_rows=30)}, "batch.micro is 3 there and 2 here"),
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"optim": replace(OPTIM["adamw"], lr=0.5)}, "optim.lr is 0.01 there and 0.5 here"),
        ({"recipe": "gpt2.pretrain"}, "recipe is 'test.counting' there and 'gpt2.pretrain' here"),
        ({"optim": OPTIM["muon"]}, "optim is AdamW"),
    ],
)
def test_another_config_is_refused_with_the_field_and_both_values(tmp_path, changes, said):
    open_folder(tmp_path, config())
    (tmp_path / "metrics.jsonl").touch()
    before = (tmp_path / "config.json").read_text()
    with pytest.raises(BadUse) as error:
        open_folder(tmp_path, config(**changes))
    assert f"{tmp_path} holds another run ({said}" in str(error.value)
    assert str(error.value).endswith("give another --out, or remove the folder")
    assert "\n" not in str(error.value)
    assert (tmp_path / "config.json").read_text() == before


def test_the_machine_may_change(tmp_path):
    lineage = open_folder(tmp_path, config())
    other = open_folder(tmp_path, config(machine=Machine(threads=2), tensorboard=True))
    assert {**other, "begun": lineage["begun"]} == lineage  # neither has trained: the second may begin a second later


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(BadUse, match=r"is not empty and holds no run \(config\.json is absent\); give another --out"):
        open_folder(tmp_path, config())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_is_as_good_as_none(tmp_path):
    open_folder(tmp_path, config())
    assert (tmp_path / "config.json").exists()


def test_a_run_that_was_killed_while_it_wrote_its_config_begins(tmp_path):
    (tmp_path / ".config.json.partial-123").write_text('{"steps"')
    open_folder(tmp_path, config())
    assert (tmp_path / "config.json").exists()


def test_a_file_is_refused(tmp_path):
    (tmp_path / "run").write_text("precious")
    with pytest.raises(BadUse, match="is a file; a run needs a folder: give another --out"):
        open_folder(tmp_path / "run", config())
    assert (tmp_path / "run").read_text() == "precious"


def test_a_config_that_is_none_is_named(tmp_path):
    open_folder(tmp_path, config())
    (tmp_path / "metrics.jsonl").touch()
    (tmp_path / "config.json").write_text('{"steps": 3')
    with pytest.raises(BadUse, match=r"config\.json: the file: Invalid JSON") as error:
        open_folder(tmp_path, config())
    assert "\n" not in str(error.value)


def test_differences_are_paths_of_fields():
    a, b = config(), config(seed=3, model=network(n_layers=2, d_ff=24))
    assert differences(a, b) == ["model.n_layers", "model.d_ff", "seed"]
    assert differences(a, a) == []


def test_parents_are_known_by_their_hashes(tmp_path):
    data, start = tmp_path / "tokens", tmp_path / "before" / "model"
    for path in (data, start):
        path.mkdir(parents=True)
    (data / "card.json").write_text("{}")
    (start / "model.safetensors").write_bytes(b"weights")
    cfg = config(data=TextData(folder=str(data), length=8), start=str(tmp_path / "before"))
    want = {"data": sha256(data / "card.json"), "start": sha256(start / "model.safetensors")}
    assert folder.parents(cfg) == want
    assert folder.parents(replace(cfg, start=str(start))) == want


def test_without_git_the_commit_is_empty(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert folder.commit() == ""


def test_an_installed_copy_does_not_take_its_surroundings_commit_for_its_own(monkeypatch, tmp_path):
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(
        folder, "__file__", str(tmp_path / ".venv" / "site-packages" / "foretell" / "train" / "folder.py")
    )
    assert folder.commit() == ""


def test_a_run_that_never_began_makes_way_for_another_config(tmp_path):
    open_folder(tmp_path, config())
    open_folder(tmp_path, config(steps=13))
    assert '"steps": 13' in (tmp_path / "config.json").read_text()


def test_a_folder_is_the_same_however_it_is_spelt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokens").mkdir()
    open_folder(tmp_path / "run", config(data=TextData(folder="tokens", length=8)))
    (tmp_path / "run" / "metrics.jsonl").touch()
    open_folder(tmp_path / "run", config(data=TextData(folder=str(tmp_path / "tokens"), length=8)))
    with pytest.raises(BadUse, match=r"data\.folder is 'tokens' there"):
        open_folder(tmp_path / "run", config(data=TextData(folder="other", length=8)))
