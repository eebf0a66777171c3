"""Log-probabilities, entropies and values at the places of responses, and nowhere else.

The token at position t is foretold by the hidden state at t - 1, so a response's logits are those from the position
before its first token to the one before its last. Only these hidden states are multiplied by the output matrix, in
chunks of rows; the logits of prompts and padding are never made. The temperature divides the logits, as in sampling.

B episodes   T tokens   R tokens of a response   N response tokens of all   D d_model   V n_vocab
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from foretell.align.episodes import Episodes, in_pieces
from foretell.model.network import Network
from foretell.objective.policy import token_mask

CHUNK_BYTES = 2**26  # of fp32 logits that are worked on at once
KEPT_BYTES = 2**28  # of probabilities that are kept for the backward pass; beyond, they are computed again


def at_responses(
    network: Network, ids: Tensor, starts: Tensor, lengths: Tensor
) -> tuple[Tensor, Tensor]:  # (B, T), (B,), (B,) -> (N, D), (B, R)
    """The hidden states that foretell the tokens of the responses, row after row, and the mask of these tokens."""
    mask = token_mask(lengths, max(int(lengths.max()), 1))  # (B, R)
    places = (starts[:, None] - 1 + torch.arange(mask.shape[1], device=ids.device)).clamp(max=ids.shape[1] - 2)
    hidden = network.hidden(ids[:, :-1])  # (B, T-1, D)
    rows = torch.arange(len(ids), device=ids.device)[:, None].expand_as(places)
    return hidden[rows[mask], places[mask]], mask


def spread(values: Tensor, mask: Tensor) -> Tensor:  # (N,), (B, R) -> (B, R)
    """Values of the response tokens at their places; 0 after the end."""
    return values.new_zeros(mask.shape).masked_scatter(mask, values)


def response_logprobs(
    network: Network, ids: Tensor, starts: Tensor, lengths: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:  # (B, T), (B,), (B,) -> (B, R), (B, R)
    """The log-probability of each response token, and the entropy of the distribution that it is from, in nats.

    Gradients pass through the log-probabilities alone: nothing here is trained on an entropy.
    """
    hidden, mask = at_responses(network, ids, starts, lengths)  # (N, D), (B, R)
    assert network.lm_head is not None, "a policy has a language-model head"
    targets = response_tokens(ids, starts, mask)  # (N,)
    rows = network.lm_head.transform(hidden)  # (N, D)
    logp, entropy = selected(rows, network.output_weight, network.lm_head.bias, targets, temperature)
    return spread(logp, mask), spread(entropy, mask)


def response_tokens(ids: Tensor, starts: Tensor, mask: Tensor) -> Tensor:  # (B, T), (B,), (B, R) -> (N,)
    """The tokens of the responses, row after row."""
    places = (starts[:, None] + torch.arange(mask.shape[1], device=ids.device)).clamp(max=ids.shape[1] - 1)  # (B, R)
    return ids.gather(1, places)[mask]


def response_values(
    network: Network, ids: Tensor, starts: Tensor, lengths: Tensor
) -> Tensor:  # (B, T), (B,), (B,) -> (B, R)
    """The value before each response token, of a network with a scalar head; at least in fp32."""
    hidden, mask = at_responses(network, ids, starts, lengths)
    values = network.task_outputs(hidden)[:, 0]  # (N,)
    return spread(values.to(torch.promote_types(values.dtype, torch.float32)), mask)


def selected(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:  # (N, D), (V, D), (V,), (N,) -> (N,), (N,)
    """log softmax(z / temperature) at the targets, and the entropy; z = hidden W^T + b. Matmuls follow autocast."""
    device = hidden.device.type
    compute = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    found: tuple[Tensor, Tensor] = _Selected.apply(
        hidden, weight, bias, targets, temperature, compute, torch.is_grad_enabled()
    )
    return found


class _Selected(torch.autograd.Function):
    """The chunked pass. What the backward needs of the logits is kept if it is small, else computed once more."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        dtype: torch.dtype,
        grad_enabled: bool,
    ) -> tuple[Tensor, Tensor]:
        h, w = hidden.to(dtype), weight.to(dtype)
        wide = torch.promote_types(dtype, torch.float32)
        logp, entropy = (torch.empty(len(h), dtype=wide, device=h.device) for _ in range(2))
        wanted = grad_enabled and any(ctx.needs_input_grad)
        keep = wanted and len(h) * len(w) * w.element_size() <= KEPT_BYTES
        ctx.kept, ctx.temperature, ctx.wide = [], temperature, wide
        with torch.autocast(h.device.type, enabled=False):
            for part in _chunks(len(h), len(w)):
                logs = _log_softmax(h[part], w, bias, temperature, wide)  # (n, V)
                logp[part] = logs.gather(1, targets[part, None])[:, 0]
                chances = logs.exp()
                entropy[part] = -torch.linalg.vecdot(chances, logs)
                if keep:
                    ctx.kept.append(chances.to(dtype))
        ctx.save_for_backward(*((h, w, bias, targets) if wanted else ()))
        ctx.types = hidden.dtype, weight.dtype
        ctx.mark_non_differentiable(entropy)
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        h, w, bias, targets = ctx.saved_tensors
        slope = upstream[0] / ctx.temperature  # (N,)
        d_hidden, d_weight = torch.empty_like(h), torch.zeros_like(w, dtype=ctx.types[1])
        d_bias = None if bias is None else torch.zeros_like(bias)
        kept = iter(ctx.kept)
        with torch.autocast(h.device.type, enabled=False):
            for part in _chunks(len(h), len(w)):
                if ctx.kept:
                    chances = next(kept)
                else:
                    chances = _log_softmax(h[part], w, bias, ctx.temperature, ctx.wide).exp_().to(h.dtype)
                g = slope[part, None].to(chances.dtype)
                d_logits = chances.mul_(-g).scatter_add_(1, targets[part, None], g)  # (n, V)
                torch.mm(d_logits, w, out=d_hidden[part])
                if d_logits.dtype == d_weight.dtype:
                    d_weight.addmm_(d_logits.t(), h[part])
                else:
                    d_weight += d_logits.t() @ h[part]
                if d_bias is not None:
                    d_bias += d_logits.sum(0)
        return d_hidden.to(ctx.types[0]), d_weight, d_bias, None, None, None, None


