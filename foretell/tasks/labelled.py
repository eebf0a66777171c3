"""Real sets as task folders: train.jsonl, val.jsonl and card.json, as the examples of fine-tuning are read.

Where a set comes with two splits they are kept, and what is trained on leaves out whole examples that are held out too.
A set of one file is split here by a hash of its texts: examples that share a text, however they are linked, are on the
same side, so that no text is on both. In a question with choices the text is the question.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretell.corpus.jsonl import write_lines
from foretell.corpus.split import place
from foretell.errors import BadUse
from foretell.runs import whole_folder
from foretell.tasks.labelled_rows import Example
from foretell.tasks.labelled_sets import Labelled, labelled
from foretell.tasks.source import Hub, Row, Source, found, rows

HELD_OUT = 0.2  # of a set that comes in one file
LEAST = 4  # examples of a split


def task_folder(name: str, source: Source, into: Path) -> Path:
    """The folder of a set, made in `into` from the user's files or the hub unless it is there.

    Its name ends in a hash of its content: changed files make another folder. BadUse for an unknown set, a row that is
    wrong, or too few examples; NoData if the files are nowhere.
    """
    wanted = labelled(name)
    sides, origin = both_sides(wanted, source)
    sides, dropped = usable(wanted, sides)
    for split, side in sides.items():
        if len(side) < LEAST:
            raise BadUse(f"{origin} gives {len(side)} examples of {name} in {split}; at least {LEAST} are needed")
    card = card_of(wanted, sides, origin, dropped)
    folder = into / f"{name}-{card['source'][:8]}"
    if not (folder / "card.json").exists():
        with whole_folder(folder) as aside:
            for split, side in sides.items():
                write_lines(aside / f"{split}.jsonl", side)
            (aside / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    return folder


def both_sides(wanted: Labelled, source: Source) -> tuple[dict[str, list[Example]], str]:
    """The examples to train on and those held out, and the names of the files that they are from."""
    stem = wanted.file or wanted.name
    held = present(source, [f"{stem}.{end}" for end in wanted.held])
    whole = present(source, [*(f"{stem}.{end}" for end in wanted.train), stem])
    if not whole and not held and wanted.hub is not None and source.online:
        other = Hub(dataset=wanted.hub.dataset, config=wanted.hub.config, split=wanted.hub_held)
        train, origin = rows(source, f"{stem}.train", wanted.hub)
        val, _ = rows(source, f"{stem}.{wanted.hub_held}", other)
        sides = {"train": examples(wanted, train, origin), "val": examples(wanted, val, str(other))}
        return without_copies(sides), origin
    if whole and held:
        read = {name: rows(source, file) for name, file in (("train", whole), ("val", held))}
        sides = {name: examples(wanted, found, origin) for name, (found, origin) in read.items()}
        return without_copies(sides), " and ".join(origin for _, origin in read.values())
    one, origin = rows(source, whole or held or f"{stem}.train", wanted.hub)  # NoData where there is neither
    return split(examples(wanted, one, origin)), origin


def present(source: Source, names: Sequence[str]) -> str:
    """The first of the names under which there is a file; empty if there is none."""
    return next((name for name in names if found(source, name) is not None), "")


def examples(wanted: Labelled, rows: Sequence[Row], origin: str) -> list[Example]:
    """The examples of a file's rows that have a label."""
    return [one for n, row in enumerate(rows, 1) for one in wanted.read(row, f"{origin}, row {n}")]


def texts(example: Example) -> list[str]:
    """What must not be on both sides, without regard to case and spaces."""
    return [" ".join(example[name].lower().split()) for name in ("a", "b") if name in example]


def without_copies(sides: dict[str, list[Example]]) -> dict[str, list[Example]]:
    """The two sides, less what is to be trained on and has all its texts, in either order, in an example held out."""
    held = {whole(one) for one in sides["val"]}
    return {"train": [one for one in sides["train"] if whole(one) not in held], "val": sides["val"]}


def whole(example: Example) -> tuple[str, ...]:
    """All texts of an example, choices too, in an order of their own."""
    return tuple(sorted([*texts(example), *(" ".join(c.lower().split()) for c in example.get("choices", ()))]))


def split(found: Sequence[Example]) -> dict[str, list[Example]]:
    """The examples with a hash below HELD_OUT held out; those that share texts have the least of their hashes."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for example in found:
        for other in texts(example):
            one, two = root(texts(example)[0]), root(other)
            parent[max(one, two)] = min(one, two)
    sides: dict[str, list[Example]] = {"train": [], "val": []}
    for example in found:
        sides["val" if place(f"held out {root(texts(example)[0])}") < HELD_OUT else "train"].append(example)
    return sides


def usable(wanted: Labelled, sides: dict[str, list[Example]]) -> tuple[dict[str, list[Example]], int]:
    """The examples without an empty text and with the commonest number of choices, and how many others there were."""
    said = {name: [one for one in side if all(whole(one))] for name, side in sides.items()}
    counts = Counter(len(one.get("choices", ())) for side in said.values() for one in side)
    commonest = max(counts, key=lambda n: (counts[n], n), default=0)
    kept = {name: [one for one in side if len(one.get("choices", ())) == commonest] for name, side in said.items()}
    return kept, sum(map(len, sides.values())) - sum(map(len, kept.values()))


def card_of(wanted: Labelled, sides: dict[str, list[Example]], origin: str, dropped: int) -> dict[str, Any]:
    """What the folder says of itself; `source` is the hash of all that is in it."""
    about = {"name": wanted.name, "shape": wanted.shape, "classes": list(wanted.classes), "about": wanted.about}
    said = json.dumps([about, sides], sort_keys=True)
    return {
        **about,
        "n_outputs": 1 if wanted.shape == "multiple_choice" else len(wanted.classes) or 1,
        "metrics": list(wanted.metrics),
        "n_examples": {name: len(side) for name, side in sides.items()},
        "origin": origin,
        "dropped": dropped,
        "source": hashlib.sha256(said.encode()).hexdigest(),
    }
