"""The label store: what is asked, what models answered, and what labellers gave. Labels are added, never taken away.

    store = open_store("labels.db", create=True)
    add_prompts(store, prompts); add_rankings(store, rankings)
    rankings(store, split="train")

Every function is one transaction: all of what it is given is in the store at its end, or nothing. What is there already
is not added twice, so that an import that was stopped can be run again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from foretell.align.database import Store, close, open_store, writing
from foretell.align.put import (
    execute,
    ids_of,
    insert,
    known,
    now,
    put_instructions,
    put_labellers,
    put_outputs,
    put_prompts,
)
from foretell.align.records import Candidates, Demonstration, Output, Prompt, Ranking, content_id
from foretell.align.schema import ROLES, table
from foretell.align.stored import counts, demonstrations, labellers, outputs, prompts, rankings
from foretell.errors import BadUse

T = TypeVar("T", Ranking, Demonstration)

__all__ = [
    "Added",
    "Store",
    "add_candidates",
    "add_demonstrations",
    "add_instructions",
    "add_labeller",
    "add_outputs",
    "add_prompts",
    "add_ranking",
    "add_rankings",
    "add_rating",
    "close",
    "counts",
    "demonstrations",
    "labellers",
    "open_store",
    "outputs",
    "prompts",
    "rankings",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many were added, and how many were there already."""

    added: int
    already: int = 0


def add_prompts(store: Store, prompts: Iterable[Prompt]) -> Added:
    """Add prompts; one whose id is there keeps what is stored of it. BadUse where the id is another text's."""
    with writing(store) as connection:
        added, all_of_them = put_prompts(connection, list(prompts))
    return Added(added=added, already=all_of_them - added)


def add_outputs(store: Store, prompt_id: str, outputs: Sequence[Output]) -> list[str]:
    """The ids of a prompt's outputs, added where they are not there; BadUse where the store has no such prompt."""
    with writing(store) as connection:
        if not known(connection, "prompts", "id", [prompt_id]):
            raise BadUse(f"{store.name} has no prompt {prompt_id}; add the prompt first")
        return put_outputs(connection, [(prompt_id, one) for one in outputs])[0]


def add_candidates(store: Store, candidates: Sequence[Candidates]) -> Added:
    """Add outputs that wait to be ranked, and their prompts where they are not there."""
    with writing(store) as connection:
        put_prompts(connection, [Prompt(prompt_id=one.prompt_id, text=one.prompt) for one in candidates])
        given = [(one.prompt_id, output) for one in candidates for output in one.outputs]
        ids, added = put_outputs(connection, given)
    return Added(added=added, already=len(ids) - added)


def add_labeller(store: Store, name: str, group: str = "", held_out: bool = False, role: str = "labeller") -> None:
    """Add a labeller, or change the group, the role, and whether the labels are held out of training."""
    if role not in ROLES:
        raise BadUse(f"{role!r} is no role; known: {', '.join(ROLES)}")
    told = {"labeller_group": group, "held_out": held_out, "role": role}
    with writing(store) as connection:
        row = {"name": name, "created": now(), **told}
        connection.execute(
            insert(connection, "labellers").on_conflict_do_update(index_elements=["name"], set_=told), row
        )


def add_instructions(store: Store, version: str, told: str) -> None:
    """Add what labellers are told under a version's name; BadUse where that version tells something else."""
    kept = table("instructions")
    with writing(store) as connection:
        key = put_instructions(connection, [version])[version]
        stored = connection.execute(kept.select().where(kept.c.id == key)).one().told
        if stored not in ("", told):
            raise BadUse(f"instructions {version!r} are in {store.name} with other words; give another version")
        connection.execute(kept.update().where(kept.c.id == key).values(told=told))


def add_rating(
    store: Store,
    output_id: str,
    labeller: str,
    likert: int | None,
    flags: dict[str, bool],
    *,
    instructions: str = "",
    seconds: float | None = None,
) -> None:
    """Add what a labeller says of one output alone: 1 to 7 and flags. A later one is added, not put in its place."""
    Output(text="", likert=likert)
    with writing(store) as connection:
        if not known(connection, "outputs", "id", [output_id]):
            raise BadUse(f"{store.name} has no output {output_id}; add the output first")
        row = {
            "output_id": output_id,
            "ranking_id": None,
            "labeller_id": put_labellers(connection, [(labeller, "")], "labeller")[labeller],
            "instructions_id": put_instructions(connection, [instructions])[instructions],
            "likert": likert,
            "flags": flags,
            "seconds": seconds,
            "created": now(),
        }
        connection.execute(table("ratings").insert(), row)


def add_ranking(store: Store, ranking: Ranking, task: int | None = None) -> Added:
    """Add one ranking, and the task that it answers."""
    return add_rankings(store, [ranking], task=task)


def add_rankings(store: Store, rankings: Iterable[Ranking], role: str = "labeller", task: int | None = None) -> Added:
    """Add rankings with their prompts, outputs, ratings and labellers; `role` is of labellers not there yet.

    The n-th of equal rankings is another than the first: two people whose names are not known may have given them.
    """
    with writing(store) as connection:
        return put_rankings(connection, list(rankings), role, task)


