"""SuperGLUE and inference between two texts (Brown et al. 2020, sections 3.7, 3.8, figures G.2, G.6, G.7, G.10, G.15,
G.30 to G.33). BoolQ is in comprehension, COPA in common_sense.

    rte       <premise>\\nquestion: <hypothesis> True or False?\\nanswer:
    cb        <premise>\\nquestion: <hypothesis> true, false, or neither?\\nanswer:
    anli_r1   anli 1: <premise>\\nQuestion: <hypothesis> True, False, or Neither?     (the figures say `anli 1: ` twice)
    wic       <two lines>\\nquestion: Is the word `w` used in the same way in the two sentences above?\\nanswer:
    wsc       the instruction of an examination, the passage with the *pronoun* marked; the noun is written, not chosen
    multirc   the passage, the question; each answer is labelled `- [True] ...` or `- [False] ...`
    record    the passage with its highlights as `- ...`; each entity is tried in the last one
    qnli, sick, mrpc   not in the paper; words and K are ours

Labels of the hub are numbers, those of files words; both are read.
"""

from functools import partial
from typing import Any

from foretell.tasks.item import Choice
from foretell.tasks.options import Names, choice, meant
from foretell.tasks.source import Hub, Row, Source, field
from foretell.tasks.splits import Build, Flat, Split, questions
from foretell.tasks.superglue import (
    ANSWER_KEY,
    EXAM,
    multirc_questions,
    multirc_rows,
    multirc_shown,
    record_question,
    wic_question,
    wsc_question,
)
from foretell.tasks.task import Questions, Task

FAMILY = "entailment"
SUPERGLUE = "aps/super_glue"

ENTAILED_OR_NOT: Names = ((0, "0", "entailment"), (1, "1", "not_entailment"))
SICK_LABELS: Names = ((0, "entailment"), (2, "contradiction"), (1, "neutral"))
CB_LABELS: Names = ((0, "entailment"), (1, "contradiction"), (2, "neutral"))
ANLI_LABELS: Names = ((0, "e", "entailment"), (2, "c", "contradiction"), (1, "n", "neutral"))


def pair_question(
    row: Row, name: str, *, parts: tuple[str, str], template: str, options: tuple[str, ...], names: Names
) -> Choice | None:
    """Two texts in a template, and words for the labels. None where a text is missing."""
    first, second = (field(row, part, name).strip() for part in parts)
    context = template.format(first, second) if first and second else ""
    return choice(name, context, options, meant(row, names, name))


def sick_question(row: Row, name: str) -> Choice | None:
    """Two descriptions without full stops, which we add. Columns of the hub: sentence_A, sentence_B, label."""
    columns = ("sentence1", "sentence2") if "sentence1" in row else ("sentence_A", "sentence_B")
    one, other = (field(row, part, name).strip().removesuffix(".").strip() for part in columns)
    context = f"{one}.\nquestion: {other}. true, false, or neither?\nanswer:" if one and other else ""
    return choice(name, context, ("true", "false", "neither"), meant(row, SICK_LABELS, name))


def load(
    source: Source,
    *,
    name: str,
    build: Build,
    asked: Split,
    shown: Split,
    flat: Flat,
    build_shown: Build | None,
    kin: str,
    why: str,
) -> Questions:
    """The questions of a set; those with the same text in the column `kin` are not shown for one another."""
    shared = (lambda row: row.get(kin)) if kin else None
    return questions(source, name, build, asked, shown, flat=flat, kin=shared, build_shown=build_shown, why=why)


def task(
    name: str,
    about: str,
    build: Build,
    shots: int,
    hub: Hub,
    *,
    files: tuple[str, ...] = (),
    train: tuple[str, ...] = (),
    train_split: str = "train",
    flat: Flat = list,
    build_shown: Build | None = None,
    kin: str = "",
    why: str = "without text",
    **settings: Any,
) -> Task:
    """A task of this family, with the settings in which it differs from others."""
    loading = partial(
        load,
        name=name,
        build=build,
        asked=Split(files=files or (name,), hub=hub),
        shown=Split(
            files=train or (f"{name}.train",), hub=Hub(dataset=hub.dataset, config=hub.config, split=train_split)
        ),
        flat=flat,
        build_shown=build_shown,
        kin=kin,
        why=why,
    )
    return Task(name=name, family=FAMILY, about=about, load=loading, shots=shots, **settings)


