"""A model sits exams: by letter, with the letters' order changed, and after an explanation of its own.

    by letter      the likeliest of ` A`, ` B`, ... after the question and its demonstrations (Hendrycks et al. 2021)
    shuffled       the same with the options of every question in another order: a control. Who knows the answers scores
                   alike and keeps to the same options; who likes a letter scores by chance
    explained      demonstrations with explanations; the model writes its own at temperature 0.3, then the likeliest
                   letter after `The answer is therefore` (OpenAI 2023, appendix A)

Every number has its interval, in which sections count by their points. Where questions are known to have been in the
training text, the exam is scored again without them, and the lower of both scores is reported, as GPT-4's were.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretell import progress
from foretell.eval.asking import Asking, ask
from foretell.eval.exam_explained import explain
from foretell.eval.exam_results import contamination, letters_row, one_letter, result, tables
from foretell.eval.exams import Exam, Section
from foretell.eval.records import Record
from foretell.eval.results import opened
from foretell.generate.model import Model
from foretell.tasks.exam_questions import Question, as_choice, shuffled
from foretell.tasks.exams import SHOTS, exam_task
from foretell.tasks.task import Questions

Row = dict[str, Any]
FOLDER = "exams"  # of its own, so that other suites may be kept beside it
Advance = Callable[[int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitting:
    """How exams are sat."""

    shots: int = SHOTS
    limit: int = 0
    """questions of an exam, spread over its sections by their number, one of each at least; 0 asks all"""
    seed: int = 0
    shuffle: bool = True
    """the control is run too"""
    explain: bool = False
    """the exam is sat with explanations too, where its examples have some"""
    explanation: int = 512
    """tokens that an explanation may have, at most half of the context"""

    def __post_init__(self) -> None:
        if min(self.shots, self.limit) < 0 or self.explanation < 1:
            told = f"shots={self.shots}, limit={self.limit}, explanation={self.explanation}"
            raise ValueError(f"{told}: give shots and limit of at least 0 and an explanation of at least 1 token")


def exam_suite(
    model: Model,
    exams: Sequence[Exam],
    out: Path,
    sitting: Sitting,
    dirty: Collection[str] | None = None,
    *,
    quiet: bool = False,
) -> list[Row]:
    """A row for each exam; the answers are kept in `out`/exams, a line for each question, and are not asked for again.

    A row has n, `share` of the points, `score` in `unit`, `percentile`, `random`, `one_letter` (always the letter that
    is right most often), `sections`, `areas`, `letters`, `contamination`, `shuffled`, `explained`, and `too_long`: the
    questions that do not fit into the context, which do not count. `dirty` are the ids of questions that were in the
    training text, None where nobody looked. BadUse if the folder holds the answers of another model or seed.
    """
    total = sum(sum(quotas(exam, sitting.limit)) for exam in exams) * (1 + sitting.shuffle + sitting.explain)
    with (
        opened(out / FOLDER, model, "exams", {"seed": sitting.seed}),
        progress.bar("exams", total, quiet=quiet) as shown,
    ):
        return [sat(model, exam, out, sitting, dirty, shown.advance) for exam in exams]


def sat(model: Model, exam: Exam, out: Path, sitting: Sitting, dirty: Collection[str] | None, advance: Advance) -> Row:
    """The row of one exam."""
    named = list(zip(exam.sections, quotas(exam, sitting.limit), strict=True))
    found = {section.name: by_letter(model, exam, section, out, sitting, n, advance) for section, n in named}
    records = {name: answers for name, (answers, _) in found.items()}
    n = sum(map(len, records.values()))
    told: Row = {"exam": exam.name, "about": exam.about, "origin": exam.origin, "published": exam.published}
    told |= {"shots": sitting.shots, "n": n, "too_long": sum(too_long for _, too_long in found.values())}
    if not n:
        return told
    row = told | result(exam, records) | tables(exam, records)
    row |= {"one_letter": one_letter(exam, records), "letters": letters_row(records)}
    row["dropped"] = sum(record["dropped"] for answers in records.values() for record in answers)
    row["contamination"] = None if dirty is None else contamination(exam, records, dirty)
    row["shuffled"] = control(model, exam, out, sitting, named, records, advance) if sitting.shuffle else None
    row["explained"] = with_reasons(model, exam, out, sitting, records, advance) if sitting.explain else None
    return row


def quotas(exam: Exam, limit: int) -> list[int]:
    """How many questions of each section are asked: all, or its part of the limit, one at least."""
    sizes = [len(section.questions) for section in exam.sections]
    return [min(size, max(1, round(limit * size / sum(sizes)))) if limit else size for size in sizes]


def by_letter(
    model: Model, exam: Exam, section: Section, out: Path, sitting: Sitting, n: int, advance: Advance, to: str = ""
) -> tuple[list[Record], int]:
    """The records of n questions of a section, and how many of them do not fit into the context."""
    task = exam_task(
        f"{exam.name} {section.name}",
        exam.about,
        section.topic,
        lambda source: (list(section.questions), list(section.examples), exam.origin),
    )
    questions = section.questions if not to else [shuffled(one, sitting.seed) for one in section.questions]
    asked = Questions(items=[*map(as_choice, questions)], pool=[*map(as_choice, section.examples)], origin=exam.origin)
    how = Asking(shots=sitting.shots, limit=n, seed=sitting.seed, draw="once")
    return ask(model, task, asked, how, file_of(out, exam, section, f"{sitting.shots}{to}"), advance)


def file_of(out: Path, exam: Exam, section: Section, how: str) -> Path:
    """Where the records of a section are."""
    plain = "".join(c if c.isalnum() else "_" for c in f"{exam.name}-{section.name}")
    return out / FOLDER / f"{plain}-{how}.jsonl"


def control(
    model: Model,
    exam: Exam,
    out: Path,
    sitting: Sitting,
    named: Sequence[tuple[Section, int]],
    records: dict[str, list[Record]],
    advance: Advance,
) -> Row:
    """The result with the options of each question in another order, and the share of questions answered by the same
    option as before; that is 1 over the number of options for who looks at letters alone."""
    moved, same = {}, []
    for section, n in named:
        moved[section.name], _ = by_letter(model, exam, section, out, sitting, n, advance, "-shuffled")
        before = {record["key"]: record["chosen"]["none"] for record in records[section.name]}
        by_id = {question.id: question for question in section.questions}
        for record in moved[section.name]:
            question = by_id[record["key"]]
            if record["key"] in before:
                now = shuffled(question, sitting.seed).options[record["chosen"]["none"]]
                same.append(now == question.options[before[record["key"]]])
    return result(exam, moved) | {"same_option": sum(same) / max(len(same), 1), "letters": letters_row(moved)}


def with_reasons(
    model: Model, exam: Exam, out: Path, sitting: Sitting, records: dict[str, list[Record]], advance: Advance
) -> Row | None:
    """The result with explanations, and how many were not ended by the model; None if no section has examples of them.

    Sections without are taken as answered by letter, as GPT-4 was asked where no explanations were at hand.
    """
    found: dict[str, list[Record]] = {}
    for section in exam.sections:
        by_id: dict[str, Question] = {question.id: question for question in section.questions}
        asked = [by_id[record["key"]] for record in records[section.name]]
        path = file_of(out, exam, section, f"{sitting.shots}-explained")
        answers = explain(model, section, asked, path, sitting.shots, sitting.explanation, sitting.seed, advance)
        if answers is not None:
            found[section.name] = answers
    if not found:
        return None
    unended = sum(record["finish"] != "stop" for answers in found.values() for record in answers)
    n = sum(map(len, found.values()))
    return result(exam, records | found) | {"n_explained": n, "unended": unended}
