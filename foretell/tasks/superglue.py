"""The tasks of SuperGLUE that are more than two texts and a label (Wang et al. 2019): WiC, WSC, MultiRC, ReCoRD.

Their prompts are those of Brown et al. 2020, figures G.32, G.33, G.15 and G.6; `entailment` makes tasks of them.
"""

import re
from collections.abc import Sequence

from foretell.errors import BadUse
from foretell.tasks.item import Choice, Free
from foretell.tasks.options import Names, choice, free, meant, place
from foretell.tasks.source import Row, field

EXAM = (
    "Final Exam with Answer Key\nInstructions: Please carefully read the following passages. For each passage, you "
    "must identify which noun the pronoun marked in *bold* refers to.\n=====\n"
)
ANSWER_KEY = "READING COMPREHENSION ANSWER KEY\n\n"
HIGHLIGHT = "@highlight"
PLACEHOLDER = "@placeholder"
NO_OR_YES: Names = ((0, "0"), (1, "1"))


def wic_question(row: Row, name: str) -> Choice | None:
    """Two sentences with one word. Columns: word, sentence1, sentence2, label (figure G.32)."""
    word, one, other = (field(row, part, name).strip() for part in ("word", "sentence1", "sentence2"))
    asked = f"question: Is the word \u2018{word}\u2019 used in the same way in the two sentences above?\nanswer:"
    context = f"{one}\n{other}\n{asked}" if word and one and other else ""
    return choice(name, context, ("no", "yes"), meant(row, NO_OR_YES, name))


def wsc_question(row: Row, name: str) -> Free | None:
    """A passage whose marked pronoun means a noun, written in small letters as in figure G.33.

    Columns of the hub: text, span1_text, span2_text, span2_index (in words), label. None for rows that say what the
    pronoun does not mean: nothing that is written would be right.
    """
    noun, pronoun, text = (field(row, part, name).strip() for part in ("span1_text", "span2_text", "text"))
    if not meant(row, NO_OR_YES, name) or not text:
        return None
    asked = f'Question: In the passage above, what does the pronoun "*{pronoun}*" refer to?\nAnswer:'
    passage = marked(text, pronoun, field(row, "span2_index", name), name)
    return free(name, f"Passage: {passage}\n{asked}", (noun.lower(), noun))


def marked(text: str, pronoun: str, at: int, name: str) -> str:
    """The text with *stars* around the pronoun: word number `at`, or the nearest that is it, for the set miscounts in
    places. BadUse if there is none.
    """
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if re.search(rf"\b{re.escape(pronoun)}\b", word)]
    if not places:
        raise BadUse(f"{name} has no word {pronoun!r} in {text[:60]!r}; mend span2_text or the text")
    nearest = min(places, key=lambda i: abs(i - at))
    starred = words[nearest].replace(pronoun, f"*{pronoun}*", 1)
    return " ".join([*words[:nearest], starred, *words[nearest + 1 :]])


def multirc_rows(rows: Sequence[Row]) -> list[Row]:
    """A row for each question, with its answers, of rows {paragraph, question, answer, label}."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        paragraph, question, answer, label = (
            field(row, part, "a row of multirc") for part in ("paragraph", "question", "answer", "label")
        )
        told = found.setdefault((paragraph, question), {"paragraph": paragraph, "question": question, "answers": []})
        told["answers"].append((answer.strip(), bool(place(label, (0, 1), "a row of multirc"))))
    return list(found.values())


def multirc_questions(row: Row, name: str) -> list[Choice] | None:
    """One question for each answer; they are of one group, which is right as a whole (figure G.15)."""
    answers = row["answers"]
    if not all(answer for answer, _ in answers):
        return None
    asked = f"{row['paragraph'].strip()}\n\n{row['question'].strip()}"
    return [
        Choice(id=f"{name}-{i}", context=asked, options=labelled([answer]), gold=int(label), group=name)
        for i, (answer, label) in enumerate(answers)
    ]


def labelled(answers: Sequence[str]) -> tuple[str, str]:
    """Lines that call the answers false, and lines that call them true."""
    false, true = ("".join(f"\n- [{word}] {answer}" for answer in answers) for word in ("False", "True"))
    return false, true


def multirc_shown(row: Row, name: str) -> Choice | None:
    """The question with all its answers as they are labelled, or as they are not: K counts questions."""
    answers = row["answers"]
    if not all(answer for answer, _ in answers):
        return None
    lines = ["".join(labelled([answer])[label != turned] for answer, label in answers) for turned in (False, True)]
    asked = f"{row['paragraph'].strip()}\n\n{row['question'].strip()}"
    return Choice(id=name, context=asked, options=tuple(lines), gold=0)


def record_question(row: Row, name: str) -> Choice | None:
    """News, its highlights, and one more with a name left out. Columns of the hub: passage, query, entities, answers.

    Other spellings of the right entity are no options, so that one option is right (figure G.6); options are sorted, so
    that their order tells nothing.
    """
    passage, _, highlights = field(row, "passage", name).partition(HIGHLIGHT)
    lines = "".join(f"\n- {line.strip()}" for line in highlights.split(HIGHLIGHT) if line.strip())
    answers, query = field(row, "answers", name), field(row, "query", name).strip()
    if not passage.strip() or not answers or PLACEHOLDER not in query:
        return None
    entities = sorted({answers[0], *field(row, "entities", name)} - set(answers[1:]) | {answers[0]})
    if len(entities) < 2 or not all(entity.strip() for entity in entities):
        return None
    options = tuple(f"\n- {query.replace(PLACEHOLDER, entity)}" for entity in entities)
    context = f"{passage.strip()}\n{lines}".rstrip()
    return Choice(id=name, context=context, options=options, gold=entities.index(answers[0]))