def pair(parts: tuple[str, str], template: str, options: tuple[str, ...], names: Names) -> Build:
    """What makes a question of two texts and a label."""
    return partial(pair_question, parts=parts, template=template, options=options, names=names)


PREMISE = ("premise", "hypothesis")
CB = pair(PREMISE, "{}\nquestion: {} true, false, or neither?\nanswer:", ("true", "false", "neither"), CB_LABELS)


def anli(number: int) -> Task:
    """A round of adversarial inference (figures G.2, G.7, G.10). Labels 0, 1, 2: entailed, neutral, contradicted."""
    build = pair(
        PREMISE,
        f"anli {number}: {{}}\nQuestion: {{}} True, False, or Neither?",
        ("True", "False", "Neither"),
        ANLI_LABELS,
    )
    hub = Hub(dataset="facebook/anli", split=f"test_r{number}")
    about = f"does it follow? round {number} of questions that models got wrong"
    return task(f"anli_r{number}", about, build, 50, hub, train_split=f"train_r{number}", kin="premise")


TASKS = (
    task(
        "cb",
        "does the speaker believe it? (accuracy)",
        CB,
        32,
        Hub(dataset=SUPERGLUE, config="cb"),
    ),
    task(
        "cb_f1",
        "does the speaker believe it? (mean F1 of the three classes)",
        CB,
        32,
        Hub(dataset=SUPERGLUE, config="cb"),
        files=("cb",),
        train=("cb.train",),
        metric="f1_macro",
    ),
    task(
        "rte",
        "does it follow?",
        pair(PREMISE, "{}\nquestion: {} True or False?\nanswer:", ("True", "False"), ENTAILED_OR_NOT),
        32,
        Hub(dataset=SUPERGLUE, config="rte"),
        files=("rte", "rte.dev", "rte.train"),
        kin="premise",
    ),
    task("wic", "is a word used in the same sense?", wic_question, 32, Hub(dataset=SUPERGLUE, config="wic")),
    task(
        "wsc",
        "what does the marked pronoun mean? (the noun is written)",
        wsc_question,
        32,
        Hub(dataset=SUPERGLUE, config="wsc.fixed"),
        kin="text",
        why="without a right noun",
        metric="exact_match",
        instruction=EXAM,
    ),
    task(
        "multirc",
        "which answers are true? a question is right if all its answers are",
        multirc_questions,
        32,
        Hub(dataset=SUPERGLUE, config="multirc"),
        flat=multirc_rows,
        build_shown=multirc_shown,
        kin="paragraph",
        metric="group_accuracy",
        instruction=ANSWER_KEY,
    ),
    task(
        "record",
        "which entity is left out of the summary? (accuracy; other spellings of it are no options)",
        record_question,
        32,
        Hub(dataset=SUPERGLUE, config="record"),
        kin="passage",
    ),
    anli(1),
    anli(2),
    anli(3),
    task(
        "qnli",
        "does the sentence answer the question? (not in the paper)",
        pair(
            ("sentence", "question"),
            "{}\nquestion: {} Is this answered above?\nanswer:",
            ("no", "yes"),
            ((1, "not_entailment"), (0, "entailment")),
        ),
        32,
        Hub(dataset="nyu-mll/glue", config="qnli"),
        kin="sentence",
    ),
    task(
        "sick",
        "does it follow? simple descriptions (not in the paper)",
        sick_question,
        32,
        Hub(dataset="RobZamp/sick", split="test"),
        files=("sick", "sick.trial"),
    ),
    task(
        "mrpc",
        "do two sentences say the same? (not in the paper)",
        pair(
            ("sentence1", "sentence2"),
            "{}\n{}\nquestion: Do the two sentences above mean the same?\nanswer:",
            ("no", "yes"),
            ((0, "0", "not_equivalent"), (1, "1", "equivalent")),
        ),
        32,
        Hub(dataset="nyu-mll/glue", config="mrpc"),
        files=("mrpc", "mrpc.val"),
    ),
)
