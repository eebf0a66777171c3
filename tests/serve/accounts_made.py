"""People who are signed in to a server of the test's own, without a password to be hashed."""

import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from foretell.align.store import close, open_store
from foretell.serve.accounts.accounts import account, accounts, add_account
from foretell.serve.accounts.sessions import begin, page_token
from foretell.serve.api import make_app
from foretell.serve.labelling.desk import open_desk
from tests.serve.conftest import LIMITS


@cache
def empty_store():
    """The bytes of a store with nothing in it; made once, since its migrations take longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.db"
        close(open_store(path, create=True))
        return path.read_bytes()


@contextmanager
def serving(path, models=None, keys=None, base="http://testserver", **how):
    """A function that makes clients, by name and role, and the desk behind them; without a name nobody is signed in."""
    from starlette.testclient import TestClient

    if not path.exists():
        path.write_bytes(empty_store())
    desk = open_desk(str(path), "boss", **how)
    app = make_app(models or {}, LIMITS, keys or {}, desk)
    with TestClient(app, base_url=base) as first:

        def client(name="", role="labeller"):
            made = TestClient(app, base_url=base, follow_redirects=False)
            made.portal = first.portal  # one event loop for all of them
            return entered(made, desk.store, name, role) if name else made

        yield client, desk
    close(desk.store)


def entered(client, store, name, role="labeller"):
    """A client as somebody, whose account is made where there is none."""
    if name not in {one.name for one in accounts(store)}:
        add_account(store, name, role)
    return with_session(client, begin(store, account(store, name).id))


def with_session(client, secret):
    """A client with the cookie of a session and the token of its pages."""
    client.cookies.clear()
    client.cookies.set("foretell", secret)
    client.headers["X-Page-Token"] = page_token(secret)
    return client
