"""Sessions: who is signed in, on the server; a browser holds 256 bits that mean nothing by themselves.

A session begins at sign-in with bits of its own, so that none can be prepared for somebody, and ends by signing out,
after half a day without use, after a week, or when its account is disabled or gets another password.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from foretell.align.database import Store, reading, writing
from foretell.align.put import now
from foretell.align.schema import table
from foretell.serve.accounts.accounts import time_from_now
from foretell.serve.accounts.people import Person, role_of
from foretell.serve.keys import digest

IDLE, LONGEST = 12 * 3600.0, 7 * 24 * 3600.0  # seconds
NOTED_EACH = 600.0  # seconds after which a use is noted again


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whose session it is, and whether it is to be noted that it was used."""

    person: Person
    stale: bool


def begin(store: Store, labeller_id: int) -> str:
    """The secret of a new session; sessions that have ended are forgotten."""
    secret, kept = secrets.token_urlsafe(32), table("sessions")
    with writing(store) as connection:
        old = (kept.c.seen < time_from_now(-IDLE)) | (kept.c.created < time_from_now(-LONGEST))
        connection.execute(kept.delete().where(old))
        row = {"digest": digest(secret), "labeller_id": labeller_id, "created": now(), "seen": now()}
        connection.execute(kept.insert(), row)
    return secret


def known(store: Store, secret: str) -> Known | None:
    """Whose session a secret is of; None where it has ended or never was."""
    from sqlalchemy import select

    kept, people, account = table("sessions"), table("labellers"), table("accounts")
    query = select(people, kept.c.seen).select_from(kept).join(people).join(account)
    fresh = (kept.c.seen >= time_from_now(-IDLE)) & (kept.c.created >= time_from_now(-LONGEST))
    with reading(store) as connection:
        row = connection.execute(query.where(kept.c.digest == digest(secret), fresh, account.c.active)).first()
    if row is None:
        return None
    person = Person(id=row.id, name=row.name, role=role_of(row), token=page_token(secret))
    return Known(person=person, stale=row.seen < time_from_now(-NOTED_EACH))


def note_use(store: Store, secret: str) -> None:
    """Note that a session was used now."""
    kept = table("sessions")
    with writing(store) as connection:
        connection.execute(kept.update().where(kept.c.digest == digest(secret)).values(seen=now()))


def end(store: Store, secret: str) -> None:
    """End a session."""
    kept = table("sessions")
    with writing(store) as connection:
        connection.execute(kept.delete().where(kept.c.digest == digest(secret)))


def page_token(secret: str) -> str:
    """What a page must send with whatever it changes; it follows from the cookie, which pages of others cannot read."""
    return hmac.new(secret.encode("utf-8", "surrogateescape"), b"page token", hashlib.sha256).hexdigest()


def same_token(given: str, secret: str) -> bool:
    """Whether a token is of that cookie."""
    return bool(secret) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), page_token(secret).encode())
