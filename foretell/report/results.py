"""The files of a demo's results/ as data, one class a file; fields with a default may be absent."""

from dataclasses import dataclass, field
from typing import Any

from foretell.report.measured import Measured


@dataclass(frozen=True, kw_only=True)
class Source:
    """A part of the corpus."""

    source: str
    documents: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class TokenizerCard:
    """A tokenizer and how far it packs the text."""

    kind: str
    n_vocab: int
    bytes_per_token: float


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """results/corpus.json."""

    command: str
    source: str
    documents: int
    bytes: int
    by_source: list[Source] = field(default_factory=list)
    tokenizers: list[TokenizerCard] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline(Measured):
    """A score that needs no model, and what it is."""

    what: str


@dataclass(frozen=True, kw_only=True)
class Translated:
    """A source, the target that was wanted, and the model's output."""

    source: str
    target: str
    output: str


@dataclass(frozen=True, kw_only=True)
class Attention:
    """What each target token attends to: weights[target][source]."""

    source_tokens: list[str]
    target_tokens: list[str]
    weights: list[list[float]]

    def __post_init__(self) -> None:
        if [len(row) for row in self.weights] != [len(self.source_tokens)] * len(self.target_tokens):
            raise ValueError("weights is not one row a target token with one number a source token")


@dataclass(frozen=True, kw_only=True)
class Translation:
    """results/translation.json."""

    command: str
    bleu: Measured
    baseline: Baseline
    copy: Measured | None = None
    examples: list[Translated] = field(default_factory=list)
    attention: Attention | None = None


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """A fine-tuned model's held-out accuracy on a task."""

    task: str
    shape: str
    model: str
    start: str
    """`pretrained` or `scratch`"""
    accuracy: Measured
    majority: float
    run: str


@dataclass(frozen=True, kw_only=True)
class Finetune:
    """results/finetune.json."""

    command: str
    rows: list[TaskRow]


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A token for a gap."""

    token: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A text with one [MASK], the word that was there, and the likeliest tokens."""

    text: str
    answer: str
    guesses: list[Guess]


@dataclass(frozen=True, kw_only=True)
class MaskedWords:
    """results/masked_words.json. The accuracy is over one long word in each of at most 200 held-out sentences."""

    command: str
    examples: list[Gap]
    accuracy: Measured | None = None


@dataclass(frozen=True, kw_only=True)
class ZeroShotRow:
    """A model's accuracy on a task that it was only asked in words."""

    model: str
    parameters: int
    task: str
    accuracy: Measured
    chance: float


@dataclass(frozen=True, kw_only=True)
class TextRow:
    """How well a model predicts held-out text."""

    model: str
    parameters: int
    loss: float
    bits_per_byte: float


@dataclass(frozen=True, kw_only=True)
class ZeroShot:
    """results/zero_shot.json."""

    command: str
    rows: list[ZeroShotRow]
    text: list[TextRow] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a model wrote after a prompt."""

    model: str
    prompt: str
    text: str
    settings: str = ""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """results/samples.json."""

    command: str
    rows: list[Sample]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a step of the corpus left, and how many documents it dropped by reason."""

    step: str
    what: str
    documents: int
    bytes: int
    dropped: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Filtered:
    """What of a source's documents came through."""

    source: str
    role: str
    read: int
    kept: int


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The quality classifier on documents that it was not taught, and the shares that the gate keeps."""

    auc: Measured
    keep_rate: float
    keep_rate_curated: float


@dataclass(frozen=True, kw_only=True)
class Share:
    """A source's tokens, its weight in the mixture, and the epochs that follow over the budget."""

    source: str
    tokens: float
    weight: float
    epochs: float


@dataclass(frozen=True, kw_only=True)
class PaperShare(Share):
    """A source of GPT-3's, with what the paper prints."""

    printed_weight: float
    printed_epochs: float


@dataclass(frozen=True, kw_only=True)
class ShotsRow:
    """A model's score on a task that it was asked with `k` examples in the prompt."""

    task: str
    family: str
    model: str
    parameters: int
    k: int
    labels: str
    """`right`, or `shuffled` for the control"""
    demonstrations: float
    """how many of the k fitted, on average"""
    metric: str
    accuracy: Measured
    blind: float
    """the best of the baselines that read no question"""


@dataclass(frozen=True, kw_only=True)
class FewShot:
    """results/few_shot.json."""

    command: str
    rows: list[ShotsRow]


@dataclass(frozen=True, kw_only=True)
class Filtering:
    """results/filtering.json."""

    command: str
    alone: str
    """the command that makes the corpus without a demo"""
    recipe: str
    steps: list[Step]
    sources: list[Filtered]
    gate: Gate | None
    mixture: list[Share]
    paper: list[PaperShare]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of the demo and what it took."""

    name: str
    seconds: float | None = None
    done: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A model's result as a measure and its value."""

    measure: str
    value: float


@dataclass(frozen=True, kw_only=True)
class StoryRow:
    """A paper's model and, where one was trained here, ours."""

    model: str
    date: str
    paper_parameters: str
    paper_data: str
    parameters: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    result: Outcome | str | None = None


@dataclass(frozen=True, kw_only=True)
class Story:
    """results/story.json."""

    command: str
    scale: str
    text: str
    started: str
    seconds: float
    stages: list[Stage]
    rows: list[StoryRow]
    machine: dict[str, Any]
    version: str
