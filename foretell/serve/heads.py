"""How long a connection may take to send a request's head: places are few, and half a head must not hold one."""

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0


def protocol(seconds: float = HEAD_SECONDS) -> "type[H11Protocol]":
    """Uvicorn's HTTP/1.1, which closes a connection whose request head is not whole within so many seconds.

    By itself it waits for ever, so that as many idle connections as it takes shut out everybody else.
    """
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        """A connection with an alarm that is set while a head is awaited."""

        alarm: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self.calm()
            super().connection_lost(exc)

        def watch(self) -> None:
            """Set the alarm if a head is not whole, and once only: bytes that trickle in do not put it off."""
            if self.conn.their_state is not h11.IDLE:
                self.calm()
            elif self.alarm is None:
                self.alarm = self.loop.call_later(seconds, self.hang_up)

        def calm(self) -> None:
            """Take the alarm back."""
            if self.alarm is not None:
                self.alarm.cancel()
                self.alarm = None

        def hang_up(self) -> None:
            """Close a connection that still has not sent a head."""
            self.alarm = None
            if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
                self.transport.close()

    return Impatient
