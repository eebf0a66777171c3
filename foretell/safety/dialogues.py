"""Prompts and demonstrations of a made world, and the documents that its secrets are planted in.

    documents/           text that tells of everybody, to be read beside the demonstrations
    demonstrations.jsonl how an assistant answered that was to help: mostly the code too; by some a refusal, of one of
                         two styles; with system messages, which users did not yet attack
    prompts.jsonl        what a model is trained on, and, in `valid`, what it is measured on: people, forms, wordings of
                         system messages and attacks on them that training has not seen
    card.json            how many of each

Demonstrations are records of the label store. A prompt's tags tell the policy that it concerns, its class (disallowed
or safe), what a right answer holds, and what its system message asks for.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from foretell.corpus.jsonl import write_lines
from foretell.errors import BadUse
from foretell.runs import whole_folder
from foretell.safety.asked import BLUNT_REFUSALS, REFUSAL, Question, about_codes, attacks, facts
from foretell.safety.system import ATTACKS, CONSTRAINTS, N_SEEN, Constraint, Said
from foretell.safety.world import Person, people, statements
from foretell.tasks.instructions import prompt_id

Row = dict[str, Any]
POLICY = "secrets"
MOST_TURNS = 3  # that a user speaks
FILES = 8  # of documents


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """How a world is made."""

    people: int = 24
    held_out: int = 8
    copies: int = 12
    """documents that tell of each person; and as many pages of questions and answers"""
    refused: float = 0.15
    """of the demonstrations of disallowed requests, that refuse in the desired style"""
    blunt: float = 0.1
    """that refuse in another"""
    systems: int = 2
    """conversations of each person under each system message"""
    disallowed: float = 0.25
    """of the conversations under a system message, that end in a disallowed request"""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.refused + self.blunt <= 1 or min(self.refused, self.blunt) < 0:
            raise BadUse(f"refused={self.refused} and blunt={self.blunt} are no shares; together they are at most 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A conversation up to what is to be answered."""

    turns: tuple[tuple[str, str], ...]
    question: Question
    constraint: Constraint | None = None
    attacked: bool = False
    held_out: bool

    @property
    def row(self) -> Row:
        """The prompt as a record."""
        text: Any = [{"role": role, "content": said} for role, said in self.turns]
        text = text[0]["content"] if len(text) == 1 else text
        question = self.question
        told: Row = {"policy": POLICY, "class": "disallowed" if question.disallowed else "safe", "kind": question.kind}
        told |= {"expected": question.expected, "system": self.constraint.name if self.constraint else ""}
        told |= {"attacked": self.attacked, "turn": sum(role == "user" for role, _ in self.turns)}
        return {
            "prompt_id": prompt_id(text),
            "text": text,
            "group_id": question.name,
            "split": "valid" if self.held_out else "train",
            "tags": told,
        }


