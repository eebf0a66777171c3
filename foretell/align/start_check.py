"""What is checked on the user's own models before the first iteration, in a second or two; a failure stops the run.

    dropout      two passes over the same text give the same
    end          an answer holds its end token at its end or, where it was cut, nowhere
    places       neither padding nor other rows change a log-probability
    sampler      log-probabilities as sampled are those that are computed: the first ratio is 1
    chances      tokens come as often as their probability says: nothing is cut off, the temperature is the same
    start        the KL between policy and reference is 0
    reward       scores are numbers, and what stands behind an answer does not change them

Each failure names its cause: most of what is reported of other programs as negative KL or as a wrong ratio is one of
these.
"""

import math
import time
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from foretell.align.episodes import Episodes
from foretell.align.judged import Critics
from foretell.align.logprobs import all_logprobs
from foretell.align.rollouts import Prompts, asked
from foretell.errors import Failed
from foretell.model.network import Network
from foretell.objective.config import PolicyOptimization
from foretell.objective.policy import real, token_mask
from foretell.train.config import RunConfig

PROMPTS = 16
NEAR = {"fp32": 1e-4, "bf16": 1e-1}  # nats of one token; measured are 1e-6 and 1e-2
SURE = 6.0  # standard errors


class Started(Protocol):
    """What is checked: the parts of a run that is about to begin."""

    cfg: RunConfig
    ppo: PolicyOptimization
    policy: Network
    reference: Network
    critics: Critics
    prompts: tuple[Prompts, Prompts]
    end: int

    def responses(self, network: Network, prompts: Prompts, seed: int) -> Episodes:
        """Prompts with the responses of a network, as an iteration samples them."""


def check_start(work: Started, room: int, say: Callable[[str], object] = lambda line: None) -> None:
    """Nothing; Failed, one line with the cause, if a check fails. What was found is said in a line."""
    begun, cfg, ppo = time.perf_counter(), work.cfg, work.ppo
    prompts = asked(work.prompts[0], PROMPTS, 1, cfg.seed, 0)
    episodes = work.responses(work.policy, prompts, cfg.seed)  # in bf16 of a copy, as every iteration's are
    near = NEAR[cfg.machine.precision]
    check_end(episodes, work.end, room)
    logp, _ = all_logprobs(work.policy, episodes, 1.0, cfg.machine.precision)
    check_dropout(work.policy, episodes, logp, cfg.machine.precision)
    check_places(work.policy, episodes, logp, near, cfg.machine.precision)
    apart = check_sampler(work.policy, episodes, logp, near, ppo.temperature, cfg.machine.precision)
    check_chances(work.policy, episodes, ppo.temperature, cfg.machine.precision)
    check_reference(work.reference, episodes, logp, cfg.machine.precision)
    check_reward(work.critics, episodes, work.end)
    steps = ppo.epochs * ppo.minibatches
    took = time.perf_counter() - begun
    say(
        f"start check: ratio 1 (to {apart:.1e} nats), KL 0, dropout off, ends and places in order; "
        f"{steps} optimizer steps an iteration of {cfg.batch.rows} episodes ({took:.1f} s)"
    )


def failed(what: str, cause: str) -> Failed:
    """The error of a check, in one line."""
    return Failed(f"start check: {what}; {cause}")


def check_end(episodes: Episodes, end: int, room: int) -> None:
    """The contract of ends."""
    for (_, answer), ended in zip(episodes.answers(), episodes.ended.tolist(), strict=True):
        if not answer:
            raise failed("an answer is empty", "the sampler must give at least one token, its end included")
        if ended != (answer[-1] == end) or end in answer[:-1]:
            rule = f"an answer that has ended holds the end token {end} at its end and nowhere else"
            raise failed(f"the sampler gave an answer of which ended={ended}", rule)
        if not ended and len(answer) != room:
            cause = f"the sampler stops at something else than the end token {end} or data.response={room} tokens"
            raise failed(f"an answer of {len(answer)} tokens was cut", cause)


