"""What befell a run: one JSON line an event in events.jsonl, beside the numbers of its steps.

    {"time": "2026-11-25T10:00:00+00:00", "what": "rollback", "step": 120, "why": "...", ...}

start, stop, end: a process that trained (with its peak memory); died: how it ended, as the supervisor saw it; rollback:
what the guard found, where the run went back to and what it moved past; gave up; hung: with the file of the stacks;
slow; damaged: a checkpoint that was not used. Times never fall: where the clock was set back, the last event's time is
kept and `clock_back` says by how many seconds. The numbers of a run do not depend on this file.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

from foretell.train.folder import now

EVENTS = "events.jsonl"
MOST_POINTS = 200  # of the losses of steps that are done again, in one line


def record(folder: Path, what: str, step: int, **told: Any) -> None:
    """Append an event. A disk that is full loses it, not the run."""
    path = folder / EVENTS
    with suppress(OSError):
        before = read_events(folder)
        time, last = now(), str(before[-1]["time"]) if before else ""
        if time < last:
            back = datetime.fromisoformat(last) - datetime.fromisoformat(time)
            time, told = last, {**told, "clock_back": back.total_seconds()}
        line = json.dumps({"time": time, "what": what, "step": step, **{k: plain(v) for k, v in told.items()}})
        cut = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
        with path.open("a") as file:
            file.write(("\n" if cut else "") + line + "\n")


def plain(value: Any) -> Any:
    """A value as JSON can hold it: None for a number that is none."""
    return None if isinstance(value, float) and not isfinite(value) else value


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of a run, oldest first; a line that a kill cut short is left out."""
    path, found = folder / EVENTS, []
    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        with suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return [one for one in found if isinstance(one, dict) and {"time", "what", "step"} <= one.keys()]


def losses(lines: Iterable[dict[str, Any]]) -> list[tuple[int, float]]:
    """The step and the loss of lines of metrics, at most MOST_POINTS of them."""
    points = [(int(line["step"]), float(line["loss"])) for line in lines if line.get("loss") is not None]
    return thinned([(step, loss) for step, loss in points if isfinite(loss)], MOST_POINTS)


def thinned(points: Sequence[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """So many of the points, at even distances, the last among them."""
    by = -(-len(points) // most) or 1
    return list(points[::-1][::by][::-1])
