"""Reinforcement learning from human feedback with PPO, as pure functions (Ouyang et al. 2022, section 3.5 and C.4).

    objective(policy) = E [ score(x, y) - beta log(policy(y | x) / reference(y | x)) ] + gamma_ptx E [ log policy(x) ]

What is optimised is the clipped surrogate of Schulman et al. 2017 (PPO), with advantages of Schulman et al. 2016 (GAE)
from a value network. Ziegler et al. 2019 (their section 2.2 and program) decide what the paper leaves open.

A response is a row of T tokens of which the first `lengths` are real, its end token included; what lies beyond may hold
anything, numbers that are none included. Masks follow from the lengths and never from the ids: a real token may have
the id of the padding. Every loss is a Mean over real tokens; with n added up over the minibatch before the first
backward pass, gradients do not depend on micro-batches or ranks.

Our choices where Ouyang et al. are silent: lambda is 0.95 (Ziegler et al.); the pretraining term is the mean per token
(`lm.token_loss`), which gives gamma_ptx = 27.8 its scale; the average of weights moves once per iteration, not per
minibatch; nothing is clamped but by the two clips below.

B responses   T tokens   V n_vocab
"""

import math
from typing import Literal, assert_never

import torch
from torch import Tensor

from foretell.objective.mean import Mean

Estimator = Literal["k1", "k2", "k3"]
MissingEnd = Literal["fixed", "subtract", "mask"]


# --- masks and means


def token_mask(lengths: Tensor, n_tokens: int) -> Tensor:  # (B,)
    """True at real tokens (B, n_tokens)."""
    return torch.arange(n_tokens, device=lengths.device) < lengths[:, None]


