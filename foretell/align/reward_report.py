"""How well a reward model agrees with rankings: accuracy, log-loss and calibration, beside what needs no model.

All pairs without ties count one. Pairs of a prompt are alike, so intervals are of the bootstrap over prompts. The
figures to compare with are Ouyang et al. 2022, section 4.1 (reward models, 72.4 and 69.6 %) and labellers' own
agreement, 72.6 %: no reward model can be expected to be far above it.

    length        the longer output in tokens; `shorter` is 1 minus it
    most_won      the output of the model that wins more of these very pairs, where outputs name their models
    chance        0.5: a pair has no fixed sides, so that no answer is the majority's
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import exp, log1p
from typing import Any, NamedTuple

from foretell.align.by_prompt import ratio
from foretell.align.records import content_id
from foretell.align.reward import Reward, scores
from foretell.corpus.rankings import Encoded, encoded
from foretell.errors import BadUse

Row = Mapping[str, Any]
BINS = 10  # of the probability that the preferred output was given, from 0.5 to 1


class Pair(NamedTuple):
    """A comparison without a tie: of the better output less the worse, the reward and the tokens; and its prompt."""

    prompt: str
    margin: float
    longer: int
    models: tuple[str, str]


def reward_report(reward: Reward, rankings: Sequence[Row]) -> dict[str, Any]:
    """Accuracy, log_loss (nats), the calibration curve and the baselines on rankings as labels hold them.

    Rankings that do not fit into the context, and pairs that are ties, are left out and counted.
    """
    pairs, left = compared(reward, rankings)
    return {**summary(pairs), "rankings": len(rankings), **left}


def compared(reward: Reward, rankings: Sequence[Row]) -> tuple[list[Pair], dict[str, int]]:
    """The pairs of all rankings, and what was left out: `too_long` and `out_of_turn` rankings, and `ties`."""
    read = [encoded(row, reward.tokenizer, f"ranking {number}") for number, row in enumerate(rankings, 1)]
    n_ctx = reward.network.cfg.n_ctx
    every = [(row, one) for row, one in zip(rankings, read, strict=True) if one is not None]
    kept = [(row, one) for row, one in every if max(map(len, one.outputs)) < n_ctx]
    asked = [(one.prompt.tolist(), output.tolist()) for _, one in kept for output in one.outputs]
    rewards = iter(scores(reward, asked))
    found, ties = [], 0
    for row, one in kept:
        pairs = list(pairs_of(row, one, [next(rewards) for _ in one.outputs]))
        ties += len(one.ranks) * (len(one.ranks) - 1) // 2 - len(pairs)
        found += pairs
    if not found:
        raise BadUse(f"{len(rankings)} rankings compare nothing: all are ties or too long; give others")
    left = {"too_long": len(every) - len(kept), "out_of_turn": len(read) - len(every), "ties": ties}
    return found, left


def pairs_of(row: Row, one: Encoded, rewards: Sequence[float]) -> Iterable[Pair]:
    """The pairs of a ranking that are no ties."""
    prompt = str(row.get("prompt_id") or content_id(row["prompt"]))
    models = [str(output.get("model") or "") if isinstance(output, Mapping) else "" for output in row["outputs"]]
    for i, j in combinations(range(len(one.ranks)), 2):
        if one.ranks[i] != one.ranks[j]:
            better, worse = (i, j) if one.ranks[i] < one.ranks[j] else (j, i)
            longer = len(one.outputs[better]) - len(one.outputs[worse])
            yield Pair(prompt, rewards[better] - rewards[worse], longer, (models[better], models[worse]))


def summary(pairs: Sequence[Pair]) -> dict[str, Any]:
    """The figures of pairs: each with n, the number of prompts and an interval by prompt."""
    prompts = [one.prompt for one in pairs]
    ones = [1.0] * len(pairs)
    curve = calibration(pairs)
    error = sum(bin_["n"] * abs(bin_["said"] - bin_["right"]["value"]) for bin_ in curve) / len(pairs)
    return {
        "accuracy": ratio(prompts, [half(one.margin) for one in pairs], ones),
        "log_loss": ratio(prompts, [log1p(exp(-abs(one.margin))) + max(-one.margin, 0.0) for one in pairs], ones),
        "calibration": curve,
        "calibration_error": error,
        "baselines": {
            "length": ratio(prompts, [half(one.longer) for one in pairs], ones),
            "most_won": most_won(pairs),
            "chance": 0.5,
        },
    }


def half(difference: float) -> float:
    """1 where the better output has more, 0 where it has less, and a half where both have the same."""
    return 0.5 * (1 + (difference > 0) - (difference < 0))


def calibration(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """For each bin of what the model gave the output it prefers: the mean probability `said`, the share `right`, n."""
    bins: dict[int, list[Pair]] = defaultdict(list)
    for one in pairs:
        bins[min(int((certainty(one) - 0.5) * 2 * BINS), BINS - 1)].append(one)
    found = []
    for number, some in sorted(bins.items()):
        right = ratio([one.prompt for one in some], [half(one.margin) for one in some], [1.0] * len(some))
        said = sum(map(certainty, some)) / len(some)
        found.append({"from": 0.5 + number / (2 * BINS), "said": said, "right": right, "n": len(some)})
    return found


def certainty(pair: Pair) -> float:
    """The probability that the model gives the output that it prefers."""
    return 1 / (1 + exp(-abs(pair.margin)))


def most_won(pairs: Sequence[Pair]) -> dict[str, float] | None:
    """Always the output of the model that wins more often here; None where outputs do not name two models.

    It has seen the answers that it is measured on, so that it is an upper bound of what names alone can tell.
    """
    won: dict[str, list[float]] = defaultdict(list)
    for one in pairs:
        if one.models[0] != one.models[1]:
            won[one.models[0]].append(1.0)
            won[one.models[1]].append(0.0)
    if len(won) < 2:
        return None
    mean = {model: sum(values) / len(values) for model, values in won.items()}
    shares = [half(mean.get(one.models[0], 0.5) - mean.get(one.models[1], 0.5)) for one in pairs]
    return ratio([one.prompt for one in pairs], shares, [1.0] * len(pairs))
