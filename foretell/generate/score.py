"""How likely a completion is after a context: the one number that zero-shot tasks are made of.

B batch   T positions   D d_model   V n_vocab
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from foretell.errors import BadUse
from foretell.generate.prompts import padded
from foretell.model.network import Network

Ids = Sequence[int]


class Score(NamedTuple):
    """The summed log-probability of a completion's tokens (nats), their number, and whether each was the likeliest."""

    logprob: float
    n: int
    greedy: bool


def score(network: Network, pairs: Sequence[tuple[Ids, Ids]], batch_size: int = 32) -> list[Score]:
    """The score of each (context, completion), in their order. A context that does not fit loses its beginning.

    BadUse if a completion alone is longer than the network's context, or a context is empty.
    """
    rows = [fitted(context, completion, network.cfg.n_ctx) for context, completion in pairs]
    by_length = sorted(range(len(rows)), key=lambda i: -len(rows[i][0]))
    found = {i: Score(0.0, 0, True) for i in by_length if not rows[i][1]}
    by_length = [i for i in by_length if rows[i][1]]
    with torch.inference_mode():
        for start in range(0, len(by_length), batch_size):
            places = by_length[start : start + batch_size]
            found |= zip(places, scored(network, [rows[i] for i in places]), strict=True)
    return [found[i] for i in range(len(rows))]


def fitted(context: Ids, completion: Ids, n_ctx: int) -> tuple[list[int], int]:
    """The tokens that are read, the last one left out later, and how many at the end are scored."""
    if not context:
        raise BadUse("the context is empty, so that nothing precedes the completion; begin with the end-of-text token")
    if len(completion) > n_ctx:
        raise BadUse(f"the completion has {len(completion)} tokens, the context holds {n_ctx}; score it in parts")
    return [*context, *completion][-(n_ctx + 1) :], len(completion)


def scored(network: Network, rows: Sequence[tuple[list[int], int]]) -> list[Score]:
    """The scores of one batch. Padding stands behind the text, where a causal model does not look."""
    hidden = network.hidden(padded([ids[:-1] for ids, _ in rows], 0, network))  # (B, T, D)
    found = []
    for i, (ids, n) in enumerate(rows):
        last = len(ids) - 1
        logprobs = torch.log_softmax(network.logits(hidden[i, last - n : last]).float(), -1)  # (..., V)
        wanted = torch.tensor(ids[len(ids) - n :], device=logprobs.device)[:, None]  # (..., 1)
        chosen = logprobs.gather(-1, wanted)[:, 0]
        greedy = bool((logprobs.argmax(-1) == wanted[:, 0]).all())
        found.append(Score(chosen.double().sum().item(), n, greedy))
    return found
