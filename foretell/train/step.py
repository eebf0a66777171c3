"""One optimizer step, the only one there is: every objective of every rung goes through it."""

from collections.abc import Callable, Container, Sequence

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor
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
    after_each: Callable[[int], None] = lambda number: None,
    blank: Container[int] = (),
) -> dict[str, float]:
    """What the step measured, after it was taken: the loss, each term, the gradient's norm.

    The gradient is that of sum over terms of weight * total / n with n counted over all micro-batches of all ranks,
    exact however the batch is cut; a micro-batch may have some of the terms only. A gradient that is not finite leaves
    weights and optimizers alone; `skipped` is 1. `after_each` is told the number of a micro-batch when its gradient is
    added.
    Ranks must add their gradients, not average them (FSDP: set_gradient_divide_factor(1.0)), and take equally many
    micro-batches: those whose numbers are `blank` are computed and count for nothing.
    """
    n = count(objective, micro_batches, blank, sum_over_ranks)
    totals: dict[str, Tensor] = {}
    counts: dict[str, Tensor] = {}
    for number, batch in enumerate(micro_batches):
        terms, real = objective.terms(model, batch), number not in blank
        weighed = [weight * terms[name].total / n[name] for name, weight in objective.weights.items() if name in terms]
        loss = sum(weighed) if real else sum(weighed) * 0
        assert isinstance(loss, Tensor), "a micro-batch has at least one weighted term"
        loss.backward()
        after_each(number)
        for name, term in terms.items():
            totals[name] = totals.get(name, 0) + real * term.total.detach().float()
            counts[name] = counts.get(name, 0) + real * term.n
    found = means(totals, counts, sum_over_ranks)
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
    objective: Objective,
    micro_batches: Sequence[Batch],
    blank: Container[int],
    sum_over_ranks: Callable[[Tensor], Tensor],
) -> dict[str, Tensor]:
    """Each term's count over all micro-batches of all ranks but the blank ones, at least 1."""
    parts = [objective.counts(batch) for batch in micro_batches]
    found: dict[str, Tensor] = {}
    for name in objective.weights:
        there = [part[name] * (number not in blank) for number, part in enumerate(parts) if name in part]
        if there:
            found[name] = sum_over_ranks(torch.stack(there).sum()).clamp(min=1)
    return found


def means(
    totals: dict[str, Tensor], counts: dict[str, Tensor], sum_over_ranks: Callable[[Tensor], Tensor]
) -> dict[str, float]:
    """The mean of each term over all ranks, added up in two messages."""
    total, n = (sum_over_ranks(torch.stack([some[name] for name in totals])) for some in (totals, counts))
    return dict(zip(totals, (total / n.clamp(min=1)).tolist(), strict=True))


@torch.no_grad()
def clip_gradients(model: nn.Module, clip: float) -> Tensor:
    """The gradients' norm over all ranks; they are scaled down in place where it is above `clip`. 0 does not clip."""
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    norm = norm_of(grads)
    if clip and norm > clip:
        for grad in grads:
            (grad.to_local() if isinstance(grad, DTensor) else grad).mul_(clip / norm)
    return norm


def norm_of(tensors: Sequence[Tensor]) -> Tensor:  # -> ()
    """The norm of tensors taken together, of which a rank may hold parts (DTensor): each number counts once."""
    if not any(isinstance(x, DTensor) for x in tensors):
        return nn.utils.get_total_norm(tensors)
    parts: dict[tuple[DeviceMesh, tuple[int, ...]], list[Tensor]] = {}
    for x in tensors:
        assert isinstance(x, DTensor), "all tensors of a network that is cut are"
        cut = tuple(axis for axis, placed in enumerate(x.placements) if not placed.is_replicate())
        parts.setdefault((x.device_mesh, cut), []).append(x.to_local())
    squares = []
    for (mesh, cut), some in parts.items():
        squares.append(nn.utils.get_total_norm(some) ** 2)
        for axis in cut:
            dist.all_reduce(squares[-1], group=mesh.get_group(axis))
    return torch.stack(squares).sum().sqrt()
