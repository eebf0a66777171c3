"""What many prompts begin with, a system message or examples, is read once and kept between requests.

Keys and values are kept in blocks of BLOCK tokens; a block is found by the block before it and its own tokens, so that
a prompt's longest known beginning is a walk along them. The blocks that were not used for longest are dropped first.

L n_layers   H n_heads   T BLOCK   K d_head
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from foretell.generate.prompts import WORTH
from foretell.model.cache import Cache, LayerCache

BLOCK = WORTH  # tokens; shorter beginnings are read again more quickly
Key = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """The keys and values of some tokens after those of the blocks before, in every layer."""

    number: int
    keys: Tensor  # (L, H, T, K)
    values: Tensor  # (L, H, T, K)


class Prefixes:
    """Beginnings of prompts that were read, in at most `most` bytes. For one network, and for one thread."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes, self.made = most, 0, 0
        self.asked = self.found = 0
        """tokens of prompts, and those of them that were not read again"""
        self.blocks: OrderedDict[Key, Block] = OrderedDict()

    def walk(self, ids: Sequence[int]) -> list[Block]:
        """The blocks of the longest known beginning; they are the last to be dropped from now on."""
        keys: list[Key] = []
        found: list[Block] = []
        for start in range(0, len(ids) - BLOCK + 1, BLOCK):
            key = (found[-1].number if found else 0, (*ids[start : start + BLOCK],))
            if key not in self.blocks:
                break
            keys.append(key)
            found.append(self.blocks[key])
        for key in reversed(keys):  # a block is of no use without those before it
            self.blocks.move_to_end(key)
        return found

    def known(self, ids: Sequence[int]) -> int:
        """How many of a prompt's first tokens are kept."""
        n = len(self.walk(ids)) * BLOCK
        self.asked, self.found = self.asked + len(ids), self.found + n
        return n

    def beginning(self, ids: Sequence[int]) -> Cache:
        """A cache of one row that holds these tokens, which are known."""
        blocks = self.walk(ids)
        keys = torch.cat([block.keys for block in blocks], 2)  # (L, H, S, K)
        values = torch.cat([block.values for block in blocks], 2)  # (L, H, S, K)
        layers = [LayerCache(k[None], v[None]) for k, v in zip(keys, values, strict=True)]
        return Cache(layers, [len(ids)], len(ids))

    def keep(self, ids: Sequence[int], cache: Cache, row: int) -> None:
        """Remember a prompt that stands at the start of a row, as far as whole blocks go."""
        known = self.walk(ids)
        before = known[-1].number if known else 0
        for start in range(len(known) * BLOCK, len(ids) - BLOCK + 1, BLOCK):
            if not self.room(cache, row):
                return
            keys, values = (
                torch.stack([kept[row, :, start : start + BLOCK] for kept in every])  # (L, H, T, K)
                for every in ([one.keys for one in cache.layers], [one.values for one in cache.layers])
            )
            self.made += 1
            block = Block(number=self.made, keys=keys, values=values)
            self.blocks[(before, (*ids[start : start + BLOCK],))] = block
            self.bytes += size(block)
            before = block.number

    def room(self, cache: Cache, row: int) -> bool:
        """Whether one more block fits, after old ones were dropped for it."""
        one = cache.layers[0].keys[row]  # (H, C, K)
        needed = 2 * len(cache.layers) * one.shape[0] * BLOCK * one.shape[2] * one.element_size()
        while self.blocks and self.bytes + needed > self.most:
            self.bytes -= size(self.blocks.popitem(last=False)[1])
        return needed <= self.most


def size(block: Block) -> int:
    """Bytes of a block."""
    return block.keys.nbytes + block.values.nbytes
