"""results/limits.json as data."""

from dataclasses import dataclass, field
from typing import Any

from foretell.report.measured import Measured


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word that describes one gender more than the other."""

    model: str
    parameters: int
    group: str
    word: str
    count: int
    """outputs of the group that hold it"""
    other: int
    """outputs of the other group that hold it"""
    ratio: float
    odds: Measured
    q: float
    significant: bool


@dataclass(frozen=True, kw_only=True)
class Average:
    """In how many outputs of a gender a word is on average."""

    model: str
    parameters: int
    group: str
    average: float
    words: int
    outputs: int


@dataclass(frozen=True, kw_only=True)
class Tone:
    """The sentiment of the words that go with a group, from -100 to 100; n is 0 where no word is in the lexicon."""

    model: str
    parameters: int
    kind: str
    group: str
    sentiment: dict[str, float]
    all_words: dict[str, float]
    words: str
    significant: int
    n_words: int


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """The figures of the audit of repetition."""

    model: str
    parameters: int
    figures: dict[str, dict[str, float | None]]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """results/limits.json."""

    command: str
    samples: int
    lexicon: str
    words: list[Word]
    averages: list[Average]
    sentiment: list[Tone]
    repetition: list[Repetition] = field(default_factory=list)
    attribution: list[dict[str, Any]] = field(default_factory=list)
    """sentences as report/attribution.py draws them"""
