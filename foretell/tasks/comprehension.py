"""Questions about a passage (Brown et al. 2020, section 3.6, figures G.1, G.3, G.18, G.20, G.25, G.28, G.29).

    squad, squad_v2   Title: ...\\n\\nBackground: <passage>\\n\\nQ: ...\\n\\nA:
    coqa              <passage>\\n\\nQ: ...\\n\\nA:
    quac              TITLE: <page> - <section>\\nPARAGRAPH: <passage>\\n\\nQ: ...\\n\\nA:
    race_h, race_m    Article:\\n<passage>\\n\\nQ: ...\\n\\nA:          options, normalised by P(option | A:)
    drop              Passage: ...\\nQuestion: ...\\nAnswer:
    boolq             <passage>\\nquestion: ...?\\nanswer:             yes, no
    pubmedqa          Context: ...\\nQuestion: ...\\nAnswer:           yes, no, maybe; not in the paper
    drop_prompts      the prompts of Ouyang et al. 2022, with {context, ref_text}; answers are parted by `|`
    fr_en_prompts     the same; French sentences, BLEU

In the figures of SQuAD, CoQA and RACE the earlier questions about the passage stand before the last one with their
answers; so they do here, and in QuAC, whose figure shows a first
question. They are no demonstrations: K counts others. The model's answers are not among them, the right ones are.
"""

from functools import partial
from typing import Any

from foretell.tasks import passages
from foretell.tasks.item import Choice, Free
from foretell.tasks.options import choice, free, listed_options, place
from foretell.tasks.source import Hub, Row, Source, field
from foretell.tasks.splits import Build, Flat, Split, questions
from foretell.tasks.task import Questions, Task

FAMILY = "comprehension"
YES_NO_MAYBE = ("yes", "no", "maybe")


def after_passage(opening: str, row: Row) -> str:
    """The passage's opening, the earlier questions with their answers, and the question."""
    turns = "".join(f"\n\nQ: {question}\n\nA: {answer}" for question, answer in row["before"])
    return f"{opening}{turns}\n\nQ: {row['question'].strip()}\n\nA:"


def squad_question(row: Row, name: str) -> Free | None:
    """A question about a paragraph of an article (figure G.28)."""
    opening = f"Title: {row['title']}\n\nBackground: {row['passage'].strip()}"
    return free(name, after_passage(opening, row), row["texts"])


def coqa_question(row: Row, name: str) -> Free | None:
    """A turn of a conversation about a story (figure G.18)."""
    return free(name, after_passage(row["passage"].strip(), row), row["texts"])


def quac_question(row: Row, name: str) -> Free | None:
    """A turn of a conversation about a section of Wikipedia (figure G.25)."""
    opening = f"TITLE: {row['title']}\nPARAGRAPH: {row['passage'].strip()}"
    return free(name, after_passage(opening, row), row["texts"])


def race_question(row: Row, name: str) -> Choice | None:
    """A question of an English examination in China (figures G.1 and G.3)."""
    opening = f"Article:\n{row['passage'].strip()}"
    return choice(name, after_passage(opening, row), row["options"], row["gold"])


def drop_question(row: Row, name: str) -> Free | None:
    """A question that wants counting, adding or sorting (figure G.20)."""
    context = f"Passage: {row['passage'].strip()}\nQuestion: {row['question'].strip()}\nAnswer:"
    return free(name, context, row["texts"])


def boolq_question(row: Row, name: str) -> Choice | None:
    """A question that is answered by yes or no (figure G.29). Columns of the hub: question, passage, label (1 yes)."""
    if "query" in row:
        passage, _, asked = row["query"].rpartition("\nQuestion:")
        gold = place(field(row, "choices", name)[field(row, "gold", name)], ("no", "yes"), name)
    else:
        passage, asked = (field(row, part, name) for part in ("passage", "question"))
        gold = int(field(row, "label", name))
    passage, asked = passage.removeprefix("Passage:").strip(), asked.strip().removesuffix("?")
    context = f"{passage}\nquestion: {asked}?\nanswer:" if passage and asked else ""
    return choice(name, context, ("no", "yes"), gold)


def pubmed_question(row: Row, name: str) -> Choice | None:
    """A question about an abstract. Columns of the hub: question, context {labels, contexts}, final_decision."""
    if "continuation" in row:
        context, _ = listed_options(field(row, "context", name), name)
        return choice(name, context, YES_NO_MAYBE, place(row["continuation"].strip(), YES_NO_MAYBE, name))
    told = field(row, "context", name)
    parts = "\n".join(f"{label}. {text}" for label, text in zip(told["labels"], told["contexts"], strict=True))
    context = f"Context: {parts}\nQuestion: {field(row, 'question', name).strip()}\nAnswer:"
    return choice(name, context, YES_NO_MAYBE, place(field(row, "final_decision", name), YES_NO_MAYBE, name))


