"""How likely a completion is after a context: the one number that zero-shot tasks are made of.

What rows begin with in common is read once. Their tree, in preorder, is read in pieces of one row each, in which every
token sees its ancestors only ("tree attention"): no padding, and few calls however short the tails. The cache holds the
branch that the next piece goes on from.

N tokens of the tree   T of a piece   S of the cache and the piece   W scored   U scored, each place once
D d_model   V n_vocab
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from foretell.errors import BadUse
from foretell.generate.prefixes import Ids, Places, Tree, tree_of
from foretell.model.cache import Cache, empty_cache
from foretell.model.config import NetworkConfig
from foretell.model.network import Network
from foretell.model.sparse import Branches

MOST_LOGITS = 2**24  # computed at once: 64 MiB, and as much again for their log-softmax


class Score(NamedTuple):
    """The summed log-probability of a completion's tokens (nats), their number, and whether each was the likeliest."""

    logprob: float
    n: int
    greedy: bool


class Wanted(NamedTuple):
    """The tokens to be scored, by the place whose hidden state foretells them."""

    places: Places  # (W,), in order
    targets: Places  # (W,)
    rows: Places  # (W,)


def score(network: Network, pairs: Sequence[tuple[Ids, Ids]], *, share: bool = True, tokens: int = 0) -> list[Score]:
    """The score of each (context, completion), in their order. A context that does not fit loses its beginning.

    Without `share` every row is read by itself. `tokens` is how many are read at once, 0 for what suits the network and
    its device; neither changes a score but by rounding. BadUse if a completion alone is longer than the network's
    context, or a context is empty.
    """
    rows = [fitted(context, completion, network.cfg.n_ctx) for context, completion in pairs]
    tails = [n for _, n in rows]
    tree = tree_of([ids[:-1] if n else [] for ids, n in rows], tails, share=share)
    wanted = wanted_of(tree, [ids[len(ids) - n :] for ids, n in rows])
    with torch.inference_mode():
        found = list(scored(network, tree, wanted, tokens or piece_size(network.cfg, network.output_weight)))
    if not found:
        return [Score(0.0, 0, True) for _ in rows]
    logprobs, likeliest = torch.cat([one for one, _ in found]).cpu(), torch.cat([two for _, two in found]).cpu()
    sums = np.bincount(wanted.rows, logprobs.numpy(), len(rows))  # in double
    missed = np.bincount(wanted.rows[~likeliest.numpy()], minlength=len(rows))
    return [Score(float(sums[i]), n, not missed[i]) for i, n in enumerate(tails)]


def fitted(context: Ids, completion: Ids, n_ctx: int) -> tuple[list[int], int]:
    """The tokens that are read, the last one left out later, and how many at the end are scored."""
    if not context:
        raise BadUse("the context is empty, so that nothing precedes the completion; begin with the end-of-text token")
    if len(completion) > n_ctx:
        raise BadUse(f"the completion has {len(completion)} tokens, the context holds {n_ctx}; score it in parts")
    return [*context, *completion][-(n_ctx + 1) :], len(completion)


