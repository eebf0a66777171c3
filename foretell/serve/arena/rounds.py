"""A round of the arena: two models by chance, each on a side by chance, the same prompt, settings and seed for both.

The models' names stay in the store until the vote, which tells them. What is kept are prompt, both outputs and the
vote, in a place of its own: they are for comparing models and no part of what the label store gives to training.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foretell.align.answers import Answer, answers_of, begin, give
from foretell.eval.elo import Vote, elo, ratings
from foretell.eval.measured import Measured, share
from foretell.eval.win_rate import win_rate
from foretell.serve import chat
from foretell.serve.answers import ChatAnswer
from foretell.serve.labelling.desk import Desk
from foretell.serve.refusals import Refused
from foretell.serve.state import State
from foretell.serve.wire import ChatRequest, Message

if TYPE_CHECKING:
    from starlette.requests import Request

VERSION = "arena-1"
WINNERS = {"left": 1.0, "right": 0.0, "tie": 0.5, "both bad": 0.5}
SEEDS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What somebody sees of a round."""

    task: int
    left: str
    right: str


def fighters(state: State) -> list[str]:
    """The models that can be compared: those that write."""
    return [one.name for one in state.models.values() if one.network.cfg.kind == "decoder" and one.network.lm_head]


async def begin_round(
    state: State, desk: Desk, who: str, request: "Request", prompt: str, temperature: float, max_tokens: int
) -> Round:
    """Both outputs, when they are whole and in the store; Refused where there are no two models."""
    names = fighters(state)
    if len(names) < 2:
        raise Refused(409, "the arena needs two models that write; serve another beside this one", code="one_model")
    pair = secrets.SystemRandom().sample(names, 2)
    how = {"temperature": temperature, "max_tokens": max_tokens, "seed": secrets.randbelow(SEEDS)}
    texts = await both([answer(state, request, name, prompt, how) for name in pair])
    sides = {
        side: {"model": name, "text": text} for side, name, text in zip(("left", "right"), pair, texts, strict=True)
    }
    shown = {"prompt": prompt, **sides, **how}
    task = await asyncio.to_thread(begin, desk.store, who, "arena", secrets.token_hex(8), shown, VERSION)
    return Round(task=task, left=texts[0], right=texts[1])


async def both(work: Sequence[Any]) -> list[str]:
    """The outcome of all of some work; after an error of one, nothing of the others goes on."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def answer(state: State, request: "Request", name: str, prompt: str, how: dict[str, Any]) -> str:
    """What a model answers to a prompt."""
    asked = ChatRequest(model=name, messages=[Message(role="user", content=prompt)], **how)
    found = await chat.chat(state.asking(request, name), asked)
    assert isinstance(found, ChatAnswer), "no stream was asked for"
    return found.choices[0].message.content


def vote(desk: Desk, who: str, task: int, winner: str, seconds: float) -> dict[str, str]:
    """The models on the left and the right, once the vote is in the store."""
    told = give(desk.store, who, task, "arena", {"winner": winner}, seconds)
    return {side: told.shown[side]["model"] for side in ("left", "right")}


def results(votes: Sequence[Answer]) -> dict[str, Any]:
    """Ratings with intervals, the win rate of each pair, how often each side and word was chosen, and n."""
    if not votes:
        return {"n": 0}
    counted = [as_vote(one) for one in votes]
    sides = [one.given["winner"] for one in votes if one.given["winner"] in ("left", "right")]
    by_order = elo(counted)
    rated = {name: {**told, "elo": by_order[name]} for name, told in ratings(counted).items()}
    return {
        "n": len(votes),
        "ratings": rated,
        "pairs": pairs(votes),
        "left": share(sides.count("left"), len(sides)) if sides else None,
        "chosen": {name: sum(one.given["winner"] == name for one in votes) for name in WINNERS},
    }


def as_vote(one: Answer) -> Vote:
    """A vote as ratings read it; both bad is a tie."""
    return one.shown["left"]["model"], one.shown["right"]["model"], WINNERS[one.given["winner"]]


def pairs(votes: Sequence[Answer]) -> list[tuple[str, str, Measured]]:
    """Of each two models the win rate of the first, with its interval by prompt and labeller."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in votes:
        first, second, score = as_vote(one)
        if first > second:
            first, second, score = second, first, 1 - score
        row = {"preference": score, "prompt_id": one.shown["prompt"], "labeller": one.labeller}
        found.setdefault((first, second), []).append(row)
    return [(first, second, win_rate(rows)) for (first, second), rows in sorted(found.items())]


def all_results(desk: Desk) -> dict[str, Any]:
    """The results of all votes in the store."""
    return results(answers_of(desk.store, "arena"))
