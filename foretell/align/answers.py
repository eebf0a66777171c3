"""Answers to tasks that are neither demonstrations nor rankings: what was shown, what was given, by whom, how it ended.

    arena      two outputs of a prompt that somebody typed, blind      given {winner}
    pairwise   an output beside one of the baseline, blind             given {winner}
    toxicity   a prompt and one output                                 given {prompt, output, relative, continuity}
    red_team   a conversation with a model, led to a failure           given {model, turns, failed, category, note}
    news       an article: who wrote it?                               given {answer}

An item is handed to nobody twice, and to as many as are wanted; what was skipped may go to another. `shown` holds what
the answer is about, with the models' names, which no page tells before the answer.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from foretell.align.assignments import LOCK
from foretell.align.database import Store, reading, writing
from foretell.align.handed_in import NotOpen
from foretell.align.put import now, put_instructions, put_labellers
from foretell.align.schema import table
from foretell.errors import BadUse

Kind = Literal["arena", "pairwise", "toxicity", "red_team", "news"]
Told = dict[str, Any]
Item = tuple[str, Told]  # the name of what is judged, and what is shown of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One task of such a kind: an open one has nothing given yet."""

    id: int
    kind: str
    item: str
    labeller: str
    group: str
    held_out: bool
    instructions: str
    shown: Told
    given: Told
    state: str
    reason: str
    created: str
    seconds: float | None


def begin(store: Store, labeller: str, kind: Kind, item: str, shown: Mapping[str, Any], instructions: str = "") -> int:
    """The number of a task that is open now; BadUse where this labeller had the item already."""
    with writing(store) as connection:
        person = put_labellers(connection, [(labeller, "")], "labeller")[labeller]
        answers = table("answers")
        had = answers.select().where(answers.c.labeller_id == person, answers.c.kind == kind, answers.c.item == item)
        if connection.execute(had).first():
            raise BadUse(f"{labeller} had the {kind} task of {item} already; ask for the next one")
        return _begin(connection, person, kind, (item, dict(shown)), instructions)


def _begin(connection: Any, person: int, kind: Kind, item: Item, instructions: str) -> int:
    version = put_instructions(connection, [instructions])[instructions]
    whose = {"labeller_id": person, "instructions_id": version, "kind": kind, "item": item[0], "shown": item[1]}
    state = {"given": {}, "state": "assigned", "reason": "", "created": now(), "ended": ""}
    made: int = connection.execute(table("answers").insert().values({**whose, **state})).inserted_primary_key[0]
    return made


def assign(
    store: Store, labeller: str, kind: Kind, items: Iterable[Item], *, overlap: int = 1, instructions: str = ""
) -> Answer | None:
    """The labeller's open task of a kind, else one of the first item that may be given; None where none is left."""
    with writing(store) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(LOCK)
        person = put_labellers(connection, [(labeller, "")], "labeller")[labeller]
        rows = list(connection.execute(_rows().where(table("answers").c.kind == kind)))
        mine = {row.item for row in rows if row.labeller == labeller}
        taken: dict[str, int] = {}
        for row in rows:
            if row.labeller == labeller and row.state == "assigned":
                return _answer(row)
            taken[row.item] = taken.get(row.item, 0) + (row.state != "skipped")
        free = (item for item in items if item[0] not in mine and taken.get(item[0], 0) < overlap)
        first = next(free, None)
        if first is None:
            return None
        made = _begin(connection, person, kind, first, instructions)
        return _answer(connection.execute(_rows().where(table("answers").c.id == made)).one())


def give(store: Store, labeller: str, task: int, kind: Kind, given: Mapping[str, Any], seconds: float | None) -> Answer:
    """The answer, when it is in the store; NotOpen where the task is not this labeller's, or has ended."""
    return _end(store, labeller, task, kind, {"state": "done", "given": dict(given), "seconds": seconds})


def save_draft(store: Store, labeller: str, task: int, kind: Kind, given: Mapping[str, Any]) -> None:
    """Keep what is half done of a task that stays open; NotOpen where it is not this labeller's open one."""
    answers = table("answers")
    with writing(store) as connection:
        row = connection.execute(_rows().where(answers.c.id == task, answers.c.kind == kind)).first()
        if row is None or row.labeller != labeller or row.state != "assigned":
            raise NotOpen(f"{labeller} has no open {kind} task {task}; load the page again")
        connection.execute(answers.update().where(answers.c.id == task).values(given=dict(given)))


def skip(store: Store, labeller: str, task: int, kind: Kind, reason: str, seconds: float | None) -> Answer:
    """Note that a task is skipped, and why."""
    if not reason.strip():
        raise BadUse("a task is skipped with a reason; give one")
    return _end(store, labeller, task, kind, {"state": "skipped", "reason": reason, "seconds": seconds})


def _end(store: Store, labeller: str, task: int, kind: Kind, told: Told) -> Answer:
    answers = table("answers")
    with writing(store) as connection:
        row = connection.execute(_rows().where(answers.c.id == task, answers.c.kind == kind)).first()
        if row is None or row.labeller != labeller:
            raise NotOpen(f"{labeller} was given no {kind} task {task}; load the page again")
        open_one = (answers.c.id == task) & (answers.c.state == "assigned")
        if not connection.execute(answers.update().where(open_one).values({**told, "ended": now()})).rowcount:
            raise NotOpen(f"task {task} is {row.state} already; load the page again for the next one")
        return _answer(connection.execute(_rows().where(answers.c.id == task)).one())


def answers_of(store: Store, kind: Kind, state: str = "done") -> list[Answer]:
    """The answers of a kind, in the order in which their tasks were given."""
    one = table("answers")
    with reading(store) as connection:
        rows = connection.execute(_rows().where(one.c.kind == kind, one.c.state == state).order_by(one.c.id))
        return [_answer(row) for row in rows]


def one_answer(store: Store, task: int) -> Answer | None:
    """A task by its number, whatever its state."""
    with reading(store) as connection:
        row = connection.execute(_rows().where(table("answers").c.id == task)).first()
        return row and _answer(row)


def exported(store: Store, kind: Kind) -> str:
    """The answers of a kind as JSON Lines: who, what was shown, what was given, in how many seconds."""
    rows = [
        {
            "kind": one.kind,
            "item": one.item,
            **one.shown,
            **one.given,
            "labeller": one.labeller,
            "labeller_group": one.group,
            "held_out": one.held_out,
            "instructions": one.instructions,
            "seconds": one.seconds,
        }
        for one in answers_of(store, kind)
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _rows() -> Any:
    from sqlalchemy import select

    answers, person, told = table("answers"), table("labellers"), table("instructions")
    of_person = (person.c.name.label("labeller"), person.c.labeller_group, person.c.held_out)
    return select(answers, *of_person, told.c.version).join(person).join(told)


def _answer(row: Any) -> Answer:
    return Answer(
        id=row.id,
        kind=row.kind,
        item=row.item,
        labeller=row.labeller,
        group=row.labeller_group,
        held_out=bool(row.held_out),
        instructions=row.version,
        shown=row.shown,
        given=row.given,
        state=row.state,
        reason=row.reason,
        created=row.created,
        seconds=row.seconds,
    )
