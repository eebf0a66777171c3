"""What every request passes before it is read, and what every answer carries.

In this order: the name that the server was called by, the key, who is signed in and what their role lets them ask, the
page that sent it, how often, what it says it is, and its body, counted. Plain ASGI, so that a stream goes through
untouched and a client's going away is seen.
"""

import re
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from foretell.serve.accounts.door import Door, ToSignIn
from foretell.serve.accounts.people import LOCAL
from foretell.serve.keys import owner
from foretell.serve.limits import Rates, Receive, read_body, replayed
from foretell.serve.refusals import Refused
from foretell.serve.state import State

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
OPEN = re.compile(r"/health|/|/playground(/chat)?|/compare|/static/[^/]*")
"""what needs no key and is not counted against a client's rate: pages hold nothing, what they ask does"""
READS = ("GET", "HEAD", "OPTIONS")
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """An application behind these checks. Who asks is left in scope["state"]: the client, and the person.

    With a `door` there are accounts, and a person is somebody signed in; else it is whoever gets as far as here.
    """

    def __init__(self, app: App, state: State, keys: Mapping[str, str], door: Door | None = None) -> None:
        self.app, self.state, self.keys, self.door = app, state, keys, door
        self.limits, self.counts = state.limits, state.counts
        self.rates = Rates(state.limits.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's beginning and end."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # a web socket: there are none here
            await send({"type": "websocket.close", "code": 1008})
            return
        begun, status = time.monotonic(), 0

        async def sent(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                there = {name.lower() for name, _ in message.get("headers", [])}
                more = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in there]
                message["headers"] = [*message.get("headers", []), *more]
            await send(message)

        try:
            body = await self.checked(scope, receive)
            await self.app(scope, replayed(body, receive), sent)
        except ToSignIn as wanted:
            await see(sent, f"/sign-in?next={quote(wanted.path)}")
        except Refused as error:
            await answer(sent, error)
        except Exception as error:  # a defect of ours: told in the log, not to the client
            traceback.print_exception(error, file=sys.stderr)
            if not status:
                await answer(sent, Refused(500, "the server made a mistake; it is in its log"))
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self.counts.answered(route, status or 499, time.monotonic() - begun)

    async def checked(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request that may pass."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        check_host(headers.get("host", ""), self.limits.hosts)
        state = scope.setdefault("state", {})
        state["client"] = (scope.get("client") or ("unknown",))[0]
        by_key = self.by_key(scope, headers)
        if by_key:
            state["client"] = f"key {by_key}"
        if self.door:
            state["person"] = await self.door.admit(scope, headers, by_key=bool(by_key))
        else:
            state["person"] = LOCAL
        client = state["client"]
        if scope["method"] not in READS:
            if not by_key:
                check_origin(headers)
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise Refused(415, "send the request as Content-Type: application/json")
        after = 0 if OPEN.fullmatch(scope["path"]) else self.rates.take(client)
        if after:
            raise Refused(429, f"more than {self.limits.rate} requests in a minute", code="rate", after=after)
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > self.limits.body_bytes:
            raise Refused(413, f"the request has more than {self.limits.body_bytes} bytes; send it in parts")
        return await read_body(receive, self.limits.body_bytes, self.limits.body_seconds)

    def by_key(self, scope: Scope, headers: Mapping[str, str]) -> str:
        """The name of the key that a request came with; Refused where one is needed and it came with none of ours."""
        given = headers.get("authorization", "")
        if not self.keys or OPEN.fullmatch(scope["path"]) or (self.door and not given):
            return ""
        name = owner(self.keys, given)
        if name is None:
            raise Refused(401, "a key is needed: Authorization: Bearer KEY", code="invalid_api_key")
        return name


def check_host(host: str, allowed: tuple[str, ...]) -> None:
    """Refused if the server was called by a name that is not its own: a page of somebody else's that poses as it."""
    name = host.lower()
    if not name.endswith("]"):
        name, _, port = name.rpartition(":") if ":" in name else (name, "", "")
        if port and not port.isdecimal():
            name = ""
    if "*" not in allowed and name not in allowed:
        raise Refused(403, "the server is not called so; use its own address, or name it with --name", code="host")


def check_origin(headers: Mapping[str, str]) -> None:
    """Refused if a page of another site sent it; without keys nothing else tells it from the person at the browser."""
    site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
    same = origin is None or origin.partition("://")[2] == headers.get("host", "")
    if site not in ("same-origin", "none") or not same:
        raise Refused(403, "a page of another site may not ask", code="origin")


async def answer(send: Send, error: Refused) -> None:
    """Send an error."""
    body = error.body
    headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def see(send: Send, path: str) -> None:
    """Send somebody to another page of this server."""
    headers = [(b"location", path.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
