"""Exams by letter: MMLU by subject, AGIEval, and an exam of our own that is always there.

    mmlu_SUBJECT       mmlu_test.jsonl, demonstrations from mmlu_dev5shot.jsonl    57 subjects (Hendrycks et al. 2021)
    agieval_NAME       agieval_NAME.jsonl                                          5 exams (Zhong et al. 2023)
    exam_arithmetic    generated                                                   sums, differences, products
    exam_knowledge     written here                                                what most children know

MMLU is asked with the five development questions of the subject, as in GPT-4's report (OpenAI 2023, table 2). AGIEval's
files have none apart; demonstrations are drawn from the other questions of the same exam.
"""

from collections.abc import Callable, Sequence
from functools import partial

from foretell.errors import nearest
from foretell.tasks.exam_questions import Question, as_choice, from_agieval, from_mmlu, with_own_ids
from foretell.tasks.made_exam import ARITHMETIC, KNOWLEDGE, arithmetic, knowledge
from foretell.tasks.mmlu_subjects import SUBJECTS
from foretell.tasks.source import Hub, NoData, Row, Source, rows
from foretell.tasks.task import Questions, Task

SHOTS = 5
MMLU_TEST, MMLU_DEV = "mmlu_test", "mmlu_dev5shot"
AGIEVAL = {
    "sat-math": "mathematics of a college admission test",
    "lsat-ar": "analytical reasoning of a law school admission test",
    "lsat-lr": "logical reasoning of a law school admission test",
    "logiqa-en": "logic of a civil service exam, translated from Chinese",
    "aqua-rat": "algebra in words",
}
Asked = tuple[list[Question], list[Question], str]
"""the questions that count, those for demonstrations (none: the others), and where they come from"""


def mmlu(source: Source, subject: str) -> Asked:
    """The questions of a subject of MMLU and its development questions. NoData where its file has none of it."""
    test, dev, origin = mmlu_rows(source, subject)
    questions = of_subject(test, subject, origin)
    if not questions:
        known = sorted({str(row.get("subject")) for row in test})
        raise NoData(f"{origin} has no question of {subject}{nearest(subject, known)}")
    return with_own_ids(questions), of_subject(dev, subject, MMLU_DEV), origin


def mmlu_rows(source: Source, config: str = "all") -> tuple[list[Row], list[Row], str]:
    """The rows of MMLU's test and development files, and where the first were found."""
    test, origin = rows(source, MMLU_TEST, Hub(dataset="cais/mmlu", config=config, split="test"))
    dev, _ = rows(source, MMLU_DEV, Hub(dataset="cais/mmlu", config=config, split="dev"))
    return test, dev, origin


def of_subject(found: Sequence[Row], subject: str, at: str) -> list[Question]:
    """The questions of one subject in their order."""
    return [
        from_mmlu(row, f"{at}, question {i}") for i, row in enumerate(found) if row.get("subject", subject) == subject
    ]


def agieval(source: Source, name: str) -> Asked:
    """The questions of an exam of AGIEval, none for demonstrations, and the name of the file."""
    found, origin = rows(source, f"agieval_{name}")
    exam = f"agieval_{name}"
    return with_own_ids([from_agieval(row, exam, f"{origin}, question {i}") for i, row in enumerate(found)]), [], origin


def as_task(load: Callable[[Source], Asked], source: Source) -> Questions:
    """The questions as items of a task."""
    questions, examples, origin = load(source)
    return Questions(items=[*map(as_choice, questions)], pool=[*map(as_choice, examples)], origin=origin)


def instruction(topic: str) -> str:
    """What stands before the demonstrations, in the words of MMLU."""
    return f"The following are multiple choice questions (with answers) about {topic}.\n\n"


def exam_task(name: str, about: str, topic: str, load: Callable[[Source], Asked]) -> Task:
    """A task by letter. Letters are one token each as a rule, so that nothing is divided by a length."""
    return Task(
        name=name,
        family="exams",
        about=about,
        load=partial(as_task, load),
        shots=SHOTS,
        norm="none",
        instruction=instruction(topic),
    )


TASKS: tuple[Task, ...] = (
    *(
        exam_task(
            f"mmlu_{name}", f"{name.replace('_', ' ')}, by letter", name.replace("_", " "), partial(mmlu, subject=name)
        )
        for name in SUBJECTS
    ),
    *(
        exam_task(f"agieval_{name.replace('-', '_')}", about, about, partial(agieval, name=name))
        for name, about in AGIEVAL.items()
    ),
    exam_task("exam_arithmetic", "sums, differences and products by letter", ARITHMETIC, arithmetic),
    exam_task("exam_knowledge", "common knowledge by letter", KNOWLEDGE, knowledge),
)
