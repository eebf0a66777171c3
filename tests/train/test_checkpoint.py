import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from foretell.errors import Failed
from foretell.model.init import build
from foretell.runs import sha256
from foretell.train import checkpoint
from foretell.train.checkpoint import every, mean_of_last, restore, save
from foretell.train.optimizer import build_optimizers
from tests.train.in_memory import OPTIM, network

FILES = ["manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"]


def trained(optim="adamw", seed=0, steps=3):
    model = build(network(), seed)
    optimizers = build_optimizers(model, OPTIM[optim])
    take_steps(model, optimizers, steps)
    return model, optimizers


def take_steps(model, optimizers, steps):
    stream = torch.Generator().manual_seed(7)
    for _ in range(steps):
        for p in model.parameters():
            p.grad = torch.randn(p.shape, generator=stream)
        for optimizer in optimizers:
            optimizer.step()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("optim", OPTIM)
def test_a_restored_model_goes_on_as_the_one_that_was_saved(tmp_path, optim):
    model, optimizers = trained(optim)
    state = {"step": 3, "tokens": 1234, "seconds": 0.1 + 0.2, "cpu_seconds": 1e-9, "skipped": 0}
    assert save(tmp_path, model, optimizers, state, 2).name == "step-00000003"
    other, other_optimizers = trained(optim, seed=9, steps=1)
    got, problems = restore(tmp_path, other, other_optimizers)
    assert (got, problems) == (state, [])
    take_steps(model, optimizers, 2)
    take_steps(other, other_optimizers, 2)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("optim", OPTIM)
def test_before_the_first_step_there_is_no_optimizer_state_and_none_is_needed(tmp_path, optim):
    save(tmp_path, *trained(optim, steps=0), {"step": 0}, 2)
    assert restore(tmp_path, *trained(optim, steps=0)) == ({"step": 0}, [])


def test_without_a_checkpoint_there_is_no_state(tmp_path):
    model, optimizers = trained()
    assert restore(tmp_path / "checkpoints", model, optimizers) == ({}, [])


def test_the_newest_is_used_in_the_order_of_steps_not_of_names(tmp_path):
    for step in (9, 10, 100):
        save(tmp_path, *trained(), {"step": step}, 5)
    assert restore(tmp_path, *trained())[0] == {"step": 100}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["flip", "truncate", "remove", "empty"])
def test_a_damaged_file_is_found_and_the_checkpoint_before_is_used(tmp_path, name, harm):
    first, optimizers = trained()
    save(tmp_path, first, optimizers, {"step": 4}, 2)
    path = save(tmp_path, *trained(seed=5), {"step": 8}, 2) / name
    content = path.read_bytes()
    if harm == "flip":
        flip_a_bit(path)
    elif harm == "remove":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if harm == "truncate" else b"")
    model, fresh = trained(seed=6)
    state, problems = restore(tmp_path, model, fresh)
    assert state == {"step": 4}
    assert len(problems) == 1
    assert problems[0].startswith("step-00000008")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), first.parameters(), strict=True))


def test_a_file_left_out_of_the_manifest_is_damage(tmp_path):
    path = save(tmp_path, *trained(), {"step": 4}, 2)
    manifest = json.loads((path / "manifest.json").read_text())
    del manifest["optimizer.safetensors"]
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Failed, match=r"optimizer\.safetensors is not what was written"):
        restore(tmp_path, *trained())


def test_if_none_is_sound_the_run_fails_and_says_what_is_wrong_with_each(tmp_path):
    for step in (4, 8):
        flip_a_bit(save(tmp_path, *trained(), {"step": step}, 2) / "model.safetensors")
    with pytest.raises(
        Failed, match=r"no sound checkpoint in .*step-00000008.*step-00000004.*remove the folder"
    ) as error:
        restore(tmp_path, *trained())
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_network_is_refused_in_one_line(tmp_path):
    model = build(network(d_ff=24))
    save(tmp_path, model, build_optimizers(model, OPTIM["adamw"]), {"step": 4}, 2)
    with pytest.raises(Failed, match=r"step-00000004 is whole but of another network or optimizer; remove it") as error:
        restore(tmp_path, *trained())
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_optimizer_is_refused_in_one_line(tmp_path):
    save(tmp_path, *trained("muon"), {"step": 4}, 2)
    with pytest.raises(Failed, match=r"step-00000004 is whole but of another network or optimizer"):
        restore(tmp_path, *trained("adamw"))