def prompt_question(row: Row, name: str) -> Free | None:
    """A prompt as it is written, with its answers parted by `|`."""
    return free(name, field(row, "context", name), field(row, "ref_text", name).split("|"))


def french_question(row: Row, name: str) -> Free | None:
    """A prompt `French: ...\\nEnglish:` with its translation; a model that copies answers in French."""
    context = field(row, "context", name)
    french = context.strip().removeprefix("French:").removesuffix("English:").strip()
    return free(name, context, [field(row, "ref_text", name)], source=french)


def passage_of(row: Row) -> str:
    """The passage of a row, of which no other question is shown; none where it has no questions of its own."""
    whole = row.get("query") or row.get("context")
    return str(row.get("passage") or (whole.rpartition("\nQuestion:")[0] if isinstance(whole, str) else ""))


def load(source: Source, *, name: str, build: Build, files: tuple[str, ...], hub: Hub | None, flat: Flat) -> Questions:
    """The questions of a set; those of one passage are not shown for one another."""
    training = None if hub is None else Hub(dataset=hub.dataset, config=hub.config, split="train")
    shown = Split(files=tuple(f"{one}.train" for one in files), hub=training)
    return questions(source, name, build, Split(files=files, hub=hub), shown, flat=flat, kin=passage_of)


def task(
    name: str,
    about: str,
    build: Build,
    shots: int,
    hub: Hub | None,
    flat: Flat = list,
    files: tuple[str, ...] = (),
    **settings: Any,
) -> Task:
    """A task of this family, with the settings in which it differs from others."""
    loading = partial(load, name=name, build=build, files=files or (name,), hub=hub, flat=flat)
    return Task(name=name, family=FAMILY, about=about, load=loading, shots=shots, **settings)


WRITTEN: dict[str, Any] = {"metric": "f1", "max_new_tokens": 32}
DROP = {**WRITTEN, "metric": "drop_f1"}
RACE: dict[str, Any] = {"norm": "uncond", "answer_context": "A: "}
TASKS = (
    task(
        "squad_v2",
        "answers from a paragraph, or none: then `I don't know` is right (the paper does not say its words)",
        squad_question,
        16,
        Hub(dataset="rajpurkar/squad_v2"),
        passages.squad,
        ("squad_v2", "dev-v2.0"),
        **WRITTEN,
    ),
    task(
        "squad",
        "answers from a paragraph; the paper has version 2 alone",
        squad_question,
        16,
        Hub(dataset="rajpurkar/squad"),
        passages.squad,
        ("squad", "dev-v1.1", "xquad_en_squad"),
        **WRITTEN,
    ),
    task(
        "coqa",
        "a conversation about a story",
        coqa_question,
        5,
        Hub(dataset="stanfordnlp/coqa"),
        passages.coqa,
        ("coqa", "coqa-dev-v1.0"),
        **WRITTEN,
    ),
    task(
        "quac",
        "a student asks a teacher about a section; `I don't know` where the teacher cannot answer",
        quac_question,
        5,
        Hub(dataset="allenai/quac"),
        passages.quac,
        ("quac", "val_v0.2"),
        metric="f1",
        max_new_tokens=64,
    ),
    task(
        "race_h",
        "English examinations of high schools in China",
        race_question,
        10,
        Hub(dataset="ehovy/race", config="high", split="test"),
        passages.race,
        **RACE,
    ),
    task(
        "race_m",
        "English examinations of middle schools in China",
        race_question,
        10,
        Hub(dataset="ehovy/race", config="middle", split="test"),
        passages.race,
        **RACE,
    ),
    task(
        "drop",
        "counting, adding and sorting what a passage says",
        drop_question,
        20,
        Hub(dataset="ucinlp/drop"),
        passages.drop,
        ("drop", "drop_dataset_dev"),
        **DROP,
    ),
    task(
        "boolq",
        "yes or no, by a passage (SuperGLUE)",
        boolq_question,
        32,
        Hub(dataset="aps/super_glue", config="boolq"),
    ),
    task(
        "pubmedqa",
        "yes, no or maybe, by an abstract (not in the paper; K is ours)",
        pubmed_question,
        8,
        Hub(dataset="qiaojin/PubMedQA", config="pqa_labeled", split="train"),
        files=("pubmed_qa_labeled", "pubmedqa"),
    ),
    task(
        "drop_prompts",
        "DROP as Ouyang et al. 2022 prompted it (K as in DROP: they give none)",
        prompt_question,
        20,
        None,
        files=("drop_subset",),
        **DROP,
    ),
    task(
        "fr_en_prompts",
        "French to English as Ouyang et al. 2022 prompted it (K as in translation: they give none)",
        french_question,
        64,
        None,
        files=("fr_to_en",),
        metric="bleu",
        max_new_tokens=96,
    ),
)
