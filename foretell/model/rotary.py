"""Rotary positions (Su et al. 2021): pairs of a head's coordinates are turned by an angle that grows with the position.

B batch   H n_heads   T positions   K d_head
"""

import torch
from torch import Tensor


def angles(positions: Tensor, d_head: int, base: float) -> Tensor:  # (B, T) -> (2, B, 1, T, K)
    """Cosine and sine of each position's angles: pair i turns by position * base^(-2i/d_head)."""
    speed = base ** (-torch.arange(0, d_head, 2, device=positions.device, dtype=torch.float32) / d_head)  # (K/2)
    turn = positions[..., None] * speed  # (B, T, K/2)
    turn = torch.cat([turn, turn], -1)[:, None]  # (B, 1, T, K)
    return torch.stack([turn.cos(), turn.sin()])


def rotate(x: Tensor, turn: Tensor) -> Tensor:  # (B, H, T, K), (2, B, 1, T, K) -> (B, H, T, K)
    """x with coordinates i and i + d_head/2 turned as a pair (the layout of GPT-NeoX and Llama)."""
    cos, sin = turn.to(x.dtype)
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin
