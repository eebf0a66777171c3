"""Multi-head attention (Vaswani et al. 2017, section 3.2): the one implementation, used by every rung.

    softmax(Q K^T / sqrt(d_head)) V    on H heads at once, eq. 1

B batch   T target positions   S source positions   D d_model   H n_heads   K d_head
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foretell.model.cache import LayerCache
from foretell.model.config import NetworkConfig
from foretell.model.rotary import rotate

WRITTEN_OUT = 2**25  # attention weights of a pass: 64 MiB in bf16


class Attention(nn.Module):
    """Attention of T positions to themselves, or to a memory (section 3.2.3).

    The number of heads is never read from the config in forward: with its weights sharded over processes by heads
    (SHARDING), the same code runs on this process's heads.
    """

    SHARDING: ClassVar = {"query": "column", "key": "column", "value": "column", "output": "row"}

    def __init__(self, cfg: NetworkConfig, *, causal: bool) -> None:
        super().__init__()
        d, inner, bias = cfg.d_model, cfg.n_heads * cfg.d_head, cfg.bias and cfg.qkv_bias
        self.d_head, self.causal, self.dropout = cfg.d_head, causal, cfg.dropout.attention
        self.qk_norm, self.norm_eps = cfg.qk_norm, cfg.norm_eps
        self.query = nn.Linear(d, inner, bias=bias)
        self.key = nn.Linear(d, inner, bias=bias)
        self.value = nn.Linear(d, inner, bias=bias)
        self.output = nn.Linear(inner, d, bias=cfg.bias)

    def forward(
        self, x: Tensor, mask: Tensor | None, turn: Tensor | None, cache: LayerCache | None
    ) -> Tensor:  # (B, T, D) -> (B, T, D)
        """Self-attention. `mask` is True where attending is allowed, broadcasts to (B, H, T, S) and replaces causality.

        `turn` holds the rotary angles of the T positions. A cache holds the keys and values of the positions before.
        """
        q, k, v = self.projected(x)
        q, k = self.normed(q), self.normed(k)
        if turn is not None:
            q, k = rotate(q, turn), rotate(k, turn)
        if cache is not None:
            k, v = cache.extend(k, v)
        return self.attend(q, k, v, mask, causal=self.causal and mask is None and q.shape[-2] > 1)

    def projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # (B, T, D)
        """Queries, keys and values, (B, H, T, K) each, as one product: quicker than three, forward and back."""
        weight, bias = self.joined()
        parts = F.linear(x, weight, bias).unflatten(-1, (3, -1, self.d_head))  # (B, T, 3, H, K)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        return q, k, v

    def joined(self) -> tuple[Tensor, Tensor | None]:
        """The three projections side by side. They are kept apart because Muon and sharding take each by itself."""
        parts = (self.query, self.key, self.value)
        bias = None if self.query.bias is None else torch.cat([part.bias for part in parts])
        return torch.cat([part.weight for part in parts]), bias

    def cross(
        self, x: Tensor, memory: Tensor, memory_mask: Tensor | None, cache: LayerCache | None
    ) -> Tensor:  # (B, T, D), (B, S, D) -> (B, T, D)
        """Attention to the memory; its keys and values are computed once for a cache."""
        q = self.normed(self.split_heads(self.query(x)))  # (B, H, T, K)
        if cache is not None and cache.memory is not None:
            k, v = cache.memory
        else:
            k = self.normed(self.split_heads(self.key(memory)))  # (B, H, S, K)
            v = self.split_heads(self.value(memory))  # (B, H, S, K)
            if cache is not None:
                cache.memory = (k, v)
        return self.attend(q, k, v, memory_mask, causal=False)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, *, causal: bool) -> Tensor:
        """Eq. 1 and the output projection."""
        p = self.dropout if self.training else 0.0
        if causal and not p and short_in_bf16(q):
            return self.output(written_out(q, k, v).transpose(1, 2).flatten(2))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, dropout_p=p)  # (B, H, T, K)
        y = y.transpose(1, 2).flatten(2)  # (B, T, H*K)
        return self.output(y)

    def normed(self, x: Tensor) -> Tensor:  # (B, H, T, K) -> (B, H, T, K)
        """Queries or keys of root mean square 1 where the config has qk_norm, else as they are."""
        return F.rms_norm(x, (self.d_head,), eps=self.norm_eps) if self.qk_norm else x

    def split_heads(self, x: Tensor) -> Tensor:  # (B, T, D) -> (B, H, T, K)
        """Heads apart."""
        return x.unflatten(-1, (-1, self.d_head)).transpose(1, 2)


def short_in_bf16(q: Tensor) -> bool:  # (B, H, T, K)
    """Whether the weights are few enough to be written out on a CPU in bf16, where torch's own backward pass takes four
    to five times as long: 5.5 against 1.1 ms for 8 rows of 64 tokens and 4 heads of 32."""
    few = q.shape[0] * q.shape[1] * q.shape[2] ** 2 <= WRITTEN_OUT
    return few and q.device.type == "cpu" and q.dtype == torch.bfloat16


def written_out(q: Tensor, k: Tensor, v: Tensor) -> Tensor:  # (B, H, T, K) three times -> (B, H, T, K)
    """Causal attention, its weights written out."""
    n_heads = q.shape[1]
    future = q.new_full((q.shape[2], q.shape[2]), float("-inf")).triu(1)  # (T, T)
    q, k, v = (x.flatten(0, 1) for x in (q, k, v))  # (B*H, T, K)
    scores = torch.baddbmm(future, q, k.transpose(1, 2), alpha=q.shape[-1] ** -0.5)  # (B*H, T, T)
    return (torch.softmax(scores, -1).to(v.dtype) @ v).unflatten(0, (-1, n_heads))


def attention_weights(
    q: Tensor, k: Tensor, mask: Tensor | None
) -> Tensor:  # (B, H, T, K), (B, H, S, K) -> (B, H, T, S)
    """softmax(Q K^T / sqrt(d_head)) written out, for the report's attention map."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5  # (B, H, T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.softmax(scores, -1)
