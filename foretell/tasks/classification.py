"""One text, one of a few labels with a meaning (Brown et al. 2020, section 2.4: True and False rather than 1 and 0).

    sst2, mr, cr      Review: ...\\nSentiment:        negative, positive
    sst5              Review: ...\\nSentiment:        very negative to very positive
    trec              Question: ...\\nAnswer type:    description, entity, abbreviation, person, place, number
    subj              Sentence: ...\\nKind:           subjective, objective
    cola              Sentence: ...\\nGrammar:        wrong, right

The paper asks none of these sets: their words and their K, that of SuperGLUE, are ours. Files are {text, label}; on the
hub the text is `sentence` in sst2 and cola, and trec and subj number their labels in another order.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from foretell.tasks.item import Choice
from foretell.tasks.options import choice, place
from foretell.tasks.source import Hub, Row, Source, field
from foretell.tasks.splits import Split, questions
from foretell.tasks.task import Questions, Task

SHOTS = 32
POLARITY = {0: "negative", 1: "positive"}
FIVE = {0: "very negative", 1: "negative", 2: "neutral", 3: "positive", 4: "very positive"}
KINDS = {0: "description", 1: "entity", 2: "abbreviation", 3: "person", 4: "place", 5: "number"}
KINDS_OF_HUB = {0: "abbreviation", 1: "entity", 2: "description", 3: "person", 4: "place", 5: "number"}
VIEWS = {0: "subjective", 1: "objective"}
GRAMMAR = {0: "wrong", 1: "right"}

Words = Mapping[Any, str]


def text_question(row: Row, name: str, *, before: str, after: str, words: Words, of_hub: Words) -> Choice | None:
    """A text between two words, and the words for its labels."""
    text = field(row, "text" if "text" in row else "sentence", name).strip()
    context = f"{before} {text}\n{after}" if text else ""
    return choice(name, context, tuple(words.values()), gold(row, name, words, of_hub))


def gold(row: Row, name: str, words: Words, of_hub: Words) -> int:
    """The place of a row's label among the words; columns of the hub that tell more go first."""
    if "label_text" in row:
        said = row["label_text"]
    elif "coarse_label" in row:
        said = of_hub[place(row["coarse_label"], list(of_hub), name)]
    else:
        said = words[place(field(row, "label", name), list(words), name)]
    return place(said, list(words.values()), name)


def load(source: Source, *, name: str, build: partial[Choice | None], asked: Split, shown: Split) -> Questions:
    """The questions of a set, and its examples to train on as demonstrations."""
    return questions(source, name, build, asked, shown)


def task(
    name: str,
    about: str,
    said: tuple[str, str],
    words: Words,
    hub: Hub | None,
    files: Sequence[str] = (),
    train: Sequence[str] = (),
    of_hub: Words | None = None,
) -> Task:
    """A task of this family."""
    build = partial(text_question, before=said[0], after=said[1], words=words, of_hub=of_hub or words)
    training = None if hub is None else Hub(dataset=hub.dataset, config=hub.config, split="train")
    loading = partial(
        load,
        name=name,
        build=build,
        asked=Split(files=tuple(files) or (f"{name}.dev", name), hub=hub),
        shown=Split(files=tuple(train) or (f"{name}.train",), hub=training),
    )
    return Task(name=name, family="classification", about=f"{about} (the words are ours)", load=loading, shots=SHOTS)


REVIEW = ("Review:", "Sentiment:")
SENTENCE = ("Sentence:", "Grammar:")
TASKS = (
    task("sst2", "is a film review good or bad?", REVIEW, POLARITY, Hub(dataset="stanfordnlp/sst2")),
    task("sst5", "how good is a film review, of five?", REVIEW, FIVE, Hub(dataset="SetFit/sst5")),
    task("mr", "is a film review good or bad? (Pang and Lee)", REVIEW, POLARITY, None, ("mr",)),
    task("cr", "is a customer's review good or bad?", REVIEW, POLARITY, None, ("cr",)),
    task(
        "trec",
        "what kind of answer does a question want?",
        ("Question:", "Answer type:"),
        KINDS,
        Hub(dataset="CogComp/trec", split="test"),
        ("trec.test", "trec", "trec.train"),
        of_hub=KINDS_OF_HUB,
    ),
    task(
        "subj",
        "an opinion or a fact?",
        ("Sentence:", "Kind:"),
        VIEWS,
        Hub(dataset="SetFit/subj", split="test"),
        ("subj",),
    ),
    task(
        "cola",
        "is a sentence grammatical? accuracy, where Warstadt et al. give Matthews correlation",
        SENTENCE,
        GRAMMAR,
        Hub(dataset="nyu-mll/glue", config="cola"),
        ("cola.in_domain_dev", "cola"),
        ("cola.in_domain_train", "cola.train"),
    ),
)
