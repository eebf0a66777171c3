"""`foretell label user add|list|role|disable|enable|link DB ...`: who may sign in to the pages of a label store."""

import argparse
import json
from typing import TYPE_CHECKING

from foretell.commands.flags import parser
from foretell.errors import BadUse, nearest

if TYPE_CHECKING:
    from foretell.align.database import Store

EXAMPLES = """  foretell label user add labels.db ana                             prints a link by which ana gets in
  foretell label user add labels.db kim --role "held-out labeller"  whose labels never feed training
  foretell label user list labels.db
  foretell label user role labels.db ana researcher
  foretell label user disable labels.db ana                         ends every session of ana; labels stay
  foretell label user link labels.db ana                            a new link, also for a forgotten password

Roles: admin, researcher, labeller, held-out labeller. A link is for --address, where the server can be reached."""
PARTS = ["add", "list", "role", "disable", "enable", "link"]


def user(args: list[str]) -> None:
    """Do what the first word names."""
    if args[:1] in ([], ["-h"], ["--help"]):
        parser("label user PART", "Accounts of a label store.", EXAMPLES).parse_args(["--help"])
    if args[0] not in PARTS:
        raise BadUse(f"no part of label user is called {args[0]!r}{nearest(args[0], list(PARTS))}")
    flags = flags_of(args[0])
    given = flags.parse_args(args[1:])
    from foretell.align.store import close, open_store

    store = open_store(given.db, create=args[0] == "add")
    try:
        print(done(store, args[0], given))
    finally:
        close(store)


def flags_of(part: str) -> argparse.ArgumentParser:
    """The flags of a part."""
    flags = parser(f"label user {part}", "Accounts of a label store.", EXAMPLES, ("json",) if part == "list" else ())
    flags.add_argument("db", metavar="DB", help="labels.db, or postgresql://...")
    if part != "list":
        flags.add_argument("name", metavar="NAME", help="as labels name the labeller")
    if part == "role":
        flags.add_argument("role", metavar="ROLE", help="admin, researcher, labeller or 'held-out labeller'")
    if part == "add":
        flags.add_argument("--role", default="labeller", help="admin, researcher, labeller or 'held-out labeller'")
    if part in ("add", "link"):
        flags.add_argument("--address", default="http://127.0.0.1:8000", help="where the server is reached")
    return flags


def done(store: "Store", part: str, given: argparse.Namespace) -> str:
    """What a part did, in words."""
    from foretell.serve.accounts import accounts

    if part == "list":
        return listed(store, as_json=given.json)
    if part == "role":
        accounts.set_role(store, given.name, given.role)
        return f"{given.name} is {given.role} from now on"
    if part in ("disable", "enable"):
        accounts.set_active(store, given.name, part == "enable")
        return f"{given.name} may {'sign in again' if part == 'enable' else 'not sign in any more; the labels stay'}"
    if part == "add":
        accounts.add_account(store, given.name, given.role)
    secret = accounts.new_link(store, given.name)
    return f"{given.address.rstrip('/')}/link/{secret}\nlets {given.name} in, once and within a week; shown this once"


def listed(store: "Store", *, as_json: bool) -> str:
    """All accounts, a line each, or as JSON."""
    from foretell.commands.tables import table
    from foretell.serve.accounts.accounts import accounts

    found = accounts(store)
    shown = [{name: getattr(one, name) for name in ("name", "role", "active", "screened", "created")} for one in found]
    told = [{**row, "password": bool(one.password)} for row, one in zip(shown, found, strict=True)]
    if as_json:
        return json.dumps(told)
    if not told:
        return f"{store.name} has no account; foretell label user add makes one"
    words = [
        [
            one["name"],
            one["role"],
            "yes" if one["active"] else "no",
            "yes" if one["password"] else "no",
            one["screened"],
        ]
        for one in told
    ]
    return "\n".join(table(["name", "role", "may sign in", "has a password", "screening"], words))
