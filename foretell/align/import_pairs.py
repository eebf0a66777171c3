"""Rows of prompt, chosen and rejected, as most sets for preference training have them.

{"prompt": "Say.", "chosen": "a", "rejected": "b"}
{"prompt": [{"role": "user", "content": "Say."}], "chosen": [{"role": "assistant", ...}], "rejected": [...]}
{"chosen": [the whole conversation], "rejected": [the whole conversation]}
{"conversations": [{"from": "human", "value": "Say."}], "chosen": {"from": "gpt", "value": "a"}, "rejected": ...}
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from foretell.align.label_rows import LeftOut, Row, ranking_of
from foretell.align.records import Conversation, Output, Ranking, Turn, content_id

Role = Literal["system", "user", "assistant"]
ROLES: dict[str, Role] = {
    **{"system": "system", "user": "user", "assistant": "assistant"},
    **{"human": "user", "gpt": "assistant", "model": "assistant"},
}


def pairs(row: Row) -> Iterator[Ranking]:
    """The ranking of a pair. Pairs that ask the same first turn are one group; a system's turn is no first one."""
    before = row.get("prompt") or row.get("conversations") or []
    chosen, rejected = _said(row["chosen"]), _said(row["rejected"])
    if isinstance(before, str) and isinstance(chosen, str) and isinstance(rejected, str):
        yield _pair(before, chosen, rejected)
        return
    start = (Turn(role="user", content=before),) if isinstance(before, str) else _turns(before)
    one, other = ((*start, *_answer(said)) for said in (chosen, rejected))
    if one[:-1] != other[:-1]:
        raise LeftOut("with conversations that differ before the last answer")
    if one[-1].role != "assistant" or other[-1].role != "assistant":
        raise LeftOut("that end without an answer")
    yield _pair(one[:-1], one[-1].content, other[-1].content)


def _pair(prompt: Conversation, chosen: str, rejected: str) -> Ranking:
    first = prompt if isinstance(prompt, str) else next((one.content for one in prompt if one.role == "user"), "")
    return ranking_of(prompt, (Output(text=chosen), Output(text=rejected)), (1, 2), content_id(first))


def _said(given: Any) -> Any:
    """A text, or the list of messages that one or several are."""
    return [given] if isinstance(given, dict) else given


def _answer(said: Any) -> tuple[Turn, ...]:
    return (Turn(role="assistant", content=said),) if isinstance(said, str) else _turns(said)


def _turns(messages: Sequence[Row]) -> tuple[Turn, ...]:
    """The turns of messages with role and content, or with from and value."""
    made = []
    for one in messages:
        role, content = (one["role"], one["content"]) if "role" in one else (one["from"], one["value"])
        if role not in ROLES or not isinstance(content, str):
            raise ValueError(f"a message of {role!r} with {type(content).__name__}; roles are {', '.join(ROLES)}")
        made.append(Turn(role=ROLES[role], content=content))
    return tuple(made)