def check_dropout(policy: Network, episodes: Episodes, logp: Tensor, precision: str) -> None:
    """Two passes are one."""
    again, _ = all_logprobs(policy, episodes, 1.0, precision)
    if not torch.equal(again, logp):
        cause = "dropout or another source of chance is on in the policy"
        raise failed(f"two passes over one text differ by {largest(again - logp, episodes):.1e} nats", cause)


def check_places(policy: Network, episodes: Episodes, logp: Tensor, near: float, precision: str) -> None:
    """A row alone, and a row before other padding."""
    few = Episodes(
        ids=torch.nn.functional.pad(episodes.ids[:1], (0, 3), value=1),
        starts=episodes.starts[:1],
        lengths=episodes.lengths[:1],
        ended=episodes.ended[:1],
        sampled=episodes.sampled[:1],
    )
    alone, _ = all_logprobs(policy, few, 1.0, precision)
    if (far := largest(alone - logp[:1], few)) > near:
        cause = "padding or positions leak between rows: a row must not depend on what it is batched with"
        raise failed(f"a response alone differs by {far:.1e} nats from the same in a batch", cause)


def check_sampler(
    policy: Network, episodes: Episodes, logp: Tensor, near: float, temperature: float, precision: str
) -> float:
    """The largest difference between log-probabilities as sampled and as computed, if it is small."""
    far = largest(logp - episodes.sampled, episodes)
    if far <= near:
        return far
    gap = real(episodes.sampled - logp, episodes.lengths)
    at_temperature, _ = all_logprobs(policy, episodes, temperature, precision)
    if temperature != 1 and largest(at_temperature - episodes.sampled, episodes) <= near:
        cause = f"the sampler tells them at temperature {temperature}, and must at 1"
    elif bool((gap >= -near).all()):
        cause = "every sampled token is told likelier than it is: the sampler cuts tokens off (top-k, top-p)"
    else:
        cause = "the sampler has other weights, positions, padding or temperature than the trainer"
    raise failed(f"the first ratio is not 1: log-probabilities differ by up to {far:.2g} nats", cause)


def check_chances(policy: Network, episodes: Episodes, temperature: float, precision: str) -> None:
    """Whether the mean log-probability of sampled tokens is minus the entropy, within SURE standard errors."""
    logp, entropy = all_logprobs(policy, episodes, temperature, precision)
    mask = token_mask(episodes.lengths, logp.shape[1])
    surplus = (logp + entropy)[mask].double()
    if len(surplus) < 2:
        return
    error = max(surplus.std().item() / math.sqrt(len(surplus)), 1e-6)
    if abs(z := surplus.mean().item() / error) > SURE:
        kind = "likelier" if z > 0 else "less likely"
        cause = "the sampler's temperature is not objective.temperature, or it cuts tokens off (top-k, top-p)"
        raise failed(f"sampled tokens are {kind} than chance, by {abs(z):.0f} standard errors", cause)


def check_reference(reference: Network, episodes: Episodes, logp: Tensor, precision: str) -> None:
    """The policy begins as the reference."""
    found, _ = all_logprobs(reference, episodes, 1.0, precision)
    if not torch.equal(found, logp):
        cause = "the reference is not the model that the policy starts from, or one of the two is changed (adapters)"
        raise failed(f"the KL is not 0 at the start: up to {largest(found - logp, episodes):.2g} nats", cause)


def check_reward(critics: Critics, episodes: Episodes, end: int) -> None:
    """Scores are numbers and end where the answers end."""
    scores = critics.scores(episodes)
    wider = Episodes(
        ids=torch.nn.functional.pad(episodes.ids, (0, 2), value=end),
        starts=episodes.starts,
        lengths=episodes.lengths,
        ended=episodes.ended,
        sampled=episodes.sampled,
    )
    if not torch.allclose(critics.scores(wider), scores, atol=1e-3, rtol=1e-3):
        raise failed("what stands behind an answer changes its reward", "the reward must be read at the last token")


def largest(x: Tensor, episodes: Episodes) -> float:
    """The largest absolute value over real tokens."""
    return real(x, episodes.lengths).abs().max().item()
