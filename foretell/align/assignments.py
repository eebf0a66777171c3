"""Tasks: what is handed to whom, so that each prompt is labelled by as many as are wanted and by nobody twice.

A task is handed out in one transaction that no other can interleave: counting how often a prompt was given, and giving
it, must see the same store. Without it two labellers who ask at once both see one free place (in PostgreSQL even where
rows are locked, since a count sees what was there when the statement began).
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from foretell.align.database import Store, reading, writing
from foretell.align.handing import RESEARCHERS, settings_in
from foretell.align.put import now, put_instructions, put_labellers
from foretell.align.records import FEWEST, MOST
from foretell.align.schema import table
from foretell.errors import BadUse

Kind = Literal["demonstration", "ranking"]
Stage = Literal["work", "screening", "answers"]
LOCK = "SELECT pg_advisory_xact_lock(hashtext('label_tasks'))"
SEEDS = 2**31
LEASE = timedelta(days=1)
"""for which an open task keeps its place; then its prompt may go to another, and it may still be handed in"""


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
    stage: Stage = "work",
) -> Task | None:
    """The labeller's open task of that kind, else a new one; None where nothing is left for this labeller.

    A new one is of the prompt with the smallest id that fewer than `overlap` labellers have had, and this one has not;
    for a demonstration it has fewer than `overlap` of them, imported ones counted; for a ranking it has two outputs or
    more, of which at most `most` are shown, each text once. What was skipped may go to another. Labellers held out of
    training and the others are counted apart.

    stage: `screening` gives the prompts of the test alone, and `answers` first those whose answer a researcher is to
    give; at `work` each so many-th ranking is of a gold prompt (foretell.align.handing). Prompts with a known answer
    are for everybody, however many have had them.
    """
    if overlap < 1 or not FEWEST <= most <= MOST:
        raise BadUse(f"overlap {overlap}, at most {most} outputs: give 1 or more, and {FEWEST} to {MOST}")
    with writing(store) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(LOCK)
        person = put_labellers(connection, [(labeller, "")], "labeller")[labeller]
        version = put_instructions(connection, [instructions])[instructions]
        found = _open_task(connection, person, kind)
        if found:
            return _shown_now(connection, found, version)
        prompt = _next_prompt(connection, person, kind, overlap, stage)
        if prompt is None:
            return None
        own = random.Random(f"{seed} {prompt} {labeller}").randrange(SEEDS)
        shown = _shown(connection, prompt, own, most) if kind == "ranking" else []
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


def _shown_now(connection: Any, task: Task, version: int) -> Task:
    """An open task, which is shown with the instructions that hold now."""
    tasks = table("tasks")
    other = (tasks.c.id == task.id) & (tasks.c.instructions_id != version)
    connection.execute(tasks.update().where(other).values(instructions_id=version))
    return task


def _next_prompt(connection: Any, person: int, kind: Kind, overlap: int, stage: Stage) -> str | None:
    """The prompt that somebody is given next, if any is left."""
    from sqlalchemy import func, select

    def first(*purposes: str, answered: bool = True) -> Any:
        return connection.execute(_known(person, kind, purposes, answered).limit(1)).scalar()

    if stage == "screening":
        return first("screening")
    prompt = first("gold", "screening", answered=False) if stage == "answers" else None
    every = settings_in(connection).gold_every
    if stage == "work" and kind == "ranking" and every:
        tasks = table("tasks")
        mine = select(func.count()).where(tasks.c.labeller_id == person, tasks.c.kind == kind)
        if connection.execute(mine).scalar() % every == every - 1:
            prompt = first("gold")
    return prompt or connection.execute(_free(person, kind, overlap).limit(1)).scalar()


def waiting(store: Store, labeller: str, kind: Kind, overlap: int = 1, stage: Stage = "work") -> int:
    """How many prompts would still be given to a labeller, the open task among them; gold ones at work are not told."""
    from sqlalchemy import func, select

    people = table("labellers")
    with reading(store) as connection:
        person = connection.execute(select(people.c.id).where(people.c.name == labeller)).scalar()
        key = -1 if person is None else person
        wanted = {"screening": [_known(key, kind, ("screening",), True)], "work": [_free(key, kind, overlap)]}
        wanted["answers"] = [_known(key, kind, ("gold", "screening"), False), *wanted["work"]]
        some = [select(func.count()).select_from(one.subquery()) for one in wanted[stage]]
        n = sum(connection.execute(one).scalar() for one in some)
        return n + (person is not None and _open_task(connection, person, kind) is not None)


def _free(person: int, kind: Kind, overlap: int) -> Any:
    """The query of the prompts that may be given to a labeller, the first one first; none with a known answer."""
    from sqlalchemy import distinct, func, select

    prompt, handing, tasks, people = (table(name) for name in ("prompts", "handing", "tasks", "labellers"))
    mine = select(people.c.held_out).where(people.c.id == person).scalar_subquery()
    alike = people.c.held_out == func.coalesce(mine, False)
    fresh = tasks.c.created >= (datetime.now(UTC) - LEASE).isoformat(timespec="seconds")
    kept = (tasks.c.state == "done") | ((tasks.c.state == "assigned") & fresh)
    of_prompt = (tasks.c.prompt_id == prompt.c.id, tasks.c.kind == kind, kept, alike)
    given = select(func.count()).select_from(tasks.join(people)).where(*of_prompt).scalar_subquery()
    wanted = func.coalesce(handing.c.overlap, overlap)
    if kind == "ranking":
        room = _n_texts() >= FEWEST
        room &= func.coalesce(handing.c.purpose, "") == ""
    else:
        there = table("demonstrations")
        n = select(func.count(distinct(there.c.id))).select_from(there.join(people))
        room = n.where(there.c.prompt_id == prompt.c.id, alike).scalar_subquery() < wanted
    free = (given < wanted, ~_had(person, kind), room, func.coalesce(handing.c.open, True))
    return select(prompt.c.id).select_from(prompt.outerjoin(handing)).where(*free).order_by(prompt.c.id)


def _known(person: int, kind: Kind, purposes: tuple[str, ...], answered: bool) -> Any:
    """The query of the prompts of some purposes that a labeller has not had; `answered` by a researcher, or all."""
    from sqlalchemy import exists, select

    prompt, handing, given = table("prompts"), table("handing"), table("rankings")
    fit = [handing.c.purpose.in_(purposes if kind == "ranking" else ()), handing.c.open, ~_had(person, kind)]
    if answered:
        fit.append(exists().where(given.c.prompt_id == prompt.c.id, given.c.labeller_group == RESEARCHERS))
    fit.append(_n_texts() >= FEWEST)
    return select(prompt.c.id).select_from(prompt.join(handing)).where(*fit).order_by(prompt.c.id)


def _had(person: int, kind: Kind) -> Any:
    """Whether somebody was given the prompt of a query."""
    from sqlalchemy import exists

    prompt, tasks = table("prompts"), table("tasks")
    return exists().where(tasks.c.prompt_id == prompt.c.id, tasks.c.kind == kind, tasks.c.labeller_id == person)


def _n_texts() -> Any:
    """How many outputs with texts of their own the prompt of a query has."""
    from sqlalchemy import distinct, func, select

    prompt, output = table("prompts"), table("outputs")
    return select(func.count(distinct(output.c.text))).where(output.c.prompt_id == prompt.c.id).scalar_subquery()


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
    drafts = table("drafts")
    connection.execute(drafts.delete().where(drafts.c.task_id == task))


def tasks_of(store: Store, labeller: str) -> list[dict[str, Any]]:
    """The tasks that a labeller was given, in that order: prompt, kind, state, reason, seconds."""
    from sqlalchemy import select

    tasks, person = table("tasks"), table("labellers")
    wanted = select(tasks).join(person).where(person.c.name == labeller).order_by(tasks.c.id)
    names = ("id", "kind", "prompt_id", "state", "reason", "seconds", "created", "ended")
    with reading(store) as connection:
        return [{name: row._mapping[name] for name in names} for row in connection.execute(wanted)]
