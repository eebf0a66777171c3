"""Which stages of a climb are done and need not be looked at again: out/stages.json, a seal for each.

    seal(stage) = SHA-256 of (version, scale, stage, the seals of what it needs, size and time of each file it made)

A stage whose seal is as it was written down is done. Any other is begun: its runs and measurements find for themselves
what of them is there and was made from the same. So a file that is removed, or made anew, is made again with all that
follows from it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from foretell.corpus.config import EMBEDDED
from foretell.errors import BadUse
from foretell.recipes.lineage.plan import Climb, Stage
from foretell.runs import read_json, write_whole
from foretell.version import VERSION

FILE = "stages.json"
Seals = dict[str, str]


def read_seals(plan: Climb) -> Seals:
    """The seals that were written down; none where the file is absent or damaged."""
    try:
        return dict(read_json(plan.out / FILE))
    except (BadUse, ValueError, TypeError):
        return {}


def write_seal(plan: Climb, stage: Stage, text: str) -> None:
    """Write down that a stage is done now; `text` is source_mark()."""
    found = read_seals(plan)
    mark = seal(plan, stage, found, text)
    write_whole(plan.out / FILE, json.dumps({**found, stage.name: mark}, indent=1) + "\n")


def undone(plan: Climb, stages: Sequence[Stage], text: str) -> list[Stage]:
    """The stages that are not done, in order: those without a valid seal, and those that need one of them."""
    found = read_seals(plan)
    left: list[Stage] = []
    for stage in stages:
        waits = any(one.name in stage.needs for one in left)
        if waits or stage.name not in found or found[stage.name] != seal(plan, stage, found, text):
            left.append(stage)
    return left


def seal(plan: Climb, stage: Stage, seals: Seals, text: str) -> str:
    """The seal of a stage as it is now."""
    made = [f"{path} {stat_of(plan.out / path)}" for path in stage.makes]
    parts = [VERSION, plan.scale, text, stage.name, *(seals.get(name, "") for name in stage.needs), *made]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def stat_of(path: Path) -> str:
    """Size and time of a file; nothing where it is absent."""
    try:
        found = path.stat()
    except OSError:
        return "absent"
    return f"{found.st_size} {found.st_mtime_ns}"


def source_mark(plan: Climb) -> str:
    """What the text is, without reading it: versions of what is installed, or names, sizes and times of the files."""
    from foretell.corpus.documents import DOCUMENTATION_BYTES
    from foretell.corpus.installed import documentation_source

    if plan.text == EMBEDDED:
        return documentation_source(DOCUMENTATION_BYTES)
    return hashlib.sha256("\n".join(files_of(Path(plan.text))).encode()).hexdigest()


def files_of(folder: Path) -> Iterator[str]:
    """A line a file."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"{path.relative_to(folder).as_posix()} {stat_of(path)}"
