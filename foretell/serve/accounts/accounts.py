"""Accounts, in the label store: who may sign in, in which role, and by which one-time link they get in.

An account is a row beside a labeller's, so that labels given before there were accounts stay theirs. Links and sessions
are kept as digests: who reads the database can sign in as nobody.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from foretell.align.database import Store, reading, writing
from foretell.align.put import now, put_labellers
from foretell.align.schema import table
from foretell.errors import BadUse
from foretell.serve.accounts.passwords import check_password, hashed
from foretell.serve.accounts.people import GROUPS, ROLES, Role, role_of, stored
from foretell.serve.keys import digest

MOST_NAME = 64  # characters
FIRST_LINK, INVITATION = 3600.0, 7 * 24 * 3600.0  # seconds that a link holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who may sign in; `screened` is how the screening test ended: "", passed or failed."""

    id: int
    name: str
    role: Role
    active: bool
    password: str
    screened: str
    created: str


def time_from_now(seconds: float) -> str:
    """A time in UTC, to the second, as `now` tells it; before now where the seconds are negative."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def noted(connection: Any, who: str, action: str, target: str, told: str = "") -> None:
    """Note in the same transaction who changed what."""
    row = {"created": now(), "who": who, "action": action, "target": target, "told": told}
    connection.execute(table("audit").insert(), row)


def check_role(role: str) -> Role:
    """The role; BadUse for what is none."""
    for known in ROLES:
        if role == known:
            return known
    raise BadUse(f"{role!r} is no role; known: {', '.join(ROLES)}")


def add_account(store: Store, name: str, role: str, who: str = "") -> None:
    """Make an account, without a password: its owner chooses one with a link. BadUse where the name has one."""
    if not name.isprintable() or name != name.strip() or not 0 < len(name) <= MOST_NAME:
        raise BadUse(f"{name!r} is no name; give 1 to {MOST_NAME} letters, without spaces at its ends")
    role = check_role(role)
    people, kept = table("labellers"), table("accounts")
    with writing(store) as connection:
        key = put_labellers(connection, [(name, GROUPS[role])], stored(role)[0])[name]
        if connection.execute(people.select().where(people.c.id == key)).one().role == "simulated":
            raise BadUse(f"the labels of {name} are simulated; give a person another name")
        if connection.execute(kept.select().where(kept.c.labeller_id == key)).first():
            raise BadUse(f"{name} has an account; give another name, or that account a new link")
        row = {"labeller_id": key, "password": "", "active": True, "screened": "", "created": now()}
        connection.execute(kept.insert(), row)
        _put_role(connection, key, role)
        noted(connection, who, "account made", name, role)


def _put_role(connection: Any, key: int, role: Role) -> None:
    """Give a labeller a role, and the group of it where nobody chose another."""
    people = table("labellers")
    group = connection.execute(people.select().where(people.c.id == key)).one().labeller_group
    kind, held_out = stored(role)
    told = {"role": kind, "held_out": held_out, "labeller_group": GROUPS[role] if group in GROUPS.values() else group}
    connection.execute(people.update().where(people.c.id == key).values(told))


def accounts(store: Store) -> list[Account]:
    """All accounts, by name."""
    with reading(store) as connection:
        return [_account(row) for row in connection.execute(_query().order_by(table("labellers").c.name))]


def account(store: Store, name: str) -> Account:
    """The account of a name; BadUse where there is none."""
    with reading(store) as connection:
        return _named(connection, name)


def _query() -> Any:
    from sqlalchemy import select

    people, kept = table("labellers"), table("accounts")
    of_person = (people.c.id, people.c.name, people.c.role, people.c.held_out)
    return select(*of_person, kept.c.active, kept.c.password, kept.c.screened, kept.c.created).join_from(people, kept)


def _account(row: Any) -> Account:
    same = {name: getattr(row, name) for name in ("id", "name", "active", "password", "screened", "created")}
    return Account(role=role_of(row), **same)


def _named(connection: Any, name: str) -> Account:
    row = connection.execute(_query().where(table("labellers").c.name == name)).first()
    if row is None:
        raise BadUse(f"nobody called {name!r} has an account; foretell label user add makes one")
    return _account(row)


def set_role(store: Store, name: str, role: str, who: str = "") -> None:
    """Give an account another role; BadUse where nobody would be left who may."""
    role = check_role(role)
    with writing(store) as connection:
        one = _named(connection, name)
        if role != "admin":
            _another_admin(connection, one)
        _put_role(connection, one.id, role)
        noted(connection, who, "role", name, role)


def set_active(store: Store, name: str, active: bool, who: str = "") -> None:
    """Let somebody in again, or nobody any more: then their sessions and links end at once."""
    kept = table("accounts")
    with writing(store) as connection:
        one = _named(connection, name)
        if not active:
            _another_admin(connection, one)
            _end_all(connection, one.id)
        connection.execute(kept.update().where(kept.c.labeller_id == one.id).values(active=active))
        noted(connection, who, "enabled" if active else "disabled", name)


def set_screened(store: Store, name: str, screened: str, who: str = "") -> None:
    """Note how the screening test of a labeller ended, "" to let it be done again."""
    kept = table("accounts")
    with writing(store) as connection:
        one = _named(connection, name)
        connection.execute(kept.update().where(kept.c.labeller_id == one.id).values(screened=screened))
        noted(connection, who, "screening", name, screened or "open")


def _another_admin(connection: Any, one: Account) -> None:
    """BadUse where this is the last one who can let anybody in."""
    people, kept = table("labellers"), table("accounts")
    admins = _query().where(people.c.role == "admin", kept.c.active, people.c.id != one.id)
    if one.role == "admin" and one.active and not connection.execute(admins).first():
        raise BadUse(f"{one.name} is the last admin; make another one first")


def _end_all(connection: Any, key: int) -> None:
    for name in ("sessions", "links"):
        one = table(name)
        connection.execute(one.delete().where(one.c.labeller_id == key))


def new_link(store: Store, name: str, seconds: float = INVITATION, who: str = "") -> str:
    """The secret of a one-time link, by which the account's owner gets in and chooses a password.

    An earlier link of the same account is worth nothing any more; BadUse where the account is disabled.
    """
    secret, links = secrets.token_urlsafe(32), table("links")
    with writing(store) as connection:
        one = _named(connection, name)
        if not one.active:
            raise BadUse(f"the account of {name} is disabled; enable it first")
        connection.execute(links.delete().where(links.c.labeller_id == one.id))
        row = {"labeller_id": one.id, "created": now(), "expires": time_from_now(seconds)}
        connection.execute(links.insert(), {"digest": digest(secret), **row})
        noted(connection, who, "link made", name)
    return secret


def link_owner(store: Store, secret: str) -> Account | None:
    """Whose link it is; None where it was used, has expired, or never was."""
    with reading(store) as connection:
        return _of_link(connection, secret)


def _of_link(connection: Any, secret: str) -> Account | None:
    links, kept = table("links"), table("accounts")
    query = _query().join(links, links.c.labeller_id == kept.c.labeller_id)
    row = connection.execute(query.where(links.c.digest == digest(secret), links.c.expires > now(), kept.c.active))
    found = row.first()
    return found and _account(found)


def redeem(store: Store, secret: str, password: str, local: bool = False) -> Account | None:
    """Use up a link: whose it was, with that password from now on; None where the link is void.

    All their sessions end. Of two who use a link at once one gets in. An admin at this machine (`local`) may go without
    a password, since `foretell serve` prints a new link there; else BadUse without one that is hard to guess.
    """
    owner = link_owner(store, secret)
    if owner is None:
        return None
    if password or owner.role != "admin" or not local:
        check_password(password, owner.name)
    made, kept = hashed(password) if password else owner.password, table("accounts")
    with writing(store) as connection:
        if _of_link(connection, secret) is None:
            return None
        _end_all(connection, owner.id)
        connection.execute(kept.update().where(kept.c.labeller_id == owner.id).values(password=made))
        noted(connection, owner.name, "link used", owner.name)
    return owner


def set_password(store: Store, name: str, password: str) -> None:
    """Give an account another password and end its sessions; BadUse for one that is too easily guessed."""
    check_password(password, name)
    made, kept = hashed(password), table("accounts")
    with writing(store) as connection:
        one = _named(connection, name)
        _end_all(connection, one.id)
        connection.execute(kept.update().where(kept.c.labeller_id == one.id).values(password=made))
        noted(connection, name, "password", name)


def ready_admin(store: Store) -> bool:
    """Whether an admin can sign in with a password."""
    return any(one.role == "admin" and one.active and one.password for one in accounts(store))


def first_admin(store: Store, name: str) -> str:
    """A link for the admin of that name, who is made where there is none, or nothing where one has a password."""
    if ready_admin(store):
        return ""
    known = {one.name: one for one in accounts(store)}
    if name not in known:
        add_account(store, name, "admin")
    elif known[name].role != "admin" or not known[name].active:
        set_active(store, name, True)
        set_role(store, name, "admin")
    return new_link(store, name, FIRST_LINK)
