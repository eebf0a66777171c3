"""How strong models are by who was preferred to whom: Bradley and Terry's model on Elo's scale, with intervals.

A vote is (first, second, score): 1 where the first was preferred, 0 the second, 0.5 a tie. The model (Bradley and Terry
1952) says that the first is preferred with the probability 1 / (1 + 10^((r2 - r1) / 400)), which is how Elo (1978)
reads ratings; a tie is half a win for each. Ratings are the most likely ones given all votes at once, so that their
order does not matter, as it does for Elo's own rule, which is here for comparison.

Ours: one game against an average opponent, half won, is added for each model, without which one that won everything
would have no finite rating; ratings are told with the mean 1000; intervals are of 95 % by the bootstrap over votes.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log

import numpy as np

from foretell.errors import BadUse
from foretell.eval.measured import Measured

Vote = tuple[str, str, float]
SCORES = (0.0, 0.5, 1.0)
MEAN, SCALE = 1000.0, 400 / log(10)
PRIOR = 1.0  # games against an average opponent
STEPS, NEAR = 100, 1e-10


def bradley_terry(votes: Sequence[Vote], prior: float = PRIOR) -> dict[str, float]:
    """The rating of each model, the best first. BadUse where there is no vote, or a score is none of 0, 0.5, 1."""
    names = named(votes)
    found = fitted(won(votes, names), prior)
    return best_first(dict(zip(names, points(found), strict=True)))


def ratings(votes: Sequence[Vote], prior: float = PRIOR, rounds: int = 500, seed: int = 0) -> dict[str, Measured]:
    """The same with `low`, `high` and `n`, the votes that each model had part in; the best first."""
    names, draw = named(votes), np.random.default_rng(seed)
    kinds = sorted(set(votes))
    often = counted(votes, kinds)
    drawn = draw.multinomial(len(votes), often / len(votes), size=rounds)  # (rounds, kinds)
    one = np.stack([won([kind], names) for kind in kinds])  # (kinds, M, M)
    again = np.stack([points(fitted(np.tensordot(row, one, 1), prior)) for row in drawn])  # (rounds, M)
    low, high = np.percentile(again, [2.5, 97.5], axis=0)
    value = bradley_terry(votes, prior)
    told = {
        name: {
            "value": value[name],
            "low": float(low[i]),
            "high": float(high[i]),
            "n": sum(name in vote[:2] for vote in votes),
        }
        for i, name in enumerate(names)
    }
    return {name: told[name] for name in value}


def elo(votes: Iterable[Vote], k: float = 16.0) -> dict[str, float]:
    """The ratings after all votes in their order by Elo's rule, each model beginning at 1000; the best first."""
    found: dict[str, float] = {}
    for first, second, score in votes:
        a, b = found.get(first, MEAN), found.get(second, MEAN)
        gained = k * (score - expected(a, b))
        found[first], found[second] = a + gained, b - gained
    return best_first(found)


def expected(a: float, b: float) -> float:
    """How often one of rating a is preferred to one of rating b."""
    return float(1 / (1 + 10 ** ((b - a) / 400)))


def named(votes: Sequence[Vote]) -> list[str]:
    """The models of some votes; BadUse where one cannot be counted."""
    if not votes:
        raise BadUse("ratings of no votes; give one or more")
    wrong = next((vote for vote in votes if vote[2] not in SCORES or vote[0] == vote[1]), None)
    if wrong is not None:
        raise BadUse(f"the vote {wrong} is no comparison of two; the score is 0, 0.5 or 1, the models differ")
    return sorted({name for vote in votes for name in vote[:2]})


def counted(votes: Sequence[Vote], kinds: Sequence[Vote]) -> np.ndarray:
    """How many votes there are of each kind."""
    at = {kind: i for i, kind in enumerate(kinds)}
    return np.bincount([at[vote] for vote in votes], minlength=len(kinds))


def won(votes: Sequence[Vote], names: Sequence[str]) -> np.ndarray:
    """How much each model won against each other: (M, M), a tie is half for both."""
    at = {name: i for i, name in enumerate(names)}
    found = np.zeros((len(names), len(names)))
    for first, second, score in votes:
        found[at[first], at[second]] += score
        found[at[second], at[first]] += 1 - score
    return found


def fitted(wins: np.ndarray, prior: float) -> np.ndarray:  # wins (M, M)
    """The most likely strengths in nats, by Newton's method: the function is concave and smooth. (M,)"""
    games = wins + wins.T
    found = np.zeros(len(wins))
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(found[None, :] - found[:, None]))  # (M, M): i is preferred to j
        alone = 1 / (1 + np.exp(-found))
        slope = (wins - games * chance).sum(1) + prior * (0.5 - alone)
        bend = games * chance * (1 - chance)
        curve = np.diag(bend.sum(1) + prior * alone * (1 - alone)) - bend
        step = np.linalg.solve(curve, slope)
        found += np.clip(step, -2, 2)  # far from the top a whole step may go too far
        if np.abs(step).max() < NEAR:
            break
    return found


def points(strengths: np.ndarray) -> np.ndarray:
    """Strengths in nats as ratings with the mean 1000."""
    return np.asarray(MEAN + SCALE * (strengths - strengths.mean()))


def best_first(found: Mapping[str, float]) -> dict[str, float]:
    """Ratings in their order."""
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
