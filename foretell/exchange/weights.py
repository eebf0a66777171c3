"""The tensors of a folder: model.safetensors, or the shards that its index names. Never a pickle.

The header is read first (names and shapes), so that a config can be compared with it before anything is allocated.
"""

from math import prod
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from foretell.errors import BadUse
from foretell.exchange.fit import Held
from foretell.exchange.names import Tensors
from foretell.model.config import NetworkConfig
from foretell.runs import read_json

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
HALVES = (torch.float16, torch.bfloat16)
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a folder's weights; BadUse if there is none or if one lies outside the folder."""
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if (folder / INDEX).exists():
        return shards(folder)
    if any(next(folder.glob(kind), None) for kind in PICKLES):
        raise BadUse(f"{folder} holds its weights as a pickle, which is never loaded; convert it to safetensors first")
    raise BadUse(f"{folder} holds no {WEIGHTS}; give a folder with weights as safetensors (a pickle is never loaded)")


def shards(folder: Path) -> list[Path]:
    """The files that an index names, each a plain name in the folder (the hub's cache keeps them in its `blobs`)."""
    index = read_json(folder / INDEX)
    files = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(files, dict) or not files:
        raise BadUse(f"{folder / INDEX} holds no weight_map of names to files; copy it again from its source")
    here = folder.resolve()
    inside = {here, here.parent.parent / "blobs"} if here.parent.name == "snapshots" else {here}
    for file in files.values():
        plain = isinstance(file, str) and Path(file).name == file and file.endswith(".safetensors")
        if not plain or (folder / file).resolve().parent not in inside:
            raise BadUse(
                f"{folder / INDEX} names {file!r}; a shard must be a plain .safetensors file of the same folder"
            )
    return [folder / file for file in sorted(set(files.values()))]


def held(files: list[Path]) -> Held:
    """The names and shapes of all tensors, from the headers alone."""
    found: dict[str, tuple[int, ...]] = {}
    for path in files:
        for name, shape in header(path).items():
            if name in found:
                raise BadUse(
                    f"{path} holds {name}, which another shard holds too; copy the folder again from its source"
                )
            found[name] = shape
    return found


def header(path: Path) -> Held:
    """The names and shapes of a file's tensors; BadUse if it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  (no dict)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BadUse(f"{path} cannot be read ({reason}); it is missing, cut short or no safetensors file") from error


def read(files: list[Path]) -> Tensors:
    """The tensors of files whose headers are sound, half precision widened to fp32."""
    found = {}
    for path in files:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  (no dict)
                value = file.get_tensor(name)
                found[name] = value.float() if value.dtype in HALVES else value
    return found


def check_sizes(cfg: NetworkConfig, held: Held) -> None:
    """BadUse if a matrix that the config asks for is larger than all that the file holds: it would fill the memory."""
    if cfg.n_layers > len(held):
        rule = f"the weight file holds {len(held)} tensors"
        raise BadUse(f"n_layers={cfg.n_layers}, but {rule}; weights and config do not belong together")
    room = sum(prod(shape) for shape in held.values())
    rows = {
        "n_vocab": cfg.n_vocab,
        "n_layers": cfg.n_layers,
        "d_ff": cfg.d_ff,
        "n_heads x d_head": cfg.n_heads * cfg.d_head,
    }
    rows |= {"n_ctx": cfg.n_ctx} if cfg.positions == "learned" else {}
    for name, n in rows.items():
        if n * cfg.d_model > room:
            rule = f"the weight file holds {room} numbers in all"
            raise BadUse(
                f"{name}={n} beside d_model={cfg.d_model}, but {rule}; weights and config do not belong together"
            )
