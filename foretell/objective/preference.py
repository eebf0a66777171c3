"""DPO: a policy's likelihoods, against those of the network it began as, are the rewards (Rafailov et al. 2023, eq. 7).

    r(x, y) = beta ( log policy(y | x) - log reference(y | x) )
    loss = - mean over prompts x of  1 / #pairs(x)  sum over pairs (w, l) of x  log sigmoid(r(x, y_w) - r(x, y_l))

Of two outputs this is their eq. 7; for K outputs the pairs of a prompt weigh as in the reward model's loss
(objective/ranking.py), which is our choice. log policy(y | x) is the sum over the tokens of y, its end included. The
rows are those of rankings: the prompt stands once, and its last hidden state foretells the first token of every output.

B rows   T positions   D d_model   V n_vocab   N outputs   M tokens of all outputs
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from foretell.model.network import Network
from foretell.objective.lm import apart
from foretell.objective.mean import Batch, Mean, Objective
from foretell.objective.ranking import ranking_loss, ranking_pairs, ranking_report

CHUNK = 2**24  # logits that are held at once


class Foretold(NamedTuple):
    """The tokens of all outputs: where each is foretold and which it is, and whose, (M,) each."""

    sources: Tensor
    targets: Tensor
    outputs: Tensor


def preference(beta: float, reference: Network) -> Objective:
    """Eq. 7 against a frozen network; `accuracy`, `log_loss` and the mean reward of better and worse are reported.

    The reference is read in evaluation mode and without gradients, each time anew.
    """
    reference.eval().requires_grad_(False)

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        with torch.no_grad():
            before = output_logprobs(reference, batch)
        rewards = beta * (output_logprobs(model, batch) - before)  # (N,)
        ranks, prompts = batch["ranks"], batch["prompts"]
        found = {"preference": ranking_loss(rewards, ranks, prompts), **ranking_report(rewards, ranks, prompts)}
        pairs = ranking_pairs(ranks, prompts)
        n = pairs.n_prompts.new_tensor(len(pairs.better))
        told = rewards.detach()
        return {**found, "better": Mean(told[pairs.better].sum(), n), "worse": Mean(told[pairs.worse].sum(), n)}

    def counts(batch: Batch) -> dict[str, Tensor]:
        return {"preference": ranking_pairs(batch["ranks"], batch["prompts"]).n_prompts}

    return Objective({"preference": 1.0}, counts, terms)


def output_logprobs(model: Network, batch: Batch) -> Tensor:
    """The summed log-probability of each output's tokens (nats), (N,) in fp32 or wider."""
    hidden = model.hidden(batch["inputs"], branches=apart(batch)).flatten(0, 1)  # (B*T, D)
    told = foretold(batch)
    each = token_logprobs(model, hidden[told.sources], told.targets)  # (M,)
    return each.new_zeros(len(batch["last"])).index_add(0, told.outputs, each)


def foretold(batch: Batch) -> Foretold:
    """Where the tokens of outputs are foretold: the first at the prompt's last token, the others at the one before."""
    lengths = batch["last"] - batch["first"] + 1  # (N,)
    outputs = torch.arange(len(lengths), device=lengths.device).repeat_interleave(lengths)  # (M,)
    begun = (lengths.cumsum(0) - lengths)[outputs]
    nth = torch.arange(len(outputs), device=lengths.device) - begun  # (M,)
    places = batch["first"][outputs] + nth
    sources = torch.where(nth == 0, batch["stem"][outputs], places - 1)
    return Foretold(sources, batch["inputs"].flatten()[places], outputs)


def token_logprobs(model: Network, hidden: Tensor, targets: Tensor) -> Tensor:  # (M, D), (M,) -> (M,)
    """log P of each target after its hidden state. The logits are made again for the gradient, some rows at a time."""
    rows = max(1, CHUNK // model.cfg.n_vocab)
    parts = zip(hidden.split(rows), targets.split(rows), strict=True)
    if not torch.is_grad_enabled():
        return torch.cat([_logprobs(model, *part) for part in parts])
    return torch.cat([_again(model, *part) for part in parts])


def _again(model: Network, hidden: Tensor, targets: Tensor) -> Tensor:  # (M, D), (M,) -> (M,)
    found: Tensor = checkpoint(_logprobs, model, hidden, targets, use_reentrant=False)
    return found


def _logprobs(model: Network, hidden: Tensor, targets: Tensor) -> Tensor:  # (M, D), (M,) -> (M,)
    logits = model.logits(hidden)  # (M, V)
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return wide.log_softmax(-1).gather(1, targets[:, None])[:, 0]
