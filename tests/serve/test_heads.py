"""Connections that send half a request, on real sockets."""

import asyncio
import socket
import threading
from contextlib import closing, contextmanager

import pytest

uvicorn = pytest.importorskip("uvicorn")

from foretell.serve.heads import protocol  # noqa: E402

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def slow_app(scope, receive, send):
    """An answer that takes longer than a head may."""
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
    await send({"type": "http.response.body", "body": b"x"})


@contextmanager
def listening(seconds):
    place = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(slow_app, log_level="error", lifespan="off", http=protocol(seconds))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[place])), daemon=True)
    thread.start()
    try:
        yield place.getsockname()
    finally:
        server.should_exit = True
        thread.join(10)
        place.close()


def test_half_a_head_is_hung_up_on_and_a_slow_answer_is_not():
    with listening(0.2) as address:
        for begun in (b"", b"GET / HT"):
            with closing(socket.create_connection(address, timeout=10)) as one:
                one.sendall(begun)
                assert one.recv(10) == b""
        with closing(socket.create_connection(address, timeout=10)) as one:
            for _ in range(2):  # the second on a connection that was kept
                one.sendall(HEAD)
                told = b""
                while not told.endswith(b"\r\n\r\nx"):
                    part = one.recv(1000)
                    assert part
                    told += part
                assert told.startswith(b"HTTP/1.1 200")
            one.sendall(b"GET")
            assert one.recv(10) == b""
