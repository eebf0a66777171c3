"""The whole lineage on one text, rung by rung, then the report: what `foretell demo` does.

    out/corpora/    tokens, translation pairs and tasks made from the text
    out/<run>/      one folder a training run
    out/results/    what was measured, one JSON a figure
    out/stages.json which stages are done (seals.py)
    out/report.html in English, report.zh.html in Chinese, report.data/ with the data of every figure

Every stage is done once: a training run continues or is found finished, a measurement is kept with the hash of what it
was made from. So the command can be stopped and given again at any moment.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from foretell import progress
from foretell.errors import BadUse
from foretell.recipes.lineage.plan import OUT, SCALES, TEXT, Climb, Stage, keep_to
from foretell.recipes.lineage.seals import source_mark, undone, write_seal
from foretell.recipes.lineage.stages import stages
from foretell.recipes.lineage.story import seconds_before, seconds_of_climb, tell_story
from foretell.recipes.lineage.together import Done, stage_job, work_off

__all__ = ["OUT", "Climb", "climb", "stages"]

PAGE_EVERY = 30.0  # seconds at least between two pages, and twenty times what drawing the last one took


def climb(plan: Climb) -> Path:
    """The report's path, when every stage is done; the page is written now and then, so that there is one early."""
    if plan.scale not in SCALES:
        raise BadUse(f"scale {plan.scale!r} is none of {', '.join(SCALES)}; nano is for a laptop, mini takes hours")
    keep_to(plan)
    every, text, page = stages(plan), source_mark(plan), plan.out / "report.html"
    left = undone(plan, every, text)
    if not left and is_whole(page):
        progress.say(f"{plan.out}: all {len(every)} stages are done; nothing is left to do", quiet=plan.quiet)
        return page
    waits = {stage.name for stage in left}
    took, redraw = seconds_before(plan), now_and_then(plan)
    begun, before = time.monotonic(), seconds_of_climb(plan)
    told = {stage.name: took.get(stage.name) for stage in every if stage.name not in waits}

    def after(done: Done) -> None:
        stage = next(stage for stage in left if stage.name == done.job.name)
        write_seal(plan, stage, text)
        told[stage.name] = max(round(done.seconds, 1), took.get(stage.name, 0.0))
        tell_story(plan, every, told, seconds=round(before + time.monotonic() - begun, 1), memory=done.memory)
        redraw(stage.chapter == TEXT and text_is_told(every, told))

    if left:
        work_off([stage_job(plan, stage) for stage in left], plan, after, lambda: redraw(False))
    report(plan)
    return page


def is_whole(page: Path) -> bool:
    """Whether the page and all that lies beside it is there."""
    from foretell.report.page import is_written

    return is_written(page)


def text_is_told(every: Sequence[Stage], told: dict[str, float | None]) -> bool:
    """Whether all is done that the page's first figures show."""
    return all(stage.name in told for stage in every if stage.chapter == TEXT)


def now_and_then(plan: Climb) -> Callable[[bool], None]:
    """What writes the page when it is asked to, or else when that takes little of the time."""
    last, took = time.monotonic(), 0.0

    def redraw(now: bool) -> None:
        nonlocal last, took
        begun = time.monotonic()
        if not now and begun - last < max(PAGE_EVERY, 20 * took):
            return
        report(plan)
        last = time.monotonic()
        took = last - begun

    return redraw


def report(plan: Climb) -> None:
    """Write the page with what is there so far."""
    from foretell.report.page import write_report

    if (plan.out / "results").is_dir():
        write_report(plan.out, plan.out / "report.html")
