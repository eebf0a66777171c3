"""Tokens, positions and segments as vectors.

    PE(pos, 2i) = sin(pos / 10000^(2i/d_model)),  PE(pos, 2i+1) = cos(pos / 10000^(2i/d_model))

(Vaswani et al. 2017, section 3.5)

B batch   T positions   D d_model
"""

import torch
from torch import Tensor, nn

from foretell.model.block import norm
from foretell.model.config import NetworkConfig


def sinusoids(positions: Tensor, d_model: int) -> Tensor:  # (...) -> (..., D)
    """The fixed position vectors, sines at even and cosines at odd coordinates. An odd d_model ends with a sine."""
    even = torch.arange(0, d_model, 2, device=positions.device)  # (D/2)
    angle = positions[..., None] / 10_000 ** (even / d_model)  # (..., D/2)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)[..., :d_model]


class Embedding(nn.Module):
    """The sum of what a position is: its token, its place, its segment."""

    def __init__(self, cfg: NetworkConfig) -> None:
        super().__init__()
        d = cfg.d_model
        self.scale = d**0.5 if cfg.embedding_scale else 1.0
        self.sinusoid = cfg.positions == "sinusoid"
        self.token = nn.Embedding(cfg.n_vocab, d)
        self.position = nn.Embedding(cfg.n_ctx, d) if cfg.positions == "learned" else None
        self.segment = nn.Embedding(cfg.n_segments, d) if cfg.n_segments else None
        self.norm = norm(cfg) if cfg.embedding_norm else nn.Identity()
        self.dropout = nn.Dropout(cfg.dropout.embedding)

    def forward(
        self, ids: Tensor, positions: Tensor, segments: Tensor | None = None
    ) -> Tensor:  # (B, T), (B, T), (B, T) -> (B, T, D)
        x = self.token(ids)  # (B, T, D)
        if self.scale != 1.0:
            x = x * self.scale
        if self.position is not None:
            x = x + self.position(positions)
        elif self.sinusoid:
            x = x + sinusoids(positions, x.shape[-1]).to(x.dtype)
        if self.segment is not None:
            x = x + self.segment(torch.zeros_like(ids) if segments is None else segments)
        return self.dropout(self.norm(x))
