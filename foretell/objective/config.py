"""Which loss a run minimises, as data."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageModel:
    """L1: the likelihood of each token given those before it (Radford et al. 2018, eq. 1)."""

    kind: Literal["lm"] = "lm"
    unlikelihood: float = 0.0
    """alpha: how much what the row has said is made unlikely to come again (Welleck et al. 2019, eq. 5; theirs is 1)"""

    def __post_init__(self) -> None:
        if not 0 <= self.unlikelihood < float("inf"):
            raise ValueError(f"unlikelihood={self.unlikelihood} is not at least 0; the paper's is 1, 0 switches it off")


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedLanguageModel:
    """The likelihood of the masked tokens, and of the next sentence (Devlin et al. 2018, section 3.1)."""

    kind: Literal["mlm"] = "mlm"
    next_sentence: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Translation:
    """The likelihood of the target given the source, with label smoothing (Vaswani et al. 2017, section 5.4)."""

    kind: Literal["translation"] = "translation"
    label_smoothing: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing={self.label_smoothing} is not in [0, 1); 0 switches it off")


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """L3 = L2 + lambda L1: the task's loss plus language modelling on its text (Radford et al. 2018, eq. 5)."""

    kind: Literal["task"] = "task"
    lm_weight: float = 0.0
    """lambda; 0 for a network without a language-model head"""

    def __post_init__(self) -> None:
        if not self.lm_weight >= 0:
            raise ValueError(f"lm_weight={self.lm_weight} is not at least 0; the paper's lambda is 0.5")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """The likelihood of rankings of K outputs under a scalar reward (Ouyang et al. 2022, eq. 1)."""

    kind: Literal["ranking"] = "ranking"


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyOptimization:
    """PPO from a reward model, with a penalty on the KL from the start and pretraining mixed in (Ouyang et al., eq. 2).

    The defaults are the paper's; where it is silent, objective/policy.py says what is ours. A step of the run is one
    iteration: `batch.rows` episodes are sampled, and split into minibatches of which each is one step of the optimizer.
    """

    kind: Literal["ppo"] = "ppo"
    reward: str = ""
    """the run or model folder of the reward model"""
    rubric: str = ""
    """a rubric file whose rewards come on top, or `embedded`; the rewards then need no reward model (OpenAI 2023)"""
    rubric_weight: float = 1.0
    value: str = ""
    """the folder that the value network begins from; empty: the reward model"""
    advantages: Literal["gae", "leave_one_out", "group"] = "gae"
    """gae: with a value network; leave_one_out (RLOO), group (GRPO): among the samples of a prompt, without one"""
    samples: int = 1
    """responses to a prompt, drawn in one iteration"""
    minibatches: int = 8
    epochs: int = 1
    """passes over the episodes of an iteration"""
    clip: float = 0.2
    value_clip: float = 0.2
    value_lr: float = 9e-6
    beta: float = 0.02
    """weight of the KL from the start, per token, in the reward"""
    estimator: Literal["k1", "k2", "k3"] = "k1"
    target_kl: float = 0.0
    """nats per response at which an adaptive beta holds the KL; 0 keeps beta as it is"""
    horizon: float = 10_000.0
    """episodes over which an adaptive beta moves"""
    gamma: float = 1.0
    """discount"""
    lambda_: float = 0.95
    temperature: float = 1.0
    """of sampling, and of every probability that is computed of a response"""
    missing_end: Literal["fixed", "subtract", "mask"] = "fixed"
    """what a response without an end is given: see objective/policy.py"""
    missing_end_amount: float = -1.0
    """score under `fixed`, penalty under `subtract`"""
    whiten_rewards: bool = False
    ptx_weight: float = 0.0
    """gamma of PPO-ptx: weight of the pretraining loss per token; the paper's 27.8"""
    ptx_rows: int = 8
    """rows of pretraining text for each episode"""
    average: float = 0.992
    """decay of the average of weights that the run writes as its model, per iteration; 0 writes the last weights"""
    most_kl: float = 0.0
    """nats per response above which the run goes back to its best average; 0 sets no bound"""
    least_entropy: float = 0.0
    """nats per token below which it does; 0 sets no bound"""
    most_repetition: float = 1.0
    """share of repeated 4-grams in the responses above which it does; 1 sets no bound"""

    def __post_init__(self) -> None:
        for name in ("minibatches", "epochs", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is not positive; the paper's are 8, 1 and 1")
        for name in ("beta", "ptx_weight", "target_kl", "most_kl", "least_entropy", "rubric_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)} is not at least 0; 0 switches it off")
        for name in ("clip", "value_clip", "value_lr", "temperature", "horizon"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)} is not positive; leave it at its default")
        for name in ("gamma", "lambda_", "average", "most_repetition"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} is not in [0, 1]; leave it at its default")
        if self.advantages != "gae" and self.samples < 2:
            raise ValueError(f"advantages={self.advantages} compares the samples of a prompt; give samples=4 or more")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """DPO: the policy's own likelihoods, against those of the start, as rewards (Rafailov et al. 2023, eq. 7)."""

    kind: Literal["preference"] = "preference"
    beta: float = 0.1

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise ValueError(f"beta={self.beta} is not positive; the paper's is 0.1")


ObjectiveConfig = LanguageModel | MaskedLanguageModel | Translation | Task | Ranking | PolicyOptimization | Preference
