"""Labellers who are none: noisy judges of a known quality, so that the loop runs and is tested without people.

What a labeller perceives of an output is its quality, a liking for length, and noise from Gumbel's distribution times
a temperature. Differences of such noise are logistic, so that of two outputs the first is preferred with probability
1 / (1 + exp(-difference / temperature)): Bradley and Terry's model (1952), and Plackett and Luce's for more outputs.
Outputs are tied where the perceived difference to the best of the tie is at most `tie`.

The noise is a function of (seed, prompt id, labeller, text) alone: more prompts, outputs or labellers, or another order
of them, change no label that was given before, and the same text is perceived the same.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, log, log2
from typing import Any

import numpy as np

from foretell.align.made_quality import TARGET_WORDS, Conversation, n_words, quality_of
from foretell.errors import BadUse

Record = Mapping[str, Any]
Quality = Callable[[str, Conversation], float]
FEWEST, MOST = 2, 9
FLAGS = {
    "fails_instruction": -1.0,
    "inappropriate": -3.0,
    "hallucination": -2.0,
}  # the quality that half the time has it
GUMBEL_MEAN = 0.5772156649015329  # Euler's constant
READING = 4.0  # words a second
THINKING = 10.0  # seconds an output


@dataclass(frozen=True, slots=True, kw_only=True)
class Labeller:
    """One simulated labeller. All but the names are in logits of quality.

    temperature   of the noise; 0 sees the quality itself
    tie           outputs no further apart than this are called equal
    length_bias   added for each doubling of an answer's length
    strictness    taken from what is perceived before it is rated 1 to 7
    """

    name: str
    group: str = "train"
    temperature: float = 1.0
    tie: float = 0.0
    length_bias: float = 0.0
    strictness: float = 0.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and self.tie >= 0):
            raise BadUse(f"labeller {self.name!r}: temperature {self.temperature} and tie {self.tie} must be 0 or more")


def panel(
    n: int,
    *,
    held_out: int = 0,
    researchers: int = 0,
    temperature: float = 1.0,
    tie: float = 0.3,
    spread: float = 0.25,
    seed: int = 0,
) -> tuple[Labeller, ...]:
    """n labellers of the group "train", then those of "held_out" and "researcher", each with traits of their own.

    Temperatures vary by a factor e^(spread z), length bias and strictness by spread z, z normal; researchers have no
    bias. Nobody's traits depend on how many others there are.
    """
    if n < 1 or held_out < 0 or researchers < 0:
        raise BadUse(
            f"a panel of {n}, {held_out} and {researchers} labellers; the first must be 1 or more, none negative"
        )
    found = []
    for group, number in (("train", n), ("held_out", held_out), ("researcher", researchers)):
        for one in range(number):
            name = f"{group}-{one + 1}"
            draw = np.random.default_rng(_whole(seed, "traits", name))
            noise, long, strict = (spread * draw.standard_normal(3)).tolist()
            bias = {} if group == "researcher" else {"length_bias": long, "strictness": strict}
            found.append(Labeller(name=name, group=group, temperature=temperature * exp(noise), tie=tie, **bias))
    return tuple(found)


def simulate(
    prompts: Sequence[Record],
    outputs: Mapping[str, Sequence[Record]],
    *,
    labellers: Sequence[Labeller],
    seed: int,
    quality: Quality = quality_of,
    each: int = 0,
    overlap: float = 1.0,
    flags: Mapping[str, float] = FLAGS,
    instructions: str = "simulated",
) -> list[dict[str, Any]]:
    """A ranking record for each prompt and labeller it is given to, in that order, with ratings, flags and seconds.

    prompts: prompt records; outputs: the outputs of each by its id, 2 to 9. each: how many labellers of every group
    rank a prompt (0 all), which a share `overlap` of the prompts has and the others one. BadUse for labellers of one
    name, and where a prompt has too few outputs or too many.
    """
    names = [one.name for one in labellers]
    if len(set(names)) < len(names) or not names:
        raise BadUse(f"labellers {', '.join(names) or '(none)'}: give one or more, each with a name of its own")
    made = []
    for prompt in prompts:
        where, shown = prompt["prompt_id"], outputs.get(prompt["prompt_id"], ())
        if not FEWEST <= len(shown) <= MOST:
            raise BadUse(f"prompt {where}: {len(shown)} outputs; a ranking needs {FEWEST} to {MOST}")
        qualities = [quality(one["text"], prompt["text"]) for one in shown]
        for labeller in assigned(where, labellers, seed, each, overlap):
            said = judged(where, shown, qualities, labeller, seed, flags)
            about = {name: prompt.get(name, "") for name in ("prompt_id", "group_id", "split")}
            by = {"labeller": labeller.name, "labeller_group": labeller.group, "instructions": instructions}
            made.append(
                {**about, "prompt": prompt["text"], **said, **by, "seconds": taken(where, shown, labeller, seed)}
            )
    return made


def assigned(
    prompt_id: str, labellers: Sequence[Labeller], seed: int, each: int = 0, overlap: float = 1.0
) -> list[Labeller]:
    """Those who rank a prompt, drawn within every group by (seed, prompt id, name)."""
    several = uniform(seed, "overlap", prompt_id) < overlap
    chosen = set()
    for group in {one.group for one in labellers}:
        names = [one.name for one in labellers if one.group == group]
        drawn = sorted(names, key=lambda name: uniform(seed, "assigned", prompt_id, name))
        chosen |= set(drawn[: (each or len(drawn)) if several else 1])
    return [one for one in labellers if one.name in chosen]


def judged(
    prompt_id: str, outputs: Sequence[Record], qualities: Sequence[float], labeller: Labeller, seed: int,
    flags: Mapping[str, float] = FLAGS,
) -> dict[str, Any]:  # fmt: skip
    """What a labeller says of a prompt's outputs: `outputs` with rating, flags and place shown, and their `ranks`."""
    names = (prompt_id, labeller.name)
    seen = [perceived(prompt_id, one["text"], q, labeller, seed) for one, q in zip(outputs, qualities, strict=True)]
    by_place = sorted(range(len(outputs)), key=lambda place: uniform(seed, "order", *names, place))
    said = []
    for place, (output, value) in enumerate(zip(outputs, seen, strict=True)):
        own = {
            flag: logistic(uniform(seed, flag, *names, output["text"])) * labeller.temperature > value - at
            for flag, at in flags.items()
        }
        rating = likert(value - labeller.strictness)
        said.append({**output, "likert": rating, "flags": own, "order": by_place.index(place)})
    ranks = rank_rows(np.asarray([seen]), np.asarray([labeller.tie]))[0].tolist()
    return {"outputs": said, "ranks": ranks}