@pytest.mark.parametrize(("keep", "left"), [(2, [12, 16]), (3, [8, 12, 16]), (9, [4, 8, 12, 16])])
def test_the_last_few_are_kept(tmp_path, keep, left):
    for step in (4, 8, 12, 16):
        save(tmp_path, *trained(), {"step": step}, keep, 4)
        assert len(every(tmp_path)) == min(keep, step // 4)
    assert [int(path.name[-3:]) for path in every(tmp_path)] == left


@pytest.mark.parametrize("stops", [[6], [6, 7], [9, 10, 11], [3, 5, 9, 13]])
@pytest.mark.parametrize("keep", [2, 3])
def test_where_a_run_was_stopped_does_not_change_what_its_mean_is_taken_of(tmp_path, stops, keep):
    for step in sorted({4, 8, 12, 14, *stops}):
        save(tmp_path / "stopped", *trained(), {"step": step}, keep, 4)
    for step in (4, 8, 12, 14):
        save(tmp_path / "not", *trained(), {"step": step}, keep, 4)
    names = [[path.name for path in every(tmp_path / folder)] for folder in ("stopped", "not")]
    assert names[0] == names[1]


def test_the_mean_of_the_last_is_the_mean_of_their_weights(tmp_path):
    models = [trained(seed=seed) for seed in range(3)]
    for step, (model, optimizers) in enumerate(models, 1):
        save(tmp_path, model, optimizers, {"step": step}, 3)
    mean = mean_of_last(tmp_path, 2)
    for name, value in mean.items():
        want = (models[1][0].state_dict()[name] + models[2][0].state_dict()[name]) / 2
        torch.testing.assert_close(value, want)
    assert set(mean) == set(models[0][0].state_dict())
    assert all(torch.equal(value, mean_of_last(tmp_path, 3)[name]) for name, value in mean_of_last(tmp_path, 9).items())


def test_a_damaged_checkpoint_is_never_averaged(tmp_path):
    for step in (1, 2):
        save(tmp_path, *trained(), {"step": step}, 3)
    flip_a_bit(tmp_path / "step-00000001" / "model.safetensors")
    with pytest.raises(Failed, match=r"step-00000001: model\.safetensors is not what was written; remove it"):
        mean_of_last(tmp_path, 2)


def test_a_full_disk_leaves_the_earlier_checkpoint_whole(tmp_path, monkeypatch):
    model, optimizers = trained()
    save(tmp_path, model, optimizers, {"step": 4}, 1)

    def full(tensors, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(Failed, match=r"cannot write .*step-00000008: No space left on device; nothing was changed"):
        save(tmp_path, *trained(seed=5), {"step": 8}, 1)
    assert os.listdir(tmp_path) == ["step-00000004"], "no half-written folder may stay"
    other, fresh = trained(seed=6)
    assert restore(tmp_path, other, fresh)[0] == {"step": 4}
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def save_with_no_room(folder):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    try:
        save(folder, *trained(), {"step": 8}, 1)
    except Failed as error:
        print(error)  # noqa: T201


@pytest.mark.slow
def test_a_write_that_the_system_itself_refuses_is_one_line_too(tmp_path):
    save(tmp_path, *trained(), {"step": 4}, 1)
    code = f"import pathlib, tests.train.test_checkpoint as t; t.save_with_no_room(pathlib.Path({str(tmp_path)!r}))"
    here = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert "cannot write" in said
    assert "File too large" in said
    assert os.listdir(tmp_path) == ["step-00000004"]


def test_what_a_kill_left_half_written_is_cleared_by_the_next_checkpoint(tmp_path):
    left = tmp_path / f".step-00000004.partial-{os.getpid()}"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    shutil.copytree(left, tmp_path / ".step-00000002.partial-1")
    assert restore(tmp_path, *trained()) == ({}, [])
    save(tmp_path, *trained(), {"step": 4}, 2)
    assert os.listdir(tmp_path) == ["step-00000004"]


def test_a_checkpoint_holds_no_pickle(tmp_path):
    path = save(tmp_path, *trained("muon"), {"step": 4}, 2)
    assert sorted(os.listdir(path)) == FILES


@pytest.mark.parametrize("spoil", ["shape", "missing"])
def test_optimizer_state_of_other_parameters_is_refused(tmp_path, spoil):
    model, optimizers = trained()
    save(tmp_path, model, optimizers, {"step": 3}, 2)
    path = tmp_path / "step-00000003"
    tensors = load_file(path / "optimizer.safetensors")
    if spoil == "shape":
        tensors["0.0.exp_avg"] = torch.zeros(3)
    else:
        tensors = {name: value for name, value in tensors.items() if not name.startswith("0.1.")}
    save_file(tensors, path / "optimizer.safetensors")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["optimizer.safetensors"] = sha256(path / "optimizer.safetensors")
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Failed, match="of another network or optimizer"):
        restore(tmp_path, *trained())
