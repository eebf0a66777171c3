"""What was asked and answered, one JSON line a question: an evaluation that was stopped goes on from them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, Failed

Record = dict[str, Any]


def digest(*texts: str) -> str:
    """A short hash of what a question was asked with; another prompt is another question."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def read_records(path: Path) -> dict[str, Record]:
    """The records of a file by `key`, the last of each; a line that a kill cut off is not there.

    BadUse if a line is something else; Failed if the file cannot be read.
    """
    if not path.exists():
        return {}
    try:
        lines = path.read_bytes().split(b"\n")  # a newline alone ends a line: answers hold other line breaks
    except OSError as error:
        raise Failed(f"cannot read {path}: {error.strerror or error}; remove it, or give another --out") from error
    found = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:  # cut off by a kill, perhaps within a character: it is asked again
            continue
        if not isinstance(record, dict) or "key" not in record:
            raise BadUse(f"{path} holds a line that is no answer ({line[:40]!r}); remove it, or give another --out")
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
