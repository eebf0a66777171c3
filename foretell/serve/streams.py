"""Server-sent events: a line of JSON each, a comment now and then while nothing is to say, and [DONE] at the end."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any

from foretell.serve.asking import Asking
from foretell.serve.growing import Growing, Piece
from foretell.serve.refusals import refused

if TYPE_CHECKING:
    from starlette.responses import StreamingResponse

KEEP_ALIVE = 15.0  # seconds
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
Chunk = dict[str, Any]
Events = AsyncIterator[bytes]
Told = Callable[[int, Piece], Chunk]


def event(chunk: Chunk) -> bytes:
    """A chunk as it is sent; the JSON holds no line break."""
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def head(kind: str, what: str, model: str) -> Chunk:
    """What every chunk of an answer begins with."""
    return {"id": f"{kind}-{uuid.uuid4().hex}", "object": what, "created": int(time.time()), "model": model}


def response(events: Events) -> "StreamingResponse":
    """The answer that sends these events as they come."""
    from starlette.responses import StreamingResponse

    return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)


async def streamed(
    asking: Asking, rows: dict[int, Growing], first: Iterable[Chunk], told: Told, last: Callable[[], Iterable[Chunk]]
) -> Events:
    """The events of a request's rows by their index: chunks before, a chunk of each piece, chunks after, [DONE].

    When the client goes away, the server ends this generator and the rows leave the batch.
    """
    open_rows = dict(rows)
    try:
        for chunk in first:
            yield event(chunk)
        while open_rows:
            try:
                async with asyncio.timeout(KEEP_ALIVE):  # wait_for() would make a task of each wait
                    await asking.event.wait()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            asking.event.clear()
            some = b""
            for index, row in list(open_rows.items()):
                if row.wanted.error is not None:
                    yield some + event(refused(row.wanted.error).content)
                    return
                piece = row.piece()
                if piece is not None:
                    some += event(told(index, piece))
                    if piece.finish is not None:
                        del open_rows[index]
            if some:
                yield some
        for chunk in last():
            yield event(chunk)
        yield b"data: [DONE]\n\n"
    finally:
        asking.close()
