"""How often a client may ask, and how large and slow a body may be."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from foretell.serve.refusals import Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
MOST_CLIENTS = 10_000  # whose rate is remembered


class Rates:
    """A bucket of each client, which holds a minute's requests and fills evenly."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_minute, self.clock = a_minute, clock
        self.buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when it was

    def take(self, client: str) -> float:
        """0 if the client may ask now, else in how many seconds it may."""
        if not self.a_minute:
            return 0.0
        now = self.clock()
        left, then = self.buckets.pop(client, (float(self.a_minute), now))
        left = min(self.a_minute, left + (now - then) * self.a_minute / 60)
        allowed = left >= 1
        self.buckets[client] = (left - allowed, now)
        if len(self.buckets) > MOST_CLIENTS:
            self.buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self.a_minute


async def read_body(receive: Receive, most: int, seconds: float) -> bytes:
    """A request's body, its bytes counted as they come, whatever its head says of them."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(408, "the client went away before the request was whole")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > most:
                    raise Refused(413, f"the request has more than {most} bytes; send it in parts")
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError as error:
        raise Refused(408, f"the request did not come within {seconds:g} s; send it at once") from error


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body, and then what comes after it: that the client has gone."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
