"""The application: models behind OpenAI's routes, as an ASGI app.

app = make_app({"nano": model}, Limits(), keys={});  uvicorn.run(app)
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretell.generate.model import Model
from foretell.serve.accounts.routes import add_accounts
from foretell.serve.admin.routes import add_admin
from foretell.serve.arena.rounds import fighters
from foretell.serve.arena.routes import add_arena
from foretell.serve.asking import Bell, Gone
from foretell.serve.dashboard.routes import add_dashboard
from foretell.serve.guard import Guard
from foretell.serve.labelling.desk import Desk
from foretell.serve.labelling.routes import add_labelling
from foretell.serve.labelling.study import Study
from foretell.serve.labelling.study_routes import add_studies
from foretell.serve.pages.routes import add_pages
from foretell.serve.pages.words import Visits
from foretell.serve.refusals import Refused, of_validation, refused
from foretell.serve.routes import add_routes
from foretell.serve.served import Served
from foretell.serve.settings import Limits
from foretell.serve.state import State
from foretell.version import VERSION

if TYPE_CHECKING:
    from fastapi import FastAPI

ABOUT = "Models of foretell, as OpenAI's clients ask them."


def make_app(
    models: Mapping[str, Model],
    limits: Limits,
    keys: Mapping[str, str],
    desk: Desk | None = None,
    runs: Path | None = None,
    study: Study | None = None,
) -> Guard:
    """The application; its threads begin and end with it. `keys` are the digests of API keys, none for no keys.

    `desk` adds the pages on which people label, and with them accounts and the arena; `runs` those of a folder of runs.
    `study` tells what is handed out of other kinds of task.
    """
    state = State({name: Served(name, model, limits) for name, model in models.items()}, limits)
    app = routed(state, with_keys=bool(keys), desk=desk, runs=runs, study=study)
    return Guard(app, state, keys, desk.door if desk else None)


def routed(
    state: State, *, with_keys: bool, desk: Desk | None = None, runs: Path | None = None, study: Study | None = None
) -> "FastAPI":
    """The routes, without the guard. FastAPI's pages of documentation would load scripts from elsewhere: none."""
    import asyncio

    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        state.bell = Bell(asyncio.get_running_loop())
        for served in state.models.values():
            served.scheduler.start()
        yield
        for served in state.models.values():
            await asyncio.to_thread(served.scheduler.close)

    app = FastAPI(
        title="foretell", version=VERSION, description=ABOUT, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    add_handlers(app)
    add_routes(app, state)
    app.add_middleware(Visits)
    add_pages(
        app,
        state,
        with_keys=with_keys and desk is None,
        store=desk.store if desk else None,
        playground=bool(state.models) or not runs,
    )
    if desk:
        add_accounts(app, desk.door)
        add_labelling(app, desk)
        add_admin(app, desk)
        add_arena(app, state, desk)
        add_studies(app, state, desk, replace(study or Study(), models=fighters(state)))
    if runs:
        add_dashboard(app, runs)
    return app


def add_handlers(app: "FastAPI") -> None:
    """Every error in OpenAI's shape; a request that does not fit its schema is a 400, as it is there."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.responses import Response

    from foretell.errors import BadUse, Failed
    from foretell.serve.scheduler import Busy

    def said(error: Refused) -> Response:
        return Response(error.body, error.status, error.headers, "application/json")

    async def ours(_: Any, error: Exception) -> Response:
        return said(refused(error))

    async def unfit(_: Any, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return said(of_validation(error.errors()))

    async def http(_: Any, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = {404: "there is no such page", 405: "this page is not asked so"}.get(error.status_code)
        answer = said(Refused(error.status_code, message or "the request is no JSON; send one JSON object"))
        answer.headers.update(error.headers or {})
        return answer

    async def gone(_: Any, __: Exception) -> Response:
        return Response(status_code=499)

    for kind in (Refused, Busy, BadUse, Failed):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, unfit)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Gone, gone)
