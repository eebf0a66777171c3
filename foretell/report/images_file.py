"""results/images.json as data."""

from dataclasses import dataclass

from foretell.report.measured import Measured


@dataclass(frozen=True, kw_only=True)
class Clear:
    """How far seeing is above the best control, question by question, and in standard errors of that difference."""

    value: float
    se: float
    errors: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of question: what is right with the picture, with another one, with none, and without a model."""

    kind: str
    n: int
    seeing: Measured
    shuffled: Measured
    blind: Measured
    majority: Measured
    guess: Measured
    best_control: str
    clear: Clear


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A question and what was answered."""

    kind: str
    prompt: str
    completion: str
    seeing: str
    shuffled: str
    blind: str


@dataclass(frozen=True, kw_only=True)
class Images:
    """results/images.json."""

    command: str
    model: str
    parameters: int
    seed: int
    rows: list[Kind]
    samples: list[Answer]
