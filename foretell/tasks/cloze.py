"""The end of a text that says what comes next (Brown et al. 2020, section 3.1): LAMBADA, HellaSwag, StoryCloze.

LAMBADA's last word is asked with a blank where there are demonstrations; without them the passage stands as it is. The
first word that a model writes is its answer, since what follows the plain passage ends nowhere. Its perplexity is that
of the first of `answers` after the same prompt.

HellaSwag's texts of WikiHow have marks such as [title], which are taken out: our choice, the paper shows none.
"""

import re
from functools import partial

from foretell.errors import BadUse
from foretell.tasks.item import Choice, Free
from foretell.tasks.options import option
from foretell.tasks.source import Hub, Row, Source, field, text, whole_number
from foretell.tasks.splits import Build, Split, questions
from foretell.tasks.task import Questions, Task

MARKS = re.compile(r"\s*\[(?:header|title|step|substeps)\]\s*")
LAMBADA = Hub(dataset="EleutherAI/lambada_openai", config="en", split="test")
HELLASWAG, HELLASWAG_TRAIN = Hub(dataset="Rowan/hellaswag"), Hub(dataset="Rowan/hellaswag", split="train")


def last_word(row: Row, name: str) -> Free:
    """A row {context, continuation} or {text}: the passage without its last word, which is the answer.

    A word that follows an opening quotation mark is accepted with and without it.
    """
    whole = (
        text(row, "text", name) if "text" in row else f"{text(row, 'context', name)} {text(row, 'continuation', name)}"
    )
    passage, word = cut_off(whole, name)
    accepted = dict.fromkeys((option(word), option(word.lstrip("\"'\u2018\u201c"))))
    return Free(id=name, context=f"{passage} ____. ->", answers=tuple(accepted), zero_context=passage)


def cut_off(whole: str, name: str) -> tuple[str, str]:
    """A text without its last word, and the word; BadUse where that leaves nothing."""
    *before, word = whole.rsplit(None, 1) or [""]
    if not before:
        raise BadUse(f"{name} has no word before its last one; leave the row out")
    return before[0].rstrip(), word


def activity(row: Row, name: str) -> Choice:
    """A row {activity_label, ctx, endings, label} of the hub, or {query, choices, gold}."""
    if "query" in row:
        return ready(row, name)
    context = f"{text(row, 'activity_label', name)}: {text(row, 'ctx', name)}"
    options = tuple(option(unmarked(ending)) for ending in field(row, "endings", name))
    return Choice(id=name, context=unmarked(context), options=options, gold=whole_number(row, "label", name))


def story(row: Row, name: str) -> Choice:
    """A row of four sentences and two ends, with or without capitals in its columns, or {query, choices, gold}."""
    if "query" in row:
        return ready(row, name)
    row = {key.lower().replace("_", ""): value for key, value in row.items()}
    sentences = [text(row, f"inputsentence{number}", name).strip() for number in range(1, 5)]
    prefix = "sentencequiz" if "sentencequiz1" in row else "randomfifthsentencequiz"
    ends = tuple(option(text(row, f"{prefix}{number}", name)) for number in (1, 2))
    return Choice(
        id=name, context=" ".join(sentences), options=ends, gold=whole_number(row, "answerrightending", name) - 1
    )


def ready(row: Row, name: str) -> Choice:
    """A row {query, choices, gold}."""
    options = tuple(option(unmarked(choice)) for choice in field(row, "choices", name))
    return Choice(
        id=name, context=unmarked(text(row, "query", name)), options=options, gold=whole_number(row, "gold", name)
    )


def unmarked(said: str) -> str:
    """A text without WikiHow's marks, and without spaces around it."""
    return MARKS.sub(" ", said).strip()


def load(
    name: str, files: tuple[str, ...], build: Build, hub: Hub | None, training: Hub | None, source: Source
) -> Questions:
    """The questions of one of these files, or of the hub, and what they have to train on as demonstrations."""
    shown = Split(files=tuple(f"{file}.{split}" for file in files for split in ("train", "dev")), hub=training)
    return questions(source, name, build, Split(files=files, hub=hub), shown)


TASKS: tuple[Task, ...] = (
    Task(
        name="lambada",
        family="cloze",
        about="the last word of a passage; accuracy is of that one word, as in the paper",
        load=partial(load, "lambada", ("lambada_openai", "lambada"), last_word, LAMBADA, None),
        shots=15,
        metric="first_word",
        instruction="Fill in blank:\n\n",
        zero_instruction="",
        separator="\n",
        max_new_tokens=8,
    ),
    Task(
        name="hellaswag",
        family="cloze",
        about="which of four texts goes on with an activity",
        load=partial(load, "hellaswag", ("hellaswag",), activity, HELLASWAG, HELLASWAG_TRAIN),
        shots=20,
    ),
    Task(
        name="storycloze",
        family="cloze",
        about="which of two sentences ends a story of four",
        load=partial(load, "storycloze", ("storycloze", "story_cloze"), story, None, None),
        shots=70,
    ),
)
