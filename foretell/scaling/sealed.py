"""JSON files that show whether they were edited: they hold the SHA-256 of all else that they hold.

Whoever edits one can make its hash anew; so a run keeps a copy of the card that it began with (cards.py).
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from foretell.errors import BadUse
from foretell.runs import read_json, write_whole

SEAL = "sha256"


def seal(content: dict[str, Any]) -> str:
    """The SHA-256 of the content without its seal, its keys in order."""
    rest = {name: value for name, value in content.items() if name != SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_sealed(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The content with its seal, after it was written."""
    plain = json.loads(json.dumps(content, allow_nan=False))
    sealed = {**plain, SEAL: seal(plain)}
    write_whole(path, json.dumps(sealed, indent=2) + "\n")
    return sealed


def read_sealed(path: Path, kind: str) -> dict[str, Any]:
    """The content of a sealed file; BadUse where it is of another kind, or was edited."""
    content = read_json(path)
    if not isinstance(content, dict) or content.get("kind") != kind or SEAL not in content:
        raise BadUse(f"{path} is no {kind}; foretell predict writes one")
    if content[SEAL] != seal(content):
        raise BadUse(f"{path} was edited after it was written: its content has another SHA-256 than it says")
    return content
