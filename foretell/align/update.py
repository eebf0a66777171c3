"""The optimizer's steps of an iteration: epochs times minibatches, each one step for the policy and one for the value.

    for each epoch:  a fresh permutation of the episodes;  for each minibatch of it:
        policy:  the clipped loss of its episodes  +  ptx_weight * the loss of pretraining text       one train_step()
        value:   the clipped loss of the same episodes                                                one train_step()

The gradients of the pretraining text are added to those of the episodes before the one step (Ouyang et al. 2022, C.4).
Losses are sums and counts over the whole minibatch, so that micro-batches change nothing but the memory.

B episodes   T tokens   R tokens of a response
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from foretell.align.episodes import in_pieces
from foretell.align.logprobs import precisely, response_logprobs, response_values
from foretell.model.network import Network
from foretell.objective.config import PolicyOptimization
from foretell.objective.lm import language_model
from foretell.objective.mean import Batch, Mean, Objective
from foretell.objective.policy import policy_loss, policy_report, token_mean, value_loss
from foretell.ranks import Ranks
from foretell.train.parallel import ALONE, Spread
from foretell.train.step import norm_of, train_step

Values = dict[str, float]
NAMES = {"policy": "policy_loss", "lm": "ptx_loss"}
TextRows = Callable[[int, int], Batch]  # the first row's number, how many -> inputs and targets


@dataclass(frozen=True, kw_only=True, slots=True)
class Learner:
    """A network with its optimizers and its objective."""

    network: Network
    optimizers: Sequence[Optimizer]
    objective: Objective
    clip: float


def policy_objective(cfg: PolicyOptimization, precision: str = "fp32") -> Objective:
    """The clipped loss of episodes, and the language model's on rows of text, weighed by ptx_weight.

    A batch of episodes holds `ids (B, T)`, `starts (B,)`, `lengths (B,)`, and `logp_old`, `advantages`, `weights`
    (B, R); one of text holds `inputs` and `targets`.
    """
    text = language_model()

    def counts(batch: Batch) -> dict[str, Tensor]:
        return text.counts(batch) if "targets" in batch else {"policy": batch["lengths"].sum()}

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        with precisely(next(iter(batch.values())).device.type, precision):
            if "targets" in batch:
                return text.terms(model, batch)
            lengths, old = batch["lengths"], batch["logp_old"]
            logp, entropy = response_logprobs(model, batch["ids"], batch["starts"], lengths, cfg.temperature)
        loss = policy_loss(logp, old, batch["advantages"] * batch["weights"], lengths, cfg.clip)
        told = policy_report(logp.detach(), old, batch["advantages"], lengths, cfg.clip)
        moved = token_mean((logp.detach() - old).abs(), lengths)
        return {"policy": loss, **told, "entropy": token_mean(entropy, lengths), "moved": moved}

    return Objective({"policy": 1.0, "lm": cfg.ptx_weight}, counts, terms)


def value_objective(cfg: PolicyOptimization, precision: str = "fp32") -> Objective:
    """The clipped loss of values: `ids`, `starts`, `lengths`, `values_old` and `returns` (B, R)."""

    def terms(model: Network, batch: Batch) -> dict[str, Mean]:
        with precisely(batch["ids"].device.type, precision):
            values = response_values(model, batch["ids"], batch["starts"], batch["lengths"])
        return {"value": value_loss(values, batch["values_old"], batch["returns"], batch["lengths"], cfg.value_clip)}

    return Objective({"value": 1.0}, lambda batch: {"value": batch["lengths"].sum()}, terms)


def rows_of(batch: Batch, rows: Tensor) -> Batch:
    """Some episodes of a batch, no wider than they need."""
    starts, lengths = batch["starts"][rows], batch["lengths"][rows]
    n_tokens, n_response = int((starts + lengths).max()), max(int(lengths.max()), 1)
    found = {"starts": starts, "lengths": lengths, "ids": batch["ids"][rows, : max(n_tokens, 2)]}
    rest = batch.keys() - found.keys()
    return found | {name: batch[name][rows, :n_response] for name in sorted(rest)}


def minibatches(n: int, parts: int, seed: int, step: int, epoch: int) -> list[np.ndarray]:
    """The episodes of each minibatch of an epoch: a permutation of its own, every episode once."""
    order = np.random.default_rng([seed, step, epoch]).permutation(n)
    return np.split(order, parts)


def passes(batch: Batch, rows: np.ndarray, micro: int) -> list[np.ndarray]:
    """A minibatch in forward passes of at most `micro` episodes of similar length; 0 takes all at once."""
    if not len(rows):
        return []
    totals = (batch["starts"] + batch["lengths"])[torch.from_numpy(rows)].tolist()
    pieces = in_pieces(totals, at_once=len(rows) * max(totals), most=micro or len(rows))
    return [rows[places] for places in pieces]


def micro_batches(batch: Batch, rows: np.ndarray, micro: int, data: Ranks = ALONE.data) -> list[tuple[Batch, bool]]:
    """This process's share of a minibatch in forward passes, and whether each counts: all processes make equally many,
    the minibatch's first episode filling up."""
    every = [passes(batch, rows[rank :: data.world], micro) for rank in range(data.world)]
    own = every[data.rank]
    blank = [rows[:1]] * (max(map(len, every)) - len(own))
    found = [rows_of(batch, torch.from_numpy(some).to(batch["ids"].device)) for some in [*own, *blank]]
    return [(part, number < len(own)) for number, part in enumerate(found)]


