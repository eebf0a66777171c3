"""Advantages without a value network: a response against the others to the same prompt.

    leave_one_out   A_i = R_i - mean of the R_j, j != i                   RLOO: Kool et al. 2019; Ahmadian et al. 2024
    group           A_i = (R_i - mean R) / (standard deviation of R)      GRPO: Shao et al. 2024, section 4.1.2

R is the whole response's reward, the KL penalty included (our choice for both; GRPO's paper puts the KL into the loss).
Every token of a response has the advantage of the response; nothing is whitened further.

B responses, the `samples` of a prompt behind one another   T tokens
"""

import torch
from torch import Tensor

from foretell.objective.policy import real

SMALL = 1e-8  # added to a standard deviation: the responses to a prompt may all be worth the same


@torch.no_grad()
def leave_one_out(rewards: Tensor, lengths: Tensor, samples: int) -> Tensor:  # (B, T), (B,) -> (B, T)
    """Each token's advantage: its response's reward less the mean of the other responses' to the prompt."""
    whole = real(rewards, lengths).sum(1).unflatten(0, (-1, samples))  # (P, samples)
    others = (whole.sum(1, keepdim=True) - whole) / (samples - 1)
    return _at_tokens((whole - others).flatten(), rewards, lengths)


@torch.no_grad()
def group(rewards: Tensor, lengths: Tensor, samples: int) -> Tensor:  # (B, T), (B,) -> (B, T)
    """Each token's advantage: its response's reward, standardised among those to the prompt."""
    whole = real(rewards, lengths).sum(1).unflatten(0, (-1, samples))  # (P, samples)
    spread = whole.std(1, keepdim=True, correction=0)
    return _at_tokens(((whole - whole.mean(1, keepdim=True)) / (spread + SMALL)).flatten(), rewards, lengths)


def _at_tokens(advantages: Tensor, rewards: Tensor, lengths: Tensor) -> Tensor:  # (B,), (B, T), (B,) -> (B, T)
    return real(advantages[:, None].expand_as(rewards), lengths)
