"""A server in a thread of the test's own."""

import threading
from contextlib import contextmanager


@contextmanager
def running(one, listening):
    """The server answers until the block ends."""
    thread = threading.Thread(target=one.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield
    finally:
        one.should_exit = True
        thread.join()
        listening.close()
