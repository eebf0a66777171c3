"""Who judges the episodes: the reward's scores of whole responses, and the value network.

reward   a network with a scalar head, read at a response's last token; or any function of prompts and answers
value    begins as the reward model (Ouyang et al. 2022, C.4), so that value(x) is reward(x) at every position
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from foretell.align.average import frozen, halved
from foretell.align.episodes import Episodes
from foretell.align.logprobs import all_scores
from foretell.errors import BadUse, Failed
from foretell.exchange.folder import Loaded, load_model
from foretell.model.network import Network
from foretell.objective.config import PolicyOptimization
from foretell.text.tokenizer import Tokenizer

Ids = Sequence[int]
Score = Callable[[Sequence[Ids], Sequence[Ids]], Sequence[float]]  # prompts, answers with their end -> rewards
OfEpisodes = Callable[[Episodes], Tensor]  # -> (B,)


class Critics:
    """The reward and the value network, which is None where advantages need none."""

    def __init__(self, reward: OfEpisodes, value: Network | None, network: Network | None = None) -> None:
        self.reward, self.value, self.network = reward, value, network

    def scores(self, episodes: Episodes) -> Tensor:  # -> (B,)
        """The reward of each response; Failed if one is no finite number."""
        found = self.reward(episodes)
        if not found.isfinite().all():
            place = int((~found.isfinite()).nonzero()[0])
            rule = "the reward model is broken; train it again, with a lower learning rate"
            raise Failed(f"the reward of response {place + 1} is {found[place].item()}, which is no number; {rule}")
        return found


def open_critics(
    ppo: PolicyOptimization,
    policy: Network,
    tokenizer: Tokenizer,
    score: Score | None,
    length: int,
    device: str,
    precision: str = "fp32",
    added: Score | None = None,
) -> Critics:
    """The reward model and the value network of a run; BadUse if they do not read what the policy writes.

    `added` comes on top of the reward, times ppo.rubric_weight; without a reward model it is the reward.
    """
    if score is None and added is not None and not ppo.reward:
        score, added = scaled(added, ppo.rubric_weight), None
    if score is None and not ppo.reward:
        raise BadUse("no reward model is named; train one, and give it with --objective.reward DIR")
    reward = None if score is not None else open_scalar(ppo.reward, tokenizer, length, device)
    value = None
    if ppo.advantages == "gae":
        source = ppo.value or ppo.reward
        value = open_scalar(source, tokenizer, length, device) if source else with_zero_head(policy)
        value.requires_grad_(True).eval()
    if reward is None:
        assert score is not None, "one of both is given"
        return Critics(with_added(by_function(score), added, ppo.rubric_weight), value)
    reward = halved(reward) if precision == "bf16" else frozen(reward)
    return Critics(with_added(by_network(reward, precision), added, ppo.rubric_weight), value, reward)


def scaled(score: Score, weight: float) -> Score:
    """The score times a weight."""
    return lambda prompts, answers: [weight * one for one in score(prompts, answers)]


def with_added(reward: OfEpisodes, added: Score | None, weight: float) -> OfEpisodes:
    """The reward with another on top of it (OpenAI 2023, section 6: an additional reward signal)."""
    if added is None:
        return reward
    more = by_function(scaled(added, weight))
    return lambda episodes: reward(episodes) + more(episodes)


def open_scalar(folder: str, tokenizer: Tokenizer, length: int, device: str) -> Network:
    """The network of a reward model's folder; BadUse if it has another head, tokenizer, or too little room."""
    loaded: Loaded = load_model(folder)
    cfg = loaded.network.cfg
    if cfg.kind != "decoder" or cfg.heads.n_outputs != 1:
        has = f"a {cfg.kind} with n_outputs={cfg.heads.n_outputs}"
        raise BadUse(f"{folder} is {has}, no reward model; train one with objective=ranking")
    if loaded.tokenizer is not None and loaded.tokenizer.sha() != tokenizer.sha():
        rule = "the same ids would mean other words: train it from the same pretraining"
        raise BadUse(f"{folder} has another tokenizer than the policy; {rule}")
    if cfg.n_ctx < length:
        raise BadUse(f"{folder} reads {cfg.n_ctx} tokens, and data.length={length}; lower --data.length")
    return loaded.network.to(device)


def with_zero_head(policy: Network) -> Network:
    """The policy's body with a scalar head that says 0 (Ziegler et al. 2019): where no reward model is at hand."""
    heads = replace(policy.cfg.heads, lm=False, n_outputs=1)
    value = Network(replace(policy.cfg, heads=heads)).to(next(policy.parameters()).device)
    value.load_state_dict({k: v for k, v in policy.state_dict().items() if not k.startswith("lm_head")}, strict=False)
    with torch.no_grad():
        for p in value.task_head.parameters() if value.task_head is not None else ():
            p.zero_()
    return value.eval()


def by_network(network: Network, precision: str = "fp32") -> OfEpisodes:
    """The scores of a reward model."""
    return lambda episodes: all_scores(network, episodes, precision)


def by_function(score: Score) -> OfEpisodes:
    """The scores of a function of ids."""

    def scores(episodes: Episodes) -> Tensor:
        prompts, answers = zip(*episodes.answers(), strict=True)
        return torch.tensor(list(score(prompts, answers)), dtype=torch.float32, device=episodes.ids.device)

    return scores
