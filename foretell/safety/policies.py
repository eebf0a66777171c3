"""A policy is data: what may not be said, what near it must be said, how a refusal sounds, and how all that is told.

id = "secrets"                              a short name, which prompts refer to
about, disallowed, allowed, style           for people, and for a model that judges
[checks] content, refusal, desired          regular expressions, which judge where no model can
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, nearest
from foretell.runs import read_text

EMBEDDED = Path(__file__).with_name("policies")
TEXTS = ("id", "about", "style")
LISTS = ("disallowed", "allowed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A policy; see the head of this file."""

    id: str
    about: str
    disallowed: tuple[str, ...]
    allowed: tuple[str, ...]
    style: str
    content: re.Pattern[str]
    """what an answer with disallowed content holds"""
    refusal: re.Pattern[str]
    """what any refusal holds"""
    desired: re.Pattern[str]
    """what a refusal in the desired style holds"""


def read_policy(path: Path) -> Policy:
    """The policy of a TOML file; BadUse that names the field which is absent or wrong."""
    try:
        told = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise BadUse(f"{path} is no TOML ({error}); mend it, or begin from the policies that come along") from error
    for name in (*TEXTS, *LISTS, "checks"):
        if name not in told:
            raise BadUse(f"{path} has no {name}; a policy has {', '.join((*TEXTS, *LISTS))} and checks")
    for name in TEXTS:
        if not isinstance(told[name], str) or not told[name].strip():
            raise BadUse(f"{path}: {name} is {told[name]!r}; give it as text")
    for name in LISTS:
        if not isinstance(told[name], list) or not all(isinstance(one, str) for one in told[name]):
            raise BadUse(f"{path}: {name} is {told[name]!r}; give a list of texts")
    return Policy(
        id=told["id"],
        about=told["about"],
        style=told["style"],
        disallowed=tuple(told["disallowed"]),
        allowed=tuple(told["allowed"]),
        content=pattern(told["checks"], "content", path),
        refusal=pattern(told["checks"], "refusal", path),
        desired=pattern(told["checks"], "desired", path),
    )


def pattern(checks: Any, name: str, path: Path) -> re.Pattern[str]:
    """A check's regular expression; BadUse where it is none."""
    found = checks.get(name) if isinstance(checks, dict) else None
    if not isinstance(found, str) or not found:
        raise BadUse(f"{path}: checks.{name} is {found!r}; give a regular expression as text")
    try:
        return re.compile(found, re.IGNORECASE)
    except re.error as error:
        raise BadUse(f"{path}: checks.{name} is no regular expression ({error}); mend it") from error


def read_policies(source: str | Path = EMBEDDED) -> dict[str, Policy]:
    """The policies of a file or of a folder's TOML files, by id; BadUse for two of the same id, and where none is."""
    path = Path(source)
    files: Sequence[Path] = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise BadUse(f"{path} holds no policy; give a folder with TOML files, or one of them")
    found: dict[str, Policy] = {}
    for file in files:
        policy = read_policy(file)
        if policy.id in found:
            raise BadUse(f"{file}: another policy is called {policy.id!r}; give each an id of its own")
        found[policy.id] = policy
    return found


def known_policy(policies: Mapping[str, Policy], name: str, at: str) -> Policy:
    """The policy of a name; BadUse that names those there are."""
    if name not in policies:
        told = f"{at}: no policy is called {name!r}{nearest(name, list(policies))}"
        raise BadUse(f"{told}; --policies FILE takes others")
    return policies[name]
