"""A reward model as it is used: what it says of answers, and the zero that demonstrations give it.

A reward is the scalar head's output at an answer's last token, the end included, its bias too. An answer's reward
depends neither on what is asked beside it nor on what stands behind it (Ouyang et al. 2022, section 3.5).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import torch

from foretell.errors import BadUse, Failed
from foretell.exchange.folder import load_model
from foretell.generate.pieces import piece_size, read
from foretell.generate.prefixes import Ids, tree_of
from foretell.generate.score import portions
from foretell.model.network import Network
from foretell.text.chat import answer_ids, prompt_ids, turns_of
from foretell.text.tokenizer import Tokenizer

Asked = tuple[Ids, Ids]  # the ids of a prompt, and of an answer with its end
ROUNDS = 3  # of calibration: each takes off what rounding left of the one before


@dataclass(frozen=True, kw_only=True, slots=True)
class Reward:
    """A network with a scalar head, and the tokenizer that it reads with."""

    network: Network
    tokenizer: Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """What answers' rewards were before the zero was set."""

    mean: float
    std: float
    n: int


def load_reward(folder: str | Path) -> Reward:
    """The reward model of a run or model folder; BadUse if what is there gives no score."""
    loaded = load_model(folder)
    cfg = loaded.network.cfg
    if loaded.tokenizer is None:
        raise BadUse(f"{loaded.folder} holds no tokenizer.json; put the one that it was trained with beside it")
    if cfg.kind != "decoder" or cfg.heads.n_outputs != 1:
        rule = "a reward model is a decoder with one output: train it with objective=ranking"
        raise BadUse(f"{folder} is of kind {cfg.kind} with {cfg.heads.n_outputs} outputs; {rule}")
    return Reward(network=loaded.network, tokenizer=loaded.tokenizer)


def check_tokenizer(reward: Reward, tokenizer: Tokenizer, whose: str) -> None:
    """BadUse if the reward model reads with another tokenizer: the same ids would mean other words."""
    if reward.tokenizer.sha() != tokenizer.sha():
        raise BadUse(
            f"the reward model has another tokenizer than {whose}; give one that was trained from the same start"
        )


def asked(reward: Reward, prompt: str | Sequence[Mapping[str, str]], text: str) -> Asked:
    """The ids of a prompt, as labels hold it, and of an answer to it."""
    return prompt_ids(reward.tokenizer, turns_of(prompt)), answer_ids(reward.tokenizer, text)


def scores(reward: Reward, pairs: Sequence[Asked], *, share: bool = True, tokens: int = 0) -> list[float]:
    """The reward of each answer, in their order. A prompt that does not fit loses its beginning.

    What answers begin with in common, such as their prompt, is read once; without `share` each is read by itself.
    `tokens` is how many are read at once, 0 for what suits the network and its device; neither changes a reward but by
    rounding. BadUse if an answer alone is longer than the context, or is empty; Failed for a reward that is no number.
    """
    n_ctx = reward.network.cfg.n_ctx
    for _, answer in pairs:
        if not 0 < len(answer) <= n_ctx:
            raise BadUse(f"an answer has {len(answer)} tokens, the reward model reads 1 to {n_ctx}; shorten it")
    tokens = tokens or piece_size(reward.network.cfg, reward.network.embed.token.weight)
    found: list[float] = []
    for some in portions(pairs):
        found += _scores(reward.network, [[*prompt, *answer][-n_ctx:] for prompt, answer in some], share, tokens)
    if wrong := next((one for one in found if not isfinite(one)), None):
        raise Failed(f"a reward is {wrong}; the reward model has diverged: train it again with a lower --optim.lr")
    return found


def _scores(network: Network, rows: Sequence[Ids], share: bool, tokens: int) -> list[float]:
    """The reward at the last token of each row."""
    tree = tree_of(rows, [1] * len(rows), share=share)
    at = torch.tensor([int(places[0]) for places in tree.tails])  # (N,)
    rewards = torch.empty(len(tree.ids))
    wanted = torch.zeros(len(tree.ids), dtype=torch.bool)
    wanted[at] = True
    with torch.inference_mode():
        for start, hidden in read(network, tree, tokens):
            places = wanted[start : start + len(hidden)].nonzero()[:, 0]
            if len(places):
                outputs = network.task_outputs(hidden[places.to(hidden.device)])[:, 0]
                rewards[start + places] = outputs.float().cpu()
    return rewards[at].tolist()


def calibrate(reward: Reward, demonstrations: Sequence[Asked], *, unit_std: bool = False) -> Calibration:
    """What the demonstrations' rewards were, after the head is changed so that their mean is 0 (section 3.5).

    With `unit_std` a gain makes their standard deviation (of n) 1 too, as in Ziegler et al. 2019. The loss of rankings
    does not change by the bias. BadUse for a head without a bias, and for no demonstrations.
    """
    head = reward.network.task_head
    if head is None or head.output.bias is None:
        raise BadUse("the reward model's head has no bias, which sets its zero; train it with --model.heads.task-bias")
    if not demonstrations:
        raise BadUse("there is no demonstration to set the reward's zero by; give at least one")
    before = moments(scores(reward, demonstrations))
    with torch.no_grad():
        if unit_std and before.std > 0:
            head.output.weight.div_(before.std)
            head.output.bias.div_(before.std)
        for _ in range(ROUNDS):
            head.output.bias.sub_(moments(scores(reward, demonstrations)).mean)
    return before


def moments(values: Sequence[float]) -> Calibration:
    """The mean, the standard deviation and the number of values."""
    mean = sum(values) / len(values)
    return Calibration(mean=mean, std=sqrt(sum((value - mean) ** 2 for value in values) / len(values)), n=len(values))


def demonstrations_of(reward: Reward, rows: Sequence[Mapping[str, Any]]) -> list[Asked]:
    """The ids of demonstrations as labels hold them: prompt and completion. Those that do not fit are left out, those
    whose turns do not alternate, and conversations that are learnt whole, which have neither."""
    found = []
    for row in rows:
        if {"prompt", "completion"} <= row.keys():
            with suppress(BadUse):
                found.append(asked(reward, row["prompt"], row["completion"]))
    return [one for one in found if len(one[1]) < reward.network.cfg.n_ctx]
