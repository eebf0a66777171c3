"""Tables between our parameter names and another library's, read in both directions.

An entry says that their tensor is ours, or several of ours joined along the outputs, perhaps transposed (OpenAI's
models keep (in, out) where a linear layer keeps (out, in)).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from foretell.errors import BadUse

Tensors = dict[str, Tensor]


class Entry(NamedTuple):
    """One of their tensors."""

    theirs: str
    ours: tuple[str, ...]
    transposed: bool = False


def pair(theirs: str, *ours: str, transposed: bool = False, bias: bool = True) -> list[Entry]:
    """The entries of a layer: its weight and, unless it has none, its bias."""
    found = [Entry(f"{theirs}.weight", tuple(f"{name}.weight" for name in ours), transposed)]
    return [*found, Entry(f"{theirs}.bias", tuple(f"{name}.bias" for name in ours))] if bias else found


def to_theirs(table: Sequence[Entry], ours: Tensors) -> Tensors:
    """Their tensors, made from ours."""
    found = {}
    for theirs, names, transposed in table:
        joined = torch.cat([ours[name] for name in names])
        found[theirs] = (joined.t() if transposed else joined).contiguous()
    return found


def to_ours(table: Sequence[Entry], theirs: Tensors) -> Tensors:
    """Our tensors, made from theirs; BadUse that names a tensor that is missing or more than the table knows."""
    missing = [entry.theirs for entry in table if entry.theirs not in theirs]
    if missing:
        raise BadUse(
            f"the weights lack {missing[0]} ({len(missing)} missing); the file is cut short or of another class"
        )
    extra = sorted(theirs.keys() - {entry.theirs for entry in table})
    if extra:
        raise BadUse(f"the weights hold {extra[0]} ({len(extra)} unknown), which the config does not speak of")
    found = {}
    for name, names, transposed in table:
        whole = theirs[name].t() if transposed else theirs[name]
        for part, own in zip(whole.chunk(len(names)), names, strict=True):
            found[own] = part.contiguous()
    return found


def dropped(theirs: Tensors, *endings: str) -> Tensors:
    """Their tensors without those that hold no weight of their own: masks, positions that are computed, tied copies."""
    return {name: value for name, value in theirs.items() if not name.endswith(endings)}
