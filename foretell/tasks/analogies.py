"""Analogies as the SAT asked them until 2005 (Brown et al. 2020, section 3.9.3).

    lull is to trust as    ->    cajole is to compliance

The 374 questions of Turney et al. (2003) are not public: a user who has them gives sat_analogies.jsonl with rows {stem,
choice, answer}. `analogies` has the same shape and is made from the pairs of analogies.json, plain facts that we wrote
down: the right option has the relation of the stem, the other four have four other relations. It is easier than the
SAT. Demonstrations are made of other pairs than the questions.
"""

import json
from collections.abc import Sequence
from functools import cache
from itertools import permutations
from pathlib import Path
from random import Random

from foretell.errors import BadUse
from foretell.tasks.item import Choice
from foretell.tasks.source import Row, Source, field, whole_number
from foretell.tasks.splits import Split, questions
from foretell.tasks.task import Questions, Task

SHOTS = 20  # table H.1
N_OPTIONS = 5
N_QUESTIONS, N_DEMONSTRATIONS = 374, 100  # as many as the SAT's
ALIKE = (
    {"a thing and what it is part of", "a member and the group"},
    {"a quality and more of it", "a quality and the most of it"},
    {"somebody and the place of work", "an animal and its home"},
)
"""relations so near that a pair of one could be defended for a stem of the other; they never meet in a question"""
PAIRS = Path(__file__).with_name("analogies.json")
Pair = tuple[str, str]
Relations = dict[str, tuple[Pair, ...]]


def users(source: Source) -> Questions:
    """The user's file of SAT questions; NoData where there is none."""
    return questions(source, "sat_analogies", item_of, Split(files=("sat_analogies",)))


def item_of(row: Row, name: str) -> Choice:
    """A row {stem: [a, b], choice: [[c, d], ...], answer: number from 0}."""
    stem, *others = (related(words, name) for words in (field(row, "stem", name), *field(row, "choice", name)))
    options = tuple(f" {other}" for other in others)
    return Choice(id=name, context=f"{stem} as", options=options, gold=whole_number(row, "answer", name))


def related(words: Sequence[str], name: str) -> str:
    """`lull is to trust`; BadUse where there are not two words."""
    if len(words) != 2 or isinstance(words, str):
        raise BadUse(f"{name}: {words!r} is no pair; give two words in a list")
    return f"{words[0]} is to {words[1]}"


def made(source: Source) -> Questions:
    """Questions from the pairs of even place in each relation, demonstrations from the others."""
    asked, shown = ({name: pairs[side::2] for name, pairs in relations().items()} for side in (0, 1))
    return Questions(
        items=generated(asked, N_QUESTIONS, f"analogies-{source.seed}"),
        pool=generated(shown, N_DEMONSTRATIONS, f"analogies.train-{source.seed}"),
        origin="generated",
    )


def generated(known: Relations, n: int, name: str) -> list[Choice]:
    """n questions whose stems and right options are different; relations are asked equally often, in turn."""
    draw = Random(name)
    twos = {relation: draw.sample(both, len(both)) for relation, both in ordered_pairs(known).items()}
    order = draw.sample(list(known), len(known))
    found = []
    for number in range(n):
        relation = order[number % len(order)]
        stem, right = twos[relation].pop()
        others = draw.sample([other for other in order if not alike(other, relation)], N_OPTIONS - 1)
        wrong = [draw.choice(known[other]) for other in others]
        gold = draw.randrange(N_OPTIONS)
        row = {"stem": stem, "choice": [*wrong[:gold], right, *wrong[gold:]], "answer": gold}
        found.append(item_of(row, f"{name}-{number}"))
    return found


def alike(one: str, other: str) -> bool:
    """Whether two relations are the same or too near to be told apart."""
    return one == other or any({one, other} <= near for near in ALIKE)


def ordered_pairs(known: Relations) -> dict[str, list[tuple[Pair, Pair]]]:
    """For each relation all ways to take a stem and a right option that share no word."""
    return {
        name: [(stem, right) for stem, right in permutations(pairs, 2) if not set(stem) & set(right)]
        for name, pairs in known.items()
    }


@cache
def relations() -> Relations:
    """The pairs of words of each relation."""
    known = json.loads(PAIRS.read_text(encoding="utf-8"))
    return {name: tuple((a, b) for a, b in pairs) for name, pairs in known.items()}


MADE = "which pair of words is related as another; made here, not in the paper"
TASKS: tuple[Task, ...] = (
    Task(name="analogies", family="analogies", about=MADE, load=made, shots=SHOTS),
    Task(
        name="sat_analogies", family="analogies", about="analogies of the SAT, from your file", load=users, shots=SHOTS
    ),
)
