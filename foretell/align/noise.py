"""How noisy simulated labellers must be to agree as people do, such as 72.6 % (foretell.align.simulated).

Two labellers rank the same outputs again and again, always with the same draws of noise, times a temperature that is
halved and doubled until their agreement is the one wanted. R pairs of rankings, L labellers,
K outputs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import exp, log

import numpy as np

from foretell.align.made_quality import quality_of
from foretell.align.simulated import Labeller, Quality, Record, doublings, rank_rows
from foretell.errors import BadUse

DRAWS = 10_000
LEAST, MOST, STEPS = 1e-4, 1e4, 40


def temperature_for(
    agreement: float, qualities: Sequence[Sequence[float]], *, tie: float = 0.0, draws: int = DRAWS, seed: int = 0
) -> float:
    """The temperature at which two labellers without bias agree on that share of the pairs that neither ties.

    qualities: those of the outputs of each prompt. BadUse where no temperature does: outside 0.5 to 1, or where the
    outputs of each prompt are all equal.
    """
    alike = [Labeller(name=name, tie=tie) for name in ("one", "other")]
    return scale_for(
        agreement, [np.tile(np.asarray(one, dtype=float), (2, 1)) for one in qualities], alike, draws, seed
    )


def tuned(
    labellers: Sequence[Labeller],
    agreement: float,
    prompts: Sequence[Record],
    outputs: Mapping[str, Sequence[Record]],
    *,
    quality: Quality = quality_of,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Labeller, ...]:
    """The same labellers with all temperatures times one factor, at which they agree so far on these outputs.

    Each two labellers count alike. Groups are given a prompt separately (foretell.align.simulated), so tune them one
    by one, and also where they are to agree to another degree, as the paper's 72.6 % and 77.3 %. Biases stay, and bound
    the agreement that can be had: BadUse beyond it.
    """
    if len(labellers) < 2:
        raise BadUse(f"{len(labellers)} labeller agrees with nobody; give 2 or more")
    bases = []
    for prompt in prompts:
        texts = [one["text"] for one in outputs[prompt["prompt_id"]]]
        good = [quality(text, prompt["text"]) for text in texts]
        liked = np.outer([one.length_bias for one in labellers], [doublings(text) for text in texts])
        bases.append(np.asarray(good) + liked)
    scale = scale_for(agreement, bases, labellers, draws, seed)
    return tuple(replace(one, temperature=one.temperature * scale) for one in labellers)


def scale_for(
    agreement: float, bases: Sequence[np.ndarray], labellers: Sequence[Labeller], draws: int = DRAWS, seed: int = 0
) -> float:
    """The factor of all temperatures; bases are what each labeller perceives without noise, (L, K) for each prompt."""
    if not 0.5 < agreement < 1:
        raise BadUse(
            f"an agreement of {agreement} is not to be had by noise; give one between 0.5 and 1, such as 0.726"
        )
    at = simulated_agreement(bases, labellers, draws, seed)
    most, least = at(LEAST), at(MOST)
    if not least < agreement <= most:
        raise BadUse(
            f"an agreement of {agreement} cannot be reached: on these outputs the labellers agree on {least:.3f} to "
            f"{most:.3f}; take other outputs or smaller biases"
        )
    low, high = log(LEAST), log(MOST)
    for _step in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if at(exp(middle)) >= agreement else (low, middle)
    return exp(low)


def simulated_agreement(
    bases: Sequence[np.ndarray], labellers: Sequence[Labeller], draws: int = DRAWS, seed: int = 0
) -> Callable[[float], float]:
    """The agreement of two labellers as a function of the factor, from `draws` pairs of rankings by two of them."""
    draw = np.random.default_rng(seed)
    sizes = np.asarray([base.shape[1] for base in bases if base.shape[1] >= 2])
    if not len(sizes):
        raise BadUse("no prompt has two outputs; agreement needs outputs that can be compared")
    size = draw.choice(sizes, draws)  # of a prompt for each pair of rankings
    first = draw.integers(0, len(labellers), draws)
    pairs = np.stack([first, (first + draw.integers(1, len(labellers), draws)) % len(labellers)], axis=1)  # (R, 2)
    temperatures, ties = (np.asarray([getattr(one, name) for one in labellers]) for name in ("temperature", "tie"))
    parts = []
    for k in np.unique(size):
        alike = np.stack([base for base in bases if base.shape[1] == k])  # (prompts, labellers, k)
        who = pairs[size == k]  # (rows, 2)
        base = alike[draw.integers(0, len(alike), len(who))[:, None], who].reshape(-1, k)  # (2 rows, k)
        noise = draw.gumbel(size=base.shape) * temperatures[who.reshape(-1), None]
        parts.append((base, noise, ties[who.reshape(-1)]))

    def at(scale: float) -> float:
        alike = untied = 0
        for base, noise, tie in parts:
            ranks = rank_rows(base + scale * noise, tie).reshape(-1, 2, base.shape[1])  # (rows, 2, k)
            one, other = np.triu_indices(base.shape[1], 1)
            signs = np.sign(ranks[:, :, one] - ranks[:, :, other]).prod(axis=1)  # (rows, pairs)
            alike, untied = alike + int((signs > 0).sum()), untied + int((signs != 0).sum())
        return alike / untied if untied else 0.5

    return at
