"""What a page is made of, as data: pictures, tables, samples, and the notice of what is not there yet."""

import base64
import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from matplotlib.figure import Figure

from foretell.report.drawing import Drawing, drawing

Value = str | float | int | None


@dataclass(frozen=True, kw_only=True)
class Data:
    """Rows as a CSV file."""

    name: str
    csv: bytes

    @property
    def uri(self) -> str:
        """The file inside a link, so that the page alone has it."""
        return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(self.csv).decode()}"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure; `said` tells n, interval and seeds."""

    kind: Literal["picture"] = "picture"
    title: str
    drawing: Drawing
    said: str
    command: str
    data: Data


@dataclass(frozen=True, kw_only=True)
class Head:
    """A column's head. `paper` marks what is quoted from a paper and was not measured here."""

    text: str
    number: bool = False
    paper: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What a cell shows and what it is sorted by; `tag` is how it is dressed."""

    text: str
    value: Value = None
    tag: Literal["", "code", "verdict"] = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that sorts. With `stack`, a phone shows each row as a list of its cells."""

    kind: Literal["table"] = "table"
    title: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    said: str
    command: str
    data: Data
    stack: bool


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One thing that a model wrote: named parts of text."""

    summary: str
    texts: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Samples that can be opened."""

    kind: Literal["samples"] = "samples"
    title: str
    samples: Sequence[Sample]
    said: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Missing:
    """What is not there yet, and the command that makes it."""

    kind: Literal["missing"] = "missing"
    title: str
    command: str


Part = Picture | Table | Samples | Missing


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page; a rung's also has the paper's claim, what of it is tested here, and the verdict."""

    key: str
    title: str
    eyebrow: str = ""
    paper: str = ""
    claim: str = ""
    tested: str = ""
    verdict: str = ""
    result: str = ""
    parts: Sequence[Part] = field(default_factory=tuple)


def data(name: str, head: Sequence[str], rows: Sequence[Sequence[Value]]) -> Data:
    """Rows as a CSV file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return Data(name=f"{name}.csv", csv=buffer.getvalue().encode())


def picture(
    name: str, title: str, draw: Callable[[float], Figure], said: str, command: str, rows: Sequence[Sequence[Value]]
) -> Picture:
    """A figure with its data; the first row is the CSV's head."""
    head = [str(value) for value in rows[0]]
    return Picture(
        title=title, drawing=drawing(name, draw), said=said, command=command, data=data(name, head, rows[1:])
    )


def table(
    name: str,
    title: str,
    heads: Sequence[Head],
    rows: Sequence[Sequence[Cell]],
    said: str,
    command: str,
    *,
    stack: bool = False,
) -> Table:
    """A table with its data."""
    values = [[cell.text if cell.value is None else cell.value for cell in row] for row in rows]
    coded = data(name, [head.text for head in heads], values)
    return Table(title=title, heads=heads, rows=rows, said=said, command=command, data=coded, stack=stack)


def cell(value: Value, text: str | None = None) -> Cell:
    """A cell that shows `text`, or the value itself, or a dash where there is none."""
    shown = text if text is not None else str(value)
    return Cell(text="-" if value is None else shown, value=value)
