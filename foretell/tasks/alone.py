"""Questions made row by row from one or two splits of a data set: what most families' `load` is.

The questions are in NAME.jsonl; demonstrations come from NAME.train.jsonl or NAME.dev.jsonl where there is one, on the
hub from the split that the family names. With one file alone they are drawn from the questions themselves, never the
one that is asked, so that as many questions are scored as the paper scored.
"""

import re
from collections.abc import Callable, Sequence

from foretell.errors import BadUse
from foretell.tasks.item import Item
from foretell.tasks.source import Hub, Row, Source, field, found, rows
from foretell.tasks.task import Questions

MakeItem = Callable[[Row, str], Item]
"""a row and the id of its question -> the question"""
POOLS = ("train", "dev")


def questions(
    source: Source, names: Sequence[str], item: MakeItem, hub: Hub | None = None, pool: Hub | None = None
) -> Questions:
    """The questions of the first file that is there, else of the hub; NoData if they are nowhere.

    Ids are the name and the number of the row.
    """
    name = next((name for name in names if found(source, name) is not None), names[0])
    found_rows, origin = rows(source, name, hub)
    items = [item(row, f"{name}-{number}") for number, row in enumerate(found_rows)]
    return Questions(items=items, pool=demonstrations(source, name, item, pool), origin=origin)


def demonstrations(source: Source, name: str, item: MakeItem, hub: Hub | None) -> list[Item]:
    """What NAME.train or NAME.dev holds; from the hub only where the questions are from there; else nothing."""
    for split in POOLS:
        if found(source, f"{name}.{split}") is not None:
            drawn, _ = rows(source, f"{name}.{split}")
            return [item(row, f"{name}.{split}-{number}") for number, row in enumerate(drawn)]
    if hub is not None and source.online and found(source, name) is None:
        drawn, _ = rows(source, f"{name}.train", hub)
        return [item(row, f"{name}.train-{number}") for number, row in enumerate(drawn)]
    return []


def spoken(text: str) -> str:
    """An answer as it follows a context: with one space before it and none after it."""
    return f" {text.strip()}"


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
