"""Cross-entropy of logits that are never held whole: hidden states times the output matrix, in chunks of rows.

    loss = sum over rows of  logsumexp(z) - (1 - e) z[target] - e mean(z),    z = hidden W^T + b,  e the label smoothing

The gradients are made in the same pass, chunk by chunk, so the (N, V) logits are neither stored nor computed twice.

N rows   D d_model   V n_vocab
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from foretell.corpus.batches import IGNORED

CHUNK_BYTES = 2**28  # of fp32 logits: each chunk reads and writes all of d_weight once, so few are quicker (LOG.md)


def cross_entropy_sum(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    smoothing: float = 0.0,
    shares: Tensor | None = None,
) -> Tensor:  # (N, D), (V, D), (V,), (N,) -> ()
    """The summed cross-entropy in fp32 (nats) of the rows whose target is not IGNORED. Matmuls follow autocast.

    `shares (N,)` weigh the rows, for sums in which not every row counts the same.
    """
    device = hidden.device.type
    real = (targets != IGNORED).float()  # (N,)
    shares = real if shares is None else real * shares
    compute = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    total: Tensor = _Chunked.apply(hidden, weight, bias, targets, smoothing, shares, compute, torch.is_grad_enabled())
    return total


class _Chunked(torch.autograd.Function):
    """Autograd's face of the chunked pass: forward leaves the gradients behind, backward scales them."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        smoothing: float,
        shares: Tensor,
        dtype: torch.dtype,
        grad_enabled: bool,
    ) -> Tensor:
        wanted = grad_enabled and any(ctx.needs_input_grad)
        h, w = hidden.to(dtype), weight.to(dtype)
        rows = max(1, CHUNK_BYTES // (4 * weight.shape[0]))
        total = torch.zeros((), device=hidden.device)
        d_hidden = torch.empty_like(hidden) if wanted else None
        d_weight = torch.zeros_like(weight, dtype=torch.float32) if wanted else None
        d_bias = torch.zeros_like(bias, dtype=torch.float32) if wanted and bias is not None else None
        with torch.autocast(hidden.device.type, enabled=False):
            for start in range(0, h.shape[0], rows):
                part = slice(start, start + rows)
                share = shares[part]
                loss, d_logits = _chunk(F.linear(h[part], w).float(), bias, targets[part], smoothing)
                total += loss @ share
                if d_hidden is not None and d_weight is not None:
                    narrow = d_logits.to(dtype)  # (..., V)
                    d_hidden[part] = (narrow @ w) * share[:, None]
                    _add_product(d_weight, narrow.t(), h[part] * share[:, None].to(dtype))
                if d_bias is not None:
                    d_bias += d_logits.t() @ share
        ctx.save_for_backward(d_hidden, d_weight, d_bias)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        scaled = [None if grad is None else grad.mul_(upstream[0]) for grad in ctx.saved_tensors]
        return (*scaled, None, None, None, None, None)


def _add_product(into: Tensor, a: Tensor, b: Tensor) -> None:
    """into += a b, without a temporary where all are fp32."""
    if a.dtype == into.dtype:
        into.addmm_(a, b)
    else:
        into += a @ b


def _chunk(
    logits: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:  # (N, V), (V,), (N,) -> (N,), (N, V)
    """Each row's loss, and its gradient with respect to the logits. Rows are weighed later, where they are narrower."""
    if bias is not None:
        logits += bias
    index = targets.clamp(min=0)[:, None]  # (N, 1)
    logprobs = torch.log_softmax(logits, -1)
    loss = -(1 - smoothing) * logprobs.gather(-1, index)[:, 0]  # (N,)
    if smoothing:
        loss -= smoothing * logprobs.mean(-1)
    gradient = logprobs.exp_()
    if smoothing:
        gradient -= smoothing / logits.shape[-1]
    true = torch.full_like(loss, -(1 - smoothing))[:, None]  # (N, 1)
    return loss, gradient.scatter_add_(-1, index, true)
