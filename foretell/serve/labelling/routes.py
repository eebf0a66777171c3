"""The pages on which one person labels, and what they send. What is saved is answered after it is in the store.

Every write needs the token that this server put into its pages, so that no other page can send one. A page shows
prompts and outputs as they are, escaped, and never which model wrote an output.
"""

import asyncio
import hmac
from typing import TYPE_CHECKING, Any

from foretell.align import handed_in
from foretell.align.records import MOST, Turn, as_turns
from foretell.errors import BadUse
from foretell.serve.labelling import wire
from foretell.serve.labelling.desk import Desk, keep_prompt, overview, task_of
from foretell.serve.labelling.figures import agreed
from foretell.serve.labelling.told import FLAGS, INSTRUCTIONS, REASONS
from foretell.serve.pages.routes import POLICY, engine
from foretell.serve.refusals import Refused

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

TOKEN = "x-page-token"
SAVED = {"saved": True}
PARTS = (
    ("Overview", "/label"),
    ("Write", "/label/demonstration"),
    ("Rate and rank", "/label/rank"),
    ("Agreement", "/label/agreement"),
)


def add_labelling(app: "FastAPI", desk: Desk) -> None:
    """All of them."""
    add_label_pages(app, desk)
    add_saving(app, desk)


def add_label_pages(app: "FastAPI", desk: Desk) -> None:
    """What waits, and a page for each kind of task."""
    pages = engine()
    same = {
        "mode": "label",
        "token": desk.token,
        "labeller": desk.labeller,
        "instructions": INSTRUCTIONS,
        "parts": PARTS,
    }

    def page(name: str, **told: Any) -> "Response":
        from starlette.responses import Response

        body = pages.get_template(f"{name}.html.jinja").render(**same, **told)
        return Response(body, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    def task(kind: Any, name: str, path: str) -> "Response":
        found = task_of(desk, kind)
        if found is None:
            return page("label_none", here=path, kind=kind)
        given, seen = found
        told = {"turns": as_turns(seen.prompt), "texts": seen.texts, "letters": "ABCDEFGHI"[: len(seen.texts)]}
        return page(name, here=path, task=given, kind=kind, flags=FLAGS, reasons=REASONS, most=MOST, **told)

    def agreement() -> "Response":
        try:
            rows, matrix = agreed(desk.store)
        except BadUse as error:
            return page("label_agreement", here="/label/agreement", rows=[], matrix=None, why=str(error))
        return page("label_agreement", here="/label/agreement", rows=rows, matrix=matrix, why="")

    @app.get("/label", include_in_schema=False)
    async def home() -> Any:
        return await asyncio.to_thread(lambda: page("label", here="/label", **overview(desk)))

    @app.get("/label/demonstration", include_in_schema=False)
    async def demonstration() -> Any:
        return await asyncio.to_thread(task, "demonstration", "label_demonstration", "/label/demonstration")

    @app.get("/label/rank", include_in_schema=False)
    async def rank() -> Any:
        return await asyncio.to_thread(task, "ranking", "label_rank", "/label/rank")

    @app.get("/label/agreement", include_in_schema=False)
    async def agree() -> Any:
        return await asyncio.to_thread(agreement)


def add_saving(app: "FastAPI", desk: Desk) -> None:
    """What the pages send."""
    from fastapi import Depends
    from starlette.requests import Request

    async def of_our_page(request: Request) -> None:
        check_token(desk, request)

    ours = [Depends(of_our_page)]

    @app.post("/label/prompts", include_in_schema=False, dependencies=ours)
    async def prompt(given: wire.KeptPrompt) -> dict[str, Any]:
        why = await asyncio.to_thread(keep_prompt, desk, conversation(given))
        return {"kept": not why, "why": why}

    @app.post("/label/demonstration", include_in_schema=False, dependencies=ours)
    async def demonstration(given: wire.Written) -> dict[str, bool]:
        return await saved(
            handed_in.hand_in_demonstration, desk.store, desk.labeller, given.task, given.completion, given.seconds
        )

    @app.post("/label/rank", include_in_schema=False, dependencies=ours)
    async def rank(given: wire.Ranked) -> dict[str, bool]:
        said = [
            handed_in.Rating(likert=one.likert, flags={name: name in one.flags for name in FLAGS}, seconds=one.seconds)
            for one in given.ratings
        ]
        return await saved(
            handed_in.hand_in_ranking, desk.store, desk.labeller, given.task, said, given.ranks, given.seconds
        )

    @app.post("/label/skip", include_in_schema=False, dependencies=ours)
    async def skip(given: wire.Skipped) -> dict[str, bool]:
        return await saved(
            handed_in.hand_back, desk.store, desk.labeller, given.task, given.kind, given.reason, given.seconds
        )


async def saved(hand_in: Any, *given: Any) -> dict[str, bool]:
    """That something is in the store; Refused with 409 where its task is not open."""
    try:
        await asyncio.to_thread(hand_in, *given)
    except handed_in.NotOpen as error:
        raise Refused(409, str(error), code="task_not_open") from error
    return SAVED


def check_token(desk: Desk, request: "Request") -> None:
    """Refused where a request does not come from a page of this server, as it runs now."""
    given = request.headers.get(TOKEN, "")
    if not hmac.compare_digest(given.encode("latin-1"), desk.token.encode()):
        raise Refused(403, "this page is of another run of the server; load it again (drafts stay)", code="token")


def conversation(given: wire.KeptPrompt) -> str | tuple[Turn, ...]:
    """A prompt as the store has it; an answer at its end belongs to no prompt."""
    if isinstance(given.prompt, str):
        return given.prompt
    return tuple(Turn(role=one.role, content=one.content) for one in given.prompt)
