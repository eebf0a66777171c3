"""What happens between the layers: attention rollout, the logit lens, and the network without one head.

    rollout        R_l = (A_l + I) / 2 . R_(l-1), A_l the mean of the layer's heads        (Abnar and Zuidema 2020)
    logit lens     the output matrix after the last norm, applied to what a layer has so far     (nostalgebraist 2020)
    head ablation  f less f with the head's part of the attention's output set to 0              (Michel et al. 2019)

All are read with hooks: the network is the one that everything else runs.

B batch   T positions   D d_model   H n_heads   L n_layers   V n_vocab
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from foretell.model.attention import Attention, attention_weights
from foretell.model.block import Block
from foretell.model.network import Network
from foretell.model.rotary import rotate

Ids = Sequence[int]


def blocks(network: Network) -> list[Block]:
    """The layers of the decoder, else of the encoder, from the first."""
    stack = network.encoder if network.decoder is None else network.decoder
    assert stack is not None, "a network has an encoder or a decoder"
    return [block for block in stack.layers.values() if isinstance(block, Block)]


@contextmanager
def hooked(hooks: Sequence[Any]) -> Iterator[None]:
    """The hooks hold within the block."""
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def attentions(network: Network, ids: Tensor) -> Tensor:  # (B, T) -> (L, B, H, T, T)
    """What each position attends to in each head; every row sums to 1."""
    found: list[Tensor] = []

    def keep(module: nn.Module, given: tuple[Any, ...]) -> None:
        assert isinstance(module, Attention), "the hook is of an attention"
        x, mask, turn = given[:3]
        q, k, _ = module.projected(x)
        q, k = module.normed(q), module.normed(k)
        if turn is not None:
            q, k = rotate(q, turn), rotate(k, turn)
        if mask is None and module.causal:
            mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        found.append(attention_weights(q, k, mask))  # (B, H, T, T)

    with hooked([block.attention.register_forward_pre_hook(keep) for block in blocks(network)]), torch.no_grad():
        network.hidden(ids)
    return torch.stack(found)


def rollout(weights: Tensor) -> Tensor:  # (L, B, H, T, T) -> (B, T, T)
    """How much of each position's last state comes from each token, if what passes a layer is attention or is kept."""
    n = weights.shape[-1]
    through = torch.eye(n, device=weights.device).expand(weights.shape[1], n, n)  # (B, T, T)
    for layer in weights.mean(2):
        through = (layer + torch.eye(n, device=weights.device)) / 2 @ through
    return through


def lens(network: Network, ids: Tensor) -> Tensor:  # (B, T) -> (L, B, T, V)
    """The logits that each layer's states would give if it were the last; the last one's are the network's own."""
    stack = network.encoder if network.decoder is None else network.decoder
    assert stack is not None, "a network has an encoder or a decoder"
    states: list[Tensor] = []

    def keep(module: nn.Module, given: tuple[Any, ...], out: Tensor) -> None:
        states.append(out)  # (B, T, D)

    with hooked([block.register_forward_hook(keep) for block in blocks(network)]), torch.no_grad():
        network.hidden(ids)
        return torch.stack([network.logits(stack.norm(state)).float() for state in states])


@contextmanager
def without_head(network: Network, layer: int, head: int) -> Iterator[None]:
    """The network whose head adds nothing."""
    attention = blocks(network)[layer].attention
    part = slice(head * attention.d_head, (head + 1) * attention.d_head)

    def silence(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor]:
        y = given[0].clone()  # (B, T, H*K)
        y[..., part] = 0
        return (y,)

    with hooked([attention.output.register_forward_pre_hook(silence)]):
        yield


def head_effects(network: Network, f: Callable[[], float]) -> list[list[float]]:
    """For each layer and head how much f falls without it: above 0 the head helps."""
    whole = f()
    found = []
    for layer in range(network.cfg.n_layers):
        row = []
        for head in range(network.cfg.n_heads):
            with without_head(network, layer, head):
                row.append(whole - f())
        found.append(row)
    return found
