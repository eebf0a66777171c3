"""The report: one HTML page with every figure and table of a demo's runs, and nothing that is fetched from elsewhere.

The page says so itself: its content security policy allows its own style and its own script (by hash) and no request.
Model output is untrusted: everything is escaped but the figures, whose text matplotlib has escaped.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from foretell.progress import time_text
from foretell.report import filtering, limits, scores
from foretell.report.claims import NOT_YET, Claim, claims
from foretell.report.language import LANGUAGES, texts_of_svg, translator
from foretell.report.parts import Cell, Head, Missing, Part, Picture, Section, Table, cell, table
from foretell.report.read import Demo, read_demo
from foretell.report.results import Outcome, StoryRow
from foretell.report.rungs import sections
from foretell.report.verdicts import FAILS, HOLDS, UNCLEAR
from foretell.report.words import count
from foretell.runs import whole_folder, write_whole

DRESS = {HOLDS: "holds", FAILS: "fails", UNCLEAR: "unclear", NOT_YET: "waits"}
MARK = {HOLDS: "\u2713", FAILS: "\u2717", UNCLEAR: "?", NOT_YET: "\u2026"}


def write_report(folder: Path, out: Path) -> None:
    """Write the page of a demo's folder, in each language, and the data of its figures in a folder beside it.

    report.html, report.zh.html, report.data/*.csv, each written aside and renamed. A folder gives the same bytes.
    """
    demo = read_demo(folder)
    found = parts_of(demo)
    write_data(found, out.with_name(data_folder(out)))
    for language in LANGUAGES:
        write_whole(page_file(out, language), page(demo, found, out, language))


def is_written(out: Path) -> bool:
    """Whether all that write_report() makes is there."""
    pages = [page_file(out, language) for language in LANGUAGES]
    return all(one.exists() for one in pages) and out.with_name(data_folder(out)).is_dir()


def page_file(out: Path, language: str) -> Path:
    """Where the page in a language is: report.html in English, report.zh.html in Chinese."""
    return out if language == "en" else out.with_name(f"{out.stem}.{language}{out.suffix}")


def data_folder(out: Path) -> str:
    """The name of the folder beside a page that holds the data of its figures."""
    return f"{out.stem}.data"


def write_data(found: Sequence[Section], folder: Path) -> None:
    """The data of every figure and table as CSV files, in a folder that is whole or absent."""
    coded = [part.data for section in found for part in section.parts if isinstance(part, Picture | Table)]
    assert len({one.name for one in coded}) == len(coded), "each figure's data has a name of its own"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder) as aside:
        for one in coded:
            (aside / one.name).write_bytes(one.csv)


def parts_of(demo: Demo) -> list[Section]:
    """Every section of the page, in order; the first holds the claims."""
    found = claims(demo)
    sections_of_rungs = []
    for part in sections(demo, found):
        sections_of_rungs.append(part)
        if part.key == "gpt3":
            sections_of_rungs += [filtering.section(demo), limits.section(demo.limits, demo.command)]
    held = Section(key="claims", title="Claims", claim="", result=tally(found), parts=(claims_table(found, demo),))
    return [held, story_section(demo), corpus_section(demo), *sections_of_rungs]


def page(demo: Demo, found: Sequence[Section], out: Path, language: str) -> str:
    """The page as HTML in a language."""
    engine = Environment(
        loader=PackageLoader("foretell.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    say = translator(language)
    engine.filters.update(say=say, glued=glued, drawn=lambda svg: Markup(texts_of_svg(svg, say)))
    assert engine.loader is not None, "the engine has just been given its loader"
    script = engine.loader.get_source(engine, "page.js")[0]
    return engine.get_template("report.html.jinja").render(
        demo=demo,
        language=language,
        others=[(one, name, page_file(out, one).name) for one, name in LANGUAGES.items() if one != language],
        data_folder=data_folder(out),
        facts=facts(demo),
        stages=stages(demo),
        unfinished=unfinished(demo),
        claims=found[0],
        sections=numbered(found)[1:],
        contents=[(part.key, part.title) for part in found],
        dress=DRESS,
        mark=MARK,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def glued(text: str) -> str:
    """A cell's text that breaks before its interval and not inside a number: 61.2 % [57.0, 65.1]."""
    text = re.sub(r"(?<=\d) %", "\u00a0%", text)
    return re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "\u00a0"), text)


def facts(demo: Demo) -> list[tuple[str, str]]:
    """Date, machine, version and time of the climb."""
    story = demo.story
    if story is None:
        return [("folder", demo.folder.as_posix())]
    where = story.machine.get("processor", "unknown"), story.machine.get("cores", "?")
    libraries = [f"{name} {story.machine[name]}" for name in ("python", "torch") if name in story.machine]
    return [
        ("begun", story.started),
        ("training and measuring", time_text(story.seconds)),
        ("text", "the documentation on this machine" if story.text == "embedded" else story.text),
        ("scale", story.scale),
        ("machine", f"{where[0]}, {where[1]} cores"),
        ("version", ", ".join([f"foretell {story.version}", *libraries])),
        ("command", demo.command),
    ]


def stages(demo: Demo) -> list[dict[str, Any]]:
    """The stages with their share of the time, for the bar; one that waits is as wide as the others' mean."""
    there = demo.story.stages if demo.story else []
    took = [stage.seconds or 0.0 for stage in there if stage.done]
    usual = sum(took) / len(took) if took else 1.0
    return [
        {
            "name": stage.name,
            "done": stage.done,
            "time": time_text(stage.seconds or 0) if stage.done else "waits",
            "share": f"{(stage.seconds or 0) if stage.done else usual:.1f}",
        }
        for stage in there
    ]


def unfinished(demo: Demo) -> str:
    """What an early report says of itself; empty when every stage is done."""
    there = demo.story.stages if demo.story else []
    done = sum(stage.done for stage in there)
    return f"This is an early report: {done} of {len(there)} stages are done." if done < len(there) else ""


def claims_table(found: Sequence[Claim], demo: Demo) -> Table:
    """A row a claim."""
    names = ("claim", "metric", "result [95 % interval]", "verdict")
    heads = [Head(text="no.", number=True), *(Head(text=name) for name in names)]
    rows = [
        [
            cell(claim.number),
            Cell(text=claim.statement, link=claim.rung),
            cell(claim.metric),
            cell(claim.result),
            Cell(text=claim.verdict, tag="verdict"),
        ]
        for claim in found
    ]
    cautions = ". ".join(sorted({claim.caution.capitalize() for claim in found if claim.caution}))
    said = (
        "Holds: the 95 % interval lies above zero. Does not hold: below zero. Too small to tell: zero lies inside. "
        "The two sides are taken as independent, which makes the intervals wider than they need be. "
    )
    said += f"{cautions}." if cautions else ""
    return table("claims", "The story's claims", heads, rows, said.strip(), demo.command, stack=True)


def tally(found: Sequence[Claim]) -> str:
    """How many of the claims came out how, in a sentence."""
    tested = [claim.verdict for claim in found if claim.verdict != NOT_YET]
    if not tested:
        return "No claim has been tested yet."
    words = {HOLDS: "held here", FAILS: "did not hold here", UNCLEAR: "too small to tell"}
    parts = [f"{tested.count(verdict)} {text}" for verdict, text in words.items() if verdict in tested]
    return f"{len(tested)} of the {len(found)} claims tested so far: {', '.join(parts)}."


def story_section(demo: Demo) -> Section:
    """The models of the papers beside what was trained here."""
    title = "The models of the story, beside those trained here"
    if demo.story is None:
        parts: tuple[Part, ...] = (Missing(title=title, command=demo.command),)
        return Section(key="lineage", title="Lineage", parts=parts)
    heads = [Head(text="model", paper=True), Head(text="date", paper=True)]
    heads += [Head(text="parameters", paper=True), Head(text="data", paper=True)]
    heads += [Head(text=x, number=True) for x in ("parameters here", "tokens read", "time")]
    heads.append(Head(text="result here"))
    said = "Shaded columns are quoted from the papers; the others were measured here, one seed, without interval."
    made = table("lineage", title, heads, [story_row(row) for row in demo.story.rows], said, demo.command, stack=True)
    return Section(key="lineage", title="Lineage", parts=(made,))


def story_row(row: StoryRow) -> list[Cell]:
    """A model's row."""
    result = row.result
    words = f"{result.measure.replace('_', ' ')} {result.value:.3f}" if isinstance(result, Outcome) else result
    return [
        *(cell(x) for x in (row.model, row.date, row.paper_parameters, row.paper_data)),
        cell(row.parameters, None if row.parameters is None else count(row.parameters)),
        cell(row.tokens, None if row.tokens is None else count(row.tokens)),
        cell(row.seconds, None if row.seconds is None else time_text(row.seconds)),
        cell(words),
    ]


def corpus_section(demo: Demo) -> Section:
    """What every model here read."""
    return Section(key="corpus", title="Corpus", parts=scores.corpus(demo))


def numbered(parts: Sequence[Section]) -> list[dict[str, Any]]:
    """The sections with their figures and tables numbered through the page."""
    numbers = {"picture": 0, "table": 0, "samples": 0, "missing": 0}
    found = []
    for section in parts:
        shown = []
        for part in section.parts:
            numbers[part.kind] += 1
            shown.append({"part": part, "number": numbers[part.kind]})
        found.append({"section": section, "parts": shown})
    return found
