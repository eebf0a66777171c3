"""The playground: pages that ask the same API as everybody else, with nothing that is fetched from elsewhere.

Every file is read when the server begins and found by its name among them, so that no request reaches a path. Pages
need no key; what they ask does, and they keep a key in the page's memory alone. Where there are accounts, they need
somebody who is signed in, and no key.
"""

import asyncio
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from foretell.serve.accounts.people import framed, require
from foretell.serve.accounts.rules import may
from foretell.serve.pages.presets import add_presets, all_presets
from foretell.serve.pages.words import VISIT, say, script
from foretell.serve.refusals import Refused
from foretell.serve.wire import MOST_LOGPROBS

if TYPE_CHECKING:
    from fastapi import FastAPI
    from jinja2 import Environment

    from foretell.align.database import Store
    from foretell.serve.state import State

PAGES = {"/playground": "completion", "/playground/chat": "chat", "/compare": "compare"}
CATALOGUE = "catalogue.js"  # of the words of scripts, in the language of whoever asks
KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_pages(
    app: "FastAPI", state: "State", *, with_keys: bool, store: "Store | None" = None, playground: bool = True
) -> None:
    """The pages, and the files that they are made of; with a store that keeps prompts, they ask whether it may."""
    from starlette.requests import Request
    from starlette.responses import RedirectResponse, Response

    own = own_files()
    if playground:
        add_playground(app, state, with_keys=with_keys, store=store)

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> Response:
        person, first = require(request), "/playground" if playground else "/runs"
        return RedirectResponse(first if may(person, first) else "/label")

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        body = script() if name == CATALOGUE else own.get(name)
        if body is None:
            raise Refused(404, "there is no such page")
        return Response(body, media_type=KINDS[name.rpartition(".")[2]], headers={"Cache-Control": "no-cache"})


def add_playground(app: "FastAPI", state: "State", *, with_keys: bool, store: "Store | None") -> None:
    """Completion, chat and two models side by side."""
    from starlette.requests import Request
    from starlette.responses import Response

    pages = engine()
    told = {**settings_of(state, with_keys=with_keys), "keeps": store is not None}
    if store is not None:
        add_presets(app, store)

    def page(request: Request, path: str) -> Response:
        name, presets = PAGES[path], all_presets(store if path == "/playground" else None)
        more = {"presets": json.dumps(presets), "names": [one["name"] for one in presets]}
        body = pages.get_template(f"{name}.html.jinja").render(**framed(request, name), **told, **more)
        return Response(body, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    @app.get("/playground", include_in_schema=False)
    async def completion(request: Request) -> Response:
        return await asyncio.to_thread(page, request, "/playground")

    @app.get("/playground/chat", include_in_schema=False)
    async def chat(request: Request) -> Response:
        return page(request, "/playground/chat")

    @app.get("/compare", include_in_schema=False)
    async def compare(request: Request) -> Response:
        return page(request, "/compare")


def own_files() -> dict[str, bytes]:
    """The style and the scripts by name."""
    folder = files("foretell.serve.pages") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in KINDS}


def engine() -> "Environment":
    """What makes pages of templates: what is put into one is escaped, what it says is in the visit's language."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("foretell.serve.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(say=say, visit=VISIT.get)
    return made


def settings_of(state: "State", *, with_keys: bool) -> dict[str, Any]:
    """What the pages offer. The names of models are in it unless keys are needed to know them."""
    writers = [one for one in state.models.values() if one.network.cfg.kind != "encoder"]
    return {
        "models": [] if with_keys else [(one.name, one.n_ctx) for one in writers],
        "with_keys": with_keys,
        "most_logprobs": MOST_LOGPROBS,
    }
