"""SuperGLUE and inference between two texts (Brown et al. 2020, sections 3.7, 3.8, figures G.2, G.6, G.7, G.10, G.15,
G.30 to G.33). BoolQ is in comprehension, COPA in common_sense.

    rte       <premise>\\nquestion: <hypothesis> True or False?\\nanswer:
    cb        <premise>\\nquestion: <hypothesis> true, false, or neither?\\nanswer:
    anli_r1   anli 1: <premise>\\nQuestion: <hypothesis> True, False, or Neither?     (the figures say `anli 1: ` twice)
    wic       <two lines>\\nquestion: Is the word `w` used in the same way in the two sentences above?\\nanswer:
    wsc       the instruction of an examination, the passage with the *pronoun* marked; the noun is written, not chosen
    multirc   the passage, the question; each answer is labelled `- [True] ...` or `- [False] ...`
    record    the passage with its highlights as `- ...`; each entity is tried in the last one
    qnli, sick, mrpc   not in the paper; the words are ours

Labels of the hub are numbers, those of files words; both are read.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from foretell.errors import BadUse
from foretell.tasks.item import Choice, Free
from foretell.tasks.options import choice, free, place
from foretell.tasks.source import Hub, Row, Source, field
from foretell.tasks.splits import Build, Flat, Split, questions
from foretell.tasks.task import Questions, Task

FAMILY = "entailment"
SUPERGLUE = "aps/super_glue"
EXAM = (
    "Final Exam with Answer Key\nInstructions: Please carefully read the following passages. For each passage, you "
    "must identify which noun the pronoun marked in *bold* refers to.\n=====\n"
)
ANSWER_KEY = "READING COMPREHENSION ANSWER KEY\n\n"
HIGHLIGHT = "@highlight"
PLACEHOLDER = "@placeholder"
Names = Sequence[Sequence[Any]]
"""for each option, the labels that mean it"""

ENTAILED_OR_NOT: Names = ((0, "0", "entailment"), (1, "1", "not_entailment"))
SICK_LABELS: Names = ((0, "entailment"), (2, "contradiction"), (1, "neutral"))
CB_LABELS: Names = ((0, "entailment"), (1, "contradiction"), (2, "neutral"))
ANLI_LABELS: Names = ((0, "e", "entailment"), (2, "c", "contradiction"), (1, "n", "neutral"))
NO_OR_YES: Names = ((0, "0", "not_entailment"), (1, "1", "entailment"))


def meant(row: Row, names: Names, at: str) -> int:
    """The option that a row's label means; letters may be large. BadUse where it means none."""
    label = field(row, "label", at)
    label = label.lower() if isinstance(label, str) else label
    known = [name for some in names for name in some]
    found = known[place(label, known, at)]
    return next(i for i, some in enumerate(names) if found in some)


def pair_question(
    row: Row, name: str, *, parts: tuple[str, str], template: str, options: tuple[str, ...], names: Names
) -> Choice | None:
    """Two texts in a template, and words for the labels. None where a text is missing."""
    first, second = (field(row, part, name).strip() for part in parts)
    context = template.format(first, second) if first and second else ""
    return choice(name, context, options, meant(row, names, name))


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
    """The text with *stars* around the pronoun, which is word number `at`. BadUse if it is not there."""
    words = text.split(" ")
    word = words[at] if 0 <= at < len(words) else ""
    if pronoun not in word:
        raise BadUse(f"{name} has the word {word!r} at place {at}, not {pronoun!r}; mend span2_index or the text")
    return " ".join([*words[:at], word.replace(pronoun, f"*{pronoun}*", 1), *words[at + 1 :]])


def sick_question(row: Row, name: str) -> Choice | None:
    """Two descriptions without full stops, which we add. Columns of the hub: sentence_A, sentence_B, label."""
    columns = ("sentence1", "sentence2") if "sentence1" in row else ("sentence_A", "sentence_B")
    one, other = (field(row, part, name).strip().removesuffix(".").strip() for part in columns)
    context = f"{one}.\nquestion: {other}. true, false, or neither?\nanswer:" if one and other else ""
    return choice(name, context, ("true", "false", "neither"), meant(row, SICK_LABELS, name))


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

    Other spellings of the right entity are no options, so that one option is right (figure G.6).
    """
    passage, _, highlights = field(row, "passage", name).partition(HIGHLIGHT)
    lines = "".join(f"\n- {line.strip()}" for line in highlights.split(HIGHLIGHT) if line.strip())
    answers = field(row, "answers", name)
    entities = [entity for entity in dict.fromkeys(field(row, "entities", name)) if entity not in answers]
    query = field(row, "query", name).strip()
    if not passage.strip() or not answers or not entities or PLACEHOLDER not in query:
        return None
    options = tuple(f"\n- {query.replace(PLACEHOLDER, entity)}" for entity in (answers[0], *entities))
    return Choice(id=name, context=f"{passage.strip()}\n{lines}".rstrip(), options=options, gold=0)


def load(
    source: Source,
    *,
    name: str,
    build: Build,
    asked: Split,
    shown: Split,
    flat: Flat,
    build_shown: Build | None,
    together: str,
    why: str,
) -> Questions:
    """The questions of a set; those with the same text in `together` are not parted."""
    key = (lambda row: row.get(together)) if together else None
    return questions(source, name, build, asked, shown, flat=flat, together=key, build_shown=build_shown, why=why)


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
    together: str = "",
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
        together=together,
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
    return task(f"anli_r{number}", about, build, 50, hub, train_split=f"train_r{number}", together="premise")


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
        together="premise",
    ),
    task("wic", "is a word used in the same sense?", wic_question, 32, Hub(dataset=SUPERGLUE, config="wic")),
    task(
        "wsc",
        "what does the marked pronoun mean? (the noun is written)",
        wsc_question,
        32,
        Hub(dataset=SUPERGLUE, config="wsc.fixed"),
        together="text",
        why="that say what the pronoun does not mean",
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
        together="paragraph",
        metric="group_accuracy",
        instruction=ANSWER_KEY,
    ),
    task(
        "record",
        "which entity is left out of the summary? (accuracy; other spellings of it are no options)",
        record_question,
        32,
        Hub(dataset=SUPERGLUE, config="record"),
        together="passage",
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
        together="sentence",
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
