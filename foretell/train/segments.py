"""A run as the line of its pieces between failures, as OPT-175B's log draws it (Zhang et al. 2022, figure 2).

    segments(folder)   from metrics.jsonl, which holds the steps that count, and events.jsonl, which holds the others

A piece begins where a process started or the guard went back, and ends where it was killed, stopped or went back. Steps
that were done again belong to the piece that did them first as well.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foretell.train.events import read_events
from foretell.train.folder import METRICS
from foretell.train.metrics import read_metrics

Point = tuple[int, float]


@dataclass(kw_only=True, slots=True)
class Segment:
    """A piece of a run."""

    begin: int
    """the step from which it went on"""
    ended: str = "unfinished"
    """killed, failed, hung, stopped, rollback, gave up or finished; unfinished if the log ends before"""
    why: str = ""
    points: list[Point] = field(default_factory=list)
    """step and loss; those that were done again later too"""
    last: int = 0
    """its last step"""


def segments(folder: Path) -> list[Segment]:
    """The pieces of a run in the order in which they were trained; empty where nothing is known."""
    found: list[Segment] = []
    for event in read_events(folder):
        what, lost = event["what"], event.get("lost", [])
        if what in ("start", "rollback"):
            if found and found[-1].ended == "unfinished":
                found[-1].ended, found[-1].why = ("rollback", event["why"]) if what == "rollback" else ("killed", "")
            give(found, lost)
            found.append(Segment(begin=int(event["back_to"] if what == "rollback" else event["step"])))
        elif found and found[-1].ended in ("unfinished", "hung"):
            found[-1].ended, found[-1].why = ending(event, found[-1])
    give(found, [(line["step"], line.get("loss")) for line in read_metrics(folder / METRICS)])
    for one in found:
        one.points.sort()
        one.last = one.points[-1][0] if one.points else one.begin
    return found


def ending(event: dict[str, Any], segment: Segment) -> tuple[str, str]:
    """How a piece ended, by an event after its start."""
    if event["what"] == "died" and segment.ended != "hung":
        return ("killed" if "killed" in event["how"] else "failed"), event["how"]
    names = {"stop": "stopped", "end": "finished", "hung": "hung", "gave up": "gave up"}
    return names.get(event["what"], segment.ended), event.get("why", segment.why)


def give(found: list[Segment], points: list[tuple[int, float | None]]) -> None:
    """Each point to the last piece that went through its step."""
    for step, loss in points:
        mine = next((one for one in reversed(found) if one.begin < step), None)
        if mine is not None and loss is not None:
            mine.points.append((int(step), float(loss)))
