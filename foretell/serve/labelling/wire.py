"""What the pages send: what is beyond the limits is refused, and so is a field that is not known."""

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictInt

from foretell.align.records import FEWEST, MOST
from foretell.serve.labelling.told import FLAGS, REASONS
from foretell.serve.wire import MOST_MESSAGES, Strict, Text

MOST_TEXT = 200_000  # characters of a prompt or an answer
MOST_SECONDS = 7 * 24 * 3600.0

Long = Annotated[Text, Field(min_length=1, max_length=MOST_TEXT)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]
TaskId = Annotated[StrictInt, Field(ge=1, lt=2**31)]


def one_of(known: Collection[str]) -> AfterValidator:
    """A check that a text is one of those known."""

    def checked(text: str) -> str:
        if text not in known:
            raise ValueError(f"it must be one of: {', '.join(known)}")
        return text

    return AfterValidator(checked)


Flag = Annotated[Text, one_of(FLAGS)]
Reason = Annotated[Text, one_of(REASONS)]


class SaidTurn(Strict):
    """One turn of a conversation that was typed."""

    role: Literal["system", "user", "assistant"]
    content: Long


class KeptPrompt(Strict):
    """A prompt that may be kept: what somebody consented to."""

    consent: Literal[True]
    prompt: Long | Annotated[list[SaidTurn], Field(min_length=1, max_length=MOST_MESSAGES, fail_fast=True)]


class Written(Strict):
    """A demonstration."""

    task: TaskId
    completion: Annotated[Text, Field(max_length=MOST_TEXT)]
    seconds: Seconds


class Rated(Strict):
    """What is said of one output alone; a flag that is not named is no."""

    likert: Annotated[StrictInt, Field(ge=1, le=7)]
    flags: Annotated[list[Flag], Field(max_length=len(FLAGS))]
    seconds: Seconds


class Ranked(Strict):
    """Ratings and ranks, in the order in which the outputs were shown."""

    task: TaskId
    ratings: Annotated[list[Rated], Field(min_length=FEWEST, max_length=MOST, fail_fast=True)]
    ranks: Annotated[
        list[Annotated[StrictInt, Field(ge=1, le=MOST)]], Field(min_length=FEWEST, max_length=MOST, fail_fast=True)
    ]
    seconds: Seconds


class Skipped(Strict):
    """A task that is not done, and why."""

    task: TaskId
    kind: Literal["demonstration", "ranking"]
    reason: Reason
    seconds: Seconds


class KeptDraft(Strict):
    """What is half done of a task, as the page itself spells it."""

    task: TaskId
    kind: Literal["demonstration", "ranking"]
    draft: Annotated[Text, Field(max_length=MOST_TEXT + 10_000)]


class Read(Strict):
    """That the instructions of a version were read."""

    version: Annotated[Text, Field(min_length=1, max_length=100)]
