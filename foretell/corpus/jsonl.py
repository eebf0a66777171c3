"""Files with one JSON object a line: pairs and examples."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from foretell.errors import BadUse


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file; BadUse that names the line where one is no object, and if there are none."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise BadUse(f"{path} does not exist; the folder needs train.jsonl and val.jsonl") from error
    except UnicodeDecodeError as error:
        raise BadUse(f"{path} is no UTF-8 text ({error.reason}); convert it") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadUse(f"{path}, line {number}: no JSON ({error.msg}); one object a line is needed") from error
        if not isinstance(row, dict):
            raise BadUse(f"{path}, line {number}: {line[:40]} is no object; one object a line is needed")
        found.append(row)
    if not found:
        raise BadUse(f"{path} holds no example; give a file with at least one")
    return found


def text_field(row: dict[str, Any], name: str, path: Path, number: int) -> str:
    """A field that must be text; BadUse that names the row."""
    value = row.get(name)
    if not isinstance(value, str):
        raise BadUse(f"{path}, example {number}: {name!r} is {value!r}, it must be text")
    return value


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a file of objects, one a line."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
