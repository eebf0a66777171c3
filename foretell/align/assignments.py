"""Tasks: what is handed to whom, so that each prompt is labelled by as many as are wanted and by nobody twice.

A task is handed out in one transaction that no other can interleave: counting how often a prompt was given, and giving
it, must see the same store. Without it two labellers who ask at once both see one free place (in PostgreSQL even where
rows are locked, since a count sees what was there when the statement began).
"""

import random
from dataclasses import dataclass
from typing import Any, Literal

from foretell.align.database import Store, reading, writing
from foretell.align.put import now, put_instructions, put_labellers
from foretell.align.records import FEWEST, MOST
from foretell.align.schema import table
from foretell.errors import BadUse

Kind = Literal["demonstration", "ranking"]
LOCK = "SELECT pg_advisory_xact_lock(hashtext('label_tasks'))"
SEEDS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a labeller is to do: rank the outputs of a prompt, in the order shown, or write a demonstration."""

    id: int
    kind: Kind
    prompt_id: str
    outputs: tuple[str, ...]  # their ids in the order in which they are shown; none for a demonstration
    seed: int  # from which the order follows


def next_task(
    store: Store,
    labeller: str,
    kind: Kind,
    *,
    overlap: int = 1,
    instructions: str = "",
    seed: int = 0,
    most: int = MOST,
) -> Task | None:
    """The labeller's open task of that kind, else a new one; None where nothing is left for this labeller.

    A new one is of the prompt with the smallest id that fewer than `overlap` labellers have had, and this one has not;
    for a demonstration it has fewer than `overlap` of them, imported ones counted; for a ranking it has two outputs or
    more, of which at most `most` are shown, each text once. What was skipped may go to another.
    """
    if overlap < 1 or not FEWEST <= most <= MOST:
        raise BadUse(f"overlap {overlap}, at most {most} outputs: give 1 or more, and {FEWEST} to {MOST}")
    with writing(store) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(LOCK)
        person = put_labellers(connection, [(labeller, "")], "labeller")[labeller]
        found = _open_task(connection, person, kind)
        prompt = None if found else connection.execute(_free(person, kind, overlap).limit(1)).scalar()
        if prompt is None:
            return found
        own = random.Random(f"{seed} {prompt} {labeller}").randrange(SEEDS)
        shown = _shown(connection, prompt, own, most) if kind == "ranking" else []
        version = put_instructions(connection, [instructions])[instructions]
        whose = {"labeller_id": person, "instructions_id": version, "prompt_id": prompt, "kind": kind}
        state = {"state": "assigned", "reason": "", "created": now(), "ended": ""}
        row = {**whose, **state, "shown": shown, "seed": own}
        made = connection.execute(table("tasks").insert().values(row)).inserted_primary_key[0]
    return Task(id=made, kind=kind, prompt_id=prompt, outputs=tuple(shown), seed=own)


def _open_task(connection: Any, person: int, kind: Kind) -> Task | None:
    tasks = table("tasks")
    mine = tasks.select().where(tasks.c.labeller_id == person, tasks.c.kind == kind, tasks.c.state == "assigned")
    row = connection.execute(mine.order_by(tasks.c.id)).first()
    return row and Task(id=row.id, kind=kind, prompt_id=row.prompt_id, outputs=tuple(row.shown), seed=row.seed)


def waiting(store: Store, labeller: str, kind: Kind, overlap: int = 1) -> int:
    """How many prompts would still be given to a labeller, the open task among them."""
    from sqlalchemy import func, select

    people = table("labellers")
    with reading(store) as connection:
        person = connection.execute(select(people.c.id).where(people.c.name == labeller)).scalar()
        free = _free(-1 if person is None else person, kind, overlap).subquery()
        n = connection.execute(select(func.count()).select_from(free)).scalar()
        return n + (person is not None and _open_task(connection, person, kind) is not None)


def _free(person: int, kind: Kind, overlap: int) -> Any:
    """The query of the prompts that may be given to a labeller, the first one first."""
    from sqlalchemy import distinct, exists, func, select

    prompt, tasks = table("prompts"), table("tasks")
    of_kind = (tasks.c.prompt_id == prompt.c.id, tasks.c.kind == kind)
    given = select(func.count()).select_from(tasks).where(*of_kind, tasks.c.state != "skipped").scalar_subquery()
    had = exists().where(*of_kind, tasks.c.labeller_id == person)
    there = table("outputs" if kind == "ranking" else "demonstrations")
    counted = distinct(there.c.text) if kind == "ranking" else there.c.id
    n = select(func.count(counted)).where(there.c.prompt_id == prompt.c.id).scalar_subquery()
    room = n >= FEWEST if kind == "ranking" else n < overlap
    return select(prompt.c.id).where(given < overlap, ~had, room).order_by(prompt.c.id)


def _shown(connection: Any, prompt: str, seed: int, most: int) -> list[str]:
    """Outputs of a prompt in a random order that follows from the seed; of equal texts the one with the first id."""
    from sqlalchemy import func, select

    output = table("outputs")
    first = func.min(output.c.id)
    texts = select(first).where(output.c.prompt_id == prompt).group_by(output.c.text).order_by(first)
    found = list(connection.execute(texts).scalars())
    random.Random(seed).shuffle(found)
    return found[:most]


def end_task(store: Store, task: int, *, seconds: float | None = None, skipped: str = "") -> None:
    """Note that a task is done, or skipped for a reason; BadUse where it is not open."""
    told = {"state": "skipped" if skipped else "done", "reason": skipped, "seconds": seconds, "ended": now()}
    with writing(store) as connection:
        put_end(connection, store.name, task, told)


def put_end(connection: Any, name: str, task: int, told: dict[str, Any]) -> None:
    """Note inside a transaction how a task ended; BadUse where the store of that name has it not open."""
    tasks = table("tasks")
    open_one = (tasks.c.id == task) & (tasks.c.state == "assigned")
    if not connection.execute(tasks.update().where(open_one).values(told)).rowcount:
        raise BadUse(f"{name} has no open task {task}")


def tasks_of(store: Store, labeller: str) -> list[dict[str, Any]]:
    """The tasks that a labeller was given, in that order: prompt, kind, state, reason, seconds."""
    from sqlalchemy import select

    tasks, person = table("tasks"), table("labellers")
    wanted = select(tasks).join(person).where(person.c.name == labeller).order_by(tasks.c.id)
    names = ("id", "kind", "prompt_id", "state", "reason", "seconds", "created", "ended")
    with reading(store) as connection:
        return [{name: row._mapping[name] for name in names} for row in connection.execute(wanted)]
