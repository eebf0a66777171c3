"""Unlikelihood: what was said before is made less likely to come again (Welleck et al. 2019, equations 4 and 5).

    L = -(1/N) sum_t [ log p(x_t | x_<t) + alpha sum over c in C_t of log(1 - p(c | x_<t)) ]
    C_t = {x_1 ... x_(t-1)} without x_t

At the level of tokens, for any text: the paper's sequence level, which has the model write first, is not here. A token
that came several times counts once. As in the authors' program, 1 - p is at least 1e-5.

B batch   T positions   R sequences of a chunk   D d_model   V n_vocab
"""

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from foretell.corpus.batches import IGNORED
from foretell.model.network import Network
from foretell.objective.lm import token_loss
from foretell.objective.mean import Batch, Mean, Objective, predicted

LEAST = 1e-5
CHUNK_BYTES = 2**27  # of fp32 logits that are held at a time


def unlikely_repeats(weight: float) -> Objective:
    """Language modelling with `weight` (the paper's alpha) times the unlikelihood of what the row has said."""

    def counts(batch: Batch) -> dict[str, Tensor]:
        n = predicted(batch["targets"])
        return {"lm": n, "unlikelihood": n}

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        hidden = model.hidden(batch["inputs"])  # (B, T, D)
        unlikely = unlikelihood_sum(model, hidden, batch["inputs"], batch["targets"])
        loss = token_loss(model, hidden, batch["targets"])
        return {"lm": loss, "unlikelihood": Mean(unlikely, loss.n)}

    return Objective({"lm": 1.0, "unlikelihood": weight}, counts, terms)


def unlikelihood_sum(
    model: Network, hidden: Tensor, inputs: Tensor, targets: Tensor
) -> Tensor:  # (B, T, D), (B, T), (B, T) -> ()
    """Minus the sum of log(1 - p) over the candidates of all predicted tokens, some sequences at a time."""
    rows = max(1, CHUNK_BYTES // (4 * inputs.shape[1] * model.cfg.n_vocab))
    parts = zip(hidden.split(rows), inputs.split(rows), targets.split(rows), strict=True)
    sums: list[Tensor] = [checkpoint(of_rows, model, *part, use_reentrant=False) for part in parts]
    return torch.stack(sums).sum()


def of_rows(
    model: Network, hidden: Tensor, inputs: Tensor, targets: Tensor
) -> Tensor:  # (R, T, D), (R, T), (R, T) -> ()
    """unlikelihood_sum() of some sequences; of the logits only sums and their own tokens' are read."""
    logits = model.logits(hidden).float()  # (R, T, V)
    columns = inputs[:, None].expand(-1, inputs.shape[1], -1)  # (R, T, T)
    logp = logits.gather(-1, columns) - logits.logsumexp(-1, keepdim=True)  # (R, T, T)
    unlikely = -torch.log((1 - logp.exp()).clamp(min=LEAST))
    return unlikely.masked_fill(~candidates(inputs, targets), 0).sum()


def candidates(inputs: Tensor, targets: Tensor) -> Tensor:  # (R, T), (R, T) -> (R, T, T)
    """Which tokens of its row, each counted where it first stands, are to be unlikely at each position."""
    n = inputs.shape[1]
    so_far = torch.ones(n, n, dtype=torch.bool, device=inputs.device).tril()
    same = inputs[:, :, None] == inputs[:, None]  # (R, T, T)
    is_first = ~(same & so_far.tril(-1)).any(-1)  # (R, T)
    wanted = (targets != IGNORED)[:, :, None] & (inputs[:, None] != targets[:, :, None])  # (R, T, T)
    return so_far & is_first[:, None] & wanted