def perceived(prompt_id: str, text: str, quality: float, labeller: Labeller, seed: int) -> float:
    """What a labeller perceives of an output: quality, liking for length, noise of mean 0."""
    gumbel = -log(-log(uniform(seed, "noise", prompt_id, labeller.name, text))) - GUMBEL_MEAN
    return quality + labeller.length_bias * doublings(text) + labeller.temperature * gumbel


def doublings(text: str) -> float:
    """How often 40 words must be doubled to have as many as a text; halvings are negative."""
    return log2((1 + n_words(text)) / (1 + TARGET_WORDS))


def rank_rows(seen: np.ndarray, tie: np.ndarray) -> np.ndarray:  # seen (R, K), tie (R,) -> (R, K)
    """The rank of each output of a row, 1 the best; those at most `tie` below the best of a tie share its rank."""
    order = np.argsort(-seen, axis=1, kind="stable")
    falling = np.take_along_axis(seen, order, axis=1)  # (R, K)
    best, rank = falling[:, 0], np.ones(len(seen), dtype=int)
    ranks = np.ones_like(order)
    for place in range(1, seen.shape[1]):
        below = best - falling[:, place] > tie
        best, rank = np.where(below, falling[:, place], best), np.where(below, place + 1, rank)
        np.put_along_axis(ranks, order[:, place : place + 1], rank[:, None], axis=1)
    return ranks


def likert(value: float) -> int:
    """The rating of 1 to 7 for a quality in logits: equal parts of its logistic, 4 around 0."""
    share = 1 / (1 + exp(-min(max(value, -50.0), 50.0)))
    return min(max(ceil(7 * share), 1), 7)


def taken(prompt_id: str, outputs: Sequence[Record], labeller: Labeller, seed: int) -> float:
    """Seconds for reading and thinking, from half to twice the usual."""
    usual = sum(n_words(one["text"]) / READING + THINKING for one in outputs)
    return round(usual * 2 ** (2 * uniform(seed, "seconds", prompt_id, labeller.name) - 1), 1)


def logistic(u: float) -> float:
    """The logistic number that is exceeded with probability 1 - u."""
    return log(u / (1 - u))


def uniform(seed: int, *names: str | int) -> float:
    """A number in (0, 1) that is a function of the seed and names."""
    return (_whole(seed, *names) % 2**52 + 0.5) / 2**52


def _whole(seed: int, *names: str | int) -> int:
    told = json.dumps([seed, *names]).encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big")
