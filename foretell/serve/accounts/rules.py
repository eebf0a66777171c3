"""Which role may ask for what: one list, read by the guard before any route runs. What is not named is an admin's.

A new page is a line in RULES, and a line in MODES if every page is to link to it. The first rule that fits counts.
"""

import re
from typing import NamedTuple

from foretell.serve.accounts.people import LABELLERS, RESEARCH, ROLES, Person, Role

Roles = tuple[Role, ...]
ANYBODY: Roles = ()
ADMIN: Roles = ("admin",)
API = re.compile(r"/v1/.*|/tokenize|/detokenize|/attribution|/metrics|/openapi\.json")
"""what programs ask: with a key, or where there are none on this machine as it is without accounts"""
RULES: tuple[tuple[str, Roles], ...] = (
    (r"/health|/static/[^/]*|/sign-in|/link|/link/[^/]*", ANYBODY),
    (r"/|/sign-out|/password", ROLES),
    (r"/playground(/chat)?|/compare|/label/prompts", RESEARCH),
    (API.pattern, RESEARCH),
    (r"/label/agreement|/label/studies/results(/.*)?|/presets", RESEARCH),
    (r"/label(/.*)?", ROLES),
    (r"/arena/results(/.*)?", RESEARCH),
    (r"/arena(/.*)?", ROLES),
    (r"/((api/)?runs|corpora|evaluations|reports)(/.*)?", RESEARCH),
    (r"/admin/(tasks|instructions|exports)(/.*)?|/admin", RESEARCH),
)
FITTING = tuple((re.compile(pattern), roles) for pattern, roles in RULES)


class Mode(NamedTuple):
    """A link in the frame of every page."""

    name: str
    path: str
    words: str


MODES = (
    Mode("completion", "/playground", "Complete"),
    Mode("chat", "/playground/chat", "Chat"),
    Mode("compare", "/compare", "Compare"),
    Mode("label", "/label", "Label"),
    Mode("arena", "/arena", "Arena"),
    Mode("runs", "/runs", "Runs"),
    Mode("admin", "/admin", "Admin"),
)


def roles_of(path: str) -> Roles:
    """The roles that may ask for a path; none where anybody may."""
    return next((roles for pattern, roles in FITTING if pattern.fullmatch(path)), ADMIN)


def may(person: Person, path: str) -> bool:
    """Whether somebody may ask for a path."""
    roles = roles_of(path)
    return roles == ANYBODY or person.role in roles


def home(person: Person) -> str:
    """Where somebody begins."""
    return "/label" if person.role in LABELLERS else "/"
