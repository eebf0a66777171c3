"""The pages of signing in, by a password or by a one-time link, of signing out, and of another password."""

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from foretell.errors import BadUse
from foretell.serve.accounts import wire
from foretell.serve.accounts.accounts import account, link_owner, redeem, set_password
from foretell.serve.accounts.door import Door, before_name, cookie, own_path, session_name
from foretell.serve.accounts.passwords import SHORTEST, fits
from foretell.serve.accounts.people import Person, framed, require
from foretell.serve.accounts.rules import home, may
from foretell.serve.accounts.sessions import LONGEST, begin, end, page_token
from foretell.serve.pages.routes import POLICY, engine
from foretell.serve.refusals import Refused

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

VOID = "This link was used already, has expired, or never was one; ask for another."


def add_accounts(app: "FastAPI", door: Door) -> None:
    """All of them."""
    add_pages(app, door)
    add_entering(app, door)
    add_leaving(app, door)


def add_pages(app: "FastAPI", door: Door) -> None:
    """The forms."""
    from starlette.requests import Request

    pages = engine()

    def before(request: "Request", name: str, status: int = 200, **told: Any) -> "Response":
        """A page of somebody who is not signed in: its token is of a cookie of its own."""
        from starlette.responses import Response

        secure = request.url.scheme == "https"
        secret = cookie(request.headers, before_name(secure)) or secrets.token_urlsafe(32)
        frame: dict[str, Any] = {"mode": "sign-in", "person": None, "modes": [], "token": page_token(secret)}
        body = pages.get_template(f"{name}.html.jinja").render(**frame, **told)
        made = Response(body, status, {"Content-Security-Policy": POLICY}, "text/html")
        set_cookie(made, before_name(secure), secret, secure, seconds=3600)
        return made

    @app.get("/sign-in", include_in_schema=False)
    async def sign_in(request: Request) -> Any:
        return before(request, "sign_in", next=own_path(request.query_params.get("next", "")))

    @app.get("/link/{secret}", include_in_schema=False)
    async def link(secret: str, request: Request) -> Any:
        door.slow_down(address(request))
        owner = await asyncio.to_thread(link_owner, door.store, secret[:100])
        if owner is None:
            return before(request, "link_void", 404, why=VOID)
        without = door.local and owner.role == "admin"
        return before(request, "link", owner=owner, link=secret, without=without, shortest=SHORTEST)

    @app.get("/password", include_in_schema=False)
    async def password(request: Request) -> Any:
        from starlette.responses import Response

        require(request)
        body = pages.get_template("password.html.jinja").render(**framed(request, "password"), shortest=SHORTEST)
        return Response(body, 200, {"Content-Security-Policy": POLICY}, "text/html")


def add_entering(app: "FastAPI", door: Door) -> None:
    """What lets somebody in."""
    from starlette.requests import Request

    async def entered(request: "Request", labeller_id: int, person: Person, wanted: str = "") -> "Response":
        """The answer to somebody who is in: a new session, whatever the browser held before."""
        from starlette.responses import JSONResponse

        secure = request.url.scheme == "https"
        await asyncio.to_thread(end, door.store, cookie(request.headers, session_name(secure)))
        secret = await asyncio.to_thread(begin, door.store, labeller_id)
        aim = own_path(wanted)
        made = JSONResponse({"next": aim if aim and may(person, aim) else home(person)})
        set_cookie(made, session_name(secure), secret, secure, seconds=int(LONGEST))
        return made

    @app.post("/sign-in", include_in_schema=False)
    async def sign_in(given: wire.SignIn, request: Request) -> Any:
        door.slow_down(address(request), given.name)
        try:
            one = await asyncio.to_thread(account, door.store, given.name)
        except BadUse:
            one = None
        async with door.hashing:
            right = await asyncio.to_thread(fits, given.password, one.password if one else "")
        if one is None or not right or not one.active:
            raise Refused(403, "the name and the password are of no account", code="sign_in")
        return await entered(request, one.id, Person(id=one.id, name=one.name, role=one.role), given.next)

    @app.post("/link", include_in_schema=False)
    async def link(given: wire.UsedLink, request: Request) -> Any:
        door.slow_down(address(request))
        async with door.hashing:
            owner = await asyncio.to_thread(redeem, door.store, given.link, given.password, door.local)
        if owner is None:
            raise Refused(404, VOID, code="link")
        return await entered(request, owner.id, Person(id=owner.id, name=owner.name, role=owner.role))


def add_leaving(app: "FastAPI", door: Door) -> None:
    """Signing out, and another password, which ends every session of its account."""
    from starlette.requests import Request

    def gone(request: "Request") -> "Response":
        from starlette.responses import JSONResponse

        secure = request.url.scheme == "https"
        made = JSONResponse({"next": "/sign-in"})
        set_cookie(made, session_name(secure), "", secure, seconds=0)
        return made

    @app.post("/sign-out", include_in_schema=False)
    async def sign_out(_: wire.Nothing, request: Request) -> Any:
        secure = request.url.scheme == "https"
        await asyncio.to_thread(end, door.store, cookie(request.headers, session_name(secure)))
        return gone(request)

    @app.post("/password", include_in_schema=False)
    async def password(given: wire.NewPassword, request: Request) -> Any:
        person = require(request)
        door.slow_down(address(request), person.name)
        one = await asyncio.to_thread(account, door.store, person.name)
        async with door.hashing:
            if one.password and not await asyncio.to_thread(fits, given.password, one.password):
                raise Refused(403, "that is not your password until now", code="sign_in")
            await asyncio.to_thread(set_password, door.store, person.name, given.new)
        return gone(request)


def set_cookie(made: "Response", name: str, value: str, secure: bool, *, seconds: int) -> None:
    """Give a browser a cookie that no script can read and no other site can have sent with a form."""
    made.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")


def address(request: "Request") -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"
