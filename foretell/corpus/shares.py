"""Weights and epochs of the sources of a mixture: either is given, the other follows; the table that shows both.

    epochs = weight * budget / tokens

GPT-3's table 2.2 (Brown et al. 2020) is this one over 300 billion tokens, but its epochs do not follow from its
weights: table_lines() puts printed values beside computed ones and says where they part.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from foretell.corpus.mixture import check_numbers
from foretell.errors import BadUse

ROUNDED = 0.05  # printed epochs such as GPT-3's have two digits: what is off by less is rounding
NOTHING = 1e-9  # share of a budget below which weights leave nothing


class Share(NamedTuple):
    """A row of the table: a source's tokens, its share of what is read, and how often it is read."""

    source: str
    tokens: float
    weight: float
    epochs: float


def weights_of(
    tokens: Mapping[str, float],
    *,
    weights: Mapping[str, float] | None = None,
    epochs: Mapping[str, float] | None = None,
    budget: float = 0,
) -> dict[str, float]:
    """The weight of every source, summing to 1, from the weights of some and the epochs of others over a budget.

    Sources with neither share what is left in proportion to their tokens. Where every source has one, weights that do
    not sum to 1 are taken in proportion, but epochs are given as asked. A budget of 0 is budget_of().

    BadUse if a source is unknown, empty or given both, if nothing is left for those with neither, or if every source
    has one and the epochs do not fit the budget.
    """
    weights, epochs, names = weights or {}, epochs or {}, list(tokens)
    check_numbers("weight", weights, names)
    check_numbers("epochs", epochs, names)
    if not (math.isfinite(budget) and budget >= 0):
        raise BadUse(f"a budget of {budget} is no number of tokens from 0 on; give training tokens, or 0")
    for name, n in tokens.items():
        if name in weights and name in epochs:
            raise BadUse(f"source {name!r} is given a weight and epochs; give one of them, the other follows")
        if n <= 0 and (weights.get(name, 0) or epochs.get(name, 0)):
            raise BadUse(f"source {name!r} has no tokens to train on; give it more text, or leave it out")
    over = budget_of(tokens, weights=weights, epochs=epochs, budget=budget)
    given = {**weights, **{name: n * tokens[name] / over for name, n in epochs.items()}}
    total, rest = sum(given.values()), {name: n for name, n in tokens.items() if name not in given and n > 0}
    if rest and total >= 1:
        others = ", ".join(map(repr, rest))
        raise BadUse(f"the weights given sum to {total:.3g} and leave nothing for {others}; lower them, or give all")
    if rest:
        return {name: given.get(name, (1 - total) * tokens[name] / sum(rest.values())) for name in names}
    if not total:
        raise BadUse("every weight is 0; give one source a weight or epochs above 0")
    if any(epochs.values()) and abs(total - 1) > ROUNDED:
        raise BadUse(_unfit(sum(n * tokens[name] for name, n in epochs.items()), sum(weights.values()), over))
    return {name: given.get(name, 0.0) / total for name in names}


def _unfit(needed: float, weighted: float, budget: float) -> str:
    """What is said where epochs and weights, one for every source, do not come to the budget."""
    said = f"the epochs given read {needed:,.0f} tokens"
    if weighted >= 1 - NOTHING:
        return f"{said}, but the weights given sum to {weighted:.3g} and leave nothing for them; lower the weights"
    of = f", of which the weights given leave {(1 - weighted) * budget:,.0f}" if weighted else ""
    return f"{said}, but the budget is {budget:,.0f}{of}; leave the budget out, or give one source neither"


def budget_of(
    tokens: Mapping[str, float],
    *,
    weights: Mapping[str, float] | None = None,
    epochs: Mapping[str, float] | None = None,
    budget: float = 0,
) -> float:
    """The training tokens over which epochs are counted: the budget, else what gives the epochs that are asked.

    Where every source has a weight or epochs that is sum(epochs * tokens) / (1 - the weights), else, as other sources
    take what is left, the tokens of all.
    """
    weights, epochs = weights or {}, epochs or {}
    needed, left = sum(n * tokens[name] for name, n in epochs.items()), 1 - sum(weights.values())
    every = all(name in weights or name in epochs for name, n in tokens.items() if n > 0)
    if not budget and every and needed and left > NOTHING:
        return needed / left
    return budget or sum(tokens.values())


def shares_of(
    tokens: Mapping[str, float],
    *,
    weights: Mapping[str, float] | None = None,
    epochs: Mapping[str, float] | None = None,
    budget: float = 0,
) -> list[Share]:
    """The rows of the table from the weights of some sources and the epochs of others; raises as weights_of() does."""
    found = weights_of(tokens, weights=weights, epochs=epochs, budget=budget)
    return shares(tokens, found, budget_of(tokens, weights=weights, epochs=epochs, budget=budget))


def shares(tokens: Mapping[str, float], weights: Mapping[str, float], budget: float = 0) -> list[Share]:
    """The rows of the table over a budget of training tokens; 0 is the tokens of all sources together."""
    budget = budget or sum(tokens.values())
    return [Share(name, n, weights[name], weights[name] * budget / n if n else 0.0) for name, n in tokens.items()]


def table_lines(rows: Sequence[Share], printed: Mapping[str, tuple[float, float]] | None = None) -> list[str]:
    """The table as lines of text; with a paper's (weight, epochs) beside it and a last line on what disagrees."""
    wide = max(len("source"), *(len(row.source) for row in rows))
    beside = f"  {'printed':>8} {'epochs':>7}" if printed else ""
    lines = [f"{'source':{wide}}  {'tokens':>8}  {'weight':>7}  {'epochs':>7}{beside}"]
    for row in rows:
        line = f"{row.source:{wide}}  {short(row.tokens):>8}  {row.weight:7.1%}  {row.epochs:7.2f}"
        paper = (printed or {}).get(row.source)
        lines.append(line + (f"  {paper[0]:8.0%} {paper[1]:7.2f}" if paper else ""))
    return [*lines, disagreement(rows, printed)] if printed else lines


def disagreement(rows: Sequence[Share], printed: Mapping[str, tuple[float, float]]) -> str:
    """What printed weights sum to, and which printed epochs are off the computed ones by more than 5 %."""
    total = sum(weight for weight, _ in printed.values())
    off = [row for row in rows if row.source in printed and abs(row.epochs / printed[row.source][1] - 1) > ROUNDED]
    said = ", ".join(f"{row.source} {row.epochs:.2f} against {printed[row.source][1]:g}" for row in off)
    return f"The printed weights sum to {total:.2f}; epochs that do not follow from them: {said or 'none'}."


def short(n: float) -> str:
    """A number of tokens in few characters: 410 B, 3.2 M."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.3g} {letter}"
    return f"{n:.0f}"
