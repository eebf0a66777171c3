"""The Transformer block, written once. What differs between the rungs is data (NetworkConfig).

    post-norm: x = norm(x + f(x))    Transformer, GPT-1, BERT
    pre-norm:  x = x + f(norm(x))    GPT-2 (Radford et al. 2019, section 2.3) and GPT-3

B batch   T positions   S positions of the memory   D d_model   F d_ff
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from foretell.model.attention import Attention
from foretell.model.cache import LayerCache
from foretell.model.config import NetworkConfig


class Reach(NamedTuple):
    """What a layer may see, made once for all layers: masks and rotary angles."""

    mask: Tensor | None = None
    turn: Tensor | None = None
    memory: Tensor | None = None
    memory_mask: Tensor | None = None


def norm(cfg: NetworkConfig) -> nn.Module:
    """LayerNorm, or RMSNorm with or without a gain."""
    if cfg.norm != "layer":
        return nn.RMSNorm(cfg.d_model, eps=cfg.norm_eps, elementwise_affine=cfg.norm == "rms_gain")
    return nn.LayerNorm(cfg.d_model, eps=cfg.norm_eps, bias=cfg.bias)


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """The non-linearity by its name; gelu_tanh is the approximation that OpenAI's models were trained with."""
    named: dict[str, Callable[[Tensor], Tensor]] = {
        "relu": F.relu,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "relu2": lambda x: F.relu(x).square(),
        "silu": F.silu,
    }
    return named[name]


class FeedForward(nn.Module):
    """Two linear layers with an activation between (Vaswani et al. 2017, section 3.3), or, gated,

    output(activation(gate(x)) * up(x))    Shazeer 2020, eq. 6
    """

    SHARDING: ClassVar = {"up": "column", "gate": "column", "output": "row"}

    def __init__(self, cfg: NetworkConfig) -> None:
        super().__init__()
        self.up = nn.Linear(cfg.d_model, cfg.d_ff, bias=cfg.bias)
        self.gate = nn.Linear(cfg.d_model, cfg.d_ff, bias=cfg.bias) if cfg.gated else None
        self.output = nn.Linear(cfg.d_ff, cfg.d_model, bias=cfg.bias)
        self.activation = activation(cfg.activation)

    def forward(self, x: Tensor) -> Tensor:  # (..., D) -> (..., D)
        if self.gate is not None:
            return self.output(self.activation(self.gate(x)) * self.up(x))
        return self.output(self.activation(self.up(x)))


class Block(nn.Module):
    """Self-attention; in the decoder of a seq2seq, attention to the memory; the feed-forward net."""

    def __init__(self, cfg: NetworkConfig, *, causal: bool, cross: bool) -> None:
        super().__init__()
        self.pre = cfg.norm_place == "pre"
        self.attention = Attention(cfg, causal=causal)
        self.attention_norm = norm(cfg)
        self.cross = Attention(cfg, causal=False) if cross else None
        self.cross_norm = norm(cfg) if cross else None
        self.feed_forward = FeedForward(cfg)
        self.feed_forward_norm = norm(cfg)
        self.dropout = nn.Dropout(cfg.dropout.residual)

    def forward(self, x: Tensor, reach: Reach, cache: LayerCache | None = None) -> Tensor:  # (B, T, D) -> (B, T, D)
        x = self.residual(x, self.attention_norm, lambda y: self.attention(y, reach.mask, reach.turn, cache))
        if self.cross is not None and self.cross_norm is not None:
            assert reach.memory is not None, "a block with cross-attention was given no memory"
            cross, memory, memory_mask = self.cross.cross, reach.memory, reach.memory_mask
            x = self.residual(x, self.cross_norm, lambda y: cross(y, memory, memory_mask, cache))
        return self.residual(x, self.feed_forward_norm, self.feed_forward)

    def residual(self, x: Tensor, norm: nn.Module, f: Callable[[Tensor], Tensor]) -> Tensor:  # (..., D) -> (..., D)
        """A sub-layer with its norm, dropout and skip."""
        if self.pre:
            return x + self.dropout(f(norm(x)))
        return norm(x + self.dropout(f(x)))
