"""Where one person labels: the store, the name under which labels are kept, and the token of this server's pages."""

import secrets
from dataclasses import dataclass, field, replace
from typing import Any

from foretell.align.assignments import Kind, Task, next_task, tasks_of, waiting
from foretell.align.database import Store
from foretell.align.handed_in import Shown, shown
from foretell.align.prompt_sets import prepared
from foretell.align.records import Conversation, Prompt
from foretell.align.store import add_instructions, add_labeller, add_prompts, counts, labellers, open_store, prompts
from foretell.errors import BadUse
from foretell.serve.labelling.told import INSTRUCTIONS, VERSION

MOST_NAME = 64  # characters
NOT_KEPT = {
    "near duplicates": "a prompt that begins like it is there",
    "above the limit": "this user has as many as are kept",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A label store that is open, for one labeller; `overlap` is how many are to label each prompt."""

    store: Store
    labeller: str
    overlap: int = 1
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))


def open_desk(where: str, labeller: str, overlap: int = 1) -> Desk:
    """The desk at a store, which is made where there is none; BadUse for a name that cannot be a person's."""
    if not labeller.isprintable() or not 0 < len(labeller.strip()) <= MOST_NAME:
        raise BadUse(f"--labeller {labeller!r} is no name; give 1 to {MOST_NAME} letters")
    if overlap < 1:
        raise BadUse(f"--overlap {overlap} would hand out nothing; give at least 1")
    store = open_store(where, create=True)
    known = {one["name"]: one for one in labellers(store)}
    if labeller not in known:
        add_labeller(store, labeller)
    elif known[labeller]["role"] == "simulated":
        raise BadUse(f"--labeller {labeller}: those labels are simulated; give a person another name")
    add_instructions(store, VERSION, INSTRUCTIONS)
    return Desk(store=store, labeller=labeller, overlap=overlap)


def task_of(desk: Desk, kind: Kind) -> tuple[Task, Shown] | None:
    """The labeller's task of a kind and what it shows; None where nothing is left."""
    task = next_task(desk.store, desk.labeller, kind, overlap=desk.overlap, instructions=VERSION)
    return None if task is None else (task, shown(desk.store, task))


def overview(desk: Desk) -> dict[str, Any]:
    """What waits for the labeller, what this labeller has done, and what the store holds."""
    mine = tasks_of(desk.store, desk.labeller)
    states = [(one["kind"], one["state"]) for one in mine]
    kinds: tuple[Kind, ...] = ("demonstration", "ranking")
    return {
        "waiting": {kind: waiting(desk.store, desk.labeller, kind, desk.overlap) for kind in kinds},
        "done": {kind: states.count((kind, "done")) for kind in kinds},
        "skipped": {kind: states.count((kind, "skipped")) for kind in kinds},
        "held": counts(desk.store),
    }


def keep_prompt(desk: Desk, text: Conversation) -> str:
    """Why a prompt of the playground was not kept, or nothing where it is in the store now.

    It goes through what every prompt of a user goes through: near duplicates, at most so many of one user, the side of
    its group, masks. Its use case stays unknown.
    """
    try:
        typed = Prompt(text=text, source="user", user=desk.labeller)
    except ValueError as error:
        raise BadUse(str(error)) from error
    made = prepared([typed], prompts(desk.store))
    if not made.prompts:
        return NOT_KEPT[next(iter(made.left_out))]
    added = add_prompts(desk.store, [replace(one, use_case="") for one in made.prompts])
    return "" if added.added else "it is there already"
