"""From a request's settings to rows of a batch, and waiting for them without holding up anybody else.

The thread of the batch wakes the event loop at most once for all that happened since the loop last looked, so that many
streams cost few wakings, and a stream that is slow gets several tokens at a time.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from foretell.generate.config import Sampling
from foretell.serve.refusals import Refused, refused
from foretell.serve.scheduler import Scheduler, Wanted
from foretell.serve.served import Served
from foretell.serve.settings import Limits
from foretell.serve.wire import Settings

if TYPE_CHECKING:
    from starlette.requests import Request

NOT_YET = {"min_p": 0.0}
"""settings that clients know and that are refused unless they are these, which change nothing"""


SMALL = 8192  # characters
T = TypeVar("T")


class Gone(Exception):
    """The client went away."""


class Bell:
    """Sets events of an event loop from another thread, all that are due in one call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.lock = loop, threading.Lock()
        self.due: set[asyncio.Event] = set()

    def ring(self, event: asyncio.Event) -> None:
        """Set an event soon."""
        with self.lock:
            first = not self.due
            self.due.add(event)
        if first:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                self.loop.call_soon_threadsafe(self.deliver)

    def deliver(self) -> None:
        """Set those that are due."""
        with self.lock:
            due, self.due = self.due, set()
        for event in due:
            event.set()


def sampling(
    served: Served, asked: Settings, max_new_tokens: int, alternatives: int, stop: Sequence[str] = ()
) -> Sampling:
    """The engine's settings; without a seed every request has its own."""
    for name, nothing in NOT_YET.items():
        if getattr(asked, name) not in (None, nothing):
            raise Refused(400, f"{name} is not supported; leave it out", param=name)
    given = asked.stop or []
    return Sampling(
        max_new_tokens=max_new_tokens,
        temperature=1.0 if asked.temperature is None else asked.temperature,
        top_k=asked.top_k or 0,
        repetition_penalty=1.0 if asked.repetition_penalty is None else asked.repetition_penalty,
        top_p=1.0 if asked.top_p is None else max(asked.top_p, 1e-12),  # at 0 the likeliest alone is left
        stop=(*([given] if isinstance(given, str) else given), *stop),
        seed=secrets.randbits(62) if asked.seed is None else asked.seed,
        alternatives=alternatives,
        bias=bias(served, asked),
        presence_penalty=asked.presence_penalty or 0.0,
        frequency_penalty=asked.frequency_penalty or 0.0,
    )


def bias(served: Served, asked: Settings) -> tuple[tuple[int, float], ...]:
    """What is added to single tokens' logits; Refused for an id that the model has not."""
    found = tuple(sorted((int(token), added) for token, added in (asked.logit_bias or {}).items()))
    n_vocab = served.network.cfg.n_vocab
    if found and found[-1][0] >= n_vocab:
        raise Refused(400, f"token id {found[-1][0]}: the ids of this model are 0 to {n_vocab - 1}", param="logit_bias")
    return found


def check_length(served: Served, n_prompt: int, new: int, params: tuple[str, str]) -> None:
    """Refused if a prompt and the new tokens do not fit into the context; `params` are the fields of the two."""
    n_ctx = served.n_ctx
    needed = max(n_prompt, new) if served.network.cfg.kind == "seq2seq" else n_prompt + new
    if needed > n_ctx:
        said = f"the model's context holds {n_ctx} tokens; the prompt has {n_prompt}, and {new} new ones are asked for"
        param = params[0 if n_prompt >= n_ctx else 1]
        raise Refused(400, f"{said}; shorten it or ask for fewer", param=param, code="context_length_exceeded")


async def aside(size: int, work: Callable[[], T]) -> T:
    """What the work gives, done in another thread if it is of so many characters that others would notice."""
    return await asyncio.to_thread(work) if size > SMALL else work()


class Asking:
    """What one request has under way: an event that is set when anything happened, and the rows themselves."""

    def __init__(self, request: "Request", served: Served, limits: Limits, bell: Bell) -> None:
        self.request, self.served, self.bell = request, served, bell
        self.event = asyncio.Event()
        self.deadline = time.monotonic() + limits.seconds
        self.wanted: list[Wanted] = []

    @property
    def scheduler(self) -> Scheduler:
        """That of the model."""
        return self.served.scheduler

    def submit(self, wanted: Sequence[Wanted], *, each: bool = False) -> None:
        """Queue rows or calls; with `each` the event is set after every token."""
        for one in wanted:
            one.wake, one.each, one.deadline = lambda: self.bell.ring(self.event), each, self.deadline
        self.scheduler.submit(wanted, self.request.scope.get("state", {}).get("client", ""))
        self.wanted += wanted

    async def wait(self, some: Sequence[Wanted] | None = None) -> None:
        """Until all is done, or `some` are. The error of the first that failed; Gone if the client goes away before.

        Nothing that is left goes on after an error.
        """
        awaited = self.wanted if some is None else some
        try:
            await self.until(awaited)
            for one in awaited:
                if one.error is not None:
                    raise refused(one.error)
        except BaseException:
            self.close()
            raise
        self.event.set()  # what has happened meanwhile to others may be read

    async def until(self, awaited: Sequence[Wanted]) -> None:
        """Until these are over; Gone if the client goes away before."""
        gone = asyncio.ensure_future(self.disconnected())
        try:
            while not all(one.over for one in awaited):
                change = asyncio.ensure_future(self.event.wait())
                both: set[asyncio.Future[Any]] = {change, gone}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
                if gone.done():
                    raise Gone
                self.event.clear()
        finally:
            gone.cancel()

    async def disconnected(self) -> None:
        """Until the client has gone."""
        while (await self.request.receive())["type"] != "http.disconnect":
            pass

    def close(self) -> None:
        """Cancel what is not done."""
        left = [one for one in self.wanted if not one.over]
        if left:
            self.scheduler.cancel(left)
