"""What the pages of admins show: people and their work, prompts and how they are handed out, who changed what."""

from dataclasses import asdict
from typing import Any

from foretell.align.database import Store, reading
from foretell.align.handing import RESEARCHERS, prompts_for
from foretell.align.known_answers import scores
from foretell.align.records import as_turns
from foretell.align.schema import table
from foretell.align.stored import conversation
from foretell.serve.accounts.accounts import accounts

ON_A_PAGE = 50
ONLY = ("", "gold", "screening", "closed")


def people(store: Store) -> list[dict[str, Any]]:
    """Each account with what it did and how it does on prompts whose answer is known."""
    done = work(store)
    known = {one: scores(store, one) if prompts_for(store, one) else {} for one in ("screening", "gold")}
    found = []
    for one in accounts(store):
        told = {name: value for name, value in asdict(one).items() if name != "password"}
        told |= {"signs_in": bool(one.password), **done.get(one.id, {"done": 0, "skipped": 0, "assigned": 0})}
        found.append(told | {name: score(some.get(one.name)) for name, some in known.items()})
    return found


def score(told: dict[str, Any] | None) -> list[str]:
    """What was measured of somebody's rankings and flags, in words with n and interval."""
    words = []
    for name in ("rankings", "flags"):
        one = (told or {}).get(name)
        if one:
            ends = "" if one.get("low") is None else f" [{one['low']:.2f}, {one['high']:.2f}]"
            words.append(
                f"{name} {one['value']:.2f}{ends} of {one['n']}, {'' if one['passes'] else 'below '}"
                f"{'at least ' if one['passes'] else ''}{one['cut_off']:g}"
            )
    return words


def work(store: Store) -> dict[int, dict[str, int]]:
    """How many tasks of each state every labeller has."""
    from sqlalchemy import func, select

    tasks = table("tasks")
    query = select(tasks.c.labeller_id, tasks.c.state, func.count()).group_by(tasks.c.labeller_id, tasks.c.state)
    found: dict[int, dict[str, int]] = {}
    with reading(store) as connection:
        for who, state, n in connection.execute(query):
            found.setdefault(who, {"done": 0, "skipped": 0, "assigned": 0})[state] = n
    return found


def prompts(store: Store, only: str, page: int) -> tuple[list[dict[str, Any]], int]:
    """A page of prompts with what is there for each and how it is handed out, and how many there are in all."""
    from sqlalchemy import distinct, func, select

    prompt, handing, output, tasks, given, written = (
        table(name) for name in ("prompts", "handing", "outputs", "tasks", "rankings", "demonstrations")
    )

    def of(one: Any, *more: Any, what: Any = None) -> Any:
        counted = func.count() if what is None else func.count(distinct(what))
        return select(counted).select_from(one).where(one.c.prompt_id == prompt.c.id, *more).scalar_subquery()

    shown = {
        "outputs": of(output, what=output.c.text),
        "demonstrations": of(written),
        "rankings": of(given),
        "answers": of(given, given.c.labeller_group == RESEARCHERS),
        "under_way": of(tasks, tasks.c.state == "assigned"),
        "open": func.coalesce(handing.c.open, True),
        "purpose": func.coalesce(handing.c.purpose, ""),
        "overlap": handing.c.overlap,
    }
    query = select(prompt.c.id, prompt.c.text, prompt.c.split, *(one.label(name) for name, one in shown.items()))
    query = query.select_from(prompt.outerjoin(handing)).order_by(prompt.c.id)
    if only == "closed":
        query = query.where(handing.c.open.is_(False))
    elif only:
        query = query.where(handing.c.purpose == only)
    with reading(store) as connection:
        n = connection.execute(select(func.count()).select_from(query.subquery())).scalar()
        rows = connection.execute(query.limit(ON_A_PAGE).offset(page * ON_A_PAGE))
        return [{**row._mapping, "text": beginning(row.text)} for row in rows], n


def beginning(text: Any, most: int = 160) -> str:
    """How a prompt begins, its turns in one line."""
    whole = " / ".join(turn.content for turn in as_turns(conversation(text)))
    line = " ".join(whole.split())
    return line if len(line) <= most else line[: most - 3] + "..."


def versions(store: Store) -> list[dict[str, Any]]:
    """The versions of the instructions, the newest first, with how many labels were given under each."""
    from sqlalchemy import func, select

    kept, given, written = table("instructions"), table("rankings"), table("demonstrations")
    counted = [
        select(func.count()).select_from(one).where(one.c.instructions_id == kept.c.id).scalar_subquery()
        for one in (given, written)
    ]
    query = select(kept.c.version, kept.c.told, kept.c.created, (counted[0] + counted[1]).label("labels"))
    with reading(store) as connection:
        rows = connection.execute(query.where(kept.c.told != "").order_by(kept.c.id.desc()))
        return [dict(row._mapping) for row in rows]


def audit(store: Store, most: int = 200) -> list[dict[str, Any]]:
    """Who changed what, the newest first."""
    one = table("audit")
    with reading(store) as connection:
        rows = connection.execute(one.select().order_by(one.c.id.desc()).limit(most))
        return [dict(row._mapping) for row in rows]