def piece_size(cfg: NetworkConfig, like: Tensor) -> int:
    """How many tokens to read at once.

    A CPU's matrix products are at their best from about 128 rows on, and attention within a piece is the dearer the
    longer it is. A GPU wants many: as many as 256 MiB of a layer's activations hold, up to 2048.
    """
    if like.device.type == "cpu":
        return 256
    width = 2 * cfg.d_ff + 4 * cfg.d_model + 4 * cfg.n_heads * cfg.d_head
    return max(256, min(2048, 2**28 // (width * like.element_size())))


def wanted_of(tree: Tree, completions: Sequence[Ids]) -> Wanted:
    """What is to be scored, in the order of the tree."""
    if not completions:
        return Wanted(*(np.empty(0, np.int64) for _ in range(3)))
    places = np.concatenate(tree.tails)
    targets = np.concatenate([np.asarray(ids, np.int64) for ids in completions])
    rows = np.repeat(np.arange(len(completions)), [len(ids) for ids in completions])
    order = places.argsort(kind="stable")
    return Wanted(places[order], targets[order], rows[order])


def scored(network: Network, tree: Tree, wanted: Wanted, tokens: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The log-probability of each token that is wanted, and whether it is the likeliest, some (W,) at a time."""
    most = max(1, MOST_LOGITS // network.cfg.n_vocab)
    for start, hidden in read(network, tree, tokens):
        first, last = wanted.places.searchsorted([start, start + len(hidden)])
        places = np.unique(wanted.places[first:last])  # (U,)
        for block in np.split(places, range(most, len(places), most)):
            if len(block):
                first, last = wanted.places.searchsorted([block[0], block[-1] + 1])
                which = block.searchsorted(wanted.places[first:last])  # (W,)
                yield judged(network, hidden, block - start, which, wanted.targets[first:last])


def judged(
    network: Network, hidden: Tensor, places: Places, which: Places, targets: Places
) -> tuple[Tensor, Tensor]:  # (T, D), (U,), (W,), (W,) -> (W,), (W,)
    """The log-probability of targets[i] after the hidden state at places[which[i]], and whether it is the likeliest."""
    at, i, wanted = (torch.from_numpy(x).to(hidden.device) for x in (places, which, targets))
    logprobs = torch.log_softmax(network.logits(hidden[at]).float(), -1)  # (U, V)
    return logprobs[i, wanted], logprobs.argmax(-1)[i] == wanted


def read(network: Network, tree: Tree, tokens: int) -> Iterator[tuple[int, Tensor]]:
    """Where each piece of the tree begins, and its hidden states (T, D)."""
    device = network.embed.token.weight.device
    ids, depth, end = (torch.from_numpy(x).to(device) for x in (tree.ids, tree.depth, tree.end))
    if not len(ids):
        return
    cache = empty_cache(network.cfg, 1, int(tree.depth.max()) + tokens, network.embed.token.weight)
    for start, stop in pieces(tree.depth, tokens):
        branches = branches_of(depth[start:stop], end[start:stop], start, cache.lengths[0])
        yield start, network.hidden(ids[None, start:stop], cache=cache, branches=branches)[0]
        cut_back(cache, tree, start, stop)


def pieces(depth: Places, tokens: int) -> Iterator[tuple[int, int]]:  # (N,)
    """Where pieces of at most `tokens` begin and end: in the last half of what is possible, at the least depth.

    So most end where a text does, and few tokens stand in a row with what they cannot see.
    """
    start = 0
    while len(depth) - start > tokens:
        half = start + (tokens + 1) // 2
        places = depth[half : start + tokens + 1][::-1]
        stop = start + tokens - int(places.argmin())
        yield start, stop
        start = stop
    yield start, len(depth)


def branches_of(depth: Tensor, end: Tensor, start: int, cached: int) -> Branches:  # (T,), (T,)
    """What a piece's tokens see: of the cache what they have in common with the first, of the piece their ancestors."""
    place = torch.arange(start, start + len(depth), device=depth.device)  # (T,)
    of_cache = torch.arange(cached, device=depth.device) < depth.cummin(0).values[:, None]  # (T, C)
    of_piece = (place <= place[:, None]) & (place[:, None] < end)  # (T, T)
    return Branches(depth, torch.cat([of_cache, of_piece], 1))


def cut_back(cache: Cache, tree: Tree, start: int, stop: int) -> None:
    """Leave in the cache what the next piece's first token goes on from."""
    if stop == len(tree.ids):
        return
    cached = cache.lengths[0] - (stop - start)
    ancestors = np.flatnonzero(tree.end[start:stop] > stop)
    kept = int(tree.depth[stop]) - len(ancestors)
    cache.cut(kept, torch.from_numpy(cached + ancestors).to(cache.layers[0].keys.device))
