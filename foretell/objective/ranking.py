"""The reward model's loss over rankings of K outputs (Ouyang et al. 2022, section 3.5, eq. 1).

    loss = - mean over prompts x of  1 / #pairs(x)  sum over pairs (w, l) of x  log sigmoid(r(x, y_w) - r(x, y_l))

All pairs of a prompt are one batch element: each output goes through the network once, and a prompt weighs the same
whatever its K. Ties are dropped (appendix C.2). Where there are some, the paper's 1 / C(K, 2) leaves open what a prompt
weighs; our choice is one over the pairs that are left, and a prompt with ties only counts for nothing.

The outputs of a batch lie in one row, prompts of any K mixed, in any order. Ranks as the labels have them: 1 is the
best, equal ranks are ties. `prompts` holds any integer per output, the same for the outputs of one prompt.

N outputs   P pairs   Q prompts that count
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from foretell.objective.mean import Mean, Objective


class Pairs(NamedTuple):
    """Comparisons without ties: the places of the better and the worse output, and 1 / #pairs of their prompt, (P,)."""

    better: Tensor
    worse: Tensor
    weight: Tensor
    n_prompts: Tensor


def ranking() -> Objective:
    """The loss of rankings, of the scalar head's reward at the end of each output."""
    raise NotImplementedError


def ranking_loss(rewards: Tensor, ranks: Tensor, prompts: Tensor) -> Mean:  # (N,), (N,), (N,)
    """Eq. 1 in nats: the sum over prompts of the mean over their pairs, and the number of prompts that count.

    A constant added to all rewards of a prompt changes nothing: rewards have no zero until one is set.
    """
    pairs = ranking_pairs(ranks, prompts)
    losses = -F.logsigmoid(_margins(rewards, pairs))  # (P,)
    return Mean(losses @ pairs.weight.to(losses.dtype), pairs.n_prompts)


@torch.no_grad()
def ranking_report(rewards: Tensor, ranks: Tensor, prompts: Tensor) -> dict[str, Mean]:  # (N,), (N,), (N,)
    """The `accuracy` and the `log_loss` (nats) of the comparisons, every pair counting one: large K weighs more here.

    Our choice: equal rewards are half right, so that a reward model that says always the same is at chance, not at 0.
    """
    pairs = ranking_pairs(ranks, prompts)
    margins = _margins(rewards, pairs)  # (P,)
    n = pairs.n_prompts.new_tensor(len(margins))
    right = 0.5 * (1 + margins.sign())  # (P,)
    return {"accuracy": Mean(right.sum(), n), "log_loss": Mean(-F.logsigmoid(margins).sum(), n)}


def ranking_pairs(ranks: Tensor, prompts: Tensor) -> Pairs:  # (N,), (N,)
    """All comparisons without ties within the prompts. They follow from the labels alone, so that `n_prompts` is known,
    and added up over micro-batches and ranks, before the first forward pass."""
    first, second = _within(prompts)
    untied = ranks[first] != ranks[second]
    first, second = first[untied], second[untied]  # (P,)
    ahead = ranks[first] < ranks[second]  # (P,)
    better, worse = torch.where(ahead, first, second), torch.where(ahead, second, first)  # (P,)
    _, prompt, count = torch.unique(prompts[better], return_inverse=True, return_counts=True)  # (Q,), (P,), (Q,)
    return Pairs(better, worse, 1 / count[prompt].double(), count.new_tensor(len(count)))


def _within(prompts: Tensor) -> tuple[Tensor, Tensor]:  # (N,)
    """The places of every two outputs that share a prompt, each two once.

    Sorted by prompt, the output in place j of its prompt is paired with the j before it: no (N, N) table is made.
    """
    order = prompts.argsort(stable=True)  # (N,)
    _, k = torch.unique_consecutive(prompts[order], return_counts=True)
    place = torch.arange(len(order), device=order.device)  # (N,)
    before = place - (k.cumsum(0) - k).repeat_interleave(k)  # (N,)
    second = place.repeat_interleave(before)
    nth = torch.arange(len(second), device=order.device) - (before.cumsum(0) - before).repeat_interleave(before)
    first = second - before[second] + nth
    return order[first], order[second]


def _margins(rewards: Tensor, pairs: Pairs) -> Tensor:  # (N,)
    """r_w - r_l of each pair (P,), at least in fp32."""
    wide = rewards.to(torch.promote_types(rewards.dtype, torch.float32))
    return wide[pairs.better] - wide[pairs.worse]
