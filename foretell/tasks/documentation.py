"""Tasks made from text that nobody labelled: one for each input shape of GPT-1, and pairs for translation.

    signature_pairs      translation       a signature -> the first sentence of its documentation
    topic                classification    which package is this text from? (names of packages are taken out)
    describes            entailment        does sentence b describe signature a? (else b is of the same package)
    same_text            similarity        are two sentences from one docstring?
    which_description    multiple_choice   which of 4 sentences describes the signature?

Text without signatures gives the same tasks from its sentences: the first sentence of a passage stands for the
signature and the next one for its description; the topic is the folder, the document, or the part of it.

Labels are exactly balanced. Held-out examples are from other documents than those to train on (from other passages
where documents are few), and in `describes`, `same_text` and `which_description` a sentence is right as often as the
others are, so that its words alone tell nothing.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from foretell.corpus.documents import Document, source_hash
from foretell.corpus.jsonl import write_lines
from foretell.corpus.split import place
from foretell.errors import BadUse
from foretell.runs import whole_folder
from foretell.tasks.entries import Entry, entries, mixed

Rows = dict[str, list[dict[str, Any]]]
MOST = {"train": 6000, "val": 480}
LEAST = {"train": 32, "val": 8}
ENOUGH = "60 kB"  # of prose in which most sentences are plain
HELD_OUT = 0.15
CLASSES = 6
CHOICES = 4
SHORTEST_TEXT, LONGEST_TEXT = 80, 400  # characters of a text whose topic is asked
PAIRS_HELD_OUT, MOST_PAIRS_HELD_OUT = 0.05, 500


def signature_pairs(documents: Sequence[Document], folder: Path) -> Path:
    """The folder of translation pairs; no target sentence is in both splits."""
    found = sorted(entries(documents), key=lambda entry: place(entry.said[0]))
    n_held = min(max(round(PAIRS_HELD_OUT * len(found)), LEAST["val"]), MOST_PAIRS_HELD_OUT)
    pairs = [{"source": entry.heading, "target": entry.said[0]} for entry in found]
    card = {"name": "signatures", "shape": "translation", "about": "a signature, and the first sentence that says it"}
    return _write(folder, card, {"train": pairs[n_held:], "val": pairs[:n_held]}, documents)


def topic(documents: Sequence[Document], folder: Path) -> Path:
    """The folder of the classification task."""
    sides = {name: [e for e in side if len(e.whole) >= SHORTEST_TEXT] for name, side in _sides(documents).items()}
    classes = _topics(sides)
    rows = {name: _topic_rows(side, classes, MOST[name]) for name, side in sides.items()}
    card = {"name": "topic", "shape": "classification", "classes": classes, "about": "where a text is from"}
    return _write(folder, card, rows, documents)


def _topics(sides: dict[str, list[Entry]]) -> list[str]:
    """The groups that make the largest balanced task, at most CLASSES: each gives as much as its rarer split."""
    count, held = (Counter(entry.group for entry in sides[name]) for name in ("train", "val"))
    gives = {name: min(count[name], round(held[name] * (1 - HELD_OUT) / HELD_OUT)) for name in count}
    ranked = sorted((name for name in gives if gives[name]), key=lambda name: (-gives[name], name))
    sizes = {k: k * min(gives[ranked[k - 1]], MOST["train"] // k) for k in range(2, min(CLASSES, len(ranked)) + 1)}
    return ranked[: max(sizes, key=lambda k: (sizes[k], k), default=0)]


def _topic_rows(side: list[Entry], classes: list[str], most: int) -> list[dict[str, Any]]:
    """As many texts of each class, with the names of all classes taken out."""
    of = {name: [entry for entry in side if entry.group == name] for name in classes}
    n = min([most // max(len(classes), 1), *map(len, of.values())])
    stems = [re.escape(re.sub(r"\.\w+$", "", name)) for name in classes]
    names = re.compile(rf"[\w.]*(?:{'|'.join(stems)})[\w.]*" if classes else "$^", re.IGNORECASE)
    rows = []
    for i in range(n):
        for label, name in enumerate(classes):
            rows.append({"a": " ".join(names.sub("", of[name][i].whole[:LONGEST_TEXT]).split()), "label": label})
    return rows


def describes(documents: Sequence[Document], folder: Path) -> Path:
    """The folder of the entailment task."""
    rows = {name: _two_sided(_by_group(side), _first, MOST[name]) for name, side in _sides(documents).items()}
    card = {"name": "describes", "shape": "entailment", "classes": ["no", "yes"], "about": "does b describe a?"}
    return _write(folder, card, rows, documents)


def same_text(documents: Sequence[Document], folder: Path) -> Path:
    """The folder of the similarity task."""
    sides = {name: [one for one in side if len(one.said) > 1] for name, side in _sides(documents).items()}
    read = {one.said[1] for one in sides["train"]}  # unlike headings and first sentences, second ones repeat
    sides["val"] = [one for one in sides["val"] if one.said[1] not in read]
    rows = {name: _two_sided([side], _second, MOST[name]) for name, side in sides.items()}
    card = {"name": "same_text", "shape": "similarity", "classes": ["no", "yes"], "about": "are a, b from one text?"}
    return _write(folder, card, rows, documents)


def _first(about: Entry, other: Entry) -> tuple[str, str]:
    return about.heading, other.said[0]


def _second(about: Entry, other: Entry) -> tuple[str, str]:
    return about.said[0], other.said[1]


def _two_sided(
    groups: Sequence[Sequence[Entry]], texts: Callable[[Entry, Entry], tuple[str, str]], most: int
) -> list[dict[str, Any]]:
    """True and false pairs in turn: half of a group keep their own text, the others pass theirs on in a ring."""
    rows: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for group in groups:
        half = len(group) // 2
        if half < 2:
            continue
        for i in range(half):
            right = texts(group[i], group[i])
            wrong = texts(group[half + i], group[half + (i + 1) % half])
            rows.append(({"a": right[0], "b": right[1], "label": 1}, {"a": wrong[0], "b": wrong[1], "label": 0}))
    rows.sort(key=lambda pair: place(pair[0]["a"]))
    return [row for pair in rows[: most // 2] for row in pair]


def which_description(documents: Sequence[Document], folder: Path) -> Path:
    """The folder of the multiple-choice task."""
    rows = {name: _questions(_by_group(side), MOST[name]) for name, side in _sides(documents).items()}
    card = {
        "name": "which_description",
        "shape": "multiple_choice",
        "classes": [],
        "about": "which choice describes a?",
    }
    return _write(folder, card, rows, documents)


def _questions(groups: Sequence[Sequence[Entry]], most: int) -> list[dict[str, Any]]:
    """Each entry with its own sentence and the next three of its group's, the right one at each place in turn."""
    asked = []
    for group in groups:
        if len(group) >= CHOICES:
            asked += [[group[(i + step) % len(group)] for step in range(CHOICES)] for i in range(len(group))]
    asked.sort(key=lambda question: place(question[0].heading))
    rows = []
    for i, question in enumerate(asked[: min(most, len(asked)) // CHOICES * CHOICES]):
        label = i % CHOICES
        choices = [entry.said[0] for entry in question[1:]]
        choices.insert(label, question[0].said[0])
        rows.append({"a": question[0].heading, "choices": choices, "label": label})
    return rows


def _sides(documents: Sequence[Document]) -> dict[str, list[Entry]]:
    """The entries of each split in a mixed order: HELD_OUT of each group, whole documents of it where they fit."""
    found = mixed(entries(documents))
    held = {entry.heading for group in _by_group(found) for entry in _held_out(group)}
    return {
        "train": [entry for entry in found if entry.heading not in held],
        "val": [entry for entry in found if entry.heading in held],
    }


def _held_out(group: list[Entry]) -> list[Entry]:
    """Documents of a group, in the order of a hash, up to HELD_OUT of it; that share of its entries if none fit."""
    size = Counter(entry.document for entry in group)
    most, taken, chosen = HELD_OUT * len(group), 0, set()
    for name in sorted(size, key=lambda name: place(f"task {name}")):
        if taken + size[name] <= most:
            chosen.add(name)
            taken += size[name]
    whole = [entry for entry in group if entry.document in chosen]
    return whole if len(whole) >= most / 2 else group[: round(most)]


def _by_group(side: list[Entry]) -> list[list[Entry]]:
    """The entries of each group, in their order."""
    ordered = sorted(side, key=lambda entry: entry.group)
    return [list(group) for _, group in groupby(ordered, key=lambda entry: entry.group)]


def _write(folder: Path, card: dict[str, Any], rows: Rows, documents: Sequence[Document]) -> Path:
    """The task's folder, written whole; BadUse if the text gave too few examples."""
    for name, least in LEAST.items():
        if len(rows[name]) < least:
            raise BadUse(
                f"the text gives {len(rows[name])} examples of {card['name']} in {name}, at least {least} are needed: "
                f"give {ENOUGH} of running text or more"
            )
    labels = Counter(row.get("label") for row in rows["val"])
    n_examples = {name: len(side) for name, side in rows.items()}
    about = {**card, "n_examples": n_examples, "source": source_hash(documents)}
    if card["shape"] != "translation":
        about["n_outputs"] = len(card["classes"]) or 1
        about["majority"] = max(labels.values()) / len(rows["val"])  # what always giving one answer scores
    with whole_folder(folder) as aside:
        for name, side in rows.items():
            write_lines(aside / f"{name}.jsonl", side)
        (aside / "card.json").write_text(json.dumps(about, indent=2) + "\n")
    return folder
