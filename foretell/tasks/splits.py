"""The questions of a task and its demonstrations, from the files or the hub's splits where they are.

A set with a file or split to train on takes its demonstrations from there. A file that is alone is cut in two: half of
its passages (or other groups that belong together) are asked, the other half is shown, so that no demonstration tells
of the passage that is asked about. GPT-3 had a training set for nearly every task (Brown et al. 2020, section 2.4); the
cut is our choice for files without one.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from foretell.errors import BadUse, first_line
from foretell.tasks.item import Item
from foretell.tasks.source import Hub, Row, Source, found, from_hub, halves, read, rows
from foretell.tasks.task import Questions

Built = Item | Sequence[Item] | None
Build = Callable[[Row, str], Built]
"""a row and its name -> its question or questions; None for a row in which a text is missing"""
Flat = Callable[[list[Row]], list[Row]]
"""rows as they are kept -> a row for each question, or for each group of them"""


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
    together: Callable[[Row], Hashable] | None = None,
    among_themselves: bool = False,
    build_shown: Build | None = None,
    why: str = "without text",
) -> Questions:
    """The questions of a task and what demonstrations are drawn from; ids are the task's name and the row's number.

    `flat` makes one row a question of nested files; rows for which `together` gives the same value are asked or shown
    as one where a file is cut in two; with `among_themselves` it is not cut and demonstrations are drawn from the
    questions. Rows that give no question are left out and counted in `origin`, with the reason `why`. NoData where
    nothing is found.
    """
    path = first_found(source, asked.files)
    told, origin = (list(read(path)), path.name) if path else rows(source, asked.files[0], asked.hub)
    others = None if among_themselves or shown is None else shown_rows(source, shown, asked, path)
    with layout_of(origin):
        numbered = list(enumerate(flat(told)))
        kept, pool = numbered, [(f"shown-{i}", row) for i, row in enumerate(flat(others or []))]
        if others is None and not among_themselves:
            kept, cut = cut_in_two(numbered, together)
            pool = [(str(i), row) for i, row in cut]
    items, missing = built(name, [(str(i), row) for i, row in kept], build)
    demonstrations, without = built(name, pool, build_shown or build)
    return Questions(items=items, pool=demonstrations, origin=origin + left_out(missing + without, why))


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


def cut_in_two(
    numbered: Sequence[tuple[int, Row]], together: Callable[[Row], Hashable] | None
) -> tuple[list[tuple[int, Row]], list[tuple[int, Row]]]:
    """Groups of rows at even and at odd places, in order; a lone group is asked, and nothing is left to show."""
    groups: dict[Hashable, list[Row]] = {}
    for number, row in numbered:
        groups.setdefault(number if together is None else together(row), []).append({"number": number, "row": row})
    even, odd = halves([{"group": group} for group in groups.values()])
    asked, shown = ([(one["number"], one["row"]) for part in side for one in part["group"]] for side in (even, odd))
    return asked, shown


def built(name: str, told: Sequence[tuple[str, Row]], build: Build) -> tuple[list[Item], int]:
    """The questions of rows, and how many rows gave none."""
    items: list[Item] = []
    missing = 0
    for number, row in told:
        with layout_of(f"{name}-{number}"):
            made = build(row, f"{name}-{number}")
        if made is None:
            missing += 1
        elif isinstance(made, Sequence):
            items.extend(made)
        else:
            items.append(made)
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
