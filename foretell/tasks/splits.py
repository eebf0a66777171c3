"""The questions of a task and its demonstrations, from the files or the hub's splits where they are.

A set with a file or split to train on takes its demonstrations from there, as GPT-3 did for nearly every task (Brown et
al. 2020, section 2.4). Of a file that is alone every question is asked, so that as many are scored as the paper scored,
and its demonstrations are the others: never the one that is asked, nor one of its kin, which share its text (`kin` of
tasks.item). The paper does so for the original Winograd schemas; elsewhere it is our choice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, first_line
from foretell.tasks.item import Item
from foretell.tasks.source import Hub, Row, Source, found, from_hub, read, rows
from foretell.tasks.task import Questions

Built = Item | Sequence[Item] | None
Build = Callable[[Row, str], Built]
"""a row and its name -> its question or questions; None for a row in which a text is missing"""
Flat = Callable[[list[Row]], list[Row]]
"""rows as they are kept -> a row for each question, or for each group of them"""
Kin = Callable[[Row], Any]
"""a row -> the text that its questions share with those of other rows; no text, no kin"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Where rows are: files, of which the first that is there counts, else a split of the hub."""

    files: tuple[str, ...]
    hub: Hub | None = None


def questions(
    source: Source,
    name: str,
    build: Build,
    asked: Split,
    shown: Split | None = None,
    *,
    flat: Flat = list,
    kin: Kin | None = None,
    build_shown: Build | None = None,
    why: str = "without text",
) -> Questions:
    """The questions of a task and what demonstrations are drawn from; ids are the task's name and the row's number.

    `flat` makes one row a question of nested files; `build_shown` makes demonstrations where they differ from what is
    asked. The pool is empty where the questions are shown to one another. Rows that give no question are left out and
    counted in `origin`, with the reason `why`. NoData where nothing is found; BadUse names a row of another layout.
    """
    path = first_found(source, asked.files)
    told, origin = (list(read(path)), path.name) if path else rows(source, asked.files[0], asked.hub)
    others = None if shown is None else shown_rows(source, shown, asked, path)
    with layout_of(origin):
        numbered = [(f"{name}-{i}", row) for i, row in enumerate(flat(told))]
        apart = [(f"{name}-shown-{i}", row) for i, row in enumerate(flat(others or []))]
    items, missing = built(numbered, build, kin)
    pool, without = built(apart, build_shown or build, kin)
    if others is None and build_shown is not None:
        pool, _ = built(numbered, build_shown, kin)
    return Questions(items=items, pool=pool, origin=origin + left_out(missing + without, why))


def first_found(source: Source, files: Sequence[str]) -> Path | None:
    """The path of the first of these files that is there."""
    return next((path for name in files if (path := found(source, name)) is not None), None)


def shown_rows(source: Source, shown: Split, asked: Split, path: Path | None) -> list[Row] | None:
    """The rows to draw demonstrations from: files where the questions are from a file, else the hub. None if there are
    none but the questions themselves.
    """
    if path is None:
        return None if shown.hub is None or shown.hub == asked.hub else from_hub(shown.hub)
    other = first_found(source, shown.files)
    return None if other is None or other == path else list(read(other))


def built(named: Sequence[tuple[str, Row]], build: Build, kin: Kin | None) -> tuple[list[Item], int]:
    """The questions of rows, each with its kin, and how many rows gave none."""
    items: list[Item] = []
    missing = 0
    for name, row in named:
        with layout_of(name):
            made = build(row, name)
            shared = kin(row) if kin is not None and made is not None else ""
        if made is None:
            missing += 1
            continue
        several = list(made) if isinstance(made, Sequence) else [made]
        items += [replace(item, kin=shared) for item in several] if shared and isinstance(shared, str) else several
    return items, missing


@contextmanager
def layout_of(what: str) -> Iterator[None]:
    """Turns what goes wrong with a row of another layout (numbers for texts, no lists) into a BadUse that names it."""
    try:
        yield
    except (TypeError, AttributeError, LookupError, ValueError) as error:
        said = f"{type(error).__name__}: {first_line(error)}"
        raise BadUse(f"{what} has another layout than the task reads ({said}); mend or remove it") from error


def left_out(n: int, why: str) -> str:
    """What `origin` says of the rows that are left out; nothing if there are none."""
    return f", {n} row{'s' * (n > 1)} {why} left out" if n else ""
