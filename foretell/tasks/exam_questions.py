"""A question of an exam by letter, its text, and how the files of known exams hold it.

    MMLU        {subject, question, choices, gold}               Hendrycks et al. 2021
    AGIEval     {passage, question, options, label, other}       Zhong et al. 2023
    our own     {question, options, answer, section?, subject?, passage?, explanation?, id?}

The text ends in `Answer:`; what follows is ` A`, ` B`, ... (Hendrycks et al. 2021). With an explanation it is, as GPT-4
was asked (OpenAI 2023, appendix A): the explanation, then `The answer is therefore A`.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from foretell.errors import BadUse
from foretell.tasks.item import Choice, check_options
from foretell.tasks.source import Row, field

LETTERS = "ABCDEFGHIJ"
ANSWER, EXPLANATION, THEREFORE = "Answer:", "Explanation:", "\nThe answer is therefore"
BRACKETED = re.compile(r"^\(([A-J])\)\s*")
BARE = re.compile(r"^([A-J])[.:?]?\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question with lettered options."""

    id: str
    question: str
    options: tuple[str, ...]
    gold: int
    passage: str = ""
    subject: str = ""
    explanation: str = ""
    """why the right option is right; demonstrations show it where explanations are asked for"""

    def __post_init__(self) -> None:
        check_options(self.id, self.options, self.gold)
        if len(self.options) > len(LETTERS):
            raise BadUse(f"question {self.id} has {len(self.options)} options; letters go to {LETTERS[-1]}")


def letters(n: int) -> tuple[str, ...]:
    """What follows the text: a space and a letter, for each of n options."""
    return tuple(f" {letter}" for letter in LETTERS[:n])


def asked(question: Question, ending: str = ANSWER) -> str:
    """The text of a question up to its ending, without a space at its end."""
    lines = [question.passage] if question.passage else []
    lines += [question.question, *(f"{LETTERS[i]}. {option}" for i, option in enumerate(question.options)), ending]
    return "\n".join(line.strip() for line in lines)


def answered(question: Question) -> str:
    """The question with its right letter: a demonstration."""
    return asked(question) + letters(len(question.options))[question.gold]


def explained(question: Question) -> str:
    """The question with its explanation and then its right letter: a demonstration with reasons."""
    reasons = f"{asked(question, EXPLANATION)} {' '.join(question.explanation.split())}"
    return reasons + THEREFORE + letters(len(question.options))[question.gold]


def as_choice(question: Question) -> Choice:
    """The question as an item of a task: the context, and the letters as options."""
    return Choice(id=question.id, context=asked(question), options=letters(len(question.options)), gold=question.gold)


def shuffled(question: Question, seed: int) -> Question:
    """The question with its options in an order that follows from the seed and the question's id.

    Every order is as likely, the given one too, so that who looks at letters alone is right by chance.
    """
    order = list(range(len(question.options)))
    Random(f"{seed} {question.id}").shuffle(order)
    return replace(question, options=tuple(question.options[i] for i in order), gold=order.index(question.gold))


def question_id(exam: str, question: str, options: Iterable[str], passage: str = "") -> str:
    """The name of a question: its exam, and the beginning of the hash of its text."""
    text = "\n".join([passage, question, *options])
    return f"{exam}/{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def with_own_ids(questions: Sequence[Question]) -> list[Question]:
    """The questions; one that repeats another's text is numbered, so that every id is there once."""
    seen: Counter[str] = Counter()
    found = []
    for question in questions:
        seen[question.id] += 1
        n = seen[question.id]
        found.append(question if n == 1 else replace(question, id=f"{question.id}-{n}"))
    return found


def from_mmlu(row: Row, at: str) -> Question:
    """The question of a row of MMLU; `gold`, or `answer` as on the hub, is the right choice's place or its letter."""
    text, choices = str(field(row, "question", at)), tuple(map(str, field(row, "choices", at)))
    told = row["gold"] if "gold" in row else field(row, "answer", at)
    gold = LETTERS.find(told) if isinstance(told, str) and len(told) == 1 else told
    if type(gold) is not int:
        raise BadUse(f"{at}: the right choice is {told!r}; give its place, 0 to {len(choices) - 1}, or its letter")
    name = question_id("mmlu", text, choices)
    return Question(id=name, question=text, options=choices, gold=gold, subject=str(row.get("subject", "")))


def from_agieval(row: Row, exam: str, at: str) -> Question:
    """The question of a row of AGIEval. The label is the letter that an option bears, not its place.

    In the files 19 questions of LogiQA have their options in the order A, C, B, D; the options are put in the order of
    their letters, and the letters themselves are taken off.
    """
    printed = [str(option) for option in field(row, "options", at)]
    options = lettered(printed)
    text, passage = str(field(row, "question", at)), str(row.get("passage") or "")
    gold = LETTERS.find(str(field(row, "label", at)).strip())
    reasons = str((row.get("other") or {}).get("solution") or "")
    name = question_id(exam, text, printed, passage)
    return Question(id=name, question=text, options=options, gold=gold, passage=passage, explanation=reasons)


def lettered(printed: Sequence[str]) -> tuple[str, ...]:
    """Options in the order of the letters that they bear, without those; as they are where they bear none."""
    for pattern in (BRACKETED, BARE):
        found = [pattern.match(option) for option in printed]
        borne = [match[1] for match in found if match is not None]
        if sorted(borne) == list(LETTERS[: len(printed)]):
            rest = {letter: pattern.sub("", option) for letter, option in zip(borne, printed, strict=True)}
            return tuple(rest[letter] for letter in sorted(rest))
    return tuple(BRACKETED.sub("", option) for option in printed)


def from_row(row: Row, exam: str, at: str) -> Question:
    """The question of a row of our own format; `answer` is a letter. BadUse that names the row."""
    options = tuple(str(option) for option in field(row, "options", at))
    text, passage = str(field(row, "question", at)), str(row.get("passage") or "")
    answer = str(field(row, "answer", at)).strip().upper()
    if len(answer) != 1 or answer not in LETTERS[: len(options)]:
        allowed = ", ".join(LETTERS[: len(options)])
        raise BadUse(f"{at}: answer {answer!r} is no letter of its {len(options)} options; give one of {allowed}")
    return Question(
        id=str(row.get("id") or question_id(exam, text, options, passage)),
        question=text,
        options=options,
        gold=LETTERS.index(answer),
        passage=passage,
        subject=str(row.get("subject") or ""),
        explanation=str(row.get("explanation") or ""),
    )
