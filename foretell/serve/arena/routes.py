"""The pages of the arena, and what they send."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StrictInt

from foretell.align.answers import exported
from foretell.serve.arena import rounds
from foretell.serve.labelling.desk import Desk
from foretell.serve.labelling.routes import check_token, saved
from foretell.serve.labelling.who import operator
from foretell.serve.labelling.wire import Seconds, TaskId
from foretell.serve.pages.routes import POLICY, engine
from foretell.serve.state import State
from foretell.serve.wire import Strict, Text

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response

MOST_PROMPT = 20_000  # characters


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
    from fastapi import Depends
    from starlette.requests import Request

    async def of_our_page(request: Request) -> None:
        check_token(desk, request)

    ours = [Depends(of_our_page)]
    add_arena_pages(app, state, desk)

    @app.post("/arena/round", include_in_schema=False, dependencies=ours)
    async def begin(given: Asked, request: Request) -> dict[str, Any]:
        who, how = operator(desk, request), (given.prompt, given.temperature, given.max_tokens)
        made = await rounds.begin_round(state, desk, who, request, *how)
        return {"task": made.task, "left": made.left, "right": made.right}

    @app.post("/arena/vote", include_in_schema=False, dependencies=ours)
    async def vote(given: Voted, request: Request) -> dict[str, Any]:
        told: dict[str, str] = {}
        who = operator(desk, request)
        await saved(lambda: told.update(rounds.vote(desk, who, given.task, given.winner, given.seconds)))
        return {"saved": True, **told}


def add_arena_pages(app: "FastAPI", state: State, desk: Desk) -> None:
    """The blind pair, and what came of all votes."""
    made = engine()

    def page(name: str, **told: Any) -> "Response":
        from starlette.responses import Response

        body = made.get_template(f"{name}.html.jinja").render(mode=name, token=desk.token, **told)
        return Response(body, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    def votes() -> "Response":
        from starlette.responses import Response

        kept = {"Content-Disposition": 'attachment; filename="arena.jsonl"'}
        return Response(exported(desk.store, "arena"), media_type="application/jsonl; charset=utf-8", headers=kept)

    @app.get("/arena", include_in_schema=False)
    async def arena() -> Any:
        return page("arena", enough=len(rounds.fighters(state)) > 1)

    @app.get("/arena/results", include_in_schema=False)
    async def results() -> Any:
        return await asyncio.to_thread(lambda: page("arena_results", results=rounds.all_results(desk)))

    @app.get("/arena/votes.jsonl", include_in_schema=False)
    async def lines() -> Any:
        return await asyncio.to_thread(votes)