def _chunks(n: int, n_vocab: int) -> list[slice]:
    rows = max(1, CHUNK_BYTES // (4 * n_vocab))
    return [slice(start, start + rows) for start in range(0, n, rows)]


def _log_softmax(h: Tensor, w: Tensor, bias: Tensor | None, temperature: float, wide: torch.dtype) -> Tensor:
    logits = F.linear(h, w).to(wide)  # (n, V)
    if bias is not None:
        logits += bias
    if temperature != 1:
        logits /= temperature
    return torch.log_softmax(logits, -1)


# --- over all episodes of an iteration, without gradients


def precisely(device: str, precision: str) -> AbstractContextManager[Any]:
    """The context in which matrix products are taken in the precision asked for."""
    return torch.autocast(device, torch.bfloat16) if precision == "bf16" else nullcontext()


@torch.no_grad()
def all_logprobs(
    network: Network, episodes: Episodes, temperature: float = 1.0, precision: str = "fp32"
) -> tuple[Tensor, Tensor]:  # -> (B, R), (B, R)
    """response_logprobs() of all episodes, as many at a time as a bounded memory holds."""
    logp, entropy = (torch.zeros_like(episodes.sampled) for _ in range(2))
    with precisely(episodes.ids.device.type, precision):
        for rows, ids, starts, lengths in pieces(episodes):
            found = response_logprobs(network, ids, starts, lengths, temperature)
            for kept, values in zip((logp, entropy), found, strict=True):
                kept[rows, : values.shape[1]] = values.to(kept.dtype)
    return logp, entropy


@torch.no_grad()
def all_values(network: Network, episodes: Episodes, precision: str = "fp32") -> Tensor:  # -> (B, R)
    """response_values() of all episodes."""
    found = torch.zeros_like(episodes.sampled)
    with precisely(episodes.ids.device.type, precision):
        for rows, ids, starts, lengths in pieces(episodes):
            values = response_values(network, ids, starts, lengths)
            found[rows, : values.shape[1]] = values.to(found.dtype)
    return found


@torch.no_grad()
def all_scores(network: Network, episodes: Episodes, precision: str = "fp32") -> Tensor:  # -> (B,)
    """The scalar head's output at the last token of each response."""
    found = torch.zeros(len(episodes.ids), device=episodes.ids.device)
    with precisely(episodes.ids.device.type, precision):
        for rows, ids, starts, lengths in pieces(episodes):
            hidden = network.hidden(ids)  # (b, T, D)
            last = hidden[torch.arange(len(ids), device=ids.device), starts + lengths - 1]  # (b, D)
            found[rows] = network.task_outputs(last)[:, 0].float()
    return found


def pieces(episodes: Episodes) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Rows of similar length with their ids, starts and lengths."""
    found, totals = [], (episodes.starts + episodes.lengths).tolist()
    for places in in_pieces(totals):
        rows = torch.tensor(places, device=episodes.ids.device)
        ids = episodes.ids[rows, : totals[places[0]]]
        found.append((rows, ids, episodes.starts[rows], episodes.lengths[rows]))
    return found
