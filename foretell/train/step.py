"""One optimizer step, the only one there is: every objective of every rung goes through it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from foretell.model.network import Network
from foretell.objective.mean import Batch, Objective


def train_step(
    model: Network,
    objective: Objective,
    micro_batches: Sequence[Batch],
    optimizers: Sequence[Optimizer],
    clip: float,
    sum_over_ranks: Callable[[Tensor], Tensor] = lambda x: x,
) -> dict[str, float]:
    """What the step measured, after it was taken: the loss, each term, the gradient's norm.

    The gradient is that of sum over terms of weight * total / n with n counted over all micro-batches of all ranks,
    exact however the batch is cut; a micro-batch may have some of the terms only. A gradient that is not finite leaves
    weights and optimizers alone; `skipped` is 1.
    Ranks must add their gradients, not average them (FSDP: set_gradient_divide_factor(1.0)).
    """
    n = count(objective, micro_batches, sum_over_ranks)
    totals: dict[str, Tensor] = {}
    counts: dict[str, Tensor] = {}
    for batch in micro_batches:
        terms = objective.terms(model, batch)
        weighed = [weight * terms[name].total / n[name] for name, weight in objective.weights.items() if name in terms]
        loss = sum(weighed)
        assert isinstance(loss, Tensor), "a micro-batch has at least one weighted term"
        loss.backward()
        for name, term in terms.items():
            totals[name] = totals.get(name, 0) + term.total.detach().float()
            counts[name] = counts.get(name, 0) + term.n
    found = {name: (sum_over_ranks(totals[name]) / sum_over_ranks(counts[name]).clamp(min=1)).item() for name in totals}
    found["loss"] = sum(weight * found[name] for name, weight in objective.weights.items() if name in found)
    norm = clip_gradients(model, clip)
    skipped = not torch.isfinite(norm)
    if not skipped:
        for optimizer in optimizers:
            optimizer.step()
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    return {**found, "grad_norm": norm.item(), "skipped": float(skipped)}


def count(
    objective: Objective, micro_batches: Sequence[Batch], sum_over_ranks: Callable[[Tensor], Tensor]
) -> dict[str, Tensor]:
    """Each term's count over all micro-batches of all ranks, at least 1."""
    parts = [objective.counts(batch) for batch in micro_batches]
    found: dict[str, Tensor] = {}
    for name in objective.weights:
        there = [part[name] for part in parts if name in part]
        if there:
            found[name] = sum_over_ranks(torch.stack(there).sum()).clamp(min=1)
    return found


def clip_gradients(model: nn.Module, clip: float) -> Tensor:
    """The gradients' norm; they are scaled down in place where it is above `clip`. 0 does not clip."""
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm(grads)
    if clip and norm > clip:
        for grad in grads:
            grad.mul_(clip / norm)
    return norm
