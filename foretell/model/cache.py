"""The keys and values of the positions that a decoder has read, so that the next token costs one position.

Each row of a batch has its own length: prompts of unequal length stand left-aligned, each row's next token is written
where that row ends. What lies behind a row's end is never attended to.

L n_layers   B batch   H n_heads   T new positions   S positions so far   K d_head   C room
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from foretell.model.config import NetworkConfig


class LayerCache:
    """One layer's keys and values."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:  # (B, H, C, K), (B, H, C, K)
        self.keys, self.values = keys, values
        self.memory: tuple[Tensor, Tensor] | None = None
        self.start = 0  # where the new positions go, if it is the same in every row
        self.places: Tensor | None = None  # (B, T), where they go in each row, if not
        self.end = 0

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:  # (B, H, T, K), (B, H, T, K)
        """All keys and values so far, (B, H, S, K) each, the new ones written in."""
        if self.places is None:
            self.keys[:, :, self.start : self.end] = k
            self.values[:, :, self.start : self.end] = v
        else:
            rows = torch.arange(k.shape[0], device=k.device)[:, None]  # (B, 1)
            self.keys[rows, :, self.places] = k.transpose(1, 2)
            self.values[rows, :, self.places] = v.transpose(1, 2)
        return self.keys[:, :, : self.end], self.values[:, :, : self.end]


class Cache:
    """All layers' caches and the rows' lengths. `room` is the number of positions it can hold."""

    def __init__(self, layers: list[LayerCache], lengths: list[int], room: int) -> None:
        self.layers, self.lengths, self.room = layers, lengths, room
        self.memory: Tensor | None = None  # (B, S, D), what a seq2seq's decoder attends to
        self.memory_attend: Tensor | None = None  # (B, S)

    def advance(self, new: int, device: torch.device) -> tuple[Tensor, bool]:  # -> (B, T)
        """The positions of `new` more tokens in each row, and whether all rows are equally long. Layers then extend.

        The rows' lengths grow by `new`; a caller that fed padding sets `lengths` right afterwards.
        """
        equal = len(set(self.lengths)) == 1
        start = torch.tensor(self.lengths, device=device)[:, None]  # (B, 1)
        positions = start if new == 1 else start + torch.arange(new, device=device)  # (B, T)
        end = max(self.lengths) + new
        assert end <= self.room, f"{end} positions do not fit into a cache of {self.room}"
        for layer in self.layers:
            layer.start, layer.end, layer.places = self.lengths[0], end, None if equal else positions
        self.lengths = [length + new for length in self.lengths]
        return positions, equal

    def cut(self, kept: int, places: Tensor) -> None:  # (N,)
        """Keep each row's first positions, and behind them those that stand at `places` now: a branch of a tree."""
        end = kept + len(places)
        for layer in self.layers:
            layer.keys[:, :, kept:end] = layer.keys[:, :, places]
            layer.values[:, :, kept:end] = layer.values[:, :, places]
        self.lengths = [end] * len(self.lengths)

    def select(self, rows: Tensor) -> None:  # (B,)
        """Keep these rows, in this order, repeated where named twice: for beams and for rows that have ended."""
        for layer in self.layers:
            layer.keys, layer.values = layer.keys[rows], layer.values[rows]
            if layer.memory is not None:
                layer.memory = (layer.memory[0][rows], layer.memory[1][rows])
        if self.memory is not None and self.memory_attend is not None:
            self.memory, self.memory_attend = self.memory[rows], self.memory_attend[rows]
        self.lengths = [self.lengths[row] for row in rows.tolist()]

    def reorder(self, rows: Tensor, since: int) -> None:  # (B,)
        """As select(), where a row's first `since` positions and its length are those of the row that takes its place:
        as many rows, of the beams of one prompt each."""
        for layer in self.layers:
            for kept in (layer.keys, layer.values):
                kept[:, :, since : layer.end] = kept[rows, :, since : layer.end]

    def leave(self, staying: Sequence[int]) -> list[int]:
        """Keep these rows alone, in the order that is returned: only as many are moved as have left."""
        n = len(staying)
        holes = sorted(set(range(n)).difference(staying))
        moved = [row for row in staying if row >= n]
        order = list(range(n))
        for hole, row in zip(holes, moved, strict=True):
            order[hole] = row
        for layer in self.layers:
            for kept in (layer.keys, layer.values):
                kept[holes] = kept[moved]
            layer.keys, layer.values = layer.keys[:n], layer.values[:n]
            if layer.memory is not None:
                layer.memory = (layer.memory[0][order], layer.memory[1][order])
        if self.memory is not None and self.memory_attend is not None:
            self.memory, self.memory_attend = self.memory[order], self.memory_attend[order]
        self.lengths = [self.lengths[row] for row in order]
        return order

    def put(self, rows: Sequence[int], other: "Cache", taken: Sequence[int]) -> None:
        """Copy rows `taken` of a cache with no more room to the start of `rows` of this one."""
        to, source = (torch.tensor(places, device=self.layers[0].keys.device) for places in (rows, taken))
        one, every = len(other.lengths) == 1, len(rows) == len(self.lengths)  # a beginning for all rows is broadcast
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            for kept, given in ((mine.keys, theirs.keys), (mine.values, theirs.values)):
                kept[slice(None) if one and every else to, :, : other.room] = given if one else given[source]
        for row, place in zip(rows, taken, strict=True):
            self.lengths[row] = other.lengths[place]

    def joined(self, other: "Cache") -> "Cache":
        """The rows of both caches, this one's first, with the room of the larger."""
        room = max(self.room, other.room)
        layers = []
        for one, two in zip(self.layers, other.layers, strict=True):
            keys = torch.cat([widened(one.keys, 2, room), widened(two.keys, 2, room)])
            values = torch.cat([widened(one.values, 2, room), widened(two.values, 2, room)])
            layers.append(LayerCache(keys, values))  # keys and values of a memory are made anew from it
        both = Cache(layers, [*self.lengths, *other.lengths], room)
        for name in ("memory", "memory_attend"):
            parts = [getattr(self, name), getattr(other, name)]
            if parts[0] is not None and parts[1] is not None:
                longest = max(part.shape[1] for part in parts)
                setattr(both, name, torch.cat([widened(part, 1, longest) for part in parts]))
        return both


def widened(x: Tensor, dim: int, size: int) -> Tensor:
    """x with zeros behind it along one dimension, up to a size."""
    shape = list(x.shape)
    shape[dim] = size - x.shape[dim]
    return torch.cat([x, x.new_zeros(shape)], dim)


def empty_cache(cfg: NetworkConfig, batch: int, room: int, like: Tensor) -> Cache:
    """A cache for `batch` rows and `room` positions, on the device and in the precision of `like`."""
    shape = (batch, cfg.n_heads, room, cfg.d_head)
    layers = [LayerCache(like.new_zeros(shape), like.new_zeros(shape)) for _ in range(cfg.n_layers)]
    return Cache(layers, [0] * batch, room)
