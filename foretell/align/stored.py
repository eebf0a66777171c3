"""What the label store holds, as records, in a fixed order: by prompt, then in the order in which labels were added."""

from collections.abc import Iterator
from typing import Any

from foretell.align.database import Store, reading
from foretell.align.records import Conversation, Demonstration, Output, Prompt, Ranking, Turn
from foretell.align.schema import table

COUNTED = ("prompts", "outputs", "demonstrations", "rankings", "ratings", "labellers", "tasks")


def counts(store: Store) -> dict[str, int]:
    """How many of each the store holds."""
    from sqlalchemy import func, select

    with reading(store) as connection:
        return {name: connection.execute(select(func.count()).select_from(table(name))).scalar() for name in COUNTED}


def labellers(store: Store) -> list[dict[str, Any]]:
    """Name, group, role of each labeller and whether the labels are held out, by name."""
    one = table("labellers")
    with reading(store) as connection:
        rows = connection.execute(one.select().order_by(one.c.name))
        return [
            {"name": row.name, "group": row.labeller_group, "held_out": row.held_out, "role": row.role} for row in rows
        ]


def prompts(store: Store, split: str | None = None) -> list[Prompt]:
    """The prompts of a side, or all, by id."""
    one = table("prompts")
    wanted = one.select().order_by(one.c.id)
    with reading(store) as connection:
        rows = connection.execute(wanted if split is None else wanted.where(one.c.split == split))
        return [_prompt(row._mapping) for row in rows]


def _prompt(row: Any) -> Prompt:
    same = ("kind", "source", "organisation", "group_id", "split", "language", "use_case", "tags", "created")
    told = {name: row[name] for name in same}
    return Prompt(prompt_id=row["id"], text=conversation(row["text"]), user=row["author"], **told)


def conversation(stored: Any) -> Conversation:
    """A prompt as its column holds it, as a record has it."""
    return stored if isinstance(stored, str) else tuple(Turn(**turn) for turn in stored)


def outputs(store: Store, split: str | None = None) -> dict[str, tuple[Output, ...]]:
    """The outputs of each prompt that has any, by its id, in the order of their own ids."""
    from sqlalchemy import select

    prompt, one = table("prompts"), table("outputs")
    wanted = select(one).join(prompt).order_by(one.c.prompt_id, one.c.id)
    found: dict[str, list[Output]] = {}
    with reading(store) as connection:
        for row in connection.execute(wanted if split is None else wanted.where(prompt.c.split == split)):
            found.setdefault(row.prompt_id, []).append(Output(**sampled(row._mapping)))
    return {key: tuple(some) for key, some in found.items()}


def sampled(row: Any) -> dict[str, Any]:
    """How an output was sampled, and its text."""
    return {name: row[name] for name in ("text", "model", "checkpoint", "temperature", "seed")}


def demonstrations(store: Store, split: str | None = None, held_out: bool | None = None) -> list[Demonstration]:
    """The demonstrations of a side, or all; `held_out` takes only those of labellers held out, or only of others."""
    label = table("demonstrations")
    with reading(store) as connection:
        rows = connection.execute(_labels(label, [label.c.completion], split, held_out))
        return [Demonstration(completion=row.completion, **_told(row._mapping)) for row in rows]


def rankings(
    store: Store, split: str | None = None, held_out: bool | None = None, as_added: bool = False
) -> list[Ranking]:
    """The rankings of a side, or all; `held_out` takes only those of labellers held out, or only what feeds training.

    Of a prompt of the screening test nothing does. By prompt and then as they were added, or `as_added` alone.
    """
    label = table("rankings")
    with reading(store) as connection:
        wanted = _labels(label, [label.c.extra], split, held_out)
        labels = connection.execute(wanted.where(~_of_test(label)) if held_out is False else wanted).all()
        ranked, rated = _ranked(connection), _rated(connection)
    if as_added:
        labels = sorted(labels, key=lambda row: row.id)
    return [_ranking(row._mapping, ranked[row.id], rated) for row in labels]


def _labels(label: Any, more: list[Any], split: str | None, held_out: bool | None) -> Any:
    """The query of labels of a table with their prompts, people and instructions."""
    from sqlalchemy import select

    prompt, person, told = table("prompts"), table("labellers"), table("instructions")
    of_prompt = [prompt.c.id.label("prompt_id"), prompt.c.text, prompt.c.group_id, prompt.c.split]
    of_label = [label.c.id, label.c.labeller_group, label.c.seconds, *more]
    query = select(*of_prompt, *of_label, person.c.name, told.c.version)
    query = query.select_from(label).join(prompt).join(person).join(told)
    if split is not None:
        query = query.where(prompt.c.split == split)
    if held_out is not None:
        query = query.where(person.c.held_out == held_out)
    return query.order_by(prompt.c.id, label.c.id)


def _of_test(label: Any) -> Any:
    """Whether a label is of a prompt of the screening test."""
    from sqlalchemy import exists

    handing = table("handing")
    return exists().where(handing.c.prompt_id == label.c.prompt_id, handing.c.purpose == "screening")


def _told(row: Any) -> dict[str, Any]:
    return {
        "prompt_id": row["prompt_id"],
        "group_id": row["group_id"],
        "split": row["split"],
        "prompt": conversation(row["text"]),
        "labeller": row["name"],
        "labeller_group": row["labeller_group"],
        "instructions": row["version"],
        "seconds": row["seconds"],
    }


def _ranked(connection: Any) -> dict[int, list[Any]]:
    """The outputs of each ranking, in their order."""
    from sqlalchemy import select

    one, of = table("outputs"), table("ranked")
    wanted = select(one, of.c.ranking_id, of.c.rank, of.c.shown).select_from(of).join(one)
    found: dict[int, list[Any]] = {}
    for row in connection.execute(wanted.order_by(of.c.ranking_id, of.c.place)):
        found.setdefault(row.ranking_id, []).append(row._mapping)
    return found


def _rated(connection: Any) -> dict[int, Iterator[Any]]:
    """The ratings that were given with each ranking, in the order of its outputs."""
    one = table("ratings")
    found: dict[int, list[Any]] = {}
    for row in connection.execute(one.select().where(one.c.ranking_id.is_not(None)).order_by(one.c.id)):
        found.setdefault(row.ranking_id, []).append(row)
    return {key: iter(rows) for key, rows in found.items()}


def _ranking(row: Any, ranked: list[Any], rated: dict[int, Iterator[Any]]) -> Ranking:
    made = []
    for one in ranked:
        alone = next(rated.get(row["id"], iter(())), None)
        said = {"likert": alone.likert, "flags": alone.flags} if alone else {}
        made.append(Output(**sampled(one), **said, order=one["shown"]))
    ranks = tuple(one["rank"] for one in ranked)
    return Ranking(outputs=tuple(made), ranks=ranks, extra=row["extra"], **_told(row))
