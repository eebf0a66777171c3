"""results/aligned.json as data: what a climb's chapter on alignment measured."""

from dataclasses import dataclass, field

from foretell.report.measured import Measured


@dataclass(frozen=True, kw_only=True)
class Labellers:
    """Who ranked and judged: how many whose labels train, and how many held out; whether all are simulated."""

    train: int
    held_out: int
    simulated: bool


@dataclass(frozen=True, kw_only=True)
class Set:
    """A set of labels and how many it has on each side."""

    set: str
    train: int
    valid: int


@dataclass(frozen=True, kw_only=True)
class UseCase:
    """What prompts are for."""

    use_case: str
    n: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Tokens of prompts."""

    n: int
    mean: float
    median: float


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """How many rankings are of K outputs."""

    k: int
    rankings: int


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The data that the models were trained on."""

    sizes: list[Set]
    use_cases: list[UseCase]
    lengths: Lengths
    outputs: list[Outputs]
    pairs: int
    ties: int


@dataclass(frozen=True, kw_only=True)
class RewardRow:
    """The reward model against held-out rankings of a group of labellers."""

    group: str
    accuracy: Measured
    log_loss: Measured
    longer: Measured
    """how often the longer output is the preferred one"""
    prompts: int


@dataclass(frozen=True, kw_only=True)
class RateRow:
    """How often a model is preferred to the largest SFT model, by a group of labellers."""

    role: str
    size: str
    parameters: int
    group: str
    rate: Measured
    ties: float
    words: float
    baseline_words: float
    like_lengths: Measured | None = None


@dataclass(frozen=True, kw_only=True)
class TaskScore:
    """A model's score on a public task."""

    task: str
    k: int
    metric: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class TaxRow:
    """What a model makes of held-out text, how much more than the first model it needs, and its scores on tasks."""

    model: str
    size: str
    parameters: int
    bits_per_byte: Measured
    rise: Measured | None = None
    tasks: list[TaskScore] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """The share of PPO's rise in loss that the mix takes back; None where PPO caused none."""

    size: str
    parameters: int
    recovered: Measured | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model answered."""

    model: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A prompt and every model's answer."""

    prompt: str
    answers: list[Answer]


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """results/aligned.json."""

    command: str
    labellers: Labellers
    data: Tables
    agreement: Measured | None = None
    reward: list[RewardRow]
    win_rates: list[RateRow]
    tax: list[TaxRow]
    recovered: list[Recovered]
    samples: list[Answers] = field(default_factory=list)
