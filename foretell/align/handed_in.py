"""What a labeller is shown of a task, and what comes back: the label and the end of its task in one transaction.

A label that is refused leaves the task open, and one that is there has ended it, whenever the process dies.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from foretell.align.assignments import Kind, Task, put_end
from foretell.align.database import Store, reading, writing
from foretell.align.put import now
from foretell.align.records import Conversation, Demonstration, Output, Ranking, competition
from foretell.align.schema import table
from foretell.align.store import put_demonstrations, put_rankings
from foretell.align.stored import conversation, sampled
from foretell.errors import BadUse


class NotOpen(BadUse):
    """The task is another labeller's, or it was handed in already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a labeller sees of a task: the prompt, and the texts of the outputs in their order, without their models."""

    prompt: Conversation
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What was said of one output alone, and in how many seconds."""

    likert: int
    flags: dict[str, bool] = field(default_factory=dict)
    seconds: float | None = None


def shown(store: Store, task: Task) -> Shown:
    """What a task shows."""
    with reading(store) as connection:
        prompt, outputs = _asked(connection, task.prompt_id, task.outputs)
    return Shown(prompt=conversation(prompt.text), texts=tuple(row.text for row in outputs))


def hand_in_demonstration(store: Store, labeller: str, task: int, completion: str, seconds: float | None) -> None:
    """Keep what a labeller wrote; NotOpen where the task is not this labeller's, BadUse where nothing is written."""
    if not completion.strip():
        raise BadUse("the answer is empty; write one, or skip the task with a reason")
    with writing(store) as connection:
        row = open_task(connection, store, labeller, task, "demonstration")
        prompt, _ = _asked(connection, row.prompt_id, ())
        written = Demonstration(completion=completion, seconds=seconds, **_whose(prompt, row))
        put_demonstrations(connection, [written], "labeller")
        _end(connection, store, task, seconds)


def hand_in_ranking(
    store: Store, labeller: str, task: int, ratings: Sequence[Rating], places: Sequence[int], seconds: float | None
) -> None:
    """Keep ratings and a ranking, both in the order in which the outputs were shown.

    `places` are numbers of which a smaller one is better and equal ones are ties; the rank that is kept is one more
    than the number of better outputs (1, 2, 2, 4). NotOpen where the task is not this labeller's to rank; BadUse where
    there is not one of each for each output.
    """
    with writing(store) as connection:
        row = open_task(connection, store, labeller, task, "ranking")
        prompt, outputs = _asked(connection, row.prompt_id, row.shown)
        for name, given in (("ratings", ratings), ("ranks", places)):
            if len(given) != len(outputs):
                raise BadUse(f"{len(given)} {name} for {len(outputs)} outputs; give one for each")
        said = tuple(
            Output(**sampled(one._mapping), likert=rating.likert, flags=rating.flags, order=order)
            for order, (one, rating) in enumerate(zip(outputs, ratings, strict=True))
        )
        ranks = competition([-place for place in places])
        ranking = Ranking(outputs=said, ranks=ranks, seconds=seconds, **_whose(prompt, row))
        put_rankings(connection, [ranking], "labeller", task)
        _time(connection, task, row.shown, ratings)
        _end(connection, store, task, seconds)


def hand_back(store: Store, labeller: str, task: int, kind: Kind, reason: str, seconds: float | None) -> None:
    """Note that a labeller skips a task, and why; another may get its prompt."""
    if not reason.strip():
        raise BadUse("a task is skipped with a reason; give one")
    with writing(store) as connection:
        open_task(connection, store, labeller, task, kind)
        _end(connection, store, task, seconds, reason)


def open_task(connection: Any, store: Store, labeller: str, task: int, kind: Kind) -> Any:
    """The row of an open task, inside a transaction, with its labeller's group and the version of its instructions."""
    from sqlalchemy import select

    tasks, person, told = table("tasks"), table("labellers"), table("instructions")
    wanted = select(tasks, person.c.name, person.c.labeller_group, told.c.version).join(person).join(told)
    row = connection.execute(wanted.where(tasks.c.id == task, tasks.c.kind == kind)).first()
    if row is None or row.name != labeller:
        raise NotOpen(f"{labeller} was given no {kind} task {task}; load the page again")
    if row.state != "assigned":
        raise NotOpen(f"task {task} is {row.state} already; load the page again for the next one")
    return row


def _asked(connection: Any, prompt_id: str, outputs: Sequence[str]) -> tuple[Any, list[Any]]:
    """The rows of a prompt and of some of its outputs, in their order."""
    prompts, one = table("prompts"), table("outputs")
    prompt = connection.execute(prompts.select().where(prompts.c.id == prompt_id)).one()
    rows = {row.id: row for row in connection.execute(one.select().where(one.c.id.in_(outputs)))}
    return prompt, [rows[name] for name in outputs]


def _whose(prompt: Any, row: Any) -> dict[str, Any]:
    """What a label tells of its prompt and its labeller."""
    return {
        "prompt_id": prompt.id,
        "group_id": prompt.group_id,
        "split": prompt.split,
        "prompt": conversation(prompt.text),
        "labeller": row.name,
        "labeller_group": row.labeller_group,
        "instructions": row.version,
    }


def _time(connection: Any, task: int, outputs: Sequence[str], ratings: Sequence[Rating]) -> None:
    """Note how long each output was looked at alone."""
    from sqlalchemy import select

    rankings, rated = table("rankings"), table("ratings")
    key = connection.execute(select(rankings.c.id).where(rankings.c.task_id == task)).scalar()
    for name, rating in zip(outputs, ratings, strict=True):
        if rating.seconds is not None and not 0 <= rating.seconds < math.inf:
            raise BadUse(f"{rating.seconds} is no time that a rating can take")
        own = (rated.c.ranking_id == key) & (rated.c.output_id == name)
        connection.execute(rated.update().where(own).values(seconds=rating.seconds))


def _end(connection: Any, store: Store, task: int, seconds: float | None, reason: str = "") -> None:
    told = {"state": "skipped" if reason else "done", "reason": reason, "seconds": seconds, "ended": now()}
    put_end(connection, store.name, task, told)