def text_parts(
    read: TextRows, first: int, n: int, micro: int, data: Ranks = ALONE.data
) -> Iterator[tuple[Batch, bool]]:
    """This process's share of n rows of text from a number on, in forward passes of at most `micro`, and whether each
    counts."""
    most = -(-n // data.world)  # that a process reads
    begin, end = first + data.rank * most, min(first + (data.rank + 1) * most, first + n)
    for start in range(begin, begin + most, micro):
        size = min(micro, end - start)
        yield read(start if size > 0 else first, max(size, 1)), size > 0


def update(
    cfg: PolicyOptimization,
    batch: Batch,
    policy: Learner,
    value: Learner | None,
    text: TextRows | None,
    micro: int,
    seed: int,
    step: int,
    spread: Spread = ALONE,
) -> Values:
    """What the steps of an iteration measured: means over the minibatches, `rollout_mismatch` and `first_ratio` from
    the first, before any weight has moved; `skipped` if every step of policy or value network was left out."""
    found: list[Values] = []
    for epoch in range(cfg.epochs):
        for number, rows in enumerate(minibatches(len(batch["ids"]), cfg.minibatches, seed, step, epoch)):
            parts = micro_batches(batch, rows, micro, spread.data)
            nth = (step * cfg.epochs + epoch) * cfg.minibatches + number
            n_text = len(rows) * cfg.ptx_rows
            texts = []
            if text is not None:
                texts = list(text_parts(text, nth * n_text, n_text, micro or len(rows), spread.data))
            found.append(policy_step(policy, parts, texts, spread, norms=not found))
            if value is not None:
                taken = taken_by(value, parts, spread)
                found[-1] |= {"value_loss": taken["value"], "value_grad_norm": taken["grad_norm"]}
                found[-1]["skipped"] = max(found[-1]["skipped"], taken["skipped"])
    first = {"rollout_mismatch": found[0].pop("moved"), "first_ratio": found[0]["ratio"]}
    names = [name for name in found[-1] if name != "moved"]
    means = {name: sum(one[name] for one in found) / len(found) for name in names}
    once = {name: found[0][name] for name in found[0].keys() - means.keys()}
    return means | once | first | {"skipped": float(means["skipped"] == 1), "skipped_steps": means["skipped"]}


def taken_by(
    learner: Learner,
    every: Sequence[tuple[Batch, bool]],
    spread: Spread,
    after_each: Callable[[int], None] = lambda number: None,
) -> Values:
    """One step of a learner on this process's parts, of which some may not count."""
    blank = [number for number, (_, counts) in enumerate(every) if not counts]
    batches = [part for part, _ in every]
    network, objective, optimizers = learner.network, learner.objective, learner.optimizers
    return train_step(network, objective, batches, optimizers, learner.clip, spread.sum, after_each, blank)


def policy_step(
    policy: Learner,
    parts: Sequence[tuple[Batch, bool]],
    texts: Sequence[tuple[Batch, bool]],
    spread: Spread = ALONE,
    *,
    norms: bool,
) -> Values:
    """One step of the policy; with `norms`, and text, also the norms of the two gradients that were added up."""
    apart: list[Tensor] = []
    norm: Values = {}

    def after_each(number: int) -> None:
        if number == len(parts) - 1:
            apart.extend(gradients(policy.network))
        elif number == len(parts) + len(texts) - 1:
            both = gradients(policy.network)
            of_text = norm_of([a - b for a, b in zip(both, apart, strict=True)]).item()
            of_episodes = norm_of(apart).item()
            norm.update(
                ptx_grad_norm=of_text, policy_grad_norm=of_episodes, ptx_ratio=of_text / max(of_episodes, 1e-30)
            )

    every, watch = [*parts, *texts], after_each if norms and texts else lambda number: None
    taken = taken_by(policy, every, spread, watch)
    taken.pop("loss")
    return {NAMES.get(name, name): x for name, x in taken.items()} | norm


def gradients(network: nn.Module) -> list[Tensor]:
    """Copies of the gradients."""
    return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in network.parameters() if p.requires_grad]
