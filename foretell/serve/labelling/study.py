"""What is handed out of the other kinds of task, and what came of it.

pairwise   of each prompt an output of the baseline and one of each other model, on sides that chance chose
toxicity   each output that is in the store
red_team   a conversation with a model that chance chose
news       the articles of one quiz, in its order; the quiz that the fewest people have had
"""

import json
import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foretell.align.answers import Answer, Item, Kind, answers_of, assign
from foretell.align.database import Store, reading
from foretell.align.handing import settings
from foretell.align.records import as_json
from foretell.align.schema import table
from foretell.align.stored import prompts
from foretell.errors import BadUse
from foretell.runs import read_text

KINDS: tuple[Kind, ...] = ("pairwise", "toxicity", "red_team", "news")
VERSION = "studies-1"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What a server hands out: whose outputs others are compared with, the entries of a news quiz, and their key."""

    baseline: str = ""
    entries: Mapping[str, Row] = field(default_factory=dict)
    key: Mapping[str, Row] = field(default_factory=dict)
    models: Sequence[str] = ()

    def kinds(self) -> list[Kind]:
        """The kinds that there is something to hand out of."""
        has: dict[str, Any] = {
            "pairwise": self.baseline,
            "toxicity": True,
            "red_team": self.models,
            "news": self.entries,
        }
        return [kind for kind in KINDS if has[kind]]


def read_quiz(folder: Path) -> tuple[dict[str, Row], dict[str, Row]]:
    """The entries of a news quiz and its key, by their ids; BadUse where the two do not belong together."""
    entries, key = (by_id(folder / name) for name in ("quiz.jsonl", "key.jsonl"))
    if not entries or entries.keys() != key.keys():
        raise BadUse(
            f"--quiz {folder}: quiz.jsonl and key.jsonl do not hold the same entries; give the folder of one quiz"
        )
    lacking = [one["id"] for one in entries.values() if not {"quiz", "place", "title", "article"} <= one.keys()]
    if lacking:
        raise BadUse(f"{folder / 'quiz.jsonl'}: entry {lacking[0]} has no quiz, place, title or article; make it anew")
    return entries, key


def by_id(path: Path) -> dict[str, Row]:
    """The rows of a file by their ids."""
    found = {}
    for number, text in enumerate(read_text(path).splitlines(), 1):
        try:
            row = json.loads(text)
            found[str(row["id"])] = row
        except (ValueError, TypeError, KeyError) as error:
            raise BadUse(f"{path}, line {number} is no object with an id; make the quiz anew") from error
    return found


def next_answer(study: Study, store: Store, labeller: str, kind: Kind) -> Answer | None:
    """The labeller's task of a kind; None where nothing is left."""
    if kind not in study.kinds():
        return None
    held = settings(store)
    overlap = held.overlap if kind in ("pairwise", "toxicity") else 10**9  # a quiz is for everybody
    return assign(store, labeller, kind, items(study, store, labeller, kind), overlap=overlap, instructions=VERSION)


def items(study: Study, store: Store, labeller: str, kind: Kind) -> list[Item]:
    """What of a kind may be handed to a labeller, the first one first."""
    if kind == "pairwise":
        return list(pairs(store, study.baseline, labeller))
    if kind == "toxicity":
        return [(one["output_id"], one) for one in outputs(store)]
    if kind == "red_team":
        return [(secrets.token_hex(8), {"model": secrets.choice(study.models)})]
    return articles(study, answers_of(store, "news") + answers_of(store, "news", "assigned"), labeller)


def outputs(store: Store) -> list[Row]:
    """Every output with its prompt, in the order of prompts; one of equal texts of a model."""
    texts = {one.prompt_id: as_json(one.text) for one in prompts(store)}
    one = table("outputs")
    seen, found = set(), []
    with reading(store) as connection:
        for row in connection.execute(one.select().order_by(one.c.prompt_id, one.c.id)):
            if (row.prompt_id, row.model, row.text) not in seen:
                seen.add((row.prompt_id, row.model, row.text))
                same = {"prompt_id": row.prompt_id, "prompt": texts[row.prompt_id]}
                found.append({**same, "output_id": row.id, "text": row.text, "model": row.model})
    return found


def pairs(store: Store, baseline: str, labeller: str) -> Iterator[Item]:
    """The first output of the baseline beside the first of each other model, prompt by prompt."""
    first: dict[str, dict[str, Row]] = {}
    for one in outputs(store):
        first.setdefault(one["prompt_id"], {}).setdefault(one["model"], one)
    for prompt, of_model in first.items():
        theirs = of_model.get(baseline)
        for model, ours in sorted(of_model.items()):
            if theirs and model != baseline:
                sides = [{name: one[name] for name in ("model", "output_id", "text")} for one in (theirs, ours)]
                name = f"{theirs['output_id']} {ours['output_id']}"
                random.Random(f"{name} {labeller}").shuffle(sides)
                same = {"prompt_id": prompt, "prompt": ours["prompt"], "model": model, "baseline": baseline}
                yield name, {**same, "left": sides[0], "right": sides[1]}


def articles(study: Study, had: Sequence[Answer], labeller: str) -> list[Item]:
    """The entries of the labeller's quiz; nobody has two, since both versions of one have the same titles."""
    mine = {one.shown["quiz"] for one in had if one.labeller == labeller}
    taken: dict[str, set[str]] = {row["quiz"]: set() for row in study.entries.values()}
    for one in had:
        taken.setdefault(one.shown["quiz"], set()).add(one.labeller)
    quiz = min(mine) if mine else min(taken, key=lambda name: (len(taken[name]), name))
    rows = [row for row in study.entries.values() if row["quiz"] == quiz]
    return [(row["id"], {"quiz": quiz}) for row in sorted(rows, key=lambda row: row["place"])]
