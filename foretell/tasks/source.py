"""Where questions come from: files in folders that the user names, else the Hugging Face hub, where that is allowed.

A file is looked for by name in every folder and in the folders below it, as NAME.jsonl, NAME.json, each plain or with
.gz, or NAME.parquet.
"""

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, first_line
from foretell.runs import open_text

ENDINGS = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet")
DEPTH = 2  # folders below a named one

Row = dict[str, Any]


class NoData(BadUse):
    """The data of a task are nowhere; says which file was looked for and how to get it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where to look."""

    folders: tuple[Path, ...] = ()
    online: bool = False
    """the Hugging Face hub may be asked"""
    seed: int = 0
    """of what is generated"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hub:
    """A split of a dataset of the Hugging Face hub."""

    dataset: str
    config: str = ""
    split: str = "validation"

    def __str__(self) -> str:
        return f"hf:{self.dataset}{'/' + self.config if self.config else ''} ({self.split})"


def rows(source: Source, name: str, hub: Hub | None = None) -> tuple[list[Row], str]:
    """The rows of a file or of a dataset, and where they were found. NoData if that is nowhere."""
    path = found(source, name)
    if path is not None:
        return list(read(path)), path.name
    if hub is not None and source.online:
        return from_hub(hub), str(hub)
    where = ", ".join(str(folder) for folder in source.folders) or "no folder was named"
    remedy = f"give --data FOLDER with {name}.jsonl"
    remedy += f", or --online to take {hub} from the hub" if hub is not None else ""
    raise NoData(f"{name}.jsonl (or .jsonl.gz, .json, .parquet) is not there ({where}); {remedy}")


def found(source: Source, name: str) -> Path | None:
    """The file of that name, nearest to a named folder first."""
    for folder in source.folders:
        if not folder.is_dir():
            raise BadUse(f"{folder} is no folder; give --data a folder with the files of the tasks")
        for below in range(DEPTH + 1):
            for ending in ENDINGS:
                at = next(iter(sorted(folder.glob("*/" * below + name + ending))), None)
                if at is not None:
                    return at
    return None


def read(path: Path) -> Iterator[Row]:
    """The rows of a file; BadUse that names the file, and the line which is no JSON."""
    try:
        yield from contents(path)
    except (OSError, EOFError, ValueError, zlib.error) as error:  # JSON, UTF-8 and Parquet that are none: ValueError
        raise BadUse(f"{path} cannot be read ({first_line(error)}); mend or replace it") from error


def contents(path: Path) -> Iterator[Row]:
    """The rows of a file by its ending."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as parquet

        yield from parquet.read_table(path).to_pylist()
        return
    with open_text(path) as file:
        if ".jsonl" not in path.suffixes:
            content = json.load(file)
            yield from content if isinstance(content, list) else [content]
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except json.JSONDecodeError as error:
                    raise BadUse(f"{path}, line {number} is not JSON ({error}); mend or remove it") from error


def from_hub(hub: Hub) -> list[Row]:
    """The rows of a dataset's split, downloaded."""
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise BadUse(f"{hub} needs the package datasets; pip install 'foretell[hub]'") from error
    return list(load_dataset(hub.dataset, hub.config or None, split=hub.split))


def field(row: Row, name: str, at: str) -> Any:
    """A field of a row; BadUse that names the row where it is absent."""
    if name not in row:
        raise BadUse(f"{at} has no field {name!r}; it has {', '.join(map(repr, row)) or 'none'}")
    return row[name]


def text(row: Row, name: str, at: str) -> str:
    """A field that must be text; BadUse that names the row."""
    value = field(row, name, at)
    if not isinstance(value, str):
        raise BadUse(f"{at}: {name!r} is {value!r}, it must be text")
    return value


def whole_number(row: Row, name: str, at: str) -> int:
    """A field that must be a whole number, or one in digits, as the hub has labels; BadUse that names the row."""
    value = field(row, name, at)
    if not re.fullmatch(r"\d+", str(value)):
        raise BadUse(f"{at}: {name!r} is {value!r}, it must be a whole number; a split without labels cannot be scored")
    return int(value)
