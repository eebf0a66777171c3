"""The pages of admins, and for most of them of researchers: people, tasks, instructions, exports, who changed what."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from foretell.align.database import writing
from foretell.align.handing import publish, put_settings, set_handing, settings
from foretell.serve.accounts import accounts as kept
from foretell.serve.accounts.people import ROLES, framed, require
from foretell.serve.accounts.rules import may
from foretell.serve.admin import figures, wire
from foretell.serve.admin.exports import Held, Side, What, exported
from foretell.serve.pages.routes import POLICY, engine

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from foretell.serve.labelling.desk import Desk

PARTS = (
    ("Labellers", "/admin/labellers"),
    ("Tasks", "/admin/tasks"),
    ("Instructions", "/admin/instructions"),
    ("Exports", "/admin/exports"),
    ("Changes", "/admin/audit"),
)
DONE = {"done": True}


def add_admin(app: "FastAPI", desk: "Desk") -> None:
    """All of them."""
    add_admin_pages(app, desk)
    add_people(app, desk)
    add_tasks(app, desk)
    add_exports(app, desk)


def admin_page(request: "Request", name: str, **told: Any) -> "Response":
    """A page of admins."""
    from starlette.responses import Response

    person = require(request)
    parts = [one for one in PARTS if may(person, one[1])]
    frame = {**framed(request, "admin"), "parts": parts, "here": request.url.path}
    body = engine().get_template(f"{name}.html.jinja").render(**frame, **told)
    return Response(body, media_type="text/html", headers={"Content-Security-Policy": POLICY})


def add_admin_pages(app: "FastAPI", desk: "Desk") -> None:
    """What they show."""
    from starlette.requests import Request
    from starlette.responses import RedirectResponse

    async def page(request: "Request", name: str, told: Callable[[], dict[str, Any]]) -> "Response":
        return await asyncio.to_thread(lambda: admin_page(request, name, **told()))

    @app.get("/admin", include_in_schema=False)
    async def home(request: Request) -> Any:
        return RedirectResponse(next(path for _, path in PARTS if may(require(request), path)))

    @app.get("/admin/labellers", include_in_schema=False)
    async def labellers(request: Request) -> Any:
        return await page(request, "admin_labellers", lambda: {"people": figures.people(desk.store), "roles": ROLES})

    @app.get("/admin/tasks", include_in_schema=False)
    async def tasks(request: Request, only: str = "", page_: str = "0") -> Any:
        wanted = only if only in figures.ONLY else ""
        number = min(int(page_), 10**6) if page_.isascii() and page_.isdecimal() and len(page_) < 8 else 0

        def told() -> dict[str, Any]:
            rows, n = figures.prompts(desk.store, wanted, number)
            last = max(0, (n - 1) // figures.ON_A_PAGE)
            held = settings(desk.store)
            return {
                "prompts": rows,
                "n": n,
                "only": wanted,
                "kinds": figures.ONLY,
                "at": number,
                "last": last,
                "held": held,
            }

        return await page(request, "admin_tasks", told)

    @app.get("/admin/instructions", include_in_schema=False)
    async def instructions(request: Request) -> Any:
        def told() -> dict[str, Any]:
            return {"versions": figures.versions(desk.store), "holds": settings(desk.store).instructions}

        return await page(request, "admin_instructions", told)

    @app.get("/admin/exports", include_in_schema=False)
    async def exports(request: Request) -> Any:
        return await page(request, "admin_exports", lambda: {})

    @app.get("/admin/audit", include_in_schema=False)
    async def audit(request: Request) -> Any:
        return await page(request, "admin_audit", lambda: {"rows": figures.audit(desk.store)})


def add_people(app: "FastAPI", desk: "Desk") -> None:
    """Accounts: made, let in by a link, given a role, disabled."""
    from starlette.requests import Request

    def link(request: "Request", name: str) -> dict[str, str]:
        """What is shown once: the address for whoever it is of."""
        secret = kept.new_link(desk.store, name, who=require(request).name)
        return {"show": f"{request.url.scheme}://{request.headers['host']}/link/{secret}"}

    @app.post("/admin/labellers", include_in_schema=False)
    async def invite(given: wire.InRole, request: Request) -> dict[str, str]:
        await asyncio.to_thread(kept.add_account, desk.store, given.name, given.role, require(request).name)
        return await asyncio.to_thread(link, request, given.name)

    @app.post("/admin/labellers/link", include_in_schema=False)
    async def again(given: wire.Somebody, request: Request) -> dict[str, str]:
        return await asyncio.to_thread(link, request, given.name)

    @app.post("/admin/labellers/role", include_in_schema=False)
    async def role(given: wire.InRole, request: Request) -> dict[str, bool]:
        await asyncio.to_thread(kept.set_role, desk.store, given.name, given.role, require(request).name)
        return DONE

    @app.post("/admin/labellers/active", include_in_schema=False)
    async def active(given: wire.Active, request: Request) -> dict[str, bool]:
        yes = given.active == "yes"
        await asyncio.to_thread(kept.set_active, desk.store, given.name, yes, require(request).name)
        return DONE

    @app.post("/admin/labellers/screened", include_in_schema=False)
    async def screened(given: wire.Screened, request: Request) -> dict[str, bool]:
        ended = "" if given.screened == "open" else given.screened
        await asyncio.to_thread(kept.set_screened, desk.store, given.name, ended, require(request).name)
        return DONE


def add_tasks(app: "FastAPI", desk: "Desk") -> None:
    """How prompts are handed out, and what labellers are told."""
    from starlette.requests import Request

    @app.post("/admin/tasks", include_in_schema=False)
    async def hand(given: wire.Handed, request: Request) -> dict[str, bool]:
        how: Any = {"open_": given.open, "overlap": given.overlap, "purpose": given.purpose}

        def change() -> None:
            set_handing(desk.store, [given.prompt], **how)
            note(desk, request, "prompt", given.prompt, str(how))

        await asyncio.to_thread(change)
        return DONE

    @app.post("/admin/tasks/settings", include_in_schema=False)
    async def held(given: wire.Held, request: Request) -> dict[str, bool]:
        def change() -> None:
            made = replace(settings(desk.store), **given.model_dump())
            put_settings(desk.store, made)
            note(desk, request, "settings", "", str(asdict(made)))

        await asyncio.to_thread(change)
        return DONE

    @app.post("/admin/instructions", include_in_schema=False)
    async def instructions(given: wire.Published, request: Request) -> dict[str, bool]:
        def change() -> None:
            publish(desk.store, given.version, given.told)
            note(desk, request, "instructions", given.version)

        await asyncio.to_thread(change)
        return DONE


def add_exports(app: "FastAPI", desk: "Desk") -> None:
    """The files that training reads. Each name is a route's own: none is looked for on the disk."""
    from starlette.requests import Request
    from starlette.responses import Response

    @app.get("/admin/exports/{what}.jsonl", include_in_schema=False)
    async def export(what: What, request: Request, side: Side = "both", held_out: Held = "no") -> Any:
        def made() -> str:
            note(desk, request, "export", what, f"side {side}, held out {held_out}")
            return exported(desk.store, what, side, held_out)

        name = f'attachment; filename="{what}.jsonl"'
        text = await asyncio.to_thread(made)
        return Response(text, media_type="application/x-ndjson", headers={"Content-Disposition": name})


def note(desk: "Desk", request: "Request", action: str, target: str, told: str = "") -> None:
    """Note who did what."""
    with writing(desk.store) as connection:
        kept.noted(connection, require(request).name, action, target, told)
