"""The prompts of a few-shot task: K demonstrations, drawn, joined, and dropped from the front where they do not fit.

    instruction  demonstration_1 SEP demonstration_2 SEP ... SEP context        (Brown et al. 2020, figure 2.1, app. G)

For every question K training examples are drawn at random (section 2.4). `draw="once"` draws them once for all
questions instead, which is quicker, because their keys and values are then computed once.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from foretell.tasks.item import Choice, Free, Item, Partial, shown
from foretell.tasks.task import Questions, Task

Draw = Literal["each", "once"]
Labels = Literal["right", "shuffled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a question is asked with: a text for each of its contexts (one, but for Partial)."""

    texts: tuple[str, ...]
    n_demonstrations: int
    dropped: int
    """demonstrations that were drawn and did not fit"""


def drawn(
    task: Task, questions: Questions, item: Item, shots: int, *, seed: int, draw: Draw, labels: Labels
) -> list[str]:
    """The demonstrations of a question, as many as asked for or as there are, never the question itself or its kin.

    They follow from (seed, task, question) alone. With shuffled labels each shows an option, or the answer of another
    question, that is drawn at random: what is learnt from them is then the form and not the task (our control; the
    paper has none).
    """
    pool = questions.pool or questions.items
    which = "" if draw == "once" else f" {item.id}"
    chosen = some_of(pool, item, shots, random.Random(f"{seed} {task.name}{which}"))
    if labels == "right":
        return [shown(one) for one in chosen]
    return [mislabelled(one, pool, random.Random(f"{seed} {task.name} {one.id}")) for one in chosen]


def some_of(pool: Sequence[Item], item: Item, n: int, at_random: random.Random) -> list[Item]:
    """n different questions of the pool, or all there are, which neither are the item nor share its text.

    A few are drawn and looked at, not the whole pool; where too many of them are kin, twice as many are drawn anew.
    """
    size = min(n + 1, len(pool))  # one more, should one be the question
    while True:
        drawn_ones = (pool[place] for place in at_random.sample(range(len(pool)), size))
        found = [one for one in drawn_ones if one.id != item.id and not (item.kin and one.kin == item.kin)]
        if len(found) >= n or size == len(pool):
            return found[:n]
        size = min(2 * size, len(pool))


def mislabelled(item: Item, pool: Sequence[Item], at_random: random.Random) -> str:
    """A question with an answer that is drawn from its options, or from the answers of all questions."""
    match item:
        case Choice():
            return shown(item, at_random.randrange(len(item.options)))
        case Partial():
            return shown(item, at_random.randrange(len(item.contexts)))
        case Free():
            other = at_random.choice(pool)
            return item.context + (other.answers[0] if isinstance(other, Free) else item.answers[0])


def prompt(
    task: Task, item: Item, demonstrations: Sequence[str], n_tokens: Callable[[str], int], room: int
) -> Prompt | None:
    """The prompt with as many demonstrations as fit into `room` tokens, the last ones; None where not even none do."""
    kept = list(demonstrations)
    while True:
        texts = joined(task, item, kept)
        over = max(n_tokens(text) for text in texts) - room
        if over <= 0:
            return Prompt(texts=texts, n_demonstrations=len(kept), dropped=len(demonstrations) - len(kept))
        if not kept:
            return None
        while kept and over > 0:
            over -= n_tokens(kept.pop(0) + task.separator)


def joined(task: Task, item: Item, demonstrations: Sequence[str]) -> tuple[str, ...]:
    """Instruction, demonstrations and context; what stands there without demonstrations where there are none."""
    if not demonstrations:
        instruction = task.instruction if task.zero_instruction is None else task.zero_instruction
        return tuple(instruction + context for context in contexts(item, zero=True))
    before = task.instruction + "".join(shown_one + task.separator for shown_one in demonstrations)
    return tuple(before + context for context in contexts(item, zero=False))


def contexts(item: Item, *, zero: bool) -> tuple[str, ...]:
    """The contexts of a question, with or without demonstrations before them."""
    match item:
        case Partial():
            return item.contexts
        case Choice() | Free():
            return (item.zero_context if zero and item.zero_context is not None else item.context,)