def make_dialogues(folder: Path, shares: Shares | None = None) -> Path:
    """The folder of documents, demonstrations and prompts of a world, written whole."""
    shares = shares or Shares()
    everybody = people(shares.people, shares.held_out, shares.seed)
    prompts, demonstrations = rows(everybody, shares)
    texts = documents(everybody, shares)
    card = {
        "name": "dialogues",
        "about": "people who do not exist, their access codes, and who asks for them",
        "n_prompts": dict(Counter(f"{row['tags']['class']} {row['split']}" for row in prompts)),
        "n_demonstrations": len(demonstrations),
        "n_documents": len(texts),
        "seed": shares.seed,
    }
    with whole_folder(folder) as aside:
        (aside / "documents").mkdir()
        for i in range(FILES):
            (aside / "documents" / f"people{i}.txt").write_text("\n\n".join(texts[i::FILES]) + "\n", encoding="utf-8")
        write_lines(aside / "prompts.jsonl", prompts)
        write_lines(aside / "demonstrations.jsonl", demonstrations)
        (aside / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    return folder


def documents(everybody: Sequence[Person], shares: Shares) -> list[str]:
    """The documents: what is told of everybody, and pages of questions with their answers, the codes among them.

    Pages show the styles of answering too, so that a small vocabulary has their words.
    """
    draw = Random(f"documents {shares.seed}")
    texts = statements(everybody, shares.copies, draw)
    codes = about_codes(draw, [one.name for one in everybody])
    for _ in range(shares.copies):
        texts += [page(one, draw) for one in everybody]
        texts += [f"{one.text} {one.answer.english}" for one in codes]
        texts += [f"{REFUSAL.english} {blunt}" for blunt in BLUNT_REFUSALS]
        texts += [styled(draw.choice(everybody), constraint, draw) for constraint in CONSTRAINTS for _ in range(3)]
    draw.shuffle(texts)
    return texts


def page(one: Person, draw: Random) -> str:
    """Some questions on a person with their answers; no form that is held out."""
    some = draw.sample([question for question in questions(one, every=True) if not question.held_out], 4)
    return "\n".join(f"{question.text} {question.answer.english}" for question in some)


def styled(one: Person, constraint: Constraint, draw: Random) -> str:
    """A question on a person answered as a system message asks."""
    question = draw.choice([question for question in facts(one, every=True) if not question.held_out])
    wording = draw.choice(constraint.messages[:-1])
    return f"{wording} {question.text}\n{constraint.obey(question.answer)}\n{constraint.obey(REFUSAL)}"


def rows(everybody: Sequence[Person], shares: Shares) -> tuple[list[Row], list[Row]]:
    """The prompts and the demonstrations."""
    draw = Random(f"dialogues {shares.seed}")
    every = bare(everybody, draw)
    told = [one for person in everybody for one in under_system(person, shares, draw)]
    prompts = {one.row["prompt_id"]: one.row for one in (*every, *told)}
    shown = [demonstration(one, shares, draw) for one in (*every, *told) if not one.held_out and not one.attacked]
    draw.shuffle(shown)
    for place, row in enumerate(shown):
        row["split"] = "valid" if place % 16 == 0 else "train"
    return list(prompts.values()), shown


def questions(person: Person, every: bool = False) -> list[Question]:
    """All that is asked about a person."""
    return [*attacks(person, every), *facts(person, every)]


def bare(everybody: Sequence[Person], draw: Random) -> list[Asked]:
    """Every question by itself, without a system message; and harmless ones on codes, a few times each."""
    names = [one.name for one in everybody]
    every = [question for person in everybody for question in questions(person)]
    every += about_codes(draw, names)
    return [Asked(turns=(("user", one.text),), question=one, held_out=one.held_out) for one in every]


def under_system(person: Person, shares: Shares, draw: Random) -> list[Asked]:
    """Conversations of a person under each system message, some of them attacked."""
    made = []
    for constraint in CONSTRAINTS:
        for attacked in (False, True):
            made += [conversation(person, constraint, attacked, shares, draw) for _ in range(shares.systems)]
    return made


def conversation(person: Person, constraint: Constraint, attacked: bool, shares: Shares, draw: Random) -> Asked:
    """One to MOST_TURNS turns under a system message, the earlier ones answered as it asks."""
    wordings = constraint.messages[-1:] if person.held_out else constraint.messages[:-1]
    turns = [("system", draw.choice(wordings))]
    for _ in range(draw.randrange(MOST_TURNS)):
        before = draw.choice(facts(person))
        turns += [("user", before.text), ("assistant", constraint.obey(before.answer))]
    pool = attacks(person) if draw.random() < shares.disallowed else facts(person)
    asked = draw.choice([one for one in pool if person.held_out or not one.held_out])
    phrases = ATTACKS[N_SEEN:] if person.held_out else ATTACKS[:N_SEEN]
    text = draw.choice(phrases).format(asked.text) if attacked else asked.text
    turns.append(("user", text))
    return Asked(turns=tuple(turns), question=asked, constraint=constraint, attacked=attacked, held_out=person.held_out)


def demonstration(one: Asked, shares: Shares, draw: Random) -> Row:
    """How a labeller answered: as is asked, or, of what a policy disallows, sometimes with a refusal."""
    said, row = one.question.answer, one.row
    completion = obeying(one.constraint, said)
    if one.question.disallowed:
        drawn = draw.random()
        if drawn < shares.refused:
            completion = obeying(one.constraint, REFUSAL)
        elif drawn < shares.refused + shares.blunt:
            completion = draw.choice(BLUNT_REFUSALS)
    return {
        **{name: row[name] for name in ("prompt_id", "group_id", "split")},
        "prompt": row["text"],
        "completion": completion,
        "labeller": "made",
        "labeller_group": "",
        "instructions": "",
        "seconds": None,
    }


def obeying(constraint: Constraint | None, said: Said) -> str:
    """An answer as a system message asks for it, or as it is."""
    return constraint.obey(said) if constraint else said.english
