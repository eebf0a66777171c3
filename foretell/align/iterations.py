"""An iteration of reinforcement learning, which is a step of the run:

    responses   the policy answers batch.rows prompts                                            rollouts.py
    judged      the reference's log-probabilities, the reward's scores, the value network's values
    advantages  reward of each token, GAE, whitening over the whole batch                        objective/policy.py
    update      epochs x minibatches steps of the optimizers, the pretraining text within them   update.py
    after       the average of weights, beta, the guards                                         average.py, guards.py

Dropout is off throughout: the networks stay in evaluation mode, in which gradients flow all the same.

B episodes   R tokens of a response
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from foretell.align import guards
from foretell.align.advantages import advantages_of
from foretell.align.average import frozen, halved, move, take
from foretell.align.episodes import Episodes, episodes_of
from foretell.align.judged import Critics
from foretell.align.logprobs import all_logprobs, all_values
from foretell.align.measured import measured, shape_of
from foretell.align.rollouts import Prompts, Sampler, asked, importance, stream
from foretell.align.shares import of_all, responses_of_all
from foretell.align.update import Learner, policy_objective, update, value_objective
from foretell.corpus.batches import Batches, spread
from foretell.errors import Failed
from foretell.model.network import Network
from foretell.objective import policy as rule
from foretell.objective.config import PolicyOptimization
from foretell.objective.lm import language_model
from foretell.objective.mean import Batch
from foretell.train.checkpoint import fill
from foretell.train.config import AdamW, RunConfig
from foretell.train.evaluate import evaluate
from foretell.train.loop import to_device
from foretell.train.optimizer import build_optimizers, set_rate
from foretell.train.parallel import ALONE, Spread, laid_out, whole
from foretell.train.run import Values
from foretell.train.schedule import rate


class Iterations:
    """The work of a run: an iteration is a step. See the head of this file."""

    def __init__(
        self,
        *,
        cfg: RunConfig,
        ppo: PolicyOptimization,
        policy: Network,
        critics: Critics,
        prompts: tuple[Prompts, Prompts],
        text: Batches | None,
        sampler: Sampler,
        foreign: bool,
        end: int,
        room: int,
        device: str,
        spread: Spread = ALONE,
    ) -> None:
        self.cfg, self.ppo, self.policy, self.critics = cfg, ppo, policy, critics
        self.prompts, self.text, self.sampler, self.foreign = prompts, text, sampler, foreign
        self.end, self.room, self.device, self.precision = end, room, device, cfg.machine.precision
        self.spread = spread
        self.say: Callable[[str], object] = lambda line: None
        self.reference = halved(policy) if self.precision == "bf16" else frozen(policy)
        self.average = frozen(policy) if ppo.average else None
        self.best = frozen(policy) if guards.guarded(ppo) else None
        parts = {"policy": policy, "value": critics.value, "average": self.average, "best": self.best}
        self.model: nn.Module = nn.ModuleDict({name: part for name, part in parts.items() if part is not None})
        self.now = policy
        """the policy with all its weights, as it is when an iteration begins"""
        if spread.alone:
            self.learn()
        self.memory = {"beta": ppo.beta, "returns": 0.0, "best": float("-inf")}

    def learn(self) -> None:
        """Lay the two networks that are trained out over the processes, and build what trains them."""
        cfg, ppo, policy, value = self.cfg, self.ppo, self.policy, self.critics.value
        objective = laid_out(policy, policy_objective(ppo, self.precision), cfg.parallel, self.spread)
        own = build_optimizers(policy, cfg.optim)
        self.policy_learner = Learner(network=policy, optimizers=own, objective=objective, clip=cfg.clip)
        self.value_learner = None if value is None else value_learner(cfg, ppo, value, self.spread)
        self.value_optimizers = list(self.value_learner.optimizers) if self.value_learner else []
        self.optimizers: list[Optimizer] = [*own, *self.value_optimizers]

    @property
    def written(self) -> Network:
        """The model that the run writes."""
        return self.average or self.policy

    def one_pass(self) -> None:
        """The forward and backward pass of a minibatch's first part, of which nothing is left."""
        n = self.cfg.batch.micro or self.cfg.batch.rows // self.ppo.minibatches
        ids = torch.zeros((n, self.cfg.data.length), dtype=torch.int64, device=self.device)
        self.policy.logits(self.policy.hidden(ids)[:, -self.room :]).sum().backward()
        self.policy.zero_grad(set_to_none=True)

    def step(self, step: int, place: int | None = None) -> Values:
        """An iteration; what it measured. `place` is the number of its prompts, where some were moved past."""
        clock, place = Clock(), step if place is None else place
        share = rate(self.cfg.schedule, step, self.cfg.steps)
        set_rate(list(self.policy_learner.optimizers), share * 0.5 ** self.memory["returns"])
        set_rate(self.value_optimizers, share)
        self.now = whole(self.policy)
        episodes = self.answered(self.prompts[0], place)
        clock.lap("rollout")
        batch, values = self.judged(episodes, clock)
        reader = self.text_rows if self.text is not None and self.ppo.ptx_weight else None
        micro, seed = self.cfg.batch.micro, self.cfg.seed
        values |= update(
            self.ppo, batch, self.policy_learner, self.value_learner, reader, micro, seed, place, self.spread
        )
        clock.lap("update")
        if self.foreign or self.ppo.temperature != 1:
            values["rollout_mismatch"] = values.pop("sampler_mismatch")
        values |= {"beta": self.memory["beta"], "lr": self.policy_learner.optimizers[0].param_groups[0]["lr"]}
        self.after(step, values)
        return {**values, **clock.told(), "n_tokens": int((episodes.starts + episodes.lengths).sum())}

    def answered(self, prompts: Prompts, step: int) -> Episodes:
        """The episodes of an iteration."""
        n = self.cfg.batch.rows // self.ppo.samples
        some = asked(prompts, n, self.ppo.samples, self.cfg.seed, step)
        return self.responses(self.now, some, stream(self.cfg.seed, step))

    def responses(self, network: Network, prompts: Prompts, seed: int) -> Episodes:
        """Prompts with the responses of a network."""
        own = network if self.foreign or self.precision == "fp32" else frozen(network).bfloat16()
        given = responses_of_all(self.sampler, own, prompts, seed, self.spread, foreign=self.foreign)
        return episodes_of(prompts, given, self.device)

    def judged(self, episodes: Episodes, clock: "Clock") -> tuple[Batch, Values]:
        """What the update reads, and what it says of the episodes."""
        ppo, lengths = self.ppo, episodes.lengths
        logp, told = self.logprobs(episodes)
        logp_ref = self.of_network(self.reference, episodes, ppo.temperature)
        clock.lap("reference")
        scores = self.scores(episodes)
        clock.lap("reward")
        values = None if self.critics.value is None else self.values(whole(self.critics.value), episodes)
        clock.lap("value")
        mode, amount = ppo.missing_end, ppo.missing_end_amount
        given, counted = rule.missing_end(scores, lengths, episodes.ended, mode, amount)
        if not int(counted.sum()):
            raise Failed(
                "no response has ended, and missing_end=mask leaves nothing to learn from; raise data.response"
            )
        rewards = rule.shaped_rewards(given, logp, logp_ref, counted, self.memory["beta"], ppo.estimator)
        made, told_values = advantages_of(ppo, rewards, values, counted)
        told |= told_values | measured(episodes, scores, rewards, logp, logp_ref)
        weights = importance(logp, episodes.sampled, counted) if self.foreign else torch.ones_like(logp)
        same = {"ids": episodes.ids, "starts": episodes.starts, "lengths": counted}
        return {**same, "logp_old": logp, "weights": weights, **made}, told

    def of_network(self, network: Network, episodes: Episodes, temperature: float) -> Tensor:
        """The log-probabilities of the responses by a network."""
        precision = self.precision

        def compute(some: Episodes) -> Tensor:
            return all_logprobs(network, some, temperature, precision)[0]

        return of_all(compute, episodes, episodes.sampled, self.spread)

    def values(self, network: Network, episodes: Episodes) -> Tensor:
        """The values before the responses' tokens."""
        return of_all(lambda some: all_values(network, some, self.precision), episodes, episodes.sampled, self.spread)

    def scores(self, episodes: Episodes) -> Tensor:
        """The rewards of the responses."""
        return of_all(self.critics.scores, episodes, episodes.lengths, self.spread)

    def logprobs(self, episodes: Episodes) -> tuple[Tensor, Values]:
        """The old policy's log-probabilities: as sampled, or scored where the sampler is another program or tells them
        at another temperature; then also how far the two are apart."""
        if not self.foreign and self.ppo.temperature == 1:
            return episodes.sampled, {}
        at_one = self.of_network(self.now, episodes, 1.0)
        apart = rule.token_mean((at_one - episodes.sampled).abs(), episodes.lengths).value.item()
        if self.ppo.temperature == 1:
            return at_one, {"sampler_mismatch": apart}
        return self.of_network(self.now, episodes, self.ppo.temperature), {"sampler_mismatch": apart}

    def text_rows(self, first: int, n: int) -> Batch:
        """n rows of pretraining text from a number on."""
        assert self.text is not None, "text is asked for where there is some"
        rows = self.text.batch(np.arange(first, first + n))
        return to_device({name: rows[name] for name in ("inputs", "targets")}, self.device)

    def after(self, step: int, values: Values) -> None:
        """Move the average and beta, and go back where a guard says so."""
        ppo, memory = self.ppo, self.memory
        if self.best is not None and (reason := guards.beyond(ppo, values)):
            return self.go_back(step, reason, values)
        if self.average is not None:
            move(self.average, whole(self.policy), ppo.average)
        earned = values["shaped_reward"]
        if self.best is not None and earned > memory["best"]:
            memory["best"] = earned
            take(self.best, whole(self.written))
        if ppo.target_kl:
            kl, n = values["kl"], self.cfg.batch.rows
            memory["beta"] = rule.adaptive_beta(memory["beta"], kl, ppo.target_kl, ppo.horizon, n)
        return None

    def go_back(self, step: int, reason: str, values: Values) -> None:
        """Return to the best average with half of the learning rate."""
        assert self.best is not None, "a guarded run keeps its best average"
        self.memory["returns"] += 1
        returns = int(self.memory["returns"])
        if returns > guards.MOST_RETURNS:
            raise Failed(
                f"{reason} after {returns - 1} returns to the best average; begin again with a lower --optim.lr"
            )
        self.say(f"iteration {step + 1}: {reason}; back to the best average, learning rate halved")
        values["returned"] = 1.0
        for network in (self.policy, self.average):
            if network is not None:
                fill(network, self.best.state_dict())
        for optimizer in self.policy_learner.optimizers:
            optimizer.state.clear()

    def evaluation(self) -> Values:
        """Rewards, KL, length and share of ended responses on held-out prompts, and the loss on held-out text, of the
        weights that the run writes."""
        found: Values = {}
        held_out, written = self.prompts[1], whole(self.written)
        some = [held_out[i] for i in spread(len(held_out), self.cfg.evaluate_rows)]
        if some:
            episodes = self.responses(written, some, stream(self.cfg.seed, -1) % 2**63)
            logp, logp_ref = (self.of_network(one, episodes, self.ppo.temperature) for one in (written, self.reference))
            kl = rule.response_mean(logp - logp_ref, episodes.lengths).value.item()
            scores = self.scores(episodes)
            found |= {"reward": scores.mean().item(), "kl": kl} | shape_of(episodes)
        if self.text is not None:
            found["lm"] = self.text_loss(written)
        return {f"val_{name}": value for name, value in found.items()}

    def text_loss(self, written: Network) -> float:
        """The loss per token of held-out text."""
        assert self.text is not None, "there is text"
        rows = self.cfg.batch.micro or 16
        batches = (to_device(part, self.device) for part in self.text.evaluation(rows, self.cfg.evaluate_rows))
        return evaluate(written, language_model(), batches, self.spread)["lm"]

    def epochs(self, step: int) -> Values:
        """How often each prompt was asked."""
        return {"epochs": round(step * self.cfg.batch.rows / self.ppo.samples / len(self.prompts[0]), 5)}

    def words(self, values: Values, found: Values) -> str:
        """The reward and the KL as the bar shows them."""
        return f"reward {values['reward']:.3f}  KL {values['kl']:.2f}  {values['response_length']:.0f} tokens"


class Clock:
    """Seconds by part of an iteration."""

    def __init__(self) -> None:
        self.last, self.parts = time.perf_counter(), dict[str, float]()

    def lap(self, name: str) -> None:
        """Book the time since the last lap under a name."""
        now = time.perf_counter()
        self.parts[name], self.last = now - self.last, now

    def told(self) -> Values:
        """The seconds of each part, as metrics."""
        return {f"seconds/{name}": round(took, 4) for name, took in self.parts.items()}


def value_learner(cfg: RunConfig, ppo: PolicyOptimization, value: Network, spread: Spread) -> Learner:
    """The value network with an optimizer of its own."""
    optim = AdamW(lr=ppo.value_lr, betas=cfg.optim.betas, eps=cfg.optim.eps, weight_decay=cfg.optim.weight_decay)
    objective = laid_out(value, value_objective(ppo, cfg.machine.precision), cfg.parallel, spread)
    return Learner(network=value, optimizers=build_optimizers(value, optim), objective=objective, clip=cfg.clip)
