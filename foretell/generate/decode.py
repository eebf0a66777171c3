"""Reading one more token of each row, with as few calls as the network allows.

The same arithmetic as Network.hidden with a cache, on weights that are laid out once: query, key and value as one
matrix. A seq2seq takes the network's own path.

B batch   D d_model   H n_heads   K d_head
"""

from collections.abc import Callable
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from foretell.model.block import Block
from foretell.model.cache import Cache
from foretell.model.network import Network
from foretell.model.rotary import angles, rotate

Reader = Callable[[Tensor, Cache], Tensor]


class Layer(NamedTuple):
    """A block with its three projections joined."""

    block: Block
    weight: Tensor
    bias: Tensor | None


def reader(network: Network) -> Reader:
    """A function (ids (B,), cache) -> hidden states (B, D) of the tokens just read; the cache grows by one."""
    if network.cfg.kind != "decoder":
        return lambda ids, cache: network.hidden(
            ids[:, None], memory=cache.memory, memory_attend=cache.memory_attend, cache=cache
        )[:, 0]
    assert network.decoder is not None, "a decoder has a decoder"
    layers = [joined(block) for block in network.decoder.layers.values()]
    return lambda ids, cache: read(network, layers, ids, cache)


def joined(block: nn.Module) -> Layer:
    """The block with query, key and value as one matrix."""
    assert isinstance(block, Block), "a stack is made of blocks"
    return Layer(block, *block.attention.joined())


def read(network: Network, layers: list[Layer], ids: Tensor, cache: Cache) -> Tensor:  # (B,) -> (B, D)
    """The hidden states after one more token in each row."""
    cfg, stack = network.cfg, network.decoder
    assert stack is not None, "a decoder has a decoder"
    positions, equal = cache.advance(1, ids.device)
    x = network.embed(ids[:, None], positions)[:, 0]  # (B, D)
    turn = angles(positions, cfg.d_head, cfg.rotary_base) if cfg.positions == "rotary" else None
    masks = {p: stack.mask(p, positions, None, cache, equal) for p in set(cfg.attention)}
    for i, (block, weight, bias) in enumerate(layers):
        y = block.attention_norm(x) if block.pre else x
        qkv = F.linear(y, weight, bias).view(x.shape[0], 3, -1, 1, cfg.d_head)
        q, k, v = qkv.unbind(1)  # (B, H, 1, K) each
        q, k = block.attention.normed(q), block.attention.normed(k)
        if turn is not None:
            q, k = rotate(q, turn), rotate(k, turn)
        k, v = cache.layers[i].extend(k, v)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=masks[cfg.pattern(i)]).flatten(1)
        x = x + block.attention.output(y)
        x = x if block.pre else block.attention_norm(x)
        x = block.residual(x, block.feed_forward_norm, block.feed_forward)
    return stack.norm(x)
