"""The whole lineage on one text, rung by rung, then the report: what `foretell demo` does.

    out/corpora/    tokens, translation pairs and tasks made from the text
    out/<run>/      one folder a training run
    out/results/    what was measured, one JSON a figure
    out/report.html

Every stage is done once: a training run continues or is found finished, a measurement is kept with the hash of what it
was made from. So the command can be stopped and given again at any moment.
"""

import time
from pathlib import Path

from foretell import progress
from foretell.errors import BadUse
from foretell.recipes.lineage.plan import OUT, SCALES, Climb, keep_to
from foretell.recipes.lineage.stages import STAGES
from foretell.recipes.lineage.story import once_took, seconds_before, tell_story

__all__ = ["OUT", "STAGES", "Climb", "climb"]


def climb(plan: Climb) -> Path:
    """The report's path, when every stage is done; the report is written after each, so that there is one early."""
    if plan.scale not in SCALES:
        raise BadUse(f"scale {plan.scale!r} is none of {', '.join(SCALES)}; nano is for a laptop, mini takes hours")
    keep_to(plan)
    took = seconds_before(plan)
    begun, done, spent = time.monotonic(), 0.0, []
    total = sum(stage.weight for stage in STAGES)
    for number, stage in enumerate(STAGES, 1):
        before = time.monotonic()
        left = (before - begun) / done * (total - done) if done and before - begun > 10 else None
        so_far = f"[{number}/{len(STAGES)}] {stage.name}"
        progress.say(f"{so_far}  (about {progress.time_text(left)} left)" if left else so_far, quiet=plan.quiet)
        stage.do(plan)
        done += stage.weight
        spent.append({"name": stage.name, "seconds": round(time.monotonic() - before, 1), "done": True})
        waiting = [{"name": later.name, "seconds": None, "done": False} for later in STAGES[number:]]
        tell_story(plan, [once_took(stage, took) for stage in spent + waiting])
        report(plan)
    return plan.out / "report.html"


def report(plan: Climb) -> None:
    """Write the page with what is there so far."""
    from foretell.report.page import write_report

    write_report(plan.out, plan.out / "report.html")
