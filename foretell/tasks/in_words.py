"""A labelled task in words: the folders that networks are fine-tuned on, asked of a language model with demonstrations.

    classification             a, then `Answer:` and the name of a class
    entailment, similarity     a, b on the next line, then the same
    multiple_choice            a, then each choice on the next line

The words are ours; no paper asks these tasks. So one set gives both figures: trained on its examples (Radford et al.
2018) and shown a few of them (Brown et al. 2020).
"""

from pathlib import Path
from typing import Any

from foretell.corpus.examples import task_card
from foretell.corpus.jsonl import read_lines
from foretell.errors import BadUse
from foretell.tasks.item import Choice
from foretell.tasks.source import Source
from foretell.tasks.task import Questions, Task

SHOTS = 8


def in_words(folder: Path, shots: int = SHOTS) -> Task:
    """The task of a folder (train.jsonl, val.jsonl, card.json): asked on `val`, demonstrations from `train`.

    BadUse where the label is a number: no word says it.
    """
    card = task_card(folder)
    if not card["classes"] and card["shape"] != "multiple_choice":
        raise BadUse(f"{folder} has numbers as labels, which no option can name; give a task with classes or choices")

    def load(source: Source) -> Questions:
        asked, shown = ([question(row, card, f"{name}-{i}") for i, row in rows(name)] for name in ("val", "train"))
        return Questions(items=asked, pool=shown, origin=folder.name)

    def rows(name: str) -> list[tuple[int, dict[str, Any]]]:
        return list(enumerate(read_lines(folder / f"{name}.jsonl")))

    about = card.get("about", card["name"])
    return Task(name=card["name"], family="in words", about=about, load=load, shots=shots)


def question(row: dict[str, Any], card: dict[str, Any], name: str) -> Choice:
    """An example as a question with options."""
    if card["shape"] == "multiple_choice":
        return Choice(
            id=name, context=row["a"], options=tuple(f"\n{text}" for text in row["choices"]), gold=row["label"]
        )
    said = "\n".join(row[part] for part in ("a", "b") if part in row)
    options = tuple(f" {label}" for label in card["classes"])
    return Choice(id=name, context=f"{said}\nAnswer:", options=options, gold=row["label"])
