"""The parts of tensors that a process holds, in files that any number of processes reads.

A file's header holds where each of its parts begins in the whole tensor, and the whole tensor's shape. A file without
such a header holds whole tensors: a checkpoint of one process is read in the same way. Safetensors and JSON alone:
nothing that is read can run code (docs/decisions/0006-sharded-checkpoints.md).
"""

import json
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

PLACES = "places"  # in a file's header: of each part, where it begins and what shape the whole has
Box = tuple[tuple[int, int], ...]  # of each dimension, from where to where


class Part(NamedTuple):
    """A part of a tensor in a file."""

    file: Path
    box: Box


class Held(NamedTuple):
    """A tensor of a checkpoint: its shape and where its parts are."""

    shape: tuple[int, ...]
    parts: list[Part]


def box_of(x: Tensor) -> Box:
    """Which part of a tensor this process holds. A dimension is cut over `tensor` first, and what is left over `shard`,
    in pieces as torch.chunk makes them."""
    box = [(0, size) for size in x.shape]
    if isinstance(x, DTensor):
        for axis in reversed(range(x.device_mesh.ndim)):
            placed = x.placements[axis]
            if placed.is_replicate():
                continue
            start, end = box[placed.dim]  # type: ignore[attr-defined]
            size = -(-(end - start) // x.device_mesh.size(axis))
            start = min(start + x.device_mesh.get_local_rank(axis) * size, end)
            box[placed.dim] = start, min(start + size, end)  # type: ignore[attr-defined]
        assert tuple(end - start for start, end in box) == tuple(x.to_local().shape), "a part is as large as its box"
    return tuple(box)


def is_mine(x: Tensor, *, first: bool) -> bool:
    """Whether this process writes its part: of those that hold the same, the first does."""
    if not isinstance(x, DTensor):
        return first
    mesh = x.device_mesh
    copies = [axis for axis, placed in enumerate(x.placements) if placed.is_replicate()]
    return x.to_local().numel() > 0 and all(mesh.get_local_rank(axis) == 0 for axis in copies)


def write_parts(file: Path, parts: dict[str, tuple[Tensor, Box, tuple[int, ...]]]) -> None:
    """Write a file of parts, their places in its header."""
    places = {name: [[start for start, _ in box], list(shape)] for name, (_, box, shape) in parts.items()}
    save_file({name: part for name, (part, _, _) in parts.items()}, file, metadata={PLACES: json.dumps(places)})


def parts_of(tensors: dict[str, Tensor], *, first: bool) -> dict[str, tuple[Tensor, Box, tuple[int, ...]]]:
    """Copies on the processor of the parts that this process writes."""
    found = {}
    for name, x in tensors.items():
        if is_mine(x, first=first):
            part = x.to_local() if isinstance(x, DTensor) else x
            found[name] = (part.detach().to("cpu", copy=True).contiguous(), box_of(x), tuple(x.shape))
    return found


def held(folder: Path, kind: str) -> dict[str, Held]:
    """The tensors of a checkpoint's files of a kind (model, optimizer); ValueError where parts do not fit together."""
    found: dict[str, Held] = {}
    for file in sorted(folder.glob(f"{kind}*.safetensors")):
        with safe_open(file, "pt") as opened:
            places = json.loads((opened.metadata() or {}).get(PLACES, "{}"))
            for name in opened.keys():  # noqa: SIM118  (no dict)
                sizes = opened.get_slice(name).get_shape()
                begin, shape = places.get(name, [[0] * len(sizes), sizes])
                box = tuple((start, start + size) for start, size in zip(begin, sizes, strict=True))
                one = found.setdefault(name, Held(tuple(shape), []))
                if one.shape != tuple(shape) or any(end > n for (_, end), n in zip(box, shape, strict=True)):
                    raise ValueError(f"{file.name}: {name} does not fit into the whole")
                one.parts.append(Part(file, box))
    return found


def read(one: Held, name: str, box: Box) -> Tensor:
    """A part of a tensor, put together from the files that hold some of it; ValueError if some of it is nowhere."""
    found: Tensor | None = None
    n = 0
    for part in one.parts:
        common = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(box, part.box, strict=True)]
        if any(start >= end for start, end in common):
            continue
        with safe_open(part.file, "pt") as opened:
            if not box:
                return opened.get_tensor(name)
            theirs = tuple(slice(s - c, e - c) for (s, e), (c, _) in zip(common, part.box, strict=True))
            piece = opened.get_slice(name)[theirs]
        if found is None:
            found = torch.zeros([end - start for start, end in box], dtype=piece.dtype)
        found[tuple(slice(s - a, e - a) for (s, e), (a, _) in zip(common, box, strict=True))] = piece
        n += piece.numel()
    size = 1
    for start, end in box:
        size *= end - start
    if n != size:
        raise ValueError(f"{name}: {size - n} of {size} numbers are in no file")
    return torch.zeros([end - start for start, end in box]) if found is None else found


def load_into(targets: dict[str, Tensor], there: dict[str, Held]) -> None:
    """Fill tensors, or the parts of them that this process holds; ValueError if names or shapes differ."""
    if targets.keys() != there.keys():
        raise ValueError(f"{sorted(targets.keys() ^ there.keys())[0]} is in one of the two only")
    for name, x in targets.items():
        if tuple(x.shape) != there[name].shape:
            raise ValueError(f"{name} has shape {there[name].shape}, not {tuple(x.shape)}")
        with torch.no_grad():
            part = x.to_local() if isinstance(x, DTensor) else x
            part.copy_(read(there[name], name, box_of(x)))


def optimizer_like(optimizers: list[Optimizer], there: dict[str, Held]) -> dict[str, Tensor]:
    """The tensors of the optimizers' states, cut as their parameters are."""
    parameters = [[p for group in one.param_groups for p in group["params"]] for one in optimizers]
    found = {}
    for key, one in there.items():
        i, number, _ = key.split(".")
        p = parameters[int(i)][int(number)]
        if isinstance(p, DTensor) and one.shape == tuple(p.shape):
            found[key] = torch.empty_like(p)
            load_into({key: found[key]}, {key: one})
        else:
            found[key] = read(one, key, tuple((0, n) for n in one.shape))
    return found
