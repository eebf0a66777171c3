"""Prompts with a use case, and demonstrations of how they are answered, made from text that nobody labelled.

    prompts.jsonl          what is asked of each entry of the text: instruction_forms.py
    demonstrations.jsonl   answers to a part of them, in the text's own words
    card.json              how many of each

The records are those of `foretell label` (align/records.py), so that a store can import them. A module or document is
one group, and no group is on both sides; text of a few documents is cut into stretches instead.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foretell.corpus.documents import Document, source_hash
from foretell.corpus.jsonl import write_lines
from foretell.corpus.split import place
from foretell.errors import BadUse
from foretell.runs import whole_folder
from foretell.tasks.documentation import ENOUGH
from foretell.tasks.entries import Entry, entries, mixed
from foretell.tasks.instruction_forms import Around, Asked, asked_of, signature_of

Row = dict[str, Any]
LONGEST = 240  # characters of a prompt with its answer: some 90 tokens of a vocabulary of 4096
MOST = {"train": 8000, "valid": 800}
LEAST = {"train": 32, "valid": 8}
HELD_OUT = 0.1
DEMONSTRATED = 0.5  # share of the prompts that are answered; the others are for outputs that are ranked, and for PPO
FEW_DOCUMENTS = 10
STRETCH = 8  # entries in a group where documents are few
ID_LENGTH = 16


def instructions(documents: Sequence[Document], folder: Path) -> Path:
    """The folder of prompts and demonstrations, written whole; BadUse if the text gave too few."""
    found = entries(documents)
    groups = groups_of(found)
    held = held_out(list(groups.values()))
    every = unambiguous([(entry, asked) for entry, asked in asked_of_all(found) if asked])
    prompts: dict[str, list[Row]] = {"train": [], "valid": []}
    demonstrations: list[Row] = []
    for entry, asked in every:
        group = groups[entry.heading, entry.said[0]]
        side = "valid" if group in held else "train"
        if len(prompts[side]) < MOST[side]:
            prompts[side].append(prompt_row(group, asked, side))
            if place(f"demonstrated {prompts[side][-1]['prompt_id']}") < DEMONSTRATED:
                demonstrations.append(demonstration_row(prompts[side][-1], asked))
    check_enough(prompts, demonstrations)
    rows = {"prompts": prompts["train"] + prompts["valid"], "demonstrations": demonstrations}
    card = {
        "name": "instructions",
        "about": "what documentation is asked, and its answers",
        **{f"n_{name}": dict(Counter(row["split"] for row in some)) for name, some in rows.items()},
        "use_cases": dict(Counter(row["use_case"] for row in rows["prompts"]).most_common()),
        "source": source_hash(documents),
    }
    with whole_folder(folder) as aside:
        for name, some in rows.items():
            write_lines(aside / f"{name}.jsonl", some)
        (aside / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    return folder


def groups_of(found: Sequence[Entry]) -> dict[tuple[str, str], str]:
    """The group of each entry by its words: its document, or a stretch of one where documents are few."""
    few = len({entry.document for entry in found}) < FEW_DOCUMENTS
    seen: Counter[str] = Counter()
    groups = {}
    for entry in found:
        stretch = f", part {seen[entry.document] // STRETCH + 1}" if few else ""
        groups[entry.heading, entry.said[0]] = f"{entry.document}{stretch}"
        seen[entry.document] += 1
    return groups


def held_out(groups: Sequence[str]) -> set[str]:
    """Whole groups in the order of a hash, up to HELD_OUT of the entries, and one at least."""
    size = Counter(groups)
    taken, chosen = 0, set[str]()
    for name in sorted(size, key=lambda name: place(f"instructions {name}")):
        if not chosen or taken + size[name] <= HELD_OUT * len(groups):
            chosen.add(name)
            taken += size[name]
    return chosen


def asked_of_all(found: Sequence[Entry]) -> list[tuple[Entry, Asked | None]]:
    """What each entry is asked, in an order that follows nothing but their words."""
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in found:
        if about := signature_of(entry.heading):
            names[entry.document, about.owner].append(about.name)
    several = len({entry.document for entry in found}) > 1
    groups = sorted({entry.group for entry in found})
    after = dict(zip(groups, groups[1:] + groups[:1], strict=True)) if several and len(groups) > 1 else {}
    asked = []
    for entry in mixed(found):
        about = signature_of(entry.heading)
        siblings = list(dict.fromkeys(names[entry.document, about.owner])) if about else ()
        around = Around(names=siblings, other=after.get(entry.group, ""), several=several)
        asked.append((entry, asked_of(entry, around, LONGEST)))
    return asked


def unambiguous(every: Sequence[tuple[Entry, Asked]]) -> list[tuple[Entry, Asked]]:
    """Each prompt once, and none that has more than one answer."""
    answers: dict[str, set[str]] = defaultdict(set)
    for _, asked in every:
        answers[prompt_id(asked.prompt)].add(asked.completion)
    seen: set[str] = set()
    kept = []
    for entry, asked in every:
        name = prompt_id(asked.prompt)
        if len(answers[name]) == 1 and name not in seen:
            seen.add(name)
            kept.append((entry, asked))
    return kept


def prompt_row(group: str, asked: Asked, side: str) -> Row:
    """A prompt as its record."""
    return {
        "prompt_id": prompt_id(asked.prompt),
        "kind": "plain",
        "text": asked.prompt,
        "source": "labeller",
        "user": "",
        "organisation": "",
        "group_id": group,
        "split": side,
        "language": "",
        "use_case": asked.use_case,
        "tags": {},
        "created": "",
    }


def demonstration_row(prompt: Row, asked: Asked) -> Row:
    """A demonstration as its record; its labeller is the text."""
    return {
        **{name: prompt[name] for name in ("prompt_id", "group_id", "split")},
        "prompt": asked.prompt,
        "completion": asked.completion,
        "labeller": "text",
        "labeller_group": "",
        "instructions": "",
        "seconds": None,
    }


def prompt_id(prompt: str | list[dict[str, str]]) -> str:
    """The id that a store of labels gives a prompt: a hash of its turns."""
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    told = json.dumps([[turn["role"], turn["content"]] for turn in turns], separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:ID_LENGTH]


def check_enough(prompts: dict[str, list[Row]], demonstrations: Sequence[Row]) -> None:
    """BadUse if a side has too few prompts or demonstrations to be of use."""
    answered = Counter(row["split"] for row in demonstrations)
    for side, least in LEAST.items():
        for what, n in (("prompts", len(prompts[side])), ("demonstrations", answered[side])):
            if n < least:
                rule = f"at least {least} are needed: give {ENOUGH} of running text or more"
                raise BadUse(f"the text gives {n} {what} in {side}, {rule}")
