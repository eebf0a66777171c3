"""results/safety.json, system.json, calibration.json and hindsight.json as data."""

from dataclasses import dataclass, field
from typing import Any

from foretell.report.measured import Measured

Figures = dict[str, dict[str, float]]


def measured(told: dict[str, float]) -> Measured:
    """A figure of these files."""
    return Measured(value=told["value"], low=told["low"], high=told["high"], n=int(told["n"]))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A prompt with the answers before and after."""

    kind: str
    prompt: Any
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Safety:
    """Answers to attacks and to safe requests, before and after."""

    command: str
    policies: list[dict[str, str]]
    figures: dict[str, Figures]
    """side -> share -> measured"""
    kinds: dict[str, list[dict[str, Any]]]
    compared: Figures
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """How often one turn kept its system message."""

    turn: int
    attacked: bool
    obeyed: Measured


@dataclass(frozen=True, kw_only=True)
class Message:
    """How often a system message was kept."""

    constraint: str
    kind: str
    attacked: bool
    obeyed: Measured


@dataclass(frozen=True, kw_only=True)
class Obedience:
    """A model's obedience; None where no turn was of that kind."""

    plain: Measured | None
    attacked: Measured | None
    turns: list[Turn]
    messages: list[Message]


@dataclass(frozen=True, kw_only=True)
class System:
    """Obedience before and after."""

    command: str
    before: Obedience
    after: Obedience


@dataclass(frozen=True, kw_only=True)
class Bin:
    """A bin of a reliability diagram."""

    bins: str
    n: int
    confidence: float
    accuracy: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """A model's figures and its diagram."""

    figures: dict[str, dict[str, float | None]]
    rows: list[Bin]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Reliability before and after, and the ECE after less that before."""

    command: str
    asked: str
    models: dict[str, str]
    before: Reliability
    after: Reliability
    less: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Bet:
    """A model's accuracy on a task of bets."""

    model: str
    parameters: int
    task: str
    k: int
    accuracy: Measured


@dataclass(frozen=True, kw_only=True)
class Slope:
    """The slope of accuracy against ln(parameters)."""

    task: str
    sizes: int
    slope: Measured


@dataclass(frozen=True, kw_only=True)
class Hindsight:
    """Accuracy by size."""

    command: str
    rows: list[Bet]
    slopes: list[Slope] = field(default_factory=list)
