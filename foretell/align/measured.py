"""What an iteration's episodes are like: of real tokens alone, none of what stands behind an end."""

from torch import Tensor

from foretell.align.episodes import Episodes
from foretell.align.guards import repetition
from foretell.objective import policy as rule

Values = dict[str, float]


def explained_variance(values: Tensor, returns: Tensor, lengths: Tensor) -> float:
    """1 - var(return - value) / var(return) over real tokens: 1 is perfect, 0 no better than a constant."""

    def variance(x: Tensor) -> float:
        n, total, squares = rule.moments(x, lengths).tolist()
        return max(squares / n - (total / n) ** 2, 0.0)

    return 1 - variance(returns - values) / max(variance(returns), 1e-12)


def measured(episodes: Episodes, scores: Tensor, rewards: Tensor, logp: Tensor, logp_ref: Tensor) -> Values:
    """What an iteration's episodes are like, of real tokens alone."""
    gap = logp - logp_ref
    return {
        "reward": scores.mean().item(),
        "shaped_reward": rewards.sum(1).mean().item(),
        "kl": rule.response_mean(gap, episodes.lengths).value.item(),
        "kl_per_token": rule.token_mean(gap, episodes.lengths).value.item(),
        "repetition": repetition([answer for _, answer in episodes.answers()]),
        **shape_of(episodes),
    }


def shape_of(episodes: Episodes) -> Values:
    """The mean length of the responses, and the share of those that have ended."""
    return {"response_length": episodes.lengths.float().mean().item(), "ended": episodes.ended.float().mean().item()}
