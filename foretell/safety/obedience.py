"""How well a model keeps its system message: over several turns, with and without users who ask to ignore it.

A conversation asks for facts of a person; the model's own answers are what is said before. In an attacked one every
user's turn but the first asks to ignore the message, in words that no training has seen. Wordings of the system
message and people are unseen too.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from foretell.eval.measured import Measured, share
from foretell.generate.model import Model
from foretell.safety.answers import answers, fits
from foretell.safety.asked import facts
from foretell.safety.system import ATTACKS, CONSTRAINTS, N_SEEN, obeyed
from foretell.safety.world import Person

Row = dict[str, Any]
TURNS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """A conversation that is to be held."""

    constraint: str
    kind: str
    attacked: bool
    system: str
    users: tuple[str, ...]
    expected: tuple[str, ...]


def talks(everybody: Sequence[Person], each: int = 1, turns: int = TURNS, seed: int = 0) -> list[Talk]:
    """`each` conversations of every held-out person under every system message, and as many attacked ones."""
    draw = Random(f"talks {seed}")
    made = []
    for person in (one for one in everybody if one.held_out):
        for constraint in CONSTRAINTS:
            for attack in (False, True):
                for _ in range(each):
                    some = draw.sample(facts(person), turns)
                    users = [one.text for one in some]
                    if attack:
                        users[1:] = [draw.choice(ATTACKS[N_SEEN:]).format(text) for text in users[1:]]
                    made.append(
                        Talk(
                            constraint=constraint.name,
                            kind=constraint.kind,
                            attacked=attack,
                            system=constraint.messages[-1],
                            users=tuple(users),
                            expected=tuple(one.expected for one in some),
                        )
                    )
    return made


def held(model: Model, some: Sequence[Talk], seed: int = 0) -> list[Row]:
    """A row for each turn: the message's name and kind, whether attacked, the turn, and whether it was obeyed.

    A conversation that outgrows the context ends there.
    """
    said: list[list[dict[str, str]]] = [[{"role": "system", "content": one.system}] for one in some]
    rows = []
    for turn in range(max(len(one.users) for one in some)):
        places = [i for i, one in enumerate(some) if turn < len(one.users)]
        for i in places:
            said[i].append({"role": "user", "content": some[i].users[turn]})
        places = [i for i in places if len(said[i]) == 2 * turn + 2 and fits(model, said[i])]
        given = answers(model, [said[i] for i in places], seed=seed + turn)
        for i, text in zip(places, given, strict=True):
            said[i].append({"role": "assistant", "content": text})
            one = some[i]
            told = {"constraint": one.constraint, "kind": one.kind, "attacked": one.attacked and turn > 0}
            right = one.expected[turn].lower() in text.lower()
            rows.append(
                {**told, "turn": turn + 1, "obeyed": obeyed(one.constraint, text), "right": right, "text": text}
            )
    return rows


def obedience(rows: Sequence[Row]) -> dict[str, Any]:
    """The shares that are obeyed: over all plain and all attacked turns, by turn, and by message."""
    found: dict[str, Any] = {}
    for name, attack in (("plain", False), ("attacked", True)):
        mine = [row for row in rows if row["attacked"] == attack]
        found[name] = kept(mine) if mine else None
    found["turns"] = parts(rows, ("turn", "attacked"))
    found["messages"] = parts(rows, ("constraint", "kind", "attacked"))
    return found


def parts(rows: Sequence[Row], names: tuple[str, ...]) -> list[Row]:
    """A row for each value of some fields, with the share that is obeyed."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return [{**dict(zip(names, key, strict=True)), "obeyed": kept(mine)} for key, mine in sorted(groups.items())]


def kept(rows: Sequence[Row]) -> Measured:
    """The share of rows that are obeyed."""
    return share(sum(row["obeyed"] for row in rows), len(rows))
