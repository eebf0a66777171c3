"""From the answers to an exam to its row: points, score, percentile, tables by section and area, contamination."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from foretell.eval.exam_tables import weighted
from foretell.eval.exams import Exam, Section, percentile, scaled
from foretell.eval.measured import share
from foretell.eval.records import Record
from foretell.tasks.exam_questions import LETTERS

Answers = Mapping[str, Sequence[Record]]
"""the records of each section"""


def result(exam: Exam, answers: Answers) -> dict[str, Any]:
    """`share` of the points, `score`, `percentile`: each with its interval. Sections without an answer do not count."""
    parts = [(section, answers[section.name]) for section in exam.sections if answers[section.name]]
    got = weighted([(section.points, right(records), len(records)) for section, records in parts])
    score = scaled(exam, got)
    found: dict[str, Any] = {"share": got, "score": score, "unit": exam.unit}
    return found | {"percentile": percentile(exam, score), "random": by_chance(parts)}


def right(records: Sequence[Record]) -> float:
    """How many are right."""
    return sum(record["value"] for record in records)


def by_chance(parts: Sequence[tuple[Section, Sequence[Record]]]) -> float:
    """The share of the points that choosing blindly gets on average."""
    total = sum(section.points for section, _ in parts)
    of = ((section.points / total, [1 / len(record["scores"]) for record in records]) for section, records in parts)
    return sum(weight * sum(chances) / len(chances) for weight, chances in of)


def one_letter(exam: Exam, answers: Answers) -> float:
    """The share of the points that the best single letter gets: what a liking for one letter may come to."""
    parts = [(section.points, answers[section.name]) for section in exam.sections if answers[section.name]]
    total = sum(points for points, _ in parts)

    def got(letter: int) -> float:
        hits = ((points, sum(r["gold"] == letter for r in records) / len(records)) for points, records in parts)
        return sum(points / total * share for points, share in hits)

    return max(got(letter) for letter in range(len(LETTERS)))


def letters_row(answers: Answers) -> dict[str, dict[str, float]]:
    """For each letter the share of questions in which it was chosen, and in which it is right."""
    records = [record for some in answers.values() for record in some]
    chosen = Counter(record["chosen"]["none"] for record in records)
    gold = Counter(record["gold"] for record in records)
    return {
        LETTERS[i]: {"chosen": chosen[i] / len(records), "right": gold[i] / len(records)}
        for i in range(max(len(record["scores"]) for record in records))
    }


def tables(exam: Exam, answers: Answers) -> dict[str, Any]:
    """`sections`: a row for each with its accuracy, points got and chance; `areas` and `subjects`: accuracy by name."""
    sections = [section_row(section, answers[section.name]) for section in exam.sections if answers[section.name]]
    areas: dict[str, list[float]] = {}
    subjects: dict[str, list[float]] = {}
    for section in exam.sections:
        named = {question.id: question.subject for question in section.questions}
        for record in answers[section.name]:
            for table, name in ((areas, section.area), (subjects, named[record["key"]])):
                if name:
                    table.setdefault(name, []).append(record["value"])
    tabled = {"areas": areas, "subjects": subjects}
    rows = {name: {key: share(sum(v), len(v)) for key, v in table.items()} for name, table in tabled.items()}
    return {"sections": sections, **rows}


def section_row(section: Section, records: Sequence[Record]) -> dict[str, Any]:
    """The row of a section."""
    accuracy = share(right(records), len(records))
    told = {"section": section.name, "area": section.area, "points": section.points}
    return told | {
        "got": section.points * accuracy["value"],
        "accuracy": accuracy,
        "random": by_chance([(section, records)]),
    }


def contamination(exam: Exam, answers: Answers, dirty: Collection[str]) -> dict[str, Any]:
    """The exam without the questions that were in the training text, and the lower of both scores.

    So GPT-4's exams are reported (OpenAI 2023, appendix C). `dirty_share` is that of the questions asked. `clean` is
    None where a section has no clean question left: what is then reported is the score of all.
    """
    clean = {name: [r for r in records if r["key"] not in dirty] for name, records in answers.items()}
    n, n_clean = (sum(map(len, some.values())) for some in (answers, clean))
    whole = result(exam, answers)["score"]
    emptied = [name for name, records in answers.items() if records and not clean[name]]
    without = None if emptied else result(exam, clean)["score"]
    reported = whole if without is None or whole["value"] <= without["value"] else without
    return {"dirty_share": 1 - n_clean / n, "n_clean": n_clean, "all": whole, "clean": without, "reported": reported}
