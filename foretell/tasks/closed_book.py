"""Questions answered from what a model knows, with no text beside them (Brown et al. 2020, section 3.2).

Each is asked as `Q: ...` `A:`, and any of the accepted answers is right after SQuAD's normalisation. The appendix shows
questions with a capital letter and a question mark, which Natural Questions and WebQuestions have not: we add both.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from foretell.tasks.item import Free
from foretell.tasks.options import option
from foretell.tasks.source import Hub, Row, Source, field, text
from foretell.tasks.splits import Build, Split, questions
from foretell.tasks.task import Questions, Task

SHOTS = 64  # table H.1
NQ, TRIVIA, WEB = "google-research-datasets/nq_open", "mandarjoshi/trivia_qa", "stanfordnlp/web_questions"


def asked(row: Row, name: str) -> Free:
    """A row {question, answer or answers}, each a text or a list of texts."""
    question = text(row, "question", name)
    return free(name, as_question(question), texts(row["answers"] if "answers" in row else field(row, "answer", name)))


def trivia(row: Row, name: str) -> Free:
    """A row {question or context, answer, aliases}; on the hub the answer is a record with its aliases."""
    question = text(row, "question" if "question" in row else "context", name)
    question = question.removeprefix("Question:").removesuffix("Answer:").strip()
    answer = field(row, "answer", name)
    if isinstance(answer, dict):
        return free(name, as_question(question), (answer["value"], *answer["aliases"]))
    return free(name, as_question(question), (*texts(answer), *row.get("aliases", ())))


def clue(row: Row, name: str) -> Free:
    """A row {context, continuation}: a category and a clue, which is no question."""
    return free(name, text(row, "context", name).strip(), (text(row, "continuation", name),))


def free(name: str, question: str, answers: Iterable[str]) -> Free:
    """The question as the paper asks it; an answer that is there twice or empty is left out."""
    accepted = dict.fromkeys(option(answer) for answer in answers if answer.strip())
    return Free(id=name, context=f"Q: {question}\n\nA:", answers=tuple(accepted))


def as_question(said: str) -> str:
    """`who wrote it` -> `Who wrote it?`; what ends with a mark keeps it."""
    said = said.strip()
    return said[:1].upper() + said[1:] + ("" if said.endswith(("?", ".", "!", '"')) else "?")


def texts(value: Any) -> tuple[str, ...]:
    """One text or several."""
    return (value,) if isinstance(value, str) else tuple(value)


def load(name: str, build: Build, asked: Split, shown: Split, source: Source) -> Questions:
    """The questions of a set, and those of its training or development set as demonstrations."""
    return questions(source, name, build, asked, shown)


def _task(name: str, about: str, files: tuple[str, ...], item: Build, *hubs: Hub) -> Task:
    hub, training = hubs or (None, None)
    shown = tuple(f"{file}.{split}" for file in files for split in ("train", "dev"))
    return Task(
        name=name,
        family="closed_book",
        about=about,
        load=partial(load, name, item, Split(files=files, hub=hub), Split(files=shown, hub=training)),
        shots=SHOTS,
        metric="exact_match",
        max_new_tokens=32,
    )


TASKS: tuple[Task, ...] = (
    _task(
        "natural_questions",
        "questions that people asked a search engine (open part)",
        ("nq_open", "natural_questions"),
        asked,
        Hub(dataset=NQ),
        Hub(dataset=NQ, split="train"),
    ),
    _task(
        "triviaqa",
        "trivia questions with many accepted names of the answer",
        ("triviaqa", "triviaqa_sm_sub"),
        trivia,
        Hub(dataset=TRIVIA, config="rc.nocontext"),
        Hub(dataset=TRIVIA, config="rc.nocontext", split="train"),
    ),
    _task(
        "web_questions",
        "questions about facts of Freebase",
        ("web_questions",),
        asked,
        Hub(dataset=WEB, split="test"),
        Hub(dataset=WEB, split="train"),
    ),
    _task("efficientqa", "later questions of the kind of Natural Questions; not in the paper", ("efficientqa",), asked),
    _task("jeopardy", "clues of a quiz show by category; not in the paper", ("jeopardy", "jeopardy_all"), clue),
)
