"""What labellers give, as records: rankings, demonstrations, prompts and outputs that wait for a label.

    prompt         what is asked, where it comes from, to which group and side it belongs
    demonstration  the completion that a labeller wrote for a prompt
    ranking        K outputs for a prompt, 2 to 9, with a rank each; equal ranks are ties, kept as they were given
    candidates     a prompt's outputs that nobody has ranked yet

The fields are those of the InstructGPT paper (Ouyang et al. 2022, appendix B): a rating of 1 to 7 and yes-or-no flags
for each output, then a ranking of all, in which ties are encouraged. One JSON object a line is the exchange format;
foretell.align.record_files reads and writes it.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

FEWEST, MOST = 2, 9  # outputs that are ranked together
LIKERT = range(1, 8)
ID_LENGTH = 16  # hexadecimal digits: 64 bits, a clash within a million prompts has odds of 3 in 10^8

Split = Literal["train", "valid", ""]  # "": not yet assigned
Kind = Literal["plain", "few_shot", "user_based"]
Source = Literal["labeller", "user"]
Extra = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


Conversation = str | tuple[Turn, ...]  # a text is one turn of the user


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of a model: how it was sampled, and what a labeller said of it alone (likert, flags, place shown)."""

    text: str
    model: str = ""
    checkpoint: str = ""
    temperature: float | None = None
    seed: int | None = None
    likert: int | None = None
    flags: dict[str, bool] = field(default_factory=dict)
    order: int | None = None

    def __post_init__(self) -> None:
        if self.likert is not None and self.likert not in LIKERT:
            raise ValueError(f"likert: {self.likert} is none of 1 to 7")
        if self.order is not None and self.order < 0:
            raise ValueError(f"order: {self.order} is no place; the first shown is 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One labeller's ranking of a prompt's outputs; ranks start at 1, the best, and equal ones are ties."""

    prompt_id: str
    group_id: str
    split: Split
    prompt: Conversation
    outputs: tuple[Output, ...]
    ranks: tuple[int, ...]
    labeller: str = ""  # "": not known
    labeller_group: str = ""
    instructions: str = ""
    seconds: float | None = None
    extra: Extra = field(default_factory=dict)  # what a source tells beyond this; not written where empty

    def __post_init__(self) -> None:
        _check_conversation(self.prompt)
        _check_outputs(self.outputs, FEWEST)
        _check_ranks(self.ranks, len(self.outputs))
        _check_seconds(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A completion that a labeller wrote for a prompt; it may be empty, as some of the paper's are."""

    prompt_id: str
    group_id: str
    split: Split
    prompt: Conversation
    completion: str
    labeller: str = ""
    labeller_group: str = ""
    instructions: str = ""
    seconds: float | None = None

    def __post_init__(self) -> None:
        _check_conversation(self.prompt)
        _check_seconds(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt; an id that is left out is the hash of its text."""

    prompt_id: str = ""
    kind: Kind = "plain"
    text: Conversation
    source: Source = "user"
    user: str = ""
    organisation: str = ""
    group_id: str = ""
    split: Split = ""
    language: str = ""
    use_case: str = ""
    tags: dict[str, bool] = field(default_factory=dict)
    created: str = ""

    def __post_init__(self) -> None:
        _check_conversation(self.text)
        if not self.prompt_id:
            object.__setattr__(self, "prompt_id", prompt_id(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """A prompt's outputs before anybody has ranked them."""

    prompt: Conversation
    outputs: tuple[Output, ...]
    prompt_id: str = ""

    def __post_init__(self) -> None:
        _check_conversation(self.prompt)
        _check_outputs(self.outputs, 1)
        if not self.prompt_id:
            object.__setattr__(self, "prompt_id", prompt_id(self.prompt))


Record = Ranking | Demonstration | Prompt | Candidates


def _check_conversation(turns: Conversation) -> None:
    if not turns:
        raise ValueError("prompt: it is empty; give a text, or a list of turns")
    if not isinstance(turns, str) and turns[-1].role == "assistant":
        raise ValueError("prompt: its last turn is the assistant's; the turn that answers it belongs to the outputs")


def _check_outputs(outputs: Sequence[Output], fewest: int) -> None:
    if not fewest <= len(outputs) <= MOST:
        raise ValueError(f"outputs: {len(outputs)} of them; {fewest} to {MOST} can be ranked")


def _check_ranks(ranks: Sequence[int], n: int) -> None:
    if len(ranks) != n:
        raise ValueError(f"ranks: {len(ranks)} for {n} outputs; give one for each")
    if any(rank not in range(1, n + 1) for rank in ranks) or min(ranks) != 1:
        raise ValueError(f"ranks: {list(ranks)} are none of 1 to {n} that start at 1; the best is 1, ties are equal")
    if not (is_dense(ranks) or is_competition(ranks)):
        raise ValueError(f"ranks: {list(ranks)} leave a gap; count as in 1, 2, 2, 3 or as in 1, 2, 2, 4")


def _check_seconds(seconds: float | None) -> None:
    if seconds is not None and not 0 <= seconds < math.inf:
        raise ValueError(f"seconds: {seconds} is no time that a label can take")


def is_dense(ranks: Sequence[int]) -> bool:
    """Whether no rank is left out after a tie: 1, 2, 2, 3."""
    return set(ranks) == set(range(1, len(set(ranks)) + 1))


def is_competition(ranks: Sequence[int]) -> bool:
    """Whether each rank is one more than the number of better outputs: 1, 2, 2, 4."""
    return all(rank == 1 + sum(other < rank for other in ranks) for rank in ranks)


def competition(scores: Sequence[float]) -> tuple[int, ...]:
    """The rank of each score, 1 for the highest; equal scores are ties, and the rank after them is left out."""
    return tuple(1 + sum(other > score for other in scores) for score in scores)


def as_turns(prompt: Conversation) -> tuple[Turn, ...]:
    """The turns of a prompt; a text is one turn of the user."""
    return (Turn(role="user", content=prompt),) if isinstance(prompt, str) else prompt


def prompt_id(prompt: Conversation) -> str:
    """The id of a prompt: a hash of its turns, the same for a text and for the one turn that it is."""
    return content_id([[turn.role, turn.content] for turn in as_turns(prompt)])


def content_id(content: object) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of what JSON can tell."""
    told = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:ID_LENGTH]


def record_id(record: Record) -> str:
    """The hash of all that a record holds."""
    return content_id(as_json(record))


def as_json(record: object) -> Any:
    """A record as objects and lists, with the fields in their order; `extra` only where there is something in it."""
    kind = type(record)
    if kind in (str, int, float, bool, type(None)):
        return record
    if kind in (tuple, list):
        return [as_json(one) for one in cast(Sequence[object], record)]
    if kind is dict:
        return dict(cast(dict[str, object], record))
    told = {name: as_json(getattr(record, name)) for name in kind.__dataclass_fields__}  # type: ignore[attr-defined]
    if not told.get("extra", True):
        del told["extra"]
    return told
