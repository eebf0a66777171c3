"""Reading one more token of each row, with as few calls as the network allows.

The same arithmetic as Network.hidden with a cache, on weights that are laid out once: query, key and value as one
matrix, and every module as the one function that it comes to, without hooks, dropout, and looking up of names. At one
row of a small network those were a fifth of the time. A seq2seq takes the network's own path.

B batch   D d_model   H n_heads   K d_head
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foretell.model.attention import Attention
from foretell.model.block import Block
from foretell.model.cache import Cache
from foretell.model.config import Pattern
from foretell.model.network import Network
from foretell.model.rotary import angles, rotate

Reader = Callable[[Tensor, Cache], Tensor]
Change = Callable[[Tensor], Tensor]


class Layer(NamedTuple):
    """A block as functions of (B, ...) tensors."""

    pattern: Pattern
    attention: Attention
    attention_norm: Change
    projected: Change
    attention_output: Change
    feed_forward_norm: Change
    feed_forward: Change


def reader(network: Network) -> Reader:
    """A function (ids (B,), cache) -> hidden states (B, D) of the tokens just read; the cache grows by one."""
    if network.cfg.kind != "decoder":
        return lambda ids, cache: network.hidden(
            ids[:, None], memory=cache.memory, memory_attend=cache.memory_attend, cache=cache
        )[:, 0]
    assert network.decoder is not None, "a decoder has a decoder"
    layers = [laid_out(block, network.cfg.pattern(i)) for i, block in enumerate(network.decoder.layers.values())]
    return lambda ids, cache: read(network, layers, ids, cache)


def laid_out(block: nn.Module, pattern: Pattern) -> Layer:
    """The block's sub-layers, with query, key and value as one product."""
    assert isinstance(block, Block), "a stack is made of blocks"
    attention, net = block.attention, block.feed_forward
    up, activation, output = linear(net.up), net.activation, linear(net.output)
    gate = None if net.gate is None else linear(net.gate)
    return Layer(
        pattern=pattern,
        attention=attention,
        attention_norm=normed(block.attention_norm),
        projected=product(*attention.joined()),
        attention_output=linear(attention.output),
        feed_forward_norm=normed(block.feed_forward_norm),
        feed_forward=lambda x: output(activation(up(x)) if gate is None else activation(gate(x)) * up(x)),
    )


def linear(module: nn.Linear) -> Change:
    """What a linear layer does."""
    return product(module.weight, module.bias)


def product(weight: Tensor, bias: Tensor | None) -> Change:
    """x W^T + b."""
    return lambda x: F.linear(x, weight, bias)


def normed(module: nn.Module) -> Change:
    """What a norm does."""
    if not isinstance(module, nn.LayerNorm):
        return module.forward
    shape, weight, bias, eps = module.normalized_shape, module.weight, module.bias, module.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, eps)


def logits_of(network: Network) -> Change:
    """A function (B, D) -> (B, V): the logits of hidden states.

    One row alone is multiplied by the output matrix laid out as (D, V), which the CPU's product reads in about half of
    the time that (V, D) takes; it is copied when it is first needed.
    """
    head = network.lm_head
    if head is None or network.output_weight.device.type != "cpu":
        return network.logits
    turned = cache(lambda: network.output_weight.t().contiguous())

    def logits(hidden: Tensor) -> Tensor:
        if len(hidden) > 1:
            return network.logits(hidden)
        scores = head.transform(hidden) @ turned()
        return scores if head.bias is None else scores + head.bias

    return logits


def read(network: Network, layers: list[Layer], ids: Tensor, cache: Cache) -> Tensor:  # (B,) -> (B, D)
    """The hidden states after one more token in each row."""
    cfg, stack = network.cfg, network.decoder
    assert stack is not None, "a decoder has a decoder"
    positions, equal = cache.advance(1, ids.device)
    x = network.embed(ids[:, None], positions)[:, 0]  # (B, D)
    turn = angles(positions, cfg.d_head, cfg.rotary_base) if cfg.positions == "rotary" else None
    masks = {p: stack.mask(p, positions, None, cache, equal) for p in set(cfg.attention)}
    pre, n, attend = cfg.norm_place == "pre", len(ids), F.scaled_dot_product_attention
    for layer, kept in zip(layers, cache.layers, strict=True):
        qkv = layer.projected(layer.attention_norm(x) if pre else x)
        q, k, v = qkv.view(n, 3, -1, 1, cfg.d_head).unbind(1)  # (B, H, 1, K) each
        q, k = layer.attention.normed(q), layer.attention.normed(k)
        if turn is not None:
            q, k = rotate(q, turn), rotate(k, turn)
        k, v = kept.extend(k, v)
        x = x + layer.attention_output(attend(q, k, v, masks[layer.pattern]).flatten(1))
        x = x + layer.feed_forward(layer.feed_forward_norm(x)) if pre else after(layer, x)
    return stack.norm(x)


def after(layer: Layer, x: Tensor) -> Tensor:  # (B, D) -> (B, D)
    """The rest of a post-norm block, from the sum of its input and its attention on."""
    x = layer.attention_norm(x)
    return layer.feed_forward_norm(x + layer.feed_forward(x))
