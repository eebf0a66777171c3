"""Reading a tree of texts in pieces of one row each, in which every token sees its ancestors only.

There is no padding, and there are few calls, however short the branches are. The cache holds the branch that the next
piece goes on from.

N tokens of the tree   T of a piece   C of the cache   S of both   D d_model
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from foretell.generate.prefixes import Places, Tree
from foretell.model.cache import Cache, empty_cache
from foretell.model.config import NetworkConfig
from foretell.model.network import Network
from foretell.model.sparse import Branches


def piece_size(cfg: NetworkConfig, like: Tensor) -> int:
    """How many tokens to read at once.

    A CPU's matrix products are at their best from about 256 rows on, and attention within a piece is the dearer the
    longer it is. A GPU wants many: as many as 256 MiB of a layer's activations hold, up to 2048.
    """
    if like.device.type == "cpu":
        return 384
    width = 2 * cfg.d_ff + 4 * cfg.d_model + 4 * cfg.n_heads * cfg.d_head
    return max(256, min(2048, 2**28 // (width * like.element_size())))


def read(network: Network, tree: Tree, tokens: int) -> Iterator[tuple[int, Tensor]]:
    """Where each piece of the tree begins, and its hidden states (T, D)."""
    device = network.embed.token.weight.device
    ids, depth, end = (torch.from_numpy(x).to(device) for x in (tree.ids, tree.depth, tree.end))
    if not len(ids):
        return
    room = int(tree.depth.max()) + min(tokens, len(ids))
    cache = empty_cache(network.cfg, 1, room, network.embed.token.weight)
    for start, stop in pieces(tree.depth, tokens):
        branches = branches_of(depth[start:stop], end[start:stop], start, cache.lengths[0])
        yield start, network.hidden(ids[None, start:stop], cache=cache, branches=branches)[0]
        cut_back(cache, tree, start, stop)


def pieces(depth: Places, tokens: int) -> Iterator[tuple[int, int]]:  # (N,)
    """Where pieces of at most `tokens` begin and end: in the last half of what is possible, at the least depth.

    So most end where a text does, and few tokens stand in a row with what they cannot see.
    """
    start = 0
    while len(depth) - start > tokens:
        half = start + (tokens + 1) // 2
        places = depth[half : start + tokens + 1][::-1]
        stop = start + tokens - int(places.argmin())
        yield start, stop
        start = stop
    yield start, len(depth)


def branches_of(depth: Tensor, end: Tensor, start: int, cached: int) -> Branches:  # (T,), (T,)
    """What a piece's tokens see: of the cache what they have in common with the first, of the piece their ancestors."""
    place = torch.arange(start, start + len(depth), device=depth.device)  # (T,)
    of_cache = torch.arange(cached, device=depth.device) < depth.cummin(0).values[:, None]  # (T, C)
    of_piece = (place <= place[:, None]) & (place[:, None] < end)  # (T, T)
    return Branches(depth[None], torch.cat([of_cache, of_piece], 1)[None])


def cut_back(cache: Cache, tree: Tree, start: int, stop: int) -> None:
    """Leave in the cache what the next piece's first token goes on from."""
    if stop == len(tree.ids):
        return
    cached = cache.lengths[0] - (stop - start)
    ancestors = np.flatnonzero(tree.end[start:stop] > stop)
    kept = int(tree.depth[stop]) - len(ancestors)
    cache.cut(kept, torch.from_numpy(cached + ancestors).to(cache.layers[0].keys.device))
