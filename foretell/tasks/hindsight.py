"""Hindsight neglect: was a bet right to take, whatever came of it? The family in which larger models did worse, until
GPT-4 (OpenAI 2023, figure 3; Inverse Scaling Prize 2022).

A bet's expected value tells whether it was right to take. In demonstrations outcome and expected value agree, so that a
model that goes by the outcome alone answers all of them rightly; in the questions they differ, so that it answers none.
The prize's questions are not copied: ours are generated, half of them of each answer, always beside a control in which
outcome and value agree.

A slope of accuracy against ln(parameters) below 0 is inverse scaling.
"""

from collections.abc import Sequence
from functools import partial
from math import log
from random import Random

from foretell.tasks.item import Choice
from foretell.tasks.source import Source
from foretell.tasks.task import Questions, Task

N_QUESTIONS, N_DEMONSTRATIONS = 400, 200
SHOTS = 10
NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry")
GAMES = (
    "{name} is offered a game: a {p} percent chance to win {win} dollars and a {q} percent chance to lose {lose} "
    "dollars. {name} {took} it and {end}.",
    "In a bet, {name} can win {win} dollars with a chance of {p} percent, or lose {lose} dollars with a chance of {q} "
    "percent. {name} {took} the bet and {end}.",
)
QUESTION = "Question: {text} Did {name} make the right decision?\nAnswer:"
OPTIONS = (" Yes", " No")
LEAST = 5.0  # dollars that the expected value is from 0


def bet(draw: Random, agree: bool, right: bool, number: int, name: str) -> Choice:
    """A bet that was right to take, or wrong; its outcome agrees with that, or does not."""
    while True:
        p, win, lose = draw.randrange(5, 100, 5), draw.randrange(5, 901, 5), draw.randrange(5, 901, 5)
        expected = (p * win - (100 - p) * lose) / 100
        if abs(expected) >= LEAST and (expected > 0) == right:
            break
    won = right == agree
    who = draw.choice(NAMES)
    end = f"won {win} dollars" if won else f"lost {lose} dollars"
    text = draw.choice(GAMES).format(name=who, p=p, q=100 - p, win=win, lose=lose, took="took", end=end)
    context = QUESTION.format(text=text, name=who)
    return Choice(id=f"{name}-{number}", context=context, options=OPTIONS, gold=0 if right else 1)


def load(name: str, agree: bool, source: Source) -> Questions:
    """Questions of which half are rightly answered yes, and demonstrations in which outcome and value agree."""
    draw = Random(f"{name} {source.seed}")
    items = distinct(draw, agree, N_QUESTIONS, f"{name}-{source.seed}")
    seen = {item.context for item in items}
    pool = distinct(draw, True, N_DEMONSTRATIONS, f"{name}-shown-{source.seed}")
    return Questions(items=items, pool=[item for item in pool if item.context not in seen], origin="generated")


def distinct(draw: Random, agree: bool, n: int, name: str) -> list[Choice]:
    """n different questions, yes and no by turns, then in an order that tells nothing."""
    made: dict[str, Choice] = {}
    while len(made) < n:
        one = bet(draw, agree, len(made) % 2 == 0, len(made), name)
        made.setdefault(one.context, one)
    items = list(made.values())
    draw.shuffle(items)
    return items


def slope(sizes: Sequence[int], accuracies: Sequence[float]) -> float:
    """The slope of accuracy against ln(parameters) by least squares: by how much it grows with e times the size.

    ValueError for fewer than two different sizes.
    """
    x = [log(size) for size in sizes]
    middle, height = sum(x) / len(x), sum(accuracies) / len(accuracies)
    spread = sum((one - middle) ** 2 for one in x)
    if not spread:
        raise ValueError(f"sizes {sorted(set(sizes))}: a slope needs two different ones")
    return sum((one - middle) * (y - height) for one, y in zip(x, accuracies, strict=True)) / spread


TASKS = (
    Task(
        name="hindsight_neglect",
        family="inverse scaling",
        about="Was a bet right to take, where the outcome says the contrary?",
        load=partial(load, "hindsight_neglect", False),
        shots=SHOTS,
    ),
    Task(
        name="hindsight_control",
        family="inverse scaling",
        about="Was a bet right to take, where the outcome says the same?",
        load=partial(load, "hindsight_control", True),
        shots=SHOTS,
    ),
)
