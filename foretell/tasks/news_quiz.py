"""A quiz that asks people who wrote an article, a human or a model (Brown et al. 2020, appendix E).

One model has two quizzes, A and B: a seeded coin decides for each title which of them shows the human article, the
other shows the model's, so that each text is judged and nobody sees both. Titles stand in a seeded order, and one entry
checks that its reader reads. Two files, so that the quiz is blind:

    quiz.jsonl    for whoever shows it    id, quiz, place, title, subtitle, article, question, scale
    key.jsonl     for whoever scores it   id, kind, author, model, control, answer, words, human_words

An answer is the number of a step of the scale, from 1; foretell.eval.news scores rows {participant, id, answer}.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from foretell.corpus.jsonl import write_lines
from foretell.errors import BadUse
from foretell.runs import whole_folder
from foretell.tasks.news import Article, n_words

QUESTION = "Who wrote this article?"
SCALE = (
    "very likely written by a human",
    "more likely written by a human",
    "I don't know",
    "more likely written by a machine",
    "very likely written by a machine",
)
CHECK = "Reading check"
VERSIONS = ("A", "B")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiz:
    """What readers see, and what they must not see; row n of both is one entry."""

    entries: tuple[dict[str, Any], ...]
    key: tuple[dict[str, Any], ...]


def quiz(asked: Sequence[Article], texts: Sequence[str], model: str, control: bool = False, seed: int = 0) -> Quiz:
    """Both quizzes of one model. `control` marks the deliberately bad one that the others are tested against."""
    if len(asked) != len(texts) or not asked:
        raise BadUse(f"{len(texts)} texts for {len(asked)} titles; a quiz needs one text for each of 1 title or more")
    draw = Random(f"{model} {seed}")
    human_in_a = [draw.random() < 0.5 for _ in asked]
    whole = f"{draw.getrandbits(48):012x}"
    entries, key = [], []
    for version in VERSIONS:
        shows_human = [in_a == (version == "A") for in_a in human_in_a]
        made = [judged(*row, model, control) for row in zip(asked, texts, shows_human, strict=True)]
        draw.shuffle(made)
        made.insert(draw.randint(len(made) // 3, len(made)), check(draw, model, control))
        for number, (entry, answer) in enumerate(made, 1):
            name = f"{draw.getrandbits(64):016x}"
            entries.append({"id": name, "quiz": f"{whole}-{version}", "place": number, **entry})
            key.append({"id": name, **answer})
    return Quiz(entries=tuple(entries), key=tuple(key))


Made = tuple[dict[str, Any], dict[str, Any]]


def judged(article: Article, text: str, by_human: bool, model: str, control: bool) -> Made:
    """An entry with the human's or the model's text, and its row of the key."""
    shown = article.text if by_human else text
    author = "human" if by_human else "model"
    lengths = {"words": n_words(shown), "human_words": n_words(article.text)}
    answer = {"kind": "question", "author": author, "model": model, "control": control, "answer": None, **lengths}
    return entry(article.title, article.subtitle, shown), answer


def check(draw: Random, model: str, control: bool) -> Made:
    """An entry whose text says what to answer, and its row of the key."""
    wanted = draw.choice((1, 2, 4, 5))
    said = f"This entry checks that articles are read to their end. Please choose the answer: {SCALE[wanted - 1]}."
    answer = {"kind": "attention", "author": None, "model": model, "control": control, "answer": wanted}
    lengths = {"words": n_words(said), "human_words": None}
    return entry(CHECK, "Please read the text below", said), {**answer, **lengths}


def entry(title: str, subtitle: str, text: str) -> dict[str, Any]:
    """What a reader sees of an entry."""
    return {"title": title, "subtitle": subtitle, "article": text, "question": QUESTION, "scale": list(SCALE)}


def write_quiz(quizzes: Sequence[Quiz], folder: Path) -> Path:
    """The folder with quiz.jsonl and key.jsonl of several models."""
    with whole_folder(folder) as aside:
        write_lines(aside / "quiz.jsonl", [row for one in quizzes for row in one.entries])
        write_lines(aside / "key.jsonl", [row for one in quizzes for row in one.key])
    return folder
