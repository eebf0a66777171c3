"""The door of a server with accounts: finds who asks, and refuses what role, page or haste forbids."""

import asyncio
import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from foretell.align.database import Store
from foretell.serve.accounts.people import Person, not_yours
from foretell.serve.accounts.rules import ANYBODY, API, may, roles_of
from foretell.serve.accounts.sessions import known, note_use, same_token
from foretell.serve.limits import Rates
from foretell.serve.refusals import Refused

TOKEN = "x-page-token"
BEFORE = re.compile(r"/sign-in|/link(/.*)?")
"""pages of people who are not signed in yet; their token is of a cookie that says nothing else"""
TRIES_OF_ADDRESS, TRIES_OF_NAME = 30, 10  # sign-ins a minute
HASHES = 2  # passwords that are looked at together, 16 MiB each


class ToSignIn(Exception):
    """A page for which somebody has to sign in first; `path` is where they wanted to go."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Door:
    """What a server with accounts knows besides its store. `local`: it listens at this machine alone.

    `api_open`: programs may ask the models without a key, as they may where there are no accounts.
    """

    def __init__(self, store: Store, *, local: bool = True, api_open: bool = True) -> None:
        self.store, self.local, self.api_open = store, local, api_open
        self.of_address, self.of_name = Rates(TRIES_OF_ADDRESS), Rates(TRIES_OF_NAME)
        self.hashing = asyncio.Semaphore(HASHES)

    async def admit(self, scope: Any, headers: Mapping[str, str], *, by_key: bool) -> Person | None:
        """Who asks, if that may be; None where it may be anybody, or a program that a key or the machine lets in.

        Refused where it may not be; ToSignIn where a page is wanted that needs somebody.
        """
        path, reads = scope["path"], scope["method"] in ("GET", "HEAD")
        if API.fullmatch(path) and (by_key or self.api_open):
            return None
        if by_key:
            raise Refused(403, "a key is for the models' routes; pages are for people, who sign in", code="key")
        secure = scope.get("scheme") == "https"
        person = await self.person(headers, secure)
        if roles_of(path) != ANYBODY:
            if person is None:
                if reads and "text/html" in headers.get("accept", ""):
                    raise ToSignIn(path)
                raise Refused(401, "nobody is signed in here, or not any more; sign in at /sign-in", code="sign_in")
            if not may(person, path):
                raise not_yours(person.role)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            secret = cookie(headers, before_name(secure) if BEFORE.fullmatch(path) else session_name(secure))
            if not same_token(headers.get(TOKEN, ""), secret):
                raise Refused(403, "this page is of another session; load it again (drafts stay)", code="token")
        return person

    async def person(self, headers: Mapping[str, str], secure: bool) -> Person | None:
        """Whose session the cookie is of."""
        secret = cookie(headers, session_name(secure))
        if not 0 < len(secret) <= 100:
            return None
        found = await asyncio.to_thread(known, self.store, secret)
        if found and found.stale:
            await asyncio.to_thread(note_use, self.store, secret)
        return found.person if found else None

    def slow_down(self, address: str, name: str = "") -> None:
        """Refused with 429 where an address, or anybody for one name, tries too often."""
        after = self.of_address.take(address) or (self.of_name.take(name.casefold()) if name else 0)
        if after:
            raise Refused(429, "too many tries to sign in; wait a little", code="rate", after=after)


def session_name(secure: bool) -> str:
    """The cookie of a session; with https it is one that no other host can set."""
    return "__Host-foretell" if secure else "foretell"


def before_name(secure: bool) -> str:
    """The cookie of a page before anybody is signed in."""
    return "__Host-foretell-door" if secure else "foretell-door"


def cookie(headers: Mapping[str, str], name: str) -> str:
    """The value of a cookie, empty where there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def own_path(given: str) -> str:
    """A path of this server that somebody may be sent to, or nothing: never another host, whatever a link says."""
    return given if re.fullmatch(r"/(?!/)[a-z0-9/._-]{0,200}", given) and ".." not in given else ""
