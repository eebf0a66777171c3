"""What was asked and answered, one JSON line a question: an evaluation that was stopped goes on from them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretell.errors import Failed

Record = dict[str, Any]


def digest(*texts: str) -> str:
    """A short hash of what a question was asked with; another prompt is another question."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def read_records(path: Path) -> dict[str, Record]:
    """The records of a file by `key`, the last of each; a last line that a kill cut off is not there."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:  # cut off by a kill: it is asked again
            continue
        found[record["key"]] = record
    return found


def append_records(path: Path, records: Sequence[Record]) -> None:
    """Add records to a file, on lines of their own also where a kill has cut off the last one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if file.tell() and cut_off(path):
                file.write(b"\n")
            file.write("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode())
    except OSError as error:
        raise Failed(f"cannot write {path}: {error.strerror or error}; the answers before are kept") from error


def cut_off(path: Path) -> bool:
    """Whether the last line of a file has no end."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"
