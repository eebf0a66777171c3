"""Partitions of a stage: each is a folder that is whole or absent, with a manifest that says what it was made from.

STAGE/NAME/done.json    of      a hash of the work, its settings and its inputs
                        files   the bytes and SHA-256 of every file beside it
                        result  what the work returned
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from foretell.errors import BadUse
from foretell.runs import read_json, sha256, whole_folder
from foretell.version import VERSION

DONE = "done.json"
Work = Callable[[tuple[str, ...], Path], Mapping[str, Any]]
"""Reads the inputs, writes files into the folder, and returns what JSON can hold."""


class Partition(NamedTuple):
    """One piece of a stage: its name (a folder's), what is read, and anything else that its content follows from."""

    name: str
    inputs: tuple[str, ...]
    key: str = ""


class Finished(NamedTuple):
    """A partition that is done: its folder, what the work returned, and whether it was done before this call."""

    folder: Path
    result: dict[str, Any]
    before: bool


def named(work: Work) -> str:
    """The name of a function that a manifest keeps, with the module; a partial's is that of the function inside."""
    inner = getattr(work, "func", work)
    return f"{inner.__module__}.{inner.__qualname__}"


def fingerprint(name: str, key: str, partition: Partition) -> str:
    """A hash of everything that a partition's files follow from: the work's name, its settings, the inputs' marks."""
    of = [VERSION, name, key, partition.key, [[path, mark(path)] for path in partition.inputs]]
    return hashlib.sha256(json.dumps(of).encode("utf-8", "surrogatepass")).hexdigest()


def mark(path: str) -> str:
    """What tells a changed input: the hash its manifest holds, else size and time; nothing for what is no file here."""
    file = Path(path)
    manifest = file.parent / DONE
    try:  # what is no path at all may be too long for one
        known = read_json(manifest)["files"].get(file.name) if manifest.exists() else None
        if known is not None:
            return str(known[1])
    except (BadUse, OSError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        pass  # a file of that name that is no manifest
    try:
        status = file.stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def found(stage: Path, partition: Partition, of: str) -> Finished | None:
    """The partition as an earlier call left it, where that was the same work on the same inputs; else None."""
    folder = stage / partition.name
    try:
        manifest = read_json(folder / DONE)
        same = manifest["of"] == of
        whole = all((folder / name).stat().st_size == size for name, (size, _) in manifest["files"].items())
    except (BadUse, OSError, KeyError, TypeError, ValueError):
        return None
    return Finished(folder, manifest["result"], True) if same and whole else None


def finish(work: Work, stage: Path, partition: Partition, of: str) -> Finished:
    """Do a partition's work in a folder aside, which takes the partition's name once its manifest is written."""
    folder = stage / partition.name
    with whole_folder(folder) as aside:
        result = dict(work(partition.inputs, aside))
        files = {path.name: [path.stat().st_size, sha256(path)] for path in sorted(aside.iterdir())}
        (aside / DONE).write_text(json.dumps({"of": of, "files": files, "result": result}, indent=1) + "\n")
        for path in aside.iterdir():
            with path.open("rb") as file:  # a rename may reach the disk before the bytes do
                os.fsync(file.fileno())
    return Finished(folder, result, False)


def done_here(work: Work, stage: Path, partition: Partition, key: str) -> Finished:
    """A partition done by an earlier call, or now in this process: for work that is itself a query of the engine."""
    of = fingerprint(named(work), key, partition)
    stage.mkdir(parents=True, exist_ok=True)
    return found(stage, partition, of) or finish(work, stage, partition, of)


def sweep(stage: Path) -> None:
    """Remove what a kill has left aside in a stage."""
    for left in [*stage.glob(".*.partial-*"), *stage.glob(".*.old-*")]:
        shutil.rmtree(left, ignore_errors=True)


def check_names(partitions: Iterable[Partition]) -> None:
    """Refuse partitions whose folders would meet, or lie outside the stage."""
    seen: set[str] = set()
    for name in (partition.name for partition in partitions):
        if name in seen or not name or name.startswith(".") or "/" in name:
            raise ValueError(f"partition name {name!r} is given twice, is empty, or is no plain folder name")
        seen.add(name)
