"""One token from logits: temperature, top-k, top-p (Holtzman et al. 2019), and a draw that no other row can change.

B batch   V n_vocab
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

MASK = 2**64 - 1
COLD = 1e-30  # a lower temperature takes logits beyond what single precision holds; the likeliest is all that is left


def kept(logits: Tensor, top_k: int, top_p: float) -> Tensor:  # (B, V) -> (B, V)
    """The logits with -inf for every token that top-k or top-p leaves out.

    top-k keeps the k likeliest (all that tie with the k-th); top-p the fewest likeliest whose mass reaches p, of what
    top-k left.
    """
    if 0 < top_k < logits.shape[-1]:
        least = logits.topk(top_k).values[:, -1:]  # (B, 1)
        logits = logits.masked_fill(logits < least, float("-inf"))
    if top_p < 1:
        ordered = descending(logits)  # (B, V)
        chances = ordered.softmax(-1)  # (B, V)
        n = (chances.cumsum(-1) - chances < top_p).sum(-1, keepdim=True)  # (B, 1): until the mass before suffices
        least = ordered.gather(-1, n - 1)  # (B, 1)
        stays = logits >= least  # (B, V)
        if (over := stays.sum(-1, keepdim=True) - n).any():  # of those that tie with the last one the first stay
            ties = logits == least  # (B, V)
            stays &= ~ties | (ties.cumsum(-1) <= ties.sum(-1, keepdim=True) - over)
        logits = logits.masked_fill(~stays, float("-inf"))
    return logits


def descending(values: Tensor) -> Tensor:  # (B, V) -> (B, V)
    """Each row's values from the largest on: on a processor by numpy, which takes a third of the time of torch."""
    if values.device.type != "cpu" or values.dtype not in (torch.float32, torch.float64):
        return values.sort(-1, descending=True).values
    return torch.from_numpy(-np.sort(-values.detach().numpy(), -1))


def biased(logits: Tensor, bias: tuple[tuple[int, float], ...]) -> Tensor:  # (B, V) -> (B, V)
    """The logits with what single tokens are given more or less."""
    if not bias:
        return logits
    tokens, added = zip(*bias, strict=True)
    return logits.index_add(
        1, torch.tensor(tokens, device=logits.device), logits.new_tensor(added).expand(len(logits), -1)
    )


def less_said(
    logits: Tensor, said: Sequence[Sequence[int]], presence: float, frequency: float
) -> Tensor:  # (B, V) -> (B, V)
    """The logits with what each row has said made less likely: once for all, and once for each time."""
    if not (presence or frequency):
        return logits
    times = torch.zeros_like(logits)
    for row, ids in zip(times, said, strict=True):
        row += torch.tensor(ids, dtype=torch.long, device=logits.device).bincount(minlength=len(row))
    return logits - presence * (times > 0) - frequency * times


def pick(logits: Tensor, temperature: float, top_k: int, top_p: float, draws: list[float]) -> Tensor:  # (B, V) -> (B,)
    """A token of each row: the likeliest at temperature 0, else where the draw falls in the cumulated probabilities."""
    if temperature < COLD:
        return logits.argmax(-1)
    chances = kept(logits.float() / temperature, top_k, top_p).softmax(-1).double().cumsum(-1)  # (B, V)
    where = torch.tensor(draws, dtype=torch.float64, device=logits.device)[:, None] * chances[:, -1:]  # (B, 1)
    return torch.searchsorted(chances, where, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)


def uniform(seed: int, row: int, step: int) -> float:
    """A number in [0, 1) that follows from its three arguments alone (splitmix64, Steele et al. 2014)."""
    x = seed
    for part in (row, step):
        x = _mixed((x + 0x9E3779B97F4A7C15 * (part + 1)) & MASK)
    return (x >> 11) / 2**53


def _mixed(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)
