"""Advantages: those of GAE from a value network, or a response against the others to the same prompt.

    leave_one_out   A_i = R_i - mean of the R_j, j != i                   RLOO: Kool et al. 2019; Ahmadian et al. 2024
    group           A_i = (R_i - mean R) / (standard deviation of R)      GRPO: Shao et al. 2024, section 4.1.2

In the latter two R is the whole response's reward, the KL penalty included (our choice for both; GRPO's paper puts the
KL into the loss). Every token of a response has the advantage of the response; nothing is whitened further. A response
of length 0 (missing_end=mask) is no other to anybody; one that is left alone has the advantage 0.

B responses, the `samples` of a prompt behind one another   T tokens
"""

import torch
from torch import Tensor

from foretell.align.measured import explained_variance
from foretell.objective.config import PolicyOptimization
from foretell.objective.mean import Batch
from foretell.objective.policy import gae, moments, real, whiten

SMALL = 1e-8  # added to a standard deviation: the responses to a prompt may all be worth the same


def advantages_of(
    ppo: PolicyOptimization, rewards: Tensor, values: Tensor | None, lengths: Tensor
) -> tuple[Batch, dict[str, float]]:
    """What the losses read: advantages and, with a value network, its old values and the returns."""
    if values is None:
        compared = leave_one_out if ppo.advantages == "leave_one_out" else group
        return {"advantages": compared(rewards, lengths, ppo.samples)}, {}
    if ppo.whiten_rewards:
        rewards = whiten(rewards, lengths, moments(rewards, lengths), shift=False)
    made, returns = gae(rewards, values, lengths, ppo.gamma, ppo.lambda_)
    white = whiten(made, lengths, moments(made, lengths))
    told = {"explained_variance": explained_variance(values, returns, lengths)}
    return {"advantages": white, "values_old": values, "returns": returns}, told


@torch.no_grad()
def leave_one_out(rewards: Tensor, lengths: Tensor, samples: int) -> Tensor:  # (B, T), (B,) -> (B, T)
    """Each token's advantage: its response's reward less the mean of the other responses' to the prompt."""
    whole, there = _by_prompt(rewards, lengths, samples)  # (P, samples)
    n = there.sum(1, keepdim=True)
    others = (whole.sum(1, keepdim=True) - whole) / (n - 1).clamp(min=1)
    return _at_tokens(((whole - others) * (n > 1)).flatten(), rewards, lengths)


@torch.no_grad()
def group(rewards: Tensor, lengths: Tensor, samples: int) -> Tensor:  # (B, T), (B,) -> (B, T)
    """Each token's advantage: its response's reward, standardised among those to the prompt."""
    whole, there = _by_prompt(rewards, lengths, samples)  # (P, samples)
    n = there.sum(1, keepdim=True).clamp(min=1)
    apart = (whole - whole.sum(1, keepdim=True) / n) * there
    spread = (apart.square().sum(1, keepdim=True) / n).sqrt()
    return _at_tokens((apart / (spread + SMALL)).flatten(), rewards, lengths)


def _by_prompt(
    rewards: Tensor, lengths: Tensor, samples: int
) -> tuple[Tensor, Tensor]:  # (B, T), (B,) -> (P, samples), (P, samples)
    """The whole reward of each response to a prompt, and whether it counts: one of length 0 does not."""
    return real(rewards, lengths).sum(1).unflatten(0, (-1, samples)), (lengths > 0).unflatten(0, (-1, samples))


def _at_tokens(advantages: Tensor, rewards: Tensor, lengths: Tensor) -> Tensor:  # (B,), (B, T), (B,) -> (B, T)
    return real(advantages[:, None].expand_as(rewards), lengths)
