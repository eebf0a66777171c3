"""Files of records: one JSON object a line, strictly read, written whole with a hash beside them.

    rankings.jsonl           the records
    rankings.jsonl.sha256    their SHA-256, as sha256sum writes it and `sha256sum -c` checks it

A file whose hash is not the one beside it was damaged or edited, and is refused.
"""

import gzip
import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from foretell.align.records import Demonstration, Output, Prompt, Ranking, Record, Turn, as_json
from foretell.errors import BadUse, Failed, nearest
from foretell.runs import open_text, sha256, write_whole

R = TypeVar("R")
HASH = ".sha256"
FIELDS = sorted({one.name for kind in (Ranking, Demonstration, Prompt, Output, Turn) for one in fields(kind)})


def read_records(path: Path, kind: type[R]) -> list[R]:
    """The records of a file of JSON lines (.jsonl or .jsonl.gz), in order.

    BadUse in one line that names file, line and field where a line is no such record, where the file holds none, and
    where its hash is not the one beside it.
    """
    check_hash(path)
    found = [parse(line, kind, f"{path}, line {number}") for number, line in lines(path)]
    if not found:
        raise BadUse(f"{path} holds no {kind.__name__.lower()}; give a file with at least one")
    return found


def parse(line: str, kind: type[R], where: str) -> R:
    """One record of a line of JSON; a field that is missing, of a wrong type, or not known is a BadUse."""
    from pydantic import ValidationError

    try:
        read: R = _adapter(cast(Hashable, kind)).validate_json(line, strict=True, extra="forbid")
        return read
    except ValidationError as error:
        problems = error.errors(include_url=False)
    problem = max(problems, key=lambda one: (one["type"] == "unexpected_keyword_argument", len(one["loc"])))
    raise BadUse(f"{where}: {_told(problem)}")


@cache
def _adapter(kind: Hashable) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(cast(type, kind))


def _told(problem: Any) -> str:
    """The problem with the path of its field; never the text of a label."""
    steps = [str(step) for step in problem["loc"] if not str(step).startswith(("tuple", "str", "function"))]
    said = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "unexpected_keyword_argument":
        said = f"no field is called so{nearest(steps[-1], FIELDS)}"
    elif problem["type"] != "value_error" and isinstance(problem.get("input"), int | float | None):
        said += f", got {json.dumps(problem['input'])}"
    return f"{'.'.join(steps)}: {said}" if steps else said


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are not blank, each with its number from 1; .gz is unpacked."""
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except FileNotFoundError as error:
        raise BadUse(f"{path} does not exist; give a file that does") from error
    except UnicodeDecodeError as error:
        raise BadUse(f"{path} is no UTF-8 text ({error.reason}); convert it") from error
    except (gzip.BadGzipFile, EOFError) as error:
        raise BadUse(f"{path} is no whole .gz file ({error}); fetch it again") from error
    except OSError as error:
        raise BadUse(f"{path} cannot be read: {error.strerror or error}; give a file that can") from error


def as_line(record: Record) -> str:
    """A record as the line of JSON that read_records() reads, without its end."""
    return json.dumps(as_json(record), ensure_ascii=False)


def write_records(path: Path, records: Iterable[Record]) -> str:
    """The SHA-256 of the file that is written, which stands beside it, too; equal records give an equal file."""
    return write_hashed(path, "".join(as_line(record) + "\n" for record in records))


def write_hashed(path: Path, text: str) -> str:
    """The SHA-256 of a text that is written to a file, and beside it.

    The hash of an older file goes first: a kill between the two leaves a file without a hash, never a wrong one.
    """
    beside = path.with_name(path.name + HASH)
    try:
        beside.unlink(missing_ok=True)
    except OSError as error:
        raise Failed(f"cannot write {beside}: {error.strerror or error}; nothing was changed") from error
    write_whole(path, text)
    digest = sha256(path)
    write_whole(beside, f"{digest}  {path.name}\n")
    return digest


def check_hash(path: Path) -> None:
    """BadUse where a hash stands beside a file, and is not its own."""
    beside = path.with_name(path.name + HASH)
    if not beside.is_file() or not path.is_file():
        return
    wanted: Sequence[str] = beside.read_text(encoding="utf-8", errors="replace").split()
    if not wanted or wanted[0] != sha256(path):
        raise BadUse(f"{path} is not the file that {beside.name} is of; export it again, or remove {beside.name}")
