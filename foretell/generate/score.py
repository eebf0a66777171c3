"""How likely a completion is after a context: the one number that zero-shot tasks are made of.

What rows begin with in common is read once (pieces.py), and only the hidden states that foretell a token to be scored
are multiplied by the output matrix.

T tokens of a piece   W scored   U places that foretell them, each once   D d_model   V n_vocab
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from foretell.errors import BadUse
from foretell.generate.pieces import piece_size, read
from foretell.generate.prefixes import Ids, Places, Tree, tree_of
from foretell.model.network import Network

MOST_TOKENS = 2**23  # of the rows of one tree, so that the tree's arrays stay below a few hundred MiB
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
    n_ctx, found = network.cfg.n_ctx, []
    for context, completion in pairs:
        check(context, completion, n_ctx)
    tokens = tokens or piece_size(network.cfg, network.output_weight)
    for some in portions(pairs):
        rows = [[*context, *completion][-(n_ctx + 1) :] for context, completion in some]
        found += scores(network, rows, [len(completion) for _, completion in some], share, tokens)
    return found


def check(context: Ids, completion: Ids, n_ctx: int) -> None:
    """BadUse if it cannot be scored."""
    if not context:
        raise BadUse("the context is empty, so that nothing precedes the completion; begin with the end-of-text token")
    if len(completion) > n_ctx:
        raise BadUse(f"the completion has {len(completion)} tokens, the context holds {n_ctx}; score it in parts")


def portions(pairs: Sequence[tuple[Ids, Ids]]) -> Iterator[Sequence[tuple[Ids, Ids]]]:
    """Pairs in turn, as many as MOST_TOKENS hold: what is shared between portions is read once in each."""
    sizes = np.cumsum([len(context) + len(completion) for context, completion in pairs])
    start = 0
    while start < len(pairs):
        before = sizes[start - 1] if start else 0
        stop = max(start + 1, int(sizes.searchsorted(before + MOST_TOKENS, "right")))
        yield pairs[start:stop]
        start = stop


def scores(network: Network, rows: Sequence[Ids], tails: Sequence[int], share: bool, tokens: int) -> list[Score]:
    """The scores of the last tails[i] tokens of each row, whose last token is not read."""
    tree = tree_of([row[:-1] if n else [] for row, n in zip(rows, tails, strict=True)], tails, share=share)
    wanted = wanted_of(tree, [row[len(row) - n :] for row, n in zip(rows, tails, strict=True)])
    with torch.inference_mode():
        found = list(scored(network, tree, wanted, tokens))
    logprobs, likeliest = (np.concatenate([np.empty(0), *(one[i].cpu().numpy() for one in found)]) for i in range(2))
    sums = np.bincount(wanted.rows, logprobs, len(rows))  # in double
    missed = np.bincount(wanted.rows, 1 - likeliest, len(rows))
    return [Score(float(sums[i]), n, not missed[i]) for i, n in enumerate(tails)]


def wanted_of(tree: Tree, completions: Sequence[Ids]) -> Wanted:
    """What is to be scored, in the order of the tree."""
    places = np.concatenate(tree.tails)
    targets = np.concatenate([np.asarray(ids, np.int64) for ids in completions])
    rows = np.repeat(np.arange(len(completions)), [len(ids) for ids in completions])
    order = places.argsort(kind="stable")
    return Wanted(places[order], targets[order], rows[order])


def scored(network: Network, tree: Tree, wanted: Wanted, tokens: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The log-probability of each token that is wanted, and whether it is the likeliest, some (W,) at a time."""
    most = max(1, MOST_LOGITS // network.cfg.n_vocab)
    for start, hidden in read(network, tree, tokens):
        for some in blocks(wanted, start, start + len(hidden), most):
            yield judged(network, hidden, start, some)


def blocks(wanted: Wanted, start: int, stop: int, most: int) -> Iterator[Wanted]:
    """What is wanted of a piece, at most so many places at a time."""
    first, last = wanted.places.searchsorted([start, stop])
    places = np.unique(wanted.places[first:last])
    for a, b in pairwise([first, *wanted.places.searchsorted(places[most::most]), last]):
        if a < b:
            yield Wanted(*(part[a:b] for part in wanted))


def judged(network: Network, hidden: Tensor, start: int, wanted: Wanted) -> tuple[Tensor, Tensor]:  # (T, D)
    """The log-probability of each target after its place's hidden state, and whether it is the likeliest: (W,) each."""
    distinct, inverse = np.unique(wanted.places - start, return_inverse=True)
    places, which, targets = (torch.from_numpy(x).to(hidden.device) for x in (distinct, inverse, wanted.targets))
    logprobs = torch.log_softmax(network.logits(hidden[places]).float(), -1)  # (U, V)
    return logprobs[which, targets], logprobs.argmax(-1)[which] == targets
