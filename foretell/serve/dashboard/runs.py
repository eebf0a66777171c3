"""One run as its page tells it: how far it is, its curves, its segments, its samples, and what it came from."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foretell.serve.dashboard.charts import Chart, chart, figure
from foretell.serve.dashboard.lines import Line, is_number, last_lines, lines_of, name_of, points, segments, steps_of
from foretell.serve.dashboard.listing import Found

QUIET = 120.0  # seconds without a line after which a run that is not finished counts as stopped
ALWAYS = ("loss", "throughput", "gradient norm", "learning rate")
UNITS = {"tokens", "seconds", "cpu_seconds", "step", "epochs"}
MOST_OTHERS = 24
MOST_SAMPLES, MOST_LETTERS = 20, 2000
Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run's folder as it is now."""

    lines: list[Line]
    events: list[Line]
    config: Told
    lineage: Told
    state: str
    changed: float
    """when something was written last, in seconds since 1970"""


def read(found: Found, *, whole: bool = True) -> Run:
    """What the folder of a run tells, of its lines the last ones unless `whole`; what is damaged is no error here."""
    folder = found.path
    lineage, metrics = json_of(folder / "lineage.json"), folder / "metrics.jsonl"
    changed = max(changed_at(metrics), changed_at(folder / "lineage.json"), changed_at(folder / "config.json"))
    return Run(
        lines=steps_of(lines_of(metrics) if whole else last_lines(metrics)),
        events=list(lines_of(folder / "events.jsonl")),
        config=json_of(folder / "config.json"),
        lineage=lineage,
        state=state_of(lineage, changed),
        changed=changed,
    )


def state_of(lineage: Mapping[str, Any], changed: float) -> str:
    """finished, running or stopped: a run says when it is done, and one that writes nothing for two minutes stands.

    Its lock is not tried, since that would hinder one that begins at this moment.
    """
    if "finished" in lineage:
        return "finished"
    return "running" if time.time() - changed < QUIET else "stopped"


def changed_at(path: Path) -> float:
    """When a file was written last; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def json_of(path: Path) -> Told:
    """The object in a JSON file; an empty one where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def charts(lines: Sequence[Line]) -> list[Chart]:
    """The curves that every run has, then those of whatever else it wrote."""
    names = list(dict.fromkeys(name for one in lines for name in one if is_number(one[name])))
    held_out = [name for name in names if name == "val_loss"] or [name for name in names if name == "val_lm"]
    loss = [name for name in names if name == "loss"] + held_out
    series: dict[str, list[str]] = {
        "loss": loss,
        "throughput": ["tokens_per_second"],
        "gradient norm": [name for name in ("grad_norm", "value_grad_norm") if name in names],
        "learning rate": ["lr"],
    }
    made = [chart(name, {one: points(lines, one) for one in series[name]}) for name in ALWAYS]
    drawn = {one for some in series.values() for one in some}
    others = [name for name in names if name not in drawn | UNITS and not name.startswith(("val_", "seconds/"))]
    for name in others[:MOST_OTHERS]:
        pair = [name, f"val_{name}"] if f"val_{name}" in names else [name]
        made.append(chart(name, {one: points(lines, one) for one in pair}))
    return made


def figures(run: Run) -> dict[str, str]:
    """The numbers that say how a run stands, by what they are called."""
    last = run.lines[-1] if run.lines else {}
    whole = run.config.get("steps")
    told = {"state": run.state, "step": f"{last.get('step', 0):,}" + (f" of {whole:,}" if is_int(whole) else "")}
    for name, key in (("tokens", "tokens"), ("seconds", "seconds"), ("tokens a second", "tokens_per_second")):
        if is_number(last.get(key)):
            told[name] = f"{last[key]:,}"
    for key in ("loss", "val_loss", "val_bits_per_byte", "reward", "kl"):
        value = next((one[key] for one in reversed(run.lines) if is_number(one.get(key))), None)
        if value is not None:
            told[key.replace("val_", "held-out ").replace("_", " ")] = figure(value)
    return told


def is_int(value: object) -> bool:
    """Whether a value is a whole number."""
    return type(value) is int


def live(run: Run) -> Told:
    """What the page asks for again and again; `version` tells whether anything is new."""
    return {
        "version": version(run),
        "state": run.state,
        "figures": figures(run),
        "charts": [asdict(one) for one in charts(run.lines)],
    }


def version(run: Run) -> str:
    """Another text when something was written, or the state is another."""
    return f"{run.changed:.3f} {run.state} {len(run.lines)}"


def row(found: Found) -> Told:
    """A run in the list of all."""
    run = read(found, whole=False)
    told = figures(run)
    return {
        "slug": found.slug,
        "name": found.name,
        "recipe": str(run.lineage.get("recipe") or run.config.get("recipe") or ""),
        "begun": str(run.lineage.get("begun", "")),
        "state": run.state,
        "step": told["step"],
        "loss": told.get("loss", ""),
        "held_out": told.get("held-out loss", ""),
        "speed": told.get("tokens a second", ""),
    }


def stretches(run: Run) -> list[Told]:
    """The segments of a run as rows."""
    return [asdict(one) for one in segments(run.lines, run.events)]


def happened(run: Run) -> list[Told]:
    """The events of a run as rows: when, at which step, what, and the rest of what was written."""
    told = []
    for event in run.events[-200:]:
        known = {"event", "kind", "what", "name", "step", "at", "time"}
        rest = {name: value for name, value in event.items() if name not in known}
        at = event.get("at", event.get("time", ""))
        more = json.dumps(rest, ensure_ascii=False)[:MOST_LETTERS] if rest else ""
        told.append({"at": str(at), "step": str(event.get("step", "")), "what": name_of(event), "more": more})
    return told


def samples(found: Found, evaluations: Sequence[Found]) -> list[Told]:
    """Texts that the model of a run wrote: of its own samples.jsonl, and of the samples.json beside it."""
    rows = [*lines_of(found.path / "samples.jsonl")]
    for one in evaluations:
        if one.path.name == "samples.json" and one.path.parent.parent == found.path.parent:
            several = json_of(one.path).get("rows")
            mine = several if isinstance(several, list) else []
            rows += [each for each in mine if isinstance(each, dict) and each.get("model") == found.path.name]
    told = []
    for each in rows[-MOST_SAMPLES:]:
        text, prompt = each.get("text", each.get("completion")), each.get("prompt", "")
        if isinstance(text, str):
            step = str(each.get("step", "")) or str(each.get("settings", ""))
            told.append({"step": step, "prompt": str(prompt)[:MOST_LETTERS], "text": text[:MOST_LETTERS]})
    return told
