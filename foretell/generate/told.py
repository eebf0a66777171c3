"""How likely each token of a text is after those before it, and which tokens were the likeliest there.

T tokens of a piece   U places of a block, each once   W scored   K alternatives   V n_vocab
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from foretell.generate.pieces import piece_size, read
from foretell.generate.prefixes import Ids, tree_of
from foretell.generate.score import MOST_LOGITS, Wanted, blocks, wanted_of
from foretell.model.network import Network


class Told(NamedTuple):
    """A token's log-probability (nats) after those before it, and the likeliest ids with theirs, falling."""

    logprob: float
    alternatives: list[tuple[int, float]]


def told(network: Network, rows: Sequence[Ids], alternatives: int) -> list[list[Told]]:
    """Of each row, what there is to tell of its tokens from the second on. What rows begin with is read once.

    A decoder's rows of at least one and at most n_ctx + 1 tokens.
    """
    tree = tree_of([row[:-1] for row in rows], [len(row) - 1 for row in rows])
    wanted = wanted_of(tree, [row[1:] for row in rows])
    found: list[list[Told]] = [[] for _ in rows]
    most = max(1, MOST_LOGITS // network.cfg.n_vocab)
    with torch.inference_mode():
        for start, hidden in read(network, tree, piece_size(network.cfg, network.output_weight)):
            for some in blocks(wanted, start, start + len(hidden), most):
                for row, one in zip(
                    some.rows.tolist(), of_block(network, hidden, start, some, alternatives), strict=True
                ):
                    found[row].append(one)
    return found


def of_block(network: Network, hidden: Tensor, start: int, wanted: Wanted, alternatives: int) -> list[Told]:  # (T, D)
    """What is told of each target after its place's hidden state."""
    distinct, inverse = np.unique(wanted.places - start, return_inverse=True)
    places, which, targets = (torch.from_numpy(x).to(hidden.device) for x in (distinct, inverse, wanted.targets))
    logprobs = torch.log_softmax(network.logits(hidden[places]).float(), -1)  # (U, V)
    own = logprobs[which, targets].tolist()
    best = logprobs.topk(min(alternatives, logprobs.shape[1]))
    ids, values = best.indices.tolist(), best.values.tolist()
    return [
        Told(mine, list(zip(ids[i], values[i], strict=True))) for mine, i in zip(own, inverse.tolist(), strict=True)
    ]
