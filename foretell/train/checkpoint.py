"""Checkpoints: whole folders of safetensors and JSON that a run continues from, bit for bit.

    checkpoints/step-00000100/  model.safetensors  optimizer.safetensors  state.json  manifest.json

A step's batch and its random numbers are functions of (seed, step), so weights, optimizer and the step are all there
is to keep. The manifest holds each file's SHA-256: a flipped bit or a truncated file is found, and the checkpoint
before it is used.
"""

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from foretell.errors import Failed
from foretell.runs import read_json, sha256, whole_folder
from foretell.train.parts import box_of, held, load_into, optimizer_like, read
from foretell.train.together import first_does

MANIFEST = "manifest.json"


def save(
    folder: Path, model: nn.Module, optimizers: list[Optimizer], state: dict[str, Any], keep: int, spacing: int = 1
) -> Path:
    """The checkpoint's folder, written aside and renamed; older ones beyond the last `keep` are removed after it.

    Older ones whose step is no multiple of `spacing` were made where a run was stopped: they go too, so that the mean
    of the last few is the same however often a run was stopped.
    """
    target = folder / f"step-{state['step']:08d}"
    with whole_folder(target) as aside:
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, aside / "model.safetensors")
        save_file(optimizer_tensors(optimizers), aside / "optimizer.safetensors")
        (aside / "state.json").write_text(json.dumps(state, indent=2))
        manifest = {path.name: sha256(path) for path in sorted(aside.iterdir())}
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2))
    prune(folder, target, keep, spacing)
    return target


def prune(folder: Path, target: Path, keep: int, spacing: int) -> None:
    """Remove what is no longer kept once `target` is there."""
    older = [path for path in every(folder) if path < target]
    stops = [path for path in older if step_of(path) % spacing]
    regular = [path for path in older if path not in stops]
    leftovers = list(folder.glob(".step-*"))  # of a kill in the middle of a save
    for path in stops + regular[: max(0, len(regular) + 1 - keep)] + leftovers:
        shutil.rmtree(path)


def restore(
    folder: Path, model: nn.Module, optimizers: list[Optimizer], start: Path | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The state of the newest sound checkpoint, its weights and optimizer loaded; and what was wrong with newer ones.

    The folder `start` may hold one that is older than all. The state is empty where there is none yet. Failed if there
    are checkpoints but none is sound.
    """
    path, problems = first_does(lambda: newest_sound(folder, start))
    if path is None:
        return {}, problems
    _load(path, model, optimizers)
    return read_json(path / "state.json"), problems


def newest_sound(folder: Path, start: Path | None = None) -> tuple[Path | None, list[str]]:
    """The newest sound checkpoint, None where there is none yet, and what is wrong with newer ones."""
    problems: list[str] = []
    for path in reversed([*(every(start) if start else []), *every(folder)]):
        problem = damage(path)
        if problem is None:
            return path, problems
        problems.append(problem)
    if problems:
        raise Failed(f"no sound checkpoint in {folder}: {'; '.join(problems)}; remove the folder to begin again")
    return None, []


def _load(path: Path, model: nn.Module, optimizers: list[Optimizer]) -> None:
    try:
        load_into(dict(model.state_dict()), held(path, "model"))
        load_optimizers(optimizers, optimizer_like(optimizers, held(path, "optimizer")))
    except (RuntimeError, ValueError, IndexError, KeyError) as error:
        raise Failed(f"{path} is whole but of another network or optimizer; remove it to go on without it") from error


def step_of(path: Path) -> int:
    """The step of a checkpoint, from its name."""
    return int(path.name.removeprefix("step-"))


def every(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(folder.glob("step-*"))


def damage(path: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        bad = [name for name, want in manifest.items() if sha256(path / name) != want]
    except (OSError, ValueError) as error:
        return f"{path.name} cannot be read ({error})"
    missing = {"state.json", *files_of("model", manifest), *files_of("optimizer", manifest)} - manifest.keys()
    if bad or missing:
        return f"{path.name}: {', '.join(sorted(bad or missing))} is not what was written"
    return None


def files_of(kind: str, manifest: Collection[str]) -> set[str]:
    """The names of a kind's files: one, or as many as the name of any of them says."""
    n = next((int(name[-17:-12]) for name in manifest if name.startswith(f"{kind}-")), 0)
    return {f"{kind}-{i:05d}-of-{n:05d}.safetensors" for i in range(1, n + 1)} or {f"{kind}.safetensors"}


def weights(path: Path) -> dict[str, Tensor]:
    """The whole weights of a checkpoint."""
    return {name: read(one, name, tuple((0, n) for n in one.shape)) for name, one in held(path, "model").items()}


def fill(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy whole weights into a model, or the parts of them that this process holds."""
    for name, x in model.state_dict().items():
        place = tuple(slice(*ends) for ends in box_of(x))
        (x.to_local() if isinstance(x, DTensor) else x).copy_(tensors[name][place])


def mean_of_last(folder: Path, n: int) -> dict[str, Tensor]:
    """The mean of the weights of the last n checkpoints (Vaswani et al. 2017, section 6.1)."""
    paths = every(folder)[-n:]
    total: dict[str, Tensor] = {}
    for path in paths:
        if problem := damage(path):
            raise Failed(f"no mean of the last {n} checkpoints: {problem}; remove it to take the mean of the others")
        for name, value in weights(path).items():
            total[name] = total[name] + value.double() if name in total else value.double()
    return {name: (value / len(paths)).float() for name, value in total.items()}


def optimizer_tensors(optimizers: list[Optimizer]) -> dict[str, Tensor]:
    """All tensors of the optimizers' states by `optimizer.parameter.name`."""
    found = {}
    for i, optimizer in enumerate(optimizers):
        for parameter, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                found[f"{i}.{parameter}.{name}"] = torch.as_tensor(value).contiguous()
    return found


def load_optimizers(optimizers: list[Optimizer], tensors: dict[str, Tensor]) -> None:
    """Inverse of optimizer_tensors()."""
    states: list[dict[int, dict[str, Tensor]]] = [{} for _ in optimizers]
    for key, value in tensors.items():
        i, parameter, name = key.split(".")
        states[int(i)].setdefault(int(parameter), {})[name] = value
    for optimizer, state in zip(optimizers, states, strict=True):
        _check_state(optimizer, state)
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _check_state(optimizer: Optimizer, state: dict[int, dict[str, Tensor]]) -> None:
    """ValueError unless there is state for every parameter, and of its shape: torch would take any."""
    shapes = [p.shape for group in optimizer.param_groups for p in group["params"]]
    if state.keys() - set(range(len(shapes))) or (state and len(state) != len(shapes)):
        raise ValueError(f"the state of {len(state)} parameters is not that of {len(shapes)}")
    for number, values in state.items():
        for name, value in values.items():
            if value.ndim and value.shape != shapes[number]:
                raise ValueError(f"{name} of parameter {number} has shape {tuple(value.shape)}")
