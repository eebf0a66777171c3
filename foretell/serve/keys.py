"""API keys: the file holds a name and the SHA-256 of each key, a line each; a key itself is shown once.

A key has 256 bits of its own, so that a plain digest cannot be turned back; what people think of would need more.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from foretell.errors import BadUse, Failed

NAME = re.compile(r"[a-z0-9._-]{1,64}")
LINE = re.compile(r"([a-z0-9._-]{1,64})\s+([0-9a-f]{64})")


def read_keys(path: Path) -> dict[str, str]:
    """The digest of each name's key. BadUse where the file is not there, is empty, or a line of it is no such line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadUse(f"{path} cannot be read: {error}; make it with --new-key NAME") from error
    keys: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        bare = line.partition("#")[0].strip()
        found = LINE.fullmatch(bare)
        if bare and (found is None or found[1] in keys):
            rule = "a line is a name and the SHA-256 of its key, each name once"
            raise BadUse(f"{path}, line {number}: {rule}; make one with --new-key NAME")
        if found is not None:
            keys[found[1]] = found[2]
    if not keys:
        raise BadUse(f"{path} holds no key; make one with --new-key NAME")
    return keys


def new_key(path: Path, name: str) -> str:
    """A new key, whose digest is added to the file, which the owner alone can read."""
    if not NAME.fullmatch(name):
        raise BadUse(f"the key's name {name!r} is not of a-z 0-9 . _ -, 1 to 64 of them; give another name")
    if path.exists() and path.stat().st_size and name in read_keys(path):
        raise BadUse(f"{path} has a key of the name {name!r}; take its line out, or give another name")
    key = f"ft_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(opened, "a", encoding="utf-8") as file:
            file.write(f"{name} {digest(key)}\n")
    except OSError as error:
        raise Failed(f"cannot write {path}: {error.strerror}; no key was made") from error
    return key


def digest(key: str) -> str:
    """The SHA-256 of a key, in hexadecimal digits."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def owner(keys: Mapping[str, str], authorization: str) -> str | None:
    """Whose key an Authorization header holds, or None. Every digest is compared, in a time that tells nothing."""
    kind, _, key = authorization.partition(" ")
    mine, found = digest(key.strip()), None
    for name, theirs in keys.items():
        if hmac.compare_digest(mine, theirs):
            found = name
    return found if kind.lower() == "bearer" else None
