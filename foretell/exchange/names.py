"""Tables between our parameter names and another library's, read in both directions.

An entry says that their tensor is ours, or several of ours joined along the outputs, perhaps transposed (OpenAI's
models keep (in, out) where a linear layer keeps (out, in)).
"""

from collections.abc import Mapping, Sequence
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
        joined = torch.cat([ours[name] for name in names]) if len(names) > 1 else ours[names[0]]
        found[theirs] = (joined.t() if transposed else joined).contiguous()
    return found


def to_ours(table: Sequence[Entry], theirs: Tensors, wanted: Tensors) -> Tensors:
    """Our tensors, made from theirs after names and shapes are compared; `wanted` are ours, without storage."""
    check(theirs, to_theirs(table, wanted))
    found = {}
    for name, names, transposed in table:
        whole = theirs[name].t() if transposed else theirs[name]
        for part, own in zip(whole.chunk(len(names)), names, strict=True):
            found[own] = part.contiguous()
    return found


def check(found: Tensors, wanted: Tensors) -> None:
    """BadUse that names a tensor that is missing, of another shape or type, or more than the config speaks of."""
    missing = [name for name in wanted if name not in found]
    if missing:
        rule = "the file is cut short or of another config"
        raise BadUse(f"the weights lack {missing[0]} ({len(missing)} missing); {rule}")
    extra = sorted(found.keys() - wanted.keys())
    if extra:
        rule = "only what the config speaks of is read, a network with more would compute otherwise"
        raise BadUse(f"the weights hold {extra[0]} ({len(extra)} unknown); {rule}")
    for name, value in wanted.items():
        there, want = tuple(found[name].shape), tuple(value.shape)
        if there != want:
            rule = "weights and config do not belong together"
            raise BadUse(f"{name} has shape {there}, the config asks for {want}; {rule}")
        if found[name].dtype != torch.float32:  # halves were widened by the reader
            raise BadUse(f"{name} is of {found[name].dtype}; convert quantised weights to float32, float16 or bfloat16")


def without(theirs: Tensors, *endings: str) -> Tensors:
    """Their tensors without those that hold no weight: masks and positions that are computed."""
    return {name: value for name, value in theirs.items() if not name.endswith(endings)}


def tied(theirs: Tensors, copies: Mapping[str, str]) -> Tensors:
    """Their tensors without the copies (copy: original) that a file may hold of one tied weight, or instead of it."""
    found = dict(theirs)
    for copy, original in copies.items():
        value = found.pop(copy, None)
        if value is not None and not torch.equal(found.setdefault(original, value), value):
            raise BadUse(f"{copy} differs from {original}; only weights that tie the two are supported")
    return found


def prefixed(theirs: Tensors, prefix: str, *but: str) -> Tensors:
    """Their tensors with the prefix that the names of a model without its head lack, as in OpenAI's own uploads."""
    return {name if name.startswith((prefix, *but)) else f"{prefix}{name}": value for name, value in theirs.items()}
