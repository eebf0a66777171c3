"""Which loss a run minimises, as data."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageModel:
    """L1: the likelihood of each token given those before it (Radford et al. 2018, eq. 1)."""

    kind: Literal["lm"] = "lm"


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


ObjectiveConfig = LanguageModel | MaskedLanguageModel | Translation | Task
