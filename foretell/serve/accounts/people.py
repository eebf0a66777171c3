"""Who is signed in, and what their role lets them see.

The guard finds out who asks (foretell.serve.guard) and whether the rules let them (foretell.serve.accounts.rules)
before a route runs; a route asks again only for what depends on more than its path.

    person = require(request)                   # whoever is signed in
    person = require(request, *RESEARCH)        # Refused with 403 for anybody else
    pages.get_template(...).render(**framed(request, mode="arena"), ...)    # what every page's frame is made of
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from foretell.serve.refusals import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

Role = Literal["admin", "researcher", "labeller", "held-out labeller"]
ROLES: tuple[Role, ...] = ("admin", "researcher", "labeller", "held-out labeller")
RESEARCH: tuple[Role, ...] = ("admin", "researcher")
LABELLERS: tuple[Role, ...] = ("labeller", "held-out labeller")
GROUPS = {"admin": "researcher", "researcher": "researcher", "labeller": "", "held-out labeller": "held_out"}
"""the group of labels that a role gives, where nobody chose another"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks: the row of `labellers`, and the token that a page of theirs must send with whatever it changes."""

    id: int
    name: str
    role: Role
    token: str = ""

    @property
    def researches(self) -> bool:
        """Whether they may see others' labels and the names of models."""
        return self.role in RESEARCH


LOCAL = Person(id=0, name="operator", role="admin")
"""who asks where a server has no accounts: whoever is at this machine, or holds a key"""


def require(request: "Request", *roles: Role) -> Person:
    """Who asks; Refused with 401 where nobody is signed in, with 403 where they have none of the roles."""
    person = cast(Person | None, request.scope.get("state", {}).get("person"))
    if person is None:
        raise Refused(401, "sign in first, at /sign-in")
    if roles and person.role not in roles:
        raise not_yours(person.role)
    return person


def not_yours(role: str) -> Refused:
    """What is said to somebody whose role is not enough; not what would be there."""
    return Refused(403, f"the role {role} has no such page; ask an admin", code="role")


def framed(request: "Request", mode: str) -> dict[str, Any]:
    """What the frame of a page shows: the mode it is in, the links that this person may follow, the token, the name."""
    from foretell.serve.accounts.rules import MODES, may

    person = cast(Person | None, request.scope.get("state", {}).get("person"))
    shown = [one for one in MODES if person is not None and may(person, one.path) and there(request, one.path)]
    return {"mode": mode, "person": person, "token": person.token if person else "", "modes": shown}


def there(request: "Request", path: str) -> bool:
    """Whether the application has a route of that path."""
    return any(getattr(route, "path", None) == path for route in request.app.routes)


def stored(role: str) -> tuple[str, bool]:
    """A role as the table of labellers has it: its name there, and whether the labels are held out of training."""
    return ("labeller", True) if role == "held-out labeller" else (role, False)


def role_of(row: Any) -> Role:
    """The role of a row of labellers; one that nobody may sign in with is a labeller's, the least."""
    if row.role in RESEARCH:
        return cast(Role, row.role)
    return "held-out labeller" if row.held_out else "labeller"
