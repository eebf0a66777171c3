"""Everyday and school knowledge: which answer is likeliest? (Brown et al. 2020, section 3.6, figures G.4 to G.16)

    piqa              the goal as it is                           a solution
    arc_easy, _chall. Question: ...\\nAnswer:                      normalised by P(option | Answer:)
    openbookqa        the stem as it is                           normalised by P(option | A:)
    copa              the premise, its full stop replaced by because    the cause, with a small letter
    siqa              Context: ...\\nQuestion: ...\\nAnswer:        not in the paper; words and K are ours
    commonsense_qa    Question: ...\\nAnswer:                      not in the paper; words and K are ours

Section 2.4 gives `Answer: ` or `A: ` as answer context and does not say which task has which. ARC's ends as its prompt
does; OpenBookQA's prompt (figure G.8) ends with neither, and takes `A: `. Figure G.5 shows COPA's `because` alone; for
an effect we say `therefore`. The paper gives no number of line breaks between demonstrations: ours are two.

Files are {query, choices, gold}; {id, asks_for, premise, choices, gold} for COPA; or the hub's columns.
"""

from functools import partial

from foretell.tasks.item import Choice
from foretell.tasks.options import choice, labelled_options, listed_options, place
from foretell.tasks.source import Hub, Row, Source, field
from foretell.tasks.splits import Build, Split, questions
from foretell.tasks.task import Norm, Questions, Task

BECAUSE = {"cause": "because", "effect": "therefore"}
SUPERGLUE = "aps/super_glue"


def load(source: Source, name: str, build: Build, files: tuple[str, ...], hub: Hub) -> Questions:
    """The questions of a set whose training rows are in NAME.train, or in the hub's split `train`."""
    shown = Split(files=(f"{name}.train",), hub=Hub(dataset=hub.dataset, config=hub.config, split="train"))
    return questions(source, name, build, Split(files=files, hub=hub), shown)


def piqa_question(row: Row, name: str) -> Choice | None:
    """A goal and two ways to it. Columns of the hub: goal, sol1, sol2, label."""
    if "query" in row:
        goal = row["query"].removeprefix("Question: ").strip()
        return choice(name, goal, field(row, "choices", name), field(row, "gold", name))
    solutions = [field(row, part, name) for part in ("sol1", "sol2")]
    return choice(name, field(row, "goal", name), solutions, field(row, "label", name))


def arc_question(row: Row, name: str) -> Choice | None:
    """A question with its label. Columns of the hub: question, choices {text, label}, answerKey."""
    if "query" in row:
        asked, options, gold = row["query"].strip(), field(row, "choices", name), field(row, "gold", name)
        return choice(name, f"{asked}\nAnswer:" if asked else "", options, gold)
    options, gold = labelled_options(row, name)
    asked = field(row, "question", name).strip()
    return choice(name, f"Question: {asked}\nAnswer:" if asked else "", options, gold)


def openbook_question(row: Row, name: str) -> Choice | None:
    """A stem and its completions. Columns of the hub: question_stem, choices {text, label}, answerKey."""
    if "query" in row:
        return choice(name, row["query"], field(row, "choices", name), field(row, "gold", name))
    options, gold = labelled_options(row, name)
    return choice(name, field(row, "question_stem", name), options, gold)


def siqa_question(row: Row, name: str) -> Choice | None:
    """A situation and a question. Columns of the hub: context, question, answerA, answerB, answerC, label 1 to 3."""
    if "query" in row:
        asked, options = listed_options(row["query"], name)
        return choice(name, asked, options, field(row, "gold", name))
    options = [field(row, f"answer{letter}", name) for letter in "ABC"]
    context, question = (field(row, part, name).strip() for part in ("context", "question"))
    asked = f"Context: {context}\nQuestion: {question}\nAnswer:" if context and question else ""
    return choice(name, asked, options, place(str(field(row, "label", name)), ("1", "2", "3"), name))


def commonsense_question(row: Row, name: str) -> Choice | None:
    """A question with its label. Columns of the hub: question, choices {text, label}, answerKey."""
    if "query" in row:
        asked, options = listed_options(row["query"], name)
        return choice(name, asked, options, field(row, "gold", name))
    return arc_question(row, name)


def copa_question(row: Row, name: str) -> Choice | None:
    """A premise and two causes or effects. Columns of the hub: premise, question (cause, effect), choice1, choice2,
    label.
    """
    ours = "asks_for" in row
    asks_for = field(row, "asks_for" if ours else "question", name)
    options = field(row, "choices", name) if ours else [field(row, part, name) for part in ("choice1", "choice2")]
    premise = field(row, "premise", name).strip().removesuffix(".")
    joint = list(BECAUSE.values())[place(asks_for, tuple(BECAUSE), name)]
    small = [text.strip()[:1].lower() + text.strip()[1:] for text in options]
    return choice(name, f"{premise} {joint}" if premise else "", small, field(row, "gold" if ours else "label", name))


def task(
    name: str, about: str, build: Build, shots: int, hub: Hub, files: tuple[str, ...] = (), answer_context: str = ""
) -> Task:
    """A task of this family; with an answer context its options are normalised by their probability after it."""
    loading = partial(load, name=name, build=build, files=files or (name,), hub=hub)
    norm: Norm = "uncond" if answer_context else "token"
    return Task(
        name=name, family="common_sense", about=about, load=loading, shots=shots, norm=norm,
        answer_context=answer_context,
    )  # fmt: skip


TASKS = (
    task("piqa", "how is it done? two ways to a goal", piqa_question, 50, Hub(dataset="ybisk/piqa")),
    task(
        "arc_easy",
        "school science, the easy part",
        arc_question,
        50,
        Hub(dataset="allenai/ai2_arc", config="ARC-Easy", split="test"),
        answer_context="Answer: ",
    ),
    task(
        "arc_challenge",
        "school science, what simple methods got wrong",
        arc_question,
        50,
        Hub(dataset="allenai/ai2_arc", config="ARC-Challenge", split="test"),
        answer_context="Answer: ",
    ),
    task(
        "openbookqa",
        "elementary science with everyday knowledge",
        openbook_question,
        100,
        Hub(dataset="allenai/openbookqa", config="main", split="test"),
        files=("openbook_qa", "openbookqa"),
        answer_context="A: ",
    ),
    task(
        "copa",
        "which cause, which effect? (SuperGLUE)",
        copa_question,
        32,
        Hub(dataset=SUPERGLUE, config="copa"),
        files=("copa.dev", "copa"),
    ),
    task(
        "siqa",
        "why, and what next, among people? (not in the paper)",
        siqa_question,
        32,
        Hub(dataset="allenai/social_i_qa"),
    ),
    task(
        "commonsense_qa",
        "everyday concepts (not in the paper)",
        commonsense_question,
        32,
        Hub(dataset="tau/commonsense_qa"),
    ),
)
