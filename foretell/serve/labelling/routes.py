"""The pages on which people label, and what they send. What is saved is answered after it is in the store.

A page shows prompts and outputs as they are, escaped, and never which model wrote an output nor what others said of
it. Whose a label is follows from who is signed in, never from what is sent.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from foretell.align import handed_in
from foretell.align.drafts import put_draft
from foretell.align.handing import instructions, note_read
from foretell.align.records import Turn, as_turns
from foretell.errors import BadUse
from foretell.serve.accounts.people import Person, framed, require
from foretell.serve.accounts.rules import may
from foretell.serve.labelling import wire
from foretell.serve.labelling.desk import Desk, keep_prompt, overview, place_of, stage_of, task_of
from foretell.serve.labelling.figures import agreed
from foretell.serve.labelling.told import FLAGS, REASONS
from foretell.serve.pages.routes import POLICY, engine
from foretell.serve.refusals import Refused

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

SAVED = {"saved": True}
PARTS = (
    ("Overview", "/label"),
    ("Instructions", "/label/instructions"),
    ("Write", "/label/demonstration"),
    ("Rate and rank", "/label/rank"),
    ("Other tasks", "/label/studies"),
    ("Agreement", "/label/agreement"),
)


def add_labelling(app: "FastAPI", desk: Desk) -> None:
    """All of them."""
    add_label_pages(app, desk)
    add_saving(app, desk)
    add_steps(app, desk)


def label_page(request: "Request", name: str, **told: Any) -> "Response":
    """A page of labelling, in the frame of whoever asks."""
    from starlette.responses import Response

    person = require(request)
    same = {**framed(request, "label"), "labeller": person.name, "parts": [one for one in PARTS if may(person, one[1])]}
    body = engine().get_template(f"{name}.html.jinja").render(**same, **told)
    return Response(body, media_type="text/html", headers={"Content-Security-Policy": POLICY})


def add_label_pages(app: "FastAPI", desk: Desk) -> None:
    """What waits, and a page for each kind of task."""
    from starlette.requests import Request

    def task(request: "Request", kind: Any, name: str, path: str) -> "Response":
        person = require(request)
        place = place_of(desk, person)
        if place == "instructions" or place == "failed" or (place == "screening" and kind != "ranking"):
            return step(desk, request, place)
        found = task_of(desk, person, kind, stage_of(place))
        if found is None:
            return label_page(request, "label_none", here=path, kind=kind, person_researches=person.researches)
        given, seen, draft = found
        told = {"turns": as_turns(seen.prompt), "texts": seen.texts, "letters": "ABCDEFGHI"[: len(seen.texts)]}
        told |= {"instructions": instructions(desk.store)[1], "kept_draft": draft, "place": place}
        return label_page(request, name, here=path, task=given, kind=kind, flags=FLAGS, reasons=REASONS, **told)

    @app.get("/label", include_in_schema=False)
    async def home(request: Request) -> Any:
        return await asyncio.to_thread(begun, desk, request)

    @app.get("/label/demonstration", include_in_schema=False)
    async def demonstration(request: Request) -> Any:
        return await asyncio.to_thread(task, request, "demonstration", "label_demonstration", "/label/demonstration")

    @app.get("/label/rank", include_in_schema=False)
    async def rank(request: Request) -> Any:
        return await asyncio.to_thread(task, request, "ranking", "label_rank", "/label/rank")

    @app.get("/label/agreement", include_in_schema=False)
    async def agree(request: Request) -> Any:
        return await asyncio.to_thread(agreement, desk, request)


def begun(desk: Desk, request: "Request") -> "Response":
    """The overview, or the step that comes before it."""
    person = require(request)
    place = place_of(desk, person)
    if place in ("instructions", "failed"):
        return step(desk, request, place)
    told = overview(desk, person, stage_of(place))
    return label_page(request, "label", here="/label", place=place, **told)


def step(desk: Desk, request: "Request", place: str) -> "Response":
    """What somebody does before they label: read, take the test, or wait."""
    version, told = instructions(desk.store)
    read = place != "instructions"
    return label_page(
        request, "label_step", here="/label/instructions", place=place, version=version, told=told, read=read
    )


def agreement(desk: Desk, request: "Request") -> "Response":
    """How far labellers agree, for those who may see it."""
    try:
        rows, matrix = agreed(desk.store)
    except BadUse as error:
        return label_page(request, "label_agreement", here="/label/agreement", rows=[], matrix=None, why=str(error))
    return label_page(request, "label_agreement", here="/label/agreement", rows=rows, matrix=matrix, why="")


def add_saving(app: "FastAPI", desk: Desk) -> None:
    """What the pages send."""
    from starlette.requests import Request

    @app.post("/label/prompts", include_in_schema=False)
    async def prompt(given: wire.KeptPrompt, request: Request) -> dict[str, Any]:
        why = await asyncio.to_thread(keep_prompt, desk, require(request).name, conversation(given))
        return {"kept": not why, "why": why}

    @app.post("/label/demonstration", include_in_schema=False)
    async def demonstration(given: wire.Written, request: Request) -> dict[str, bool]:
        said = (given.completion, given.seconds)
        return await saved(desk, require(request), handed_in.hand_in_demonstration, given.task, *said)

    @app.post("/label/rank", include_in_schema=False)
    async def rank(given: wire.Ranked, request: Request) -> dict[str, bool]:
        said = [
            handed_in.Rating(likert=one.likert, flags={name: name in one.flags for name in FLAGS}, seconds=one.seconds)
            for one in given.ratings
        ]
        rest = (given.task, said, given.ranks, given.seconds)
        return await saved(desk, require(request), handed_in.hand_in_ranking, *rest)

    @app.post("/label/skip", include_in_schema=False)
    async def skip(given: wire.Skipped, request: Request) -> dict[str, bool]:
        person, rest = require(request), (given.task, given.kind, given.reason, given.seconds)
        if await asyncio.to_thread(place_of, desk, person) == "screening":
            raise Refused(400, "nothing of the test is skipped; rate and rank as well as you can")
        return await saved(desk, person, handed_in.hand_back, *rest)

    @app.post("/label/draft", include_in_schema=False)
    async def draft(given: wire.KeptDraft, request: Request) -> dict[str, bool]:
        try:
            return await saved(desk, require(request), put_draft, given.task, given.kind, given.draft)
        except Refused:  # it was handed in meanwhile: nothing to tell anybody
            return {"saved": False}


def add_steps(app: "FastAPI", desk: Desk) -> None:
    """The instructions, and that somebody has read them."""
    from starlette.requests import Request

    @app.get("/label/instructions", include_in_schema=False)
    async def shown(request: Request) -> Any:
        def made() -> "Response":
            place = place_of(desk, require(request))
            return step(desk, request, place)

        return await asyncio.to_thread(made)

    @app.post("/label/instructions", include_in_schema=False)
    async def read(given: wire.Read, request: Request) -> dict[str, str]:
        await asyncio.to_thread(note_read, desk.store, require(request).id, given.version)
        return {"next": "/label"}


async def saved(desk: Desk, person: Person, hand_in: Any, *given: Any) -> dict[str, bool]:
    """That something of a person's is in the store; Refused with 409 where its task is not open."""
    try:
        await asyncio.to_thread(hand_in, desk.store, person.name, *given)
    except handed_in.NotOpen as error:
        raise Refused(409, str(error), code="task_not_open") from error
    return SAVED


def conversation(given: wire.KeptPrompt) -> str | tuple[Turn, ...]:
    """A prompt as the store has it; an answer at its end belongs to no prompt."""
    if isinstance(given.prompt, str):
        return given.prompt
    return tuple(Turn(role=one.role, content=one.content) for one in given.prompt)
