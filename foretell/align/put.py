"""Rows that are added where they are not there yet, inside a transaction of the label store."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from foretell.align.prompt_sets import split_of
from foretell.align.records import Conversation, Output, Prompt, as_json, as_turns, content_id
from foretell.align.schema import table
from foretell.errors import BadUse

SAMPLED = ("text", "model", "checkpoint", "temperature", "seed")  # what makes an output another
AT_ONCE = 500  # values of a statement; SQLite before 3.32 takes 999


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def insert(connection: Any, name: str) -> Any:
    """An insert into a table that can say what to do where the row is there."""
    from sqlalchemy.dialects import postgresql, sqlite

    made = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return made(table(name))


def execute(connection: Any, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Execute a statement for each row; values that are no column of the table are left out."""
    if rows:
        columns = statement.table.columns.keys()
        connection.execute(statement, [{name: row[name] for name in columns if name in row} for row in rows])


def known(connection: Any, name: str, column: str, values: Iterable[str]) -> set[str]:
    """Those of the values that a column holds."""
    return set(ids_of(connection, name, column, values))


def ids_of(connection: Any, name: str, column: str, values: Iterable[str]) -> dict[str, Any]:
    """The ids of the rows whose column holds one of the values, by that value."""
    from sqlalchemy import select

    one, found, wanted = table(name), {}, list(dict.fromkeys(values))
    for start in range(0, len(wanted), AT_ONCE):
        chosen = one.c[column].in_(wanted[start : start + AT_ONCE])
        found.update({value: key for key, value in connection.execute(select(one.c.id, one.c[column]).where(chosen))})
    return found


def put_prompts(connection: Any, prompts: Sequence[Prompt]) -> tuple[int, int]:
    """How many prompts were added, and how many there were of all that are given.

    A prompt whose id is there keeps what is stored of it. BadUse where an id is another text's.
    """
    first: dict[str, Prompt] = {}
    for prompt in prompts:
        _same(prompt.prompt_id, first.setdefault(prompt.prompt_id, prompt).text, prompt.text)
    there = _texts(connection, list(first))
    for key, text in there.items():
        _same(key, text, first[key].text)
    rows = [_prompt_row(prompt) for key, prompt in first.items() if key not in there]
    execute(connection, insert(connection, "prompts").on_conflict_do_nothing(), rows)
    return len(rows), len(first)


def _same(key: str, stored: Any, given: Conversation) -> None:
    if _plain(stored) != _plain(given):
        raise BadUse(f"prompt {key} is in the store with another text; give this one another prompt_id")


def _plain(prompt: Any) -> list[tuple[str, str]]:
    if isinstance(prompt, list):
        return [(turn["role"], turn["content"]) for turn in prompt]
    return [(turn.role, turn.content) for turn in as_turns(prompt)]


def _texts(connection: Any, keys: list[str]) -> dict[str, Any]:
    from sqlalchemy import select

    one: Any = table("prompts")
    found: dict[str, Any] = {}
    for start in range(0, len(keys), AT_ONCE):
        chosen = one.c.id.in_(keys[start : start + AT_ONCE])
        found.update(map(tuple, connection.execute(select(one.c.id, one.c.text).where(chosen))))
    return found


def _prompt_row(prompt: Prompt) -> dict[str, Any]:
    """The row of a prompt; one without a group is its own, and one without a side has its group's by hash."""
    told = as_json(prompt)
    group = told["group_id"] or told["prompt_id"]
    side = told["split"] or split_of(group)
    renamed = {"id": told["prompt_id"], "author": told["user"], "created": told["created"] or now()}
    return {**told, **renamed, "group_id": group, "split": side}


def put_outputs(connection: Any, given: Sequence[tuple[str, Output]]) -> tuple[list[str], int]:
    """The ids of outputs, each given with its prompt's id, and how many of them were added."""
    at = now()
    ids, rows = [], {}
    for prompt, output in given:
        sampled = {name: getattr(output, name) for name in SAMPLED}
        ids.append(content_id([prompt, *sampled.values()]))
        rows[ids[-1]] = {"id": ids[-1], "prompt_id": prompt, "created": at, **sampled}
    there = known(connection, "outputs", "id", rows)
    new = [row for key, row in rows.items() if key not in there]
    execute(connection, insert(connection, "outputs").on_conflict_do_nothing(), new)
    return ids, len(new)


def put_labellers(connection: Any, named: Iterable[tuple[str, str]], role: str) -> dict[str, int]:
    """The ids of labellers by name, given with their groups; those not there are added with that role."""
    groups: dict[str, str] = {}
    for name, group in named:
        groups.setdefault(name, group)
    there = ids_of(connection, "labellers", "name", groups)
    same = {"held_out": False, "role": role, "created": now()}
    rows = [{"name": name, "labeller_group": group, **same} for name, group in groups.items() if name not in there]
    execute(connection, insert(connection, "labellers").on_conflict_do_nothing(), rows)
    return there if not rows else ids_of(connection, "labellers", "name", groups)


def put_instructions(connection: Any, versions: Iterable[str]) -> dict[str, int]:
    """The ids of versions of the instructions by name; those not there are added without words."""
    wanted = set(versions)
    there = ids_of(connection, "instructions", "version", wanted)
    rows = [{"version": version, "told": "", "created": now()} for version in sorted(wanted - set(there))]
    execute(connection, insert(connection, "instructions").on_conflict_do_nothing(), rows)
    return there if not rows else ids_of(connection, "instructions", "version", wanted)
