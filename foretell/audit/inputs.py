"""Which tokens of a context made a completion likely: integrated gradients, and what happens without each token.

    f(x) = log P(completion | context), x the token embeddings of the context
    integrated gradients   (x_i - x'_i) . integral over a in [0, 1] of df/dx_i at x' + a (x - x')   (Sundararajan 2017)
    completeness           sum of them = f(x) - f(x')
    leave one out          f(context) - f(context without the token)
    deletion               the mean of f as tokens turn to the baseline, the most important first (Petsiuk et al. 2018)

The baseline x' is the mean of all token embeddings at every place, positions left as they are: a token that says
nothing in particular (ours). The integral is Gauss-Legendre's sum with twice the nodes until completeness holds.

B nodes at once   S tokens of both   T tokens that are read, S - 1   D d_model   V n_vocab
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from foretell.errors import BadUse
from foretell.generate.score import score
from foretell.model.network import Network

NODES = (16, 512)  # the first try, and the last
TOLERANCE = 0.01  # of completeness
AT_ONCE = 32  # nodes
Ids = Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Integrated:
    """A number for each token of the context, in nats; with f at both ends and the nodes that it took."""

    values: list[float]
    f: float
    baseline: float
    nodes: int

    @property
    def error(self) -> float:
        """How far the sum of the values is from f less its baseline, as a share of that difference."""
        difference = self.f - self.baseline
        return abs(sum(self.values) - difference) / max(abs(difference), 1e-6)


@contextmanager
def embedded(network: Network, vectors: Tensor) -> Iterator[None]:  # (B, T, D)
    """The network reads these vectors in place of its token embeddings; positions are added as ever."""
    handle = network.embed.token.register_forward_hook(lambda *_: vectors)
    try:
        yield
    finally:
        handle.remove()


def logprob(network: Network, ids: Tensor, vectors: Tensor, n_target: int) -> Tensor:  # (S,), (B, T, D) -> (B)
    """f: the summed log-probability of the last n_target tokens, the tokens before them read as vectors."""
    with embedded(network, vectors):
        logits = network(ids[:-1].expand(len(vectors), -1))[:, -n_target:].float()
    chosen = ids[-n_target:].expand(len(vectors), -1)[..., None]
    return torch.log_softmax(logits, -1).gather(-1, chosen)[..., 0].sum(-1)


def integrated_gradients(network: Network, context: Ids, completion: Ids) -> Integrated:
    """The integrated gradients of each token of a context, as exact as completeness within 1 % asks, or 512 nodes.

    BadUse if both do not fit into the network's context, or one is empty.
    """
    check(network, context, completion)
    ids = torch.tensor([*context, *completion], device=network.embed.token.weight.device)  # (S,)
    weight = network.embed.token.weight.detach()
    read = weight[ids[:-1]]  # (T, D)
    base = read.clone()
    base[: len(context)] = weight.mean(0)
    with torch.no_grad():
        ends = logprob(network, ids, torch.stack([base, read]), len(completion)).tolist()
    nodes = NODES[0]
    while True:
        values = integral(network, ids, base, read, len(completion), nodes)
        found = Integrated(values=values[: len(context)], f=ends[1], baseline=ends[0], nodes=nodes)
        if found.error <= TOLERANCE or nodes >= NODES[1]:
            return found
        nodes *= 2


def integral(network: Network, ids: Tensor, base: Tensor, read: Tensor, n_target: int, nodes: int) -> list[float]:
    """The sum of gradients at the nodes of Gauss and Legendre, times how far each token goes."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    at = torch.tensor((places + 1) / 2, dtype=read.dtype, device=read.device)
    share = torch.tensor(weights / 2, dtype=read.dtype, device=read.device)
    total = torch.zeros_like(read)  # (T, D)
    for some, portion in zip(at.split(AT_ONCE), share.split(AT_ONCE), strict=True):
        vectors = (base + some[:, None, None] * (read - base)).requires_grad_()  # (B, T, D)
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(logprob(network, ids, vectors, n_target).sum(), vectors)
        total += (portion[:, None, None] * gradient).sum(0)
    return ((read - base) * total).sum(-1).tolist()


def left_out(network: Network, context: Ids, completion: Ids) -> list[float]:
    """How many nats of f each token of the context gives: f less f of the text without it. Above 0 it helps."""
    check(network, context, completion)
    if len(context) < 2:
        raise BadUse("the context has one token, without which nothing is left; give two or more")
    without = [[*context[:i], *context[i + 1 :]] for i in range(len(context))]
    whole, *others = score(network, [(one, list(completion)) for one in [list(context), *without]])
    return [whole.logprob - other.logprob for other in others]


def deletion(network: Network, context: Ids, completion: Ids, orders: Sequence[Sequence[int]]) -> list[float]:
    """For each order of the context's places the mean of f while one token after the other turns to the baseline.

    The sooner f falls the lower it is, so that the order of a true attribution lies below that of random ones.
    """
    check(network, context, completion)
    ids = torch.tensor([*context, *completion], device=network.embed.token.weight.device)  # (S,)
    weight = network.embed.token.weight.detach()
    read, blank = weight[ids[:-1]], weight.mean(0)  # (T, D), (D,)
    found = []
    for order in orders:
        rows = [read]
        for place in order:
            rows.append(rows[-1].index_copy(0, torch.tensor([place], device=ids.device), blank[None]))
        with torch.no_grad():
            parts = [logprob(network, ids, some, len(completion)) for some in torch.stack(rows).split(AT_ONCE)]
        found.append(float(torch.cat(parts).mean()))
    return found


def check(network: Network, context: Ids, completion: Ids) -> None:
    """BadUse unless a decoder can read both."""
    if network.cfg.kind != "decoder" or network.lm_head is None:
        raise BadUse(f"this model is of kind {network.cfg.kind}; give a decoder with a language head")
    if not context or not completion:
        raise BadUse("the context or the completion is empty; give both at least a token")
    if len(context) + len(completion) - 1 > network.cfg.n_ctx:
        n = len(context) + len(completion)
        raise BadUse(f"the text has {n} tokens, the context holds {network.cfg.n_ctx}; give a shorter one")
