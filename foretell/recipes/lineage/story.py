"""The table of the story: the papers' models beside what was trained here, and the time that each stage took."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foretell.corpus.config import EMBEDDED
from foretell.recipes.lineage.plan import Climb, Stage, size
from foretell.runs import read_json, write_whole
from foretell.train.config import RunConfig
from foretell.train.folder import METRICS
from foretell.train.metrics import read_metrics
from foretell.version import VERSION

PAPERS = (
    ("Transformer", "2017-06", "65M (base)", "4.5M sentence pairs", "transformer.translate"),
    ("GPT", "2018-06", "117M", "about 5 GB", "gpt1.pretrain"),
    ("BERT", "2018-10", "340M (large)", "about 12 GB", "bert.pretrain"),
    ("GPT-2", "2019-02", "1.5B", "40 GB", "gpt2.pretrain"),
    ("GPT-3", "2020-05", "175B", "45 TB before filtering", ""),
    ("InstructGPT", "2022-03", "175B", "45 TB", ""),
    ("GPT-4", "2023-03", "not published", "not published", ""),
)


Told = Mapping[str, float | None]


def seconds_before(plan: Climb) -> dict[str, float]:
    """What each stage took in earlier calls, as the story tells it."""
    path = plan.out / "results" / "story.json"
    return dict(read_json(path).get("took", {})) if path.exists() else {}


def seconds_of_climb(plan: Climb) -> float:
    """What earlier calls took in all, by the clock."""
    path = plan.out / "results" / "story.json"
    return float(read_json(path)["seconds"]) if path.exists() else 0.0


def tell_story(plan: Climb, stages: Sequence[Stage], done: Told, *, seconds: float, memory: int) -> None:
    """results/story.json: the papers' models beside what was trained here; `done` says what each stage took."""
    from foretell.runs import machine

    path = plan.out / "results" / "story.json"
    told = read_json(path) if path.exists() else {}
    story = {
        "command": plan.command,
        "scale": plan.scale,
        "text": plan.text if plan.text == EMBEDDED else Path(plan.text).name,
        "started": told.get("started") or time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "seconds": seconds,
        "peak_bytes": max(told.get("peak_bytes", 0), memory),
        "processes": plan.processes,
        "stages": chapters(stages, done),
        "took": done,
        "rows": [story_row(plan, *paper) for paper in PAPERS],
        "machine": machine(),
        "version": VERSION,
    }
    write_whole(path, json.dumps(story, indent=1))


def chapters(stages: Sequence[Stage], done: Told) -> list[dict[str, Any]]:
    """A row a chapter: the seconds of all its stages, of which two may have run at once, and whether all are done."""
    names = dict.fromkeys(stage.chapter for stage in stages)
    rows = []
    for name in names:
        mine = [stage.name for stage in stages if stage.chapter == name]
        took = round(sum(done.get(one) or 0.0 for one in mine), 1)
        whole = all(one in done for one in mine)
        rows.append({"name": name, "seconds": took if whole else None, "done": whole})
    return rows


def story_row(plan: Climb, model: str, date: str, parameters: str, data: str, stage: str) -> dict[str, Any]:
    """A paper's model and, where a run of it is finished here, what that came to."""
    row: dict[str, Any] = {"model": model, "date": date, "paper_parameters": parameters, "paper_data": data}
    name = f"{stage}-{size(plan)}" if stage == "gpt2.pretrain" else stage
    lineage = plan.out / name / "lineage.json"
    if not stage or not lineage.exists() or "result" not in read_json(lineage):
        return row
    last = read_metrics(plan.out / name / METRICS)[-1]
    result = read_json(lineage)["result"]
    measure = "val_bits_per_byte" if "val_bits_per_byte" in result else "val_loss"
    n = parameter_count(plan.out / name)
    found = {"measure": measure.removeprefix("val_"), "value": result[measure]}
    return {**row, "parameters": n, "tokens": last["tokens"], "seconds": last["seconds"], "result": found}


def parameter_count(run_folder: Path) -> int:
    """The parameters of a run's network."""
    from foretell.config import load
    from foretell.model.count import parameters

    cfg = load(RunConfig, (run_folder / "config.json").read_text())
    return sum(parameters(cfg.model).values())
