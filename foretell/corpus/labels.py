"""Files of labels as `foretell label export` writes them: one JSON object a line, each with the side it belongs to."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse

Row = dict[str, Any]
Name = Literal["prompts", "demonstrations", "rankings"]
ASKED = ("prompt", "text", "turns", "messages")  # what a row is told by that has no group
HELD_OUT_SHARE = 0.1  # of the rows that say no side, by a hash of their group


def label_file(folder: str | Path, name: Name) -> Path:
    """The file of a folder of labels, or the file that is given itself; BadUse if there is none."""
    path = Path(folder)
    if path.is_file():
        return path
    if not (path / f"{name}.jsonl").exists():
        rule = f"foretell label export --what {name} --out {path / name}.jsonl writes it"
        raise BadUse(f"{path} holds no {name}.jsonl; {rule}")
    return path / f"{name}.jsonl"


def label_rows(folder: str | Path, name: Name) -> tuple[list[Row], list[Row]]:
    """The rows to train on and those held out, in the file's order.

    A row without a side goes by a hash of its group, or of its prompt: no group is then on both sides.
    BadUse that names the row whose split is none of train and valid.
    """
    path = label_file(folder, name)
    sides: dict[str, list[Row]] = {"train": [], "valid": []}
    for number, row in enumerate(read_lines(path), 1):
        side = row.get("split") or side_of(row)
        if side not in sides:
            raise BadUse(f"{path}, row {number}: split is {side!r}; it must be train or valid")
        sides[side].append(row)
    return sides["train"], sides["valid"]


def held_out_rows(folder: str | Path, name: Name) -> list[Row]:
    """The rows of a file that no training reads: those that label_rows() holds out.

    BadUse where there are none.
    """
    _, held_out = label_rows(folder, name)
    if not held_out:
        rule = 'give rows with "split": "valid", as foretell label export writes them'
        raise BadUse(f"{label_file(folder, name)} holds no {name} that training leaves out; {rule}")
    return held_out


def side_of(row: Row) -> str:
    """The side of a row that says none."""
    group = row.get("group_id") or next((row[name] for name in ASKED if name in row), "")
    told = json.dumps(group, sort_keys=True)  # a conversation is the same whatever the order of its objects' keys
    share = int.from_bytes(hashlib.sha256(told.encode()).digest()[:8]) / 2**64
    return "valid" if share < HELD_OUT_SHARE else "train"
