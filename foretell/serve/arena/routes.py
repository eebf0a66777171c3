"""The pages of the arena, and what they send."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StrictInt

from foretell.align.answers import exported
from foretell.serve.accounts.people import framed, require
from foretell.serve.accounts.rules import may
from foretell.serve.arena import rounds
from foretell.serve.labelling.answered import answered
from foretell.serve.labelling.desk import Desk
from foretell.serve.labelling.wire import Seconds, TaskId
from foretell.serve.pages.routes import POLICY, engine
from foretell.serve.state import State
from foretell.serve.wire import Strict, Text

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response

MOST_PROMPT = 20_000  # characters
USUAL_LENGTH = 60  # tokens


class Asked(Strict):
    """What begins a round."""

    prompt: Annotated[Text, Field(min_length=1, max_length=MOST_PROMPT)]
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    max_tokens: Annotated[StrictInt, Field(ge=1, le=100_000)] = 100


class Voted(Strict):
    """A vote."""

    task: TaskId
    winner: Literal["left", "right", "tie", "both bad"]
    seconds: Seconds


def add_arena(app: "FastAPI", state: State, desk: Desk) -> None:
    """All of them."""
    from starlette.requests import Request

    add_arena_pages(app, state, desk)

    @app.post("/arena/round", include_in_schema=False)
    async def begin(given: Asked, request: Request) -> dict[str, Any]:
        who, how = require(request).name, (given.prompt, given.temperature, given.max_tokens)
        made = await rounds.begin_round(state, desk, who, request, *how)
        return {"task": made.task, "left": made.left, "right": made.right}

    @app.post("/arena/vote", include_in_schema=False)
    async def vote(given: Voted, request: Request) -> dict[str, Any]:
        who = require(request).name
        told = await answered(lambda: rounds.vote(desk, who, given.task, given.winner, given.seconds))
        return {"saved": True, **told}


def add_arena_pages(app: "FastAPI", state: State, desk: Desk) -> None:
    """The blind pair, and what came of all votes."""
    from starlette.requests import Request
    from starlette.responses import Response

    made = engine()

    def page(request: Request, name: str, **told: Any) -> Response:
        body = made.get_template(f"{name}.html.jinja").render(**framed(request, "arena"), **told)
        return Response(body, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    def all_of_them(request: Request) -> Response:
        return page(request, "arena_results", results=rounds.all_results(desk))

    @app.get("/arena", include_in_schema=False)
    async def arena(request: Request) -> Any:
        names, sees = rounds.fighters(state), may(require(request), "/arena/results")
        return page(request, "arena", enough=len(names) > 1, sees=sees, length=usual_length(state, names))

    @app.get("/arena/results", include_in_schema=False)
    async def results(request: Request) -> Any:
        return await asyncio.to_thread(all_of_them, request)

    @app.get("/arena/results/votes.jsonl", include_in_schema=False)
    async def lines() -> Any:
        return download(await asyncio.to_thread(exported, desk.store, "arena"), "arena.jsonl")


def usual_length(state: State, names: Sequence[str]) -> int:
    """How many tokens a round asks for unless somebody says otherwise: half of the smallest context leaves a prompt."""
    return min([USUAL_LENGTH, *(state.models[name].n_ctx // 2 for name in names)])


def download(text: str, name: str) -> "Response":
    """A file for whoever asked, to be kept."""
    from starlette.responses import Response

    kept = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/jsonl; charset=utf-8", headers=kept)