def put_rankings(connection: Any, given: Sequence[Ranking], role: str, task: int | None = None) -> Added:
    """Add rankings inside a transaction, as `add_rankings` does."""
    put_prompts(connection, [_prompt_of(one) for one in given])
    ids = iter(put_outputs(connection, [(one.prompt_id, output) for one in given for output in one.outputs])[0])
    named = [[next(ids) for _ in one.outputs] for one in given]
    contents = _numbered(content_id([_label(one), names]) for one, names in zip(given, named, strict=True))
    there = known(connection, "rankings", "content", contents)
    new = [i for i, content in enumerate(contents) if content not in there]
    rows = _label_rows(connection, [given[i] for i in new], [contents[i] for i in new], role)
    more = [{"extra": given[i].extra, "task_id": task} for i in new]
    execute(connection, table("rankings").insert(), [{**row, **two} for row, two in zip(rows, more, strict=True)])
    keys = ids_of(connection, "rankings", "content", [contents[i] for i in new])
    for i, row in zip(new, rows, strict=True):
        row["ranking_id"], row["outputs"], row["ranking"] = keys[contents[i]], named[i], given[i]
    execute(connection, table("ranked").insert(), [line for row in rows for line in _ranked_rows(row)])
    execute(connection, table("ratings").insert(), [line for row in rows for line in _rating_rows(row)])
    return Added(added=len(new), already=len(given) - len(new))


def add_demonstrations(store: Store, demonstrations: Iterable[Demonstration], role: str = "labeller") -> Added:
    """Add demonstrations with their prompts and labellers."""
    with writing(store) as connection:
        return put_demonstrations(connection, list(demonstrations), role)


def put_demonstrations(connection: Any, given: Sequence[Demonstration], role: str) -> Added:
    """Add demonstrations inside a transaction, as `add_demonstrations` does."""
    put_prompts(connection, [_prompt_of(one) for one in given])
    contents = _numbered(content_id([_label(one), one.completion]) for one in given)
    there = known(connection, "demonstrations", "content", contents)
    new = [i for i, content in enumerate(contents) if content not in there]
    rows = _label_rows(connection, [given[i] for i in new], [contents[i] for i in new], role)
    texts = [{"completion": given[i].completion} for i in new]
    rows = [{**row, **text} for row, text in zip(rows, texts, strict=True)]
    execute(connection, table("demonstrations").insert(), rows)
    return Added(added=len(new), already=len(given) - len(new))


def _prompt_of(label: Ranking | Demonstration) -> Prompt:
    return Prompt(prompt_id=label.prompt_id, text=label.prompt, group_id=label.group_id, split=label.split)


def _label(one: Ranking | Demonstration) -> list[object]:
    """What makes a label another than one with the same outputs: not the prompt's group or side, which may change."""
    told: list[object] = [one.prompt_id, one.labeller, one.labeller_group, one.instructions, one.seconds]
    if isinstance(one, Ranking):
        alone = [[output.likert, output.flags, output.order] for output in one.outputs]
        told += [list(one.ranks), alone, one.extra]
    return told


def _numbered(contents: Iterable[str]) -> list[str]:
    """Hashes that differ between equal contents, the same at every import of the same file."""
    seen: Counter[str] = Counter()
    made = []
    for content in contents:
        made.append(content_id([content, seen[content]]) if seen[content] else content)
        seen[content] += 1
    return made


def _label_rows(connection: Any, labels: Sequence[T], contents: list[str], role: str) -> list[dict[str, Any]]:
    people = put_labellers(connection, [(one.labeller, one.labeller_group) for one in labels], role)
    versions = put_instructions(connection, [one.instructions for one in labels])
    at = now()
    return [
        {
            "content": content,
            "prompt_id": one.prompt_id,
            "labeller_id": people[one.labeller],
            "instructions_id": versions[one.instructions],
            "labeller_group": one.labeller_group,
            "seconds": one.seconds,
            "created": at,
        }
        for one, content in zip(labels, contents, strict=True)
    ]


def _ranked_rows(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    ranking: Ranking = row["ranking"]
    for place, (name, output, rank) in enumerate(zip(row["outputs"], ranking.outputs, ranking.ranks, strict=True)):
        yield {
            "ranking_id": row["ranking_id"],
            "place": place,
            "output_id": name,
            "rank": rank,
            "shown": output.order,
        }


def _rating_rows(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A rating of each output, if there is one of any: equal outputs in one ranking are then told apart by order."""
    ranking: Ranking = row["ranking"]
    if any(output.likert is not None or output.flags for output in ranking.outputs):
        same = {name: row[name] for name in ("ranking_id", "labeller_id", "instructions_id", "created")}
        for name, output in zip(row["outputs"], ranking.outputs, strict=True):
            yield {"output_id": name, "likert": output.likert, "flags": output.flags, "seconds": None, **same}
