"""Winograd and Winogrande by partial scoring: after which noun is the rest of the sentence likelier?

    Grace was happy to trade me her sweater for my jacket. She thinks the sweater | looks dowdy on her.
    Grace was happy to trade me her sweater for my jacket. She thinks the jacket  | looks dowdy on her.

Brown et al. 2020, figures G.13 and G.14, after Trinh and Le (2018). Rows are {context_options, continuation, gold}, or
as on the hub: {text, pronoun, pronoun_loc, options, label} (Winograd), {sentence, option1, option2, answer} with `_` in
the sentence (Winogrande). Winograd has no training set: demonstrations are drawn from the same set (section 2.4).
"""

import re

from foretell.tasks.item import Partial
from foretell.tasks.options import place, spaced
from foretell.tasks.source import Hub, Row, Source, field
from foretell.tasks.splits import Split, questions
from foretell.tasks.task import Questions, Task

POSSESSIVES = ("my", "his", "her", "our", "their")  # the noun in their place takes 's; `her` is taken for one
DETERMINERS = ("The", "A", "An", "My", "His", "Her", "Our", "Their")
BEGINNING = 24  # characters in which two versions of one sentence agree


def load_winograd(source: Source) -> Questions:
    """The original schemas; demonstrations come from among them, but for the other version of the one that is asked."""
    asked = Split(files=("winograd_wsc", "winograd"), hub=Hub(dataset="winograd_wsc", config="wsc273", split="test"))
    return questions(source, "winograd", winograd_question, asked, kin=beginning)


def load_winogrande(source: Source) -> Questions:
    """Winogrande's sentences; one version is not shown for the other, where one file gives both."""
    asked = Split(files=("winogrande",), hub=Hub(dataset="allenai/winogrande", config="winogrande_xl"))
    shown = Split(
        files=("winogrande.train",), hub=Hub(dataset="allenai/winogrande", config="winogrande_xl", split="train")
    )
    return questions(source, "winogrande", winogrande_question, asked, shown, kin=beginning)


def winograd_question(row: Row, name: str) -> Partial | None:
    """A schema: the pronoun is replaced by each noun.

    Of the hub's rows: a noun in place of `his` takes 's, and a determiner within the sentence loses its capital.
    """
    if "context_options" in row:
        return two_contexts(row, name)
    text, pronoun, at = (field(row, part, name) for part in ("text", "pronoun", "pronoun_loc"))
    before, after = text[:at], text[at + len(pronoun) :]
    nouns = [in_place_of(pronoun, noun, before) for noun in field(row, "options", name)]
    return partial(name, [before + noun for noun in nouns], after, field(row, "label", name))


def winogrande_question(row: Row, name: str) -> Partial | None:
    """A sentence: the blank is filled with each noun."""
    if "context_options" in row:
        return two_contexts(row, name)
    before, _, after = field(row, "sentence", name).partition("_")
    nouns = [field(row, part, name) for part in ("option1", "option2")]
    gold = place(str(field(row, "answer", name)), ("1", "2"), name)
    return partial(name, [before + noun for noun in nouns], after, gold)


def two_contexts(row: Row, name: str) -> Partial | None:
    """The question of a row that has the contexts written out."""
    contexts, after = field(row, "context_options", name), field(row, "continuation", name)
    return partial(name, contexts, spaced(after) if after.strip() else "", field(row, "gold", name))


def partial(name: str, contexts: list[str], after: str, gold: int) -> Partial | None:
    """The question; None where a context or what follows is missing."""
    if not after.strip() or not all(context.strip() for context in contexts):
        return None
    return Partial(
        id=name, contexts=tuple(context.rstrip() for context in contexts), completion=after.rstrip(), gold=gold
    )


def in_place_of(pronoun: str, noun: str, before: str) -> str:
    """The noun as it stands where the pronoun stood."""
    first, _, rest = noun.partition(" ")
    if first in DETERMINERS and before.strip() and not re.search(r"[.!?]\s*$", before):
        noun = f"{first.lower()} {rest}"
    return f"{noun}'s" if pronoun.lower() in POSSESSIVES else noun


def beginning(row: Row) -> str:
    """What the two versions of a sentence share."""
    whole = row["context_options"][0] if "context_options" in row else row.get("sentence") or row.get("text", "")
    return str(whole)[:BEGINNING]


TASKS = (
    Task(
        name="winograd",
        family="winograd",
        about="which noun does the pronoun mean? (original Winograd schemas, partial scoring)",
        load=load_winograd,
        shots=7,
    ),
    Task(
        name="winogrande",
        family="winograd",
        about="which noun fills the blank? (adversarially filtered, partial scoring)",
        load=load_winogrande,
        shots=50,
    ),
)
