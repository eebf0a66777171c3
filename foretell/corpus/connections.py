"""Connections on which a server that drips is left, while it sends its head too.

A timeout of a socket begins again with every byte, so that an answer of one byte a second never times out.
"""

import io
from collections.abc import Callable
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urllib3 import PoolManager


class Watched(io.RawIOBase):
    """A stream that gives nothing more once `is_late` says so."""

    def __init__(self, stream: io.RawIOBase, is_late: Callable[[], bool]) -> None:
        super().__init__()
        self._stream, self._is_late = stream, is_late

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._is_late():
            raise TimeoutError("the page takes too long")
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


def connections(is_late: Callable[[], bool], **settings: Any) -> "PoolManager":
    """A pool of connections with urllib3's settings, which time out when `is_late` is true in the thread that reads."""
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Response(HTTPResponse):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fp = io.BufferedReader(Watched(self.fp.detach(), is_late))

    class Plain(HTTPConnection):
        response_class = Response

    class Secure(HTTPSConnection):
        response_class = Response

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    pool = urllib3.PoolManager(**settings)
    pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pool
