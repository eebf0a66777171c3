"""What a page says in the language of whoever reads it.

    {{ say("{n} prompts wait", n=3) }}      in a template, escaped: the words are looked up, then the values put in
    say("done")                             in a script, from /static/catalogue.js

English is written in the pages themselves; chinese.json has the Chinese by the English. The language is that of
`?language=zh`, which is then kept in a cookie, else of the cookie, else English: what a browser prefers is not asked,
since labellers are to read what their team wrote.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

if TYPE_CHECKING:
    from markupsafe import Markup

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
LANGUAGES = {"en": "en", "zh": "zh-Hans"}
YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request as its page sees it: the language and the path."""

    language: str = "en"
    path: str = ""

    @property
    def lang(self) -> str:
        """The language as HTML tells it."""
        return LANGUAGES[self.language]

    @property
    def switch(self) -> str:
        """The address of this page in the other language."""
        return f"?language={'en' if self.language == 'zh' else 'zh'}"


VISIT: ContextVar[Visit] = ContextVar("visit", default=Visit())  # noqa: B039  # frozen: nobody can change the default
"""of the request that is being answered; a thread that answers it has a copy"""


class Visits:
    """An application whose pages know their visit."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; a language that is asked for is kept, and the page asked for again without it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        asked = dict(pairs).get("language")
        if asked in LANGUAGES and scope["method"] == "GET":
            rest = urlencode([pair for pair in pairs if pair[0] != "language"])
            aim = f"./{quote(scope['path'].rpartition('/')[2])}" + (f"?{rest}" if rest else "")
            kept = f"language={asked}; Path=/; Max-Age={YEAR}; SameSite=Lax; HttpOnly"
            # relative: a whole path of the request in Location could lead to another host
            headers = [(b"location", aim.encode()), (b"set-cookie", kept.encode()), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 303, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        visit = Visit(language=kept_language(scope), path=scope["path"])
        token = VISIT.set(visit)
        try:
            await self.app(scope, receive, send)
        finally:
            VISIT.reset(token)


def kept_language(scope: Mapping[str, Any]) -> str:
    """The language of the cookie, else English."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                found = SimpleCookie(value.decode("latin-1")).get("language")
            except CookieError:
                return "en"
            return found.value if found is not None and found.value in LANGUAGES else "en"
    return "en"


@cache
def chinese() -> Mapping[str, str]:
    """What is said in Chinese, by what is said in English."""
    text = (files("foretell.serve.pages") / "chinese.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def script() -> bytes:
    """The catalogue of the visit's language for scripts, as a module; English needs none."""
    known = chinese() if VISIT.get().language == "zh" else {}
    return f"export default {json.dumps(known, ensure_ascii=False)};\n".encode()


def say(text: str, /, **values: object) -> "Markup":
    """A text in the language of the visit, escaped, with values for its {names}; what has no translation as it is."""
    from markupsafe import Markup, escape

    found: Markup = escape(chinese().get(text, text) if VISIT.get().language == "zh" else text)
    return Markup(found).format(**values) if values else found
