"""A ranking from what one row of another tool's file tells."""

from typing import Any

from foretell.align.prompt_sets import split_of
from foretell.align.records import FEWEST, MOST, Conversation, Extra, Output, Ranking, Split, prompt_id

Row = dict[str, Any]


class LeftOut(Exception):
    """Why a row that is well formed is no label: words that follow a number of rows."""


def ranking_of(
    prompt: Conversation,
    outputs: tuple[Output, ...],
    ranks: tuple[int, ...],
    group: str,
    *,
    split: Split | None = None,
    labeller: str = "",
    instructions: str = "",
    seconds: float | None = None,
    extra: Extra | None = None,
) -> Ranking:
    """The ranking; its side is the group's where the source tells none."""
    if not prompt:
        raise LeftOut("without a prompt")
    if not FEWEST <= len(outputs) <= MOST:
        raise LeftOut("with fewer than two or more than nine outputs")
    return Ranking(
        prompt_id=prompt_id(prompt),
        group_id=group,
        split=split or split_of(group),
        prompt=prompt,
        outputs=outputs,
        ranks=ranks,
        labeller=labeller,
        instructions=instructions,
        seconds=seconds,
        extra=extra or {},
    )


def text_of(row: Row, name: str) -> str:
    """A field that must be text."""
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"{name!r} is {type(value).__name__}, it must be text")
    return value