def real(x: Tensor, lengths: Tensor) -> Tensor:  # (B, T), (B,) -> (B, T)
    """x, at least in fp32, with 0 after the end: neither a value nor a gradient passes from there, not even a NaN."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    return wide.masked_fill(~token_mask(lengths, x.shape[1]), 0)


def token_mean(x: Tensor, lengths: Tensor) -> Mean:  # (B, T), (B,)
    """The mean over real tokens."""
    return Mean(real(x, lengths).sum(), lengths.sum())


def response_mean(x: Tensor, lengths: Tensor) -> Mean:  # (B, T), (B,)
    """The mean over responses of the sum of their tokens, as of the KL per response. Those of length 0 do not count."""
    return Mean(real(x, lengths).sum(), (lengths > 0).sum())


# --- rewards


def kl_estimate(logp: Tensor, logp_ref: Tensor, estimator: Estimator) -> Tensor:  # (...), (...) -> (...)
    """An estimate of KL(policy || reference) in nats from each token that the policy sampled (Schulman 2020).

    k1 = log(p/q) has no bias, and single samples below 0 are normal; k2 = log(p/q)^2 / 2 has a bias, a small one where
    the two are close, and less variance; k3 = q/p - 1 + log(p/q) has no bias and is never below 0. None is clamped.
    """
    log_ratio = logp - logp_ref
    match estimator:
        case "k1":
            return log_ratio
        case "k2":
            return 0.5 * log_ratio**2
        case "k3":
            return torch.expm1(-log_ratio) + log_ratio
    assert_never(estimator)


def missing_end(
    scores: Tensor, lengths: Tensor, ended: Tensor, mode: MissingEnd, amount: float
) -> tuple[Tensor, Tensor]:  # (B,), (B,), (B,) -> (B,), (B,)
    """Scores and lengths where the responses that ran out of room before their end token are dealt with.

    "fixed" gives them the score `amount` (Ziegler et al.: -1), "subtract" takes `amount` off, "mask" makes them
    0 tokens long: then they are in no loss, mean or moment. The paper does not say what it does.
    """
    match mode:
        case "fixed":
            return scores.masked_fill(~ended, amount), lengths
        case "subtract":
            return torch.where(ended, scores, scores - amount), lengths
        case "mask":
            return scores, lengths.masked_fill(~ended, 0)
    assert_never(mode)


@torch.no_grad()
def shaped_rewards(
    scores: Tensor,
    logp: Tensor,
    logp_ref: Tensor,
    lengths: Tensor,
    beta: float,
    estimator: Estimator = "k1",
) -> Tensor:  # (B,), (B, T), (B, T), (B,) -> (B, T)
    """The reward of each token: -beta KL, plus the score at the last real token (Ouyang et al., eq. 2); 0 after it.

    With k1, the paper's, a response's rewards add up to score - beta log(policy / reference).
    """
    rewards = -beta * kl_estimate(real(logp, lengths), real(logp_ref, lengths), estimator)  # (B, T)
    last = torch.arange(logp.shape[1], device=lengths.device) == lengths[:, None] - 1  # (B, T)
    return rewards + torch.where(last, scores[:, None].to(rewards.dtype), 0)


# --- advantages


@torch.no_grad()
def gae(
    rewards: Tensor, values: Tensor, lengths: Tensor, gamma: float = 1.0, lambda_: float = 0.95
) -> tuple[Tensor, Tensor]:  # (B, T), (B, T), (B,) -> (B, T), (B, T)
    """Advantages and returns, 0 after the end (Schulman et al. 2016, eq. 16; gamma = 1: Ouyang et al., C.4).

        delta_t = r_t + gamma V_{t+1} - V_t      A_t = delta_t + gamma lambda A_{t+1}      return_t = A_t + V_t

    The value after the last real token is 0, also where the response was cut off. The returns are those of the
    advantages as they are here: whitening comes after.
    """
    rewards, values = real(rewards, lengths), real(values, lengths)
    following = torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], 1)  # (B, T)
    deltas = rewards + gamma * following - values
    advantages = torch.empty_like(deltas)  # (B, T)
    ahead = torch.zeros_like(deltas[:, 0])  # (B,)
    for t in reversed(range(deltas.shape[1])):  # rewards, values and so deltas are 0 after the end: the scan stays 0
        ahead = deltas[:, t] + gamma * lambda_ * ahead
        advantages[:, t] = ahead
    return advantages, advantages + values


@torch.no_grad()
def moments(x: Tensor, lengths: Tensor) -> Tensor:  # (B, T), (B,) -> (3,)
    """The count, the sum and the sum of squares of the real tokens in fp64: they add up over batches and ranks."""
    x = real(x, lengths).double()
    return torch.stack([lengths.sum().double(), x.sum(), (x * x).sum()])


@torch.no_grad()
def whiten(
    x: Tensor, lengths: Tensor, of: Tensor, shift: bool = True, unbiased: bool = False
) -> Tensor:  # (B, T), (B,), (3,) -> (B, T)
    """x scaled to variance 1 and, with `shift`, moved to mean 0, by the moments `of` the whole batch. 0 after the end.

    Without `shift` the mean stays, as rewards need. The variance divides by n as Ziegler et al.'s does, or by n - 1;
    1e-8 is added to it.
    """
    n, total, squares = of.unbind()
    mean = total / n.clamp(min=1)
    spread = (squares - total * mean).clamp(min=0) / (n - int(unbiased)).clamp(min=1)
    x = real(x, lengths)
    white = (x - mean) * torch.rsqrt(spread + 1e-8) + (0 if shift else mean)  # (B, T)
    return real(white.to(x.dtype), lengths)


# --- losses


def policy_loss(
    logp: Tensor, logp_old: Tensor, advantages: Tensor, lengths: Tensor, clip: float = 0.2
) -> Mean:  # (B, T), (B, T), (B, T), (B,)
    """The mean of max(-A ratio, -A clip(ratio, 1 - clip, 1 + clip)) over real tokens (Schulman et al. 2017, eq. 7).

    The larger loss is the ratio cut from above where A > 0 and from below where A < 0. It is cut as a logarithm: a
    ratio too large for floats then has the loss of its bound and no gradient, instead of a gradient that is no number.
    """
    log_ratio, advantages = real(logp, lengths) - real(logp_old, lengths), real(advantages, lengths)
    cut = torch.where(advantages >= 0, log_ratio.clamp(max=math.log1p(clip)), log_ratio.clamp(min=_log(1 - clip)))
    return token_mean(-advantages * cut.exp(), lengths)


@torch.no_grad()
def policy_report(
    logp: Tensor, logp_old: Tensor, advantages: Tensor, lengths: Tensor, clip: float = 0.2
) -> dict[str, Mean]:  # (B, T), (B, T), (B, T), (B,)
    """Beside the loss: the mean `ratio`, the share `clipped` of tokens without a gradient, and KL(old || new) as
    `approx_kl` (k3: the tokens are the old policy's)."""
    log_ratio, advantages = real(logp, lengths) - real(logp_old, lengths), real(advantages, lengths)
    over = (advantages > 0) & (log_ratio > math.log1p(clip))  # (B, T)
    under = (advantages < 0) & (log_ratio < _log(1 - clip))  # (B, T)
    kl = kl_estimate(-log_ratio, torch.zeros_like(log_ratio), "k3")  # (B, T)
    each = {"ratio": log_ratio.exp(), "clipped": over | under, "approx_kl": kl}
    return {name: token_mean(x, lengths) for name, x in each.items()}


def value_loss(
    values: Tensor, values_old: Tensor, returns: Tensor, lengths: Tensor, clip: float = 0.2
) -> Mean:  # (B, T), (B, T), (B, T), (B,)
    """0.5 max((V - return)^2, (clip(V, V_old - clip, V_old + clip) - return)^2) over real tokens (Ziegler et al.).

    The clip is in units of the reward; infinity is none.
    """
    values, values_old, returns = (real(x, lengths) for x in (values, values_old, returns))
    near = torch.clamp(values, values_old - clip, values_old + clip)  # (B, T)
    return token_mean(0.5 * torch.maximum((values - returns) ** 2, (near - returns) ** 2), lengths)


def entropy(logits: Tensor) -> Tensor:  # (..., V)
    """The entropy of each row's distribution in nats, at least in fp32; a logit of -inf is a token of no chance."""
    logp = torch.log_softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), -1)
    p = logp.exp()
    return -(p * logp.masked_fill(p == 0, 0)).sum(-1)


