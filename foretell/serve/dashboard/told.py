"""Any JSON as figures and tables: what an evaluation measured, a card told, a run came from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foretell.serve.dashboard.lines import is_number
from foretell.serve.labelling.figures import figure

MOST_ROWS, MOST_COLUMNS, MOST_LETTERS = 300, 12, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of words under their names; `title` says where in the file they stand."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def tables(told: Any) -> list[Table]:
    """The single values in one table, each list of objects in a table of its own."""
    single = [[name, value] for name, value in singles(told)][:MOST_ROWS]
    found = [Table(title="", columns=["figure", "value"], rows=single)] if single else []
    return found + [of_rows(name, rows) for name, rows in lists(told)]


def singles(told: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value that is in no list of objects, by its path."""
    if isinstance(told, Mapping) and not measured(told):
        for name, one in told.items():
            yield from singles(one, f"{path} {name}".strip().replace("_", " "))
    elif not is_table(told):
        yield path, word(told)


def lists(told: Any, path: str = "") -> Iterator[tuple[str, Sequence[Any]]]:
    """Every list of objects, by its path."""
    if is_table(told):
        yield path, told
    elif isinstance(told, Mapping):
        for name, one in told.items():
            yield from lists(one, f"{path} {name}".strip().replace("_", " "))


def is_table(told: Any) -> bool:
    """Whether it is a list of objects."""
    return isinstance(told, list) and bool(told) and all(isinstance(one, Mapping) for one in told)


def measured(told: Mapping[str, Any]) -> bool:
    """Whether it is a value with what belongs to it."""
    return "value" in told and is_number(told["value"])


def of_rows(title: str, rows: Sequence[Any]) -> Table:
    """A table of objects: a column for each name that any of them has."""
    flat = [dict(singles(one)) for one in rows[:MOST_ROWS]]
    columns = list(dict.fromkeys(name for one in flat for name in one))[:MOST_COLUMNS]
    return Table(title=title, columns=columns, rows=[[one.get(name, "") for name in columns] for one in flat])


def word(told: Any) -> str:
    """A value in words: a measured one with its interval and n."""
    if isinstance(told, Mapping) and measured(told):
        ends = [told.get("low"), told.get("high")]
        between = f" ({number(ends[0])} to {number(ends[1])})" if all(map(is_number, ends)) else ""
        return f"{number(told['value'])}{between}" + (f", n {told['n']:g}" if is_number(told.get("n")) else "")
    if isinstance(told, list):
        return cut(", ".join(word(one) for one in told[:20]) + (" ..." if len(told) > 20 else ""))
    return number(told) if is_number(told) else cut("" if told is None else str(told))


def number(value: Any) -> str:
    """A number as it is shown."""
    return f"{value:,}" if isinstance(value, int) else figure(value)


def cut(text: str) -> str:
    """A text of a cell, cut where it is long."""
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]} ..."
