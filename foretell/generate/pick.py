"""One token from logits: temperature, top-k, top-p (Holtzman et al. 2019), and a draw that no other row can change.

B batch   V n_vocab
"""

from collections.abc import Sequence

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
        ordered, order = logits.sort(-1, descending=True)  # (B, V)
        mass = ordered.softmax(-1).cumsum(-1)  # (B, V)
        beyond = mass - ordered.softmax(-1) >= top_p  # (B, V): the mass before a token already suffices
        logits = logits.masked_fill(beyond.scatter(-1, order, beyond), float("-inf"))
    return logits


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