# --- what changes from one iteration to the next


def adaptive_beta(beta: float, kl: float, target: float, horizon: float, n: int) -> float:
    """The next beta: beta (1 + e n / horizon), e = clip(kl / target - 1, -0.2, 0.2) (Ziegler et al., section 2.2).

    `kl` is the mean over responses of the KL summed over their tokens, in nats; `n` counts the episodes since the last
    beta, `horizon` is in episodes. A mean per token is another number: the target then does not mean what it says.
    """
    error = min(max(kl / target - 1, -0.2), 0.2)
    return beta * (1 + error * n / horizon)


@torch.no_grad()
def average(before: Tensor, weight: Tensor, decay: float = 0.992) -> Tensor:
    """decay before + (1 - decay) weight: the exponential moving average of weights (Ouyang et al., C.4), in the type of
    `before`, which should be fp32: 0.8 % of a small step is below what 16 bits hold."""
    return torch.lerp(before, weight.to(before.dtype), 1 - decay)


def average_shares(n: int, decay: float = 0.992) -> Tensor:
    """What the start and each of n weights make up of the average after them, in fp64 (n + 1,): decay^n, then
    (1 - decay) decay^(n - i) for the i-th. They add up to 1."""
    ages = torch.arange(n, -1, -1, dtype=torch.float64)
    shares = (1 - decay) * decay**ages
    shares[0] = decay**n
    return shares


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf
