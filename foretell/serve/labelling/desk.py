"""Where people label: the store, the door to it, and what each of them is to do next.

A labeller reads the instructions that hold, then passes the screening test where there is one, then works. Admins and
researchers begin at once, and give the known answers of the test and of gold prompts.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from foretell.align.assignments import Kind, Stage, Task, next_task, tasks_of, waiting
from foretell.align.database import Store, close
from foretell.align.drafts import draft_of
from foretell.align.handed_in import Shown, shown
from foretell.align.handing import has_read, instructions, prompts_for, publish, put_settings, settings
from foretell.align.known_answers import passes, scores
from foretell.align.prompt_sets import prepared
from foretell.align.records import Conversation, Prompt
from foretell.align.store import add_prompts, counts, open_store, prompts
from foretell.errors import BadUse
from foretell.serve.accounts.accounts import account, first_admin, set_screened
from foretell.serve.accounts.door import Door
from foretell.serve.accounts.people import Person
from foretell.serve.labelling.told import INSTRUCTIONS, VERSION

OPERATOR = "operator"
NOT_KEPT = {
    "near duplicates": "a prompt that begins like it is there",
    "above the limit": "this user has as many as are kept",
}
Place = Literal["instructions", "screening", "failed", "work", "answers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A label store that is open, and the door to it; `link` lets the first admin in, where none has a password."""

    store: Store
    door: Door
    link: str = ""


def open_desk(
    where: str, admin: str = OPERATOR, overlap: int | None = None, *, local: bool = True, api_open: bool = True
) -> Desk:
    """The desk at a store, which is made where there is none; BadUse for a name that cannot be a person's."""
    store = open_store(where, create=True)
    try:
        held = settings(store)
        if overlap is not None:
            put_settings(store, replace(held, overlap=overlap))
        if not held.instructions:
            publish(store, VERSION, INSTRUCTIONS)
        link = first_admin(store, admin)
    except BaseException:
        close(store)
        raise
    return Desk(store=store, door=Door(store, local=local, api_open=api_open), link=link)


def place_of(desk: Desk, person: Person) -> Place:
    """Where somebody stands; the screening test is marked when its last prompt is done."""
    if person.researches:
        return "answers"
    if not has_read(desk.store, person.id, instructions(desk.store)[0]):
        return "instructions"
    screened = account(desk.store, person.name).screened
    if screened:
        return "work" if screened == "passed" else "failed"
    if waiting(desk.store, person.name, "ranking", stage="screening"):
        return "screening"
    had = {one["prompt_id"] for one in tasks_of(desk.store, person.name)}
    if not had & prompts_for(desk.store, "screening"):  # there is no test
        return "work"
    told = scores(desk.store, "screening").get(person.name)
    set_screened(desk.store, person.name, "passed" if passes(told) else "failed")
    return "work" if passes(told) else "failed"


def stage_of(place: Place) -> Stage:
    """Which prompts somebody is given there."""
    return place if place in ("screening", "answers") else "work"


def task_of(desk: Desk, person: Person, kind: Kind, stage: Stage) -> tuple[Task, Shown, str] | None:
    """A person's task of a kind, what it shows, and its draft; None where nothing is left."""
    held = settings(desk.store)
    how: Any = {"overlap": held.overlap, "instructions": held.instructions, "stage": stage}
    task = next_task(desk.store, person.name, kind, **how)
    return None if task is None else (task, shown(desk.store, task), draft_of(desk.store, task.id))


def overview(desk: Desk, person: Person, stage: Stage) -> dict[str, Any]:
    """What waits for a person, what this person has done, and, for those who may see it, what the store holds."""
    mine = tasks_of(desk.store, person.name)
    states = [(one["kind"], one["state"]) for one in mine]
    kinds: tuple[Kind, ...] = ("demonstration", "ranking")
    overlap = settings(desk.store).overlap
    return {
        "waiting": {kind: waiting(desk.store, person.name, kind, overlap, stage) for kind in kinds},
        "done": {kind: states.count((kind, "done")) for kind in kinds},
        "skipped": {kind: states.count((kind, "skipped")) for kind in kinds},
        "held": counts(desk.store) if person.researches else {},
    }


def keep_prompt(desk: Desk, user: str, text: Conversation) -> str:
    """Why a prompt of the playground was not kept, or nothing where it is in the store now.

    It goes through what every prompt of a user goes through: near duplicates, at most so many of one user, the side of
    its group, masks. Its use case stays unknown.
    """
    try:
        typed = Prompt(text=text, source="user", user=user)
    except ValueError as error:
        raise BadUse(str(error)) from error
    made = prepared([typed], prompts(desk.store))
    if not made.prompts:
        return NOT_KEPT[next(iter(made.left_out))]
    added = add_prompts(desk.store, [replace(one, use_case="") for one in made.prompts])
    return "" if added.added else "it is there already"
