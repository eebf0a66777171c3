"""A run's metrics.jsonl and events.jsonl as they grow: read as far as they are whole, at most so much of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

MOST_BYTES = 64 * 2**20  # of a file: the end of a longer one is read
LAST_BYTES = 2**16  # of a file of which only the last lines matter
BEGINS = ("start", "begin", "resum", "restart", "continu")
ENDS = ("fail", "crash", "kill", "spike", "roll", "hang", "error", "nan", "stop")

Line = dict[str, Any]
Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Steps that ran without a break: the first and the last, the seconds in between, and what ended them."""

    first: int
    last: int
    seconds: float | None
    ended: str = ""


def lines_of(path: Path) -> tuple[Line, ...]:
    """The lines of a file of JSON objects; what is no such line, as a last one that is being written, is left out."""
    try:
        told = path.stat()
    except OSError:
        return ()
    return _read(path, told.st_size, told.st_mtime_ns)


def last_lines(path: Path) -> tuple[Line, ...]:
    """The last lines of such a file, as many as 64 KiB hold."""
    try:
        return _parsed(path, path.stat().st_size, LAST_BYTES)
    except OSError:
        return ()


@lru_cache(maxsize=8)
def _read(path: Path, size: int, changed: int) -> tuple[Line, ...]:
    """The lines, parsed once for each time that the file has `changed`."""
    return _parsed(path, size, MOST_BYTES)


def _parsed(path: Path, size: int, most: int) -> tuple[Line, ...]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, size - most))
            content = file.read(most)
    except OSError:
        return ()
    found = []
    for text in content.split(b"\n"):
        try:
            one = json.loads(text)
        except ValueError:
            continue
        if isinstance(one, dict):
            found.append(one)
    return tuple(found)


def steps_of(lines: Sequence[Line]) -> list[Line]:
    """Those lines that tell their step."""
    return [one for one in lines if type(one.get("step")) is int]


def points(lines: Sequence[Line], name: str) -> Points:
    """The steps and the values of one name, where it has any."""
    return [(one["step"], float(one[name])) for one in lines if is_number(one.get(name))]


def is_number(value: object) -> bool:
    """Whether a value can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def segments(lines: Sequence[Line], events: Sequence[Line] = ()) -> list[Segment]:
    """The stretches of a run between its failures.

    A new one begins where a step follows one that was not smaller, or the clock of the run went back, and at every
    event that tells a step and is called a start or a failure. What a run did twice it has written once, so that a
    break which left no event is seen only where the clock tells it.
    """
    breaks: dict[int, str] = {}
    for event in events:
        called = name_of(event).lower()
        if type(event.get("step")) is int and any(word in called for word in (*BEGINS, *ENDS)):
            breaks.setdefault(event["step"], name_of(event))
    found: list[Segment] = []
    run: list[Line] = []
    for one in lines:
        if run:
            back = one["step"] <= run[-1]["step"] or seconds_of(one) < seconds_of(run[-1])
            within = [at for at in breaks if run[0]["step"] <= at < one["step"] and at >= run[-1]["step"]]
            if back or within:
                found.append(segment(run, breaks[within[0]] if within else "the clock went back"))
                run = []
        run.append(one)
    return [*found, segment(run)] if run else found


def segment(run: Sequence[Line], ended: str = "") -> Segment:
    """The stretch of some lines."""
    took = seconds_of(run[-1]) - seconds_of(run[0])
    return Segment(first=run[0]["step"], last=run[-1]["step"], seconds=round(took, 1), ended=ended)


def seconds_of(line: Line) -> float:
    """The seconds that a line tells, 0 where it tells none."""
    return float(line["seconds"]) if is_number(line.get("seconds")) else 0.0


def name_of(event: Line) -> str:
    """What an event is called."""
    return str(next((event[key] for key in ("event", "kind", "what", "name") if event.get(key)), "event"))
