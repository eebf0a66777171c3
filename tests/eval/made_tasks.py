"""A task of each kind of question, with questions that differ enough for random models to disagree about."""

from foretell.tasks.item import Choice, Free, Partial
from foretell.tasks.task import Questions, Task

WORDS = ["key", "value", "error", "default", "none", "list", "number"]
TEXTS = ["Return the value of the key, or the default if the key is not there. " * 3, "Raise an error " * 9] * 4


def word(i):
    return WORDS[i % len(WORDS)]


CHOICES = [
    Choice(
        id=f"choice{i}",
        context=f"Return the {word(i)} {i}:",
        options=(f" {word(i + 2)} there", f" {word(i + 1)}", f" the {word(i + 3)} of caf\u00e9"),
        gold=i % 3,
    )
    for i in range(14)
]
PARTIALS = [
    Partial(
        id=f"partial{i}",
        contexts=(f"The {word(i)} was {i}, because the key", f"The {word(i)} was {i}, because {word(i + 1)}"),
        completion=" is not there.",
        gold=i % 2,
    )
    for i in range(9)
]
FREE = [
    Free(
        id=f"free{i}",
        context=f"Q: {i} plus 1?\n\nA:",
        answers=(f" {i + 1}", f"{i + 1}!"),
        zero_context=f"What is {i} plus 1?",
    )
    for i in range(9)
]


def loaded(items, n):
    """A loader that gives the first n as questions and the rest as demonstrations."""
    return lambda source: Questions(items=items[:n], pool=items[n:], origin="made")


PICK = Task(
    name="pick",
    family="made",
    about="Which?",
    load=loaded(CHOICES, 8),
    shots=2,
    instruction="Pick {{one}} of\u2028these.\n\n",
    zero_instruction="Pick: ",
)
FIT = Task(name="fit", family="made", about="Where?", load=loaded(PARTIALS, 9), shots=2, separator="\n")
ADD = Task(
    name="add",
    family="made",
    about="What?",
    load=loaded(FREE, 5),
    shots=2,
    metric="exact_match",
    stop=("h", "k"),
    max_new_tokens=8,
    beam=1,
)
