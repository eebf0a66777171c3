"""An exam in a file of the user, JSON:

    {
      "name": "entrance test",
      "about": "what it tests, in a sentence",
      "sections": [
        {"name": "reading",                     its questions are one of:
         "questions": "reading.jsonl",            a file beside this one, one question a line (.gz too)
                    | [{...}, ...]                the questions themselves
         "examples":  the same, for demonstrations                    optional: the other questions of the section
         "topic": "reading with care",                                optional: its name
         "points": 40,                                                optional: one for each question
         "area": "language"}                                          optional
      ],
      "score":       {"unit": "points", "table": [[0, 200], [58, 800]], "source": "who published it, when"},   optional
      "percentiles": {"table": [[200, 1], [800, 99]], "source": "..."}                                         optional
    }

A question is {"question", "options": [...], "answer": "B"} and may have "id", "passage", "subject" and "explanation".
The score table goes from the points of all sections to the score, the percentile table from the score to the percentage
of candidates below; both must rise. Tables need a source, which every report of the score repeats.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, first_line, nearest
from foretell.eval.exam_tables import Table, checked
from foretell.eval.exams import Exam, Section
from foretell.tasks.exam_questions import Question, from_row, with_own_ids
from foretell.tasks.source import Row, read

EXAM = ("name", "about", "sections", "score", "percentiles")
WORDS = {"str": "text", "list": "a list", "dict": "an object"}
SECTION = ("name", "questions", "examples", "topic", "points", "area")


def read_exam(path: Path) -> Exam:
    """The exam of a file; BadUse that names what is wrong in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadUse(f"{path} does not exist; give the JSON file of an exam") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadUse(f"{path} is no JSON ({error}); mend it") from error
    known_only(content, EXAM, str(path))
    name = wanted(content, "name", str, str(path))
    listed = wanted(content, "sections", list, str(path))
    sections = tuple(section(one, name, path, f"{path}, section {i}") for i, one in enumerate(listed, 1))
    points = sum(one.points for one in sections)
    table, published = table_of(content, "score", f"score table of {path}", 0.0, points)
    low, high = (0.0, 100.0) if table is None else (table[0][1], table[-1][1])
    percentiles, ranked = table_of(content, "percentiles", f"percentile table of {path}", low, high)
    return Exam(
        name=name,
        about=str(content.get("about", "")),
        origin=path.name,
        sections=sections,
        unit="%" if table is None else str(content["score"].get("unit", "points")),
        table=table,
        percentiles=percentiles,
        published="; ".join(dict.fromkeys(source for source in (published, ranked) if source)),
    )


def section(row: Any, exam: str, path: Path, at: str) -> Section:
    """The section of an entry."""
    known_only(row, SECTION, at)
    name = wanted(row, "name", str, at)
    questions = questions_of(row, "questions", exam, path, at)
    points = row.get("points", len(questions))
    if type(points) not in (int, float) or points <= 0:
        raise BadUse(f"{at}: points {points!r} is no number above 0; leave it out to give one for each question")
    return Section(
        name=name,
        topic=str(row.get("topic", name)),
        points=float(points),
        questions=tuple(questions),
        examples=tuple(questions_of(row, "examples", exam, path, at) if "examples" in row else ()),
        area=str(row.get("area", "")),
    )


def questions_of(row: Row, name: str, exam: str, path: Path, at: str) -> list[Question]:
    """The questions that are in the section, or in the file that it names."""
    given = wanted(row, name, (str, list), at)
    if isinstance(given, str):
        file = path.parent / given
        if Path(given).is_absolute() or ".." in Path(given).parts or not file.is_file():
            raise BadUse(f"{at}: {name} are in {given!r}, which is no file beside {path.name}; put it there")
        given = list(read(file))
    return with_own_ids([from_row(one, exam, f"{at}, {name} {i}") for i, one in enumerate(given, 1)])


def table_of(content: Row, name: str, where: str, low: float, high: float) -> tuple[Table | None, str]:
    """The table of an entry with who published it, or None."""
    if name not in content:
        return None, ""
    entry = wanted(content, name, dict, where)
    known_only(entry, ("unit", "table", "source"), where)
    source = wanted(entry, "source", str, where).strip()
    if not source:
        raise BadUse(f"the {where} names no source; say who published it, or that it was made up")
    return checked(where, wanted(entry, "table", list, where), low, high), source


def wanted(row: Any, name: str, kind: type | tuple[type, ...], at: str) -> Any:
    """A field of an object that must be there and of a kind; BadUse that names both."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(row.get(name), kinds):
        words = " or ".join(WORDS[one.__name__] for one in kinds)
        raise BadUse(f"{at}: {name!r} is {row.get(name)!r}; it must be {words}")
    return row[name]


def known_only(row: Any, names: Collection[str], at: str) -> None:
    """BadUse if a row is no object, or has a field that nobody reads."""
    if not isinstance(row, dict):
        raise BadUse(f"{at} is {str(row)[:40]!r}; it must be an object with {', '.join(names)}")
    other = next((name for name in row if name not in names), None)
    if other is not None:
        raise BadUse(f"{at} has the field {other!r}, which is not read{nearest(other, list(names))}")


def read_dirty(path: Path) -> frozenset[str]:
    """The ids of questions that were found in the training text: one a line, or JSON lines with `id`."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if not lines or not lines[0].startswith("{"):
            return frozenset(lines)
        return frozenset(wanted(json.loads(line), "id", str, str(path)) for line in lines)
    except (OSError, ValueError) as error:
        rule = "give a file with the id of a contaminated question on each line"
        raise BadUse(f"{path} cannot be read ({first_line(error)}); {rule}") from error
