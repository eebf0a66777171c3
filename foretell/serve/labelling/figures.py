"""What `foretell label agreement` measures, as rows of a table."""

from collections.abc import Iterator
from typing import Any

from foretell.align.agreement import agreement
from foretell.align.database import Store
from foretell.align.records import as_json
from foretell.align.store import rankings

Row = tuple[str, str, str, str]


def agreed(store: Store) -> tuple[list[Row], dict[str, Any]]:
    """Rows of name, value, interval and n, and the matrix of labellers; BadUse where nobody can be compared."""
    told = agreement([as_json(one) for one in rankings(store, as_added=True)])
    matrix = told.pop("matrix")
    return list(rows(told)), {
        "labellers": matrix["labellers"],
        "cells": [
            [f"{one / of:.2f} of {of}" if of else "-" for one, of in zip(*two, strict=True)]
            for two in zip(matrix["alike"], matrix["n"], strict=True)
        ],
    }


def rows(told: Any, path: str = "") -> Iterator[Row]:
    """A row for each figure of what was measured, however deep it stands."""
    if isinstance(told, dict) and "value" in told:
        ends = [told.get("low"), told.get("high")]
        between = "" if None in ends else f"{figure(ends[0])} to {figure(ends[1])}"
        yield path, figure(told["value"]), between, figure(told.get("n"))
    elif isinstance(told, dict):
        for name, one in told.items():
            yield from rows(one, f"{path} {name}".strip().replace("_", " "))
    elif isinstance(told, list | tuple):
        for number, one in enumerate(told, 1):
            yield from rows(one, f"{path} {number}")
    else:
        yield path, figure(told), "", ""


def figure(value: Any) -> str:
    """A number as it is shown; - for what cannot be measured."""
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) and not value.is_integer() else f"{value:g}"
