"""Exams as GPT-4 sat them (OpenAI 2023, appendix A): sections with points, a score table, a percentile table.

MMLU's score is its accuracy, and so is that of each exam of AGIEval here: official tables are not ours to invent. Give
them in a file (exam_file.py).
"""

from dataclasses import dataclass

from foretell.errors import BadUse
from foretell.eval.exam_tables import Table, interpolated, reached
from foretell.eval.measured import Measured
from foretell.tasks.exam_questions import Question, with_own_ids
from foretell.tasks.exams import AGIEVAL, MMLU_DEV, agieval, mmlu_rows, of_subject
from foretell.tasks.made_exam import ARITHMETIC, KNOWLEDGE, arithmetic, knowledge
from foretell.tasks.mmlu_subjects import AREAS
from foretell.tasks.source import NoData, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Questions that are asked with the same demonstrations."""

    name: str
    topic: str
    """what the questions are about, for the instruction"""
    points: float
    """what a right answer to every question is worth: the weight of the section"""
    questions: tuple[Question, ...]
    examples: tuple[Question, ...] = ()
    """for demonstrations; empty: the other questions of the section"""
    area: str = ""
    """sections of an area are counted together too"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exam:
    """An exam, and how its points become a score."""

    name: str
    about: str
    origin: str
    """the file, or where else the questions come from"""
    sections: tuple[Section, ...]
    unit: str = "%"
    table: Table | None = None
    """from points to the score; None: the share of the points in per cent"""
    percentiles: Table | None = None
    """from the score to the percentile"""
    published: str = ""
    """who published the two tables, and where"""

    def __post_init__(self) -> None:
        if not self.sections or not all(section.questions for section in self.sections):
            raise BadUse(f"the exam {self.name} has a section without questions, or none; give each at least one")
        names = [section.name for section in self.sections]
        if len(set(names)) < len(names):
            raise BadUse(f"the exam {self.name} has two sections of one name; give each its own")

    @property
    def points(self) -> float:
        """What can be got."""
        return sum(section.points for section in self.sections)


def scaled(exam: Exam, share: Measured) -> Measured:
    """The score of a share of the points, with its interval carried through the table."""

    def score(value: float) -> float:
        return 100 * value if exam.table is None else interpolated(exam.table, value * exam.points)

    return {name: number if name == "n" else score(number) for name, number in share.items()}


def percentile(exam: Exam, score: Measured) -> Measured | None:
    """The percentile of a score, the lower end of its range, with its interval; None where there is no table."""
    if exam.percentiles is None:
        return None
    table = exam.percentiles
    return {name: number if name == "n" else reached(table, number) for name, number in score.items()}


def known_exams(source: Source) -> tuple[list[Exam], dict[str, str]]:
    """The exam that is always there, MMLU and those of AGIEval; and why the others have no data, by name."""
    found, missing = [made_exam(source)], {}
    for name in ("mmlu", *AGIEVAL):
        try:
            found.append(mmlu_exam(source) if name == "mmlu" else agieval_exam(source, name))
        except NoData as error:
            missing[name] = str(error)
    return found, missing


def made_exam(source: Source) -> Exam:
    """Arithmetic and common knowledge, written here: it is no institution's, and has no table."""
    sections = []
    for name, load in ((ARITHMETIC, arithmetic), (KNOWLEDGE, knowledge)):
        questions, examples, _ = load(source)
        sections.append(part(name, name, questions, examples))
    about = "sums by letter and what most children know; made for this program, of no institution"
    return Exam(name="made", about=about, origin="written here", sections=tuple(sections))


def mmlu_exam(source: Source) -> Exam:
    """MMLU, a section for each of its subjects that the file has; the areas are those of the paper's table 1."""
    test, dev, origin = mmlu_rows(source)
    sections = []
    for area, subjects in AREAS.items():
        for subject in subjects:
            questions = with_own_ids(of_subject(test, subject, origin))
            if questions:
                examples = of_subject(dev, subject, MMLU_DEV)
                sections.append(part(subject, subject.replace("_", " "), questions, examples, area))
    about = f"{len(sections)} of 57 subjects; the score is the accuracy"
    return Exam(name="mmlu", about=about, origin=origin, sections=tuple(sections))


def agieval_exam(source: Source, name: str) -> Exam:
    """An exam of AGIEval, which is one section; the score is the accuracy."""
    questions, examples, origin = agieval(source, name)
    section = part(name, AGIEVAL[name], questions, examples)
    return Exam(name=f"agieval {name}", about=AGIEVAL[name], origin=origin, sections=(section,))


def part(name: str, topic: str, questions: list[Question], examples: list[Question], area: str = "") -> Section:
    """A section in which a question is worth a point."""
    return Section(
        name=name,
        topic=topic,
        points=len(questions),
        questions=tuple(questions),
        examples=tuple(examples),
        area=area,
    )
