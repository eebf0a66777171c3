"""Which of two texts a model finds likelier, and how undecided it is: the entropy of the two-way choice in bits.

    p = P(a) / (P(a) + P(b)),   H = -p log2 p - (1 - p) log2 (1 - p)

A model without a preference has H = 1 (Ouyang et al. 2022, section 4.2). Two texts of different lengths differ in
probability for that reason alone, so H is far below 1 of any model: compare models on the same pairs.

    sentence   log-probability of the whole text by a decoder: what InstructGPT's section 4.2 measures
    shared     pseudo-log-likelihood of the tokens that both texts have, each masked in turn, by an encoder: the metric
               of CrowS-Pairs (Nangia et al. 2020, section 3); figures of one are not to be set beside the other's

T tokens   N shared tokens   V n_vocab
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from math import exp, log
from typing import Any

import torch

from foretell.errors import BadUse
from foretell.eval.masked_words import FIRST, LAST, MASK
from foretell.eval.measured import Measured, bootstrap
from foretell.generate.model import Model
from foretell.generate.score import score

Pair = tuple[str, str]
AT_ONCE = 64  # masked copies of a text that are read together


def metric_of(model: Model) -> str:
    """The metric that fits the kind of network. BadUse for a seq2seq."""
    kinds = {"decoder": "sentence", "encoder": "shared"}
    kind = model.network.cfg.kind
    if kind not in kinds:
        raise BadUse(f"this model is of kind {kind}, which gives no text a likelihood; give a decoder or an encoder")
    return kinds[kind]


def two_way(model: Model, pairs: Sequence[Pair]) -> list[tuple[float, float] | None]:
    """The log-probabilities of both texts of each pair; None where one does not fit into the context.

    Where a vocabulary has no end of text to begin after, the first token of each is read and not scored.
    """
    if metric_of(model) == "shared":
        return [shared(model, pair) for pair in pairs]
    start = [model.tokenizer.end_of_text] if model.tokenizer.has_end else []
    rows = [[[*start, *model.tokenizer.encode(text)] for text in pair] for pair in pairs]
    fits = [all(2 <= len(ids) <= model.network.cfg.n_ctx for ids in row) for row in rows]
    kept = [ids for row, good in zip(rows, fits, strict=True) if good for ids in row]
    found = iter(score(model.network, [(ids[:1], ids[1:]) for ids in kept]))
    return [(next(found).logprob, next(found).logprob) if good else None for good in fits]


def shared(model: Model, pair: Pair) -> tuple[float, float] | None:
    """The pseudo-log-likelihoods of what both texts have in common."""
    one, two = (model.tokenizer.encode(text) for text in pair)
    if max(len(one), len(two)) + 2 > model.network.cfg.n_ctx:
        return None
    spans = SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks()
    places = [(span.a + i, span.b + i) for span in spans for i in range(span.size)]
    if not places:
        return None
    first, second = zip(*places, strict=True)
    return pseudo(model, one, first), pseudo(model, two, second)


def pseudo(model: Model, ids: Sequence[int], places: Sequence[int]) -> float:
    """The summed log-probability of the tokens at some places, each masked in turn."""
    special = model.tokenizer.special
    row = torch.tensor([special(FIRST), *ids, special(LAST)])  # (T,)
    at = torch.tensor(places) + 1  # (N,)
    total = 0.0
    for some in at.split(AT_ONCE):
        masked = row.repeat(len(some), 1)  # (N, T)
        every = torch.arange(len(some))
        masked[every, some] = special(MASK)
        logits = model.logits(masked)[every, some].float()  # (N, V)
        total += float(torch.log_softmax(logits, -1)[every, row[some]].sum())
    return total


def entropy(a: float, b: float) -> float:
    """H in bits of two log-probabilities."""
    d = abs(a - b)
    p = 1 / (1 + exp(-d))
    return (log(1 + exp(-d)) + (1 - p) * d) / log(2)


def compared(mine: Sequence[float], theirs: Sequence[float]) -> Measured:
    """The mean difference of two models' values on the same items, with a bootstrap over the items: paired.

    What makes an item easy for both cancels, so that the interval is narrower than that of two separate means.
    """
    both = list(zip(mine, theirs, strict=True))
    return bootstrap(both, lambda some: sum(a - b for a, b in some) / len(some))


def tabled(rows: Sequence[dict[str, Any]], by: str, value: str) -> dict[str, Measured]:
    """The mean of a value from 0 to 1 for each kind of row, with a bootstrap; of a single row nothing is known."""
    kinds = dict.fromkeys(row[by] for row in rows)
    groups = {kind: [row[value] for row in rows if row[by] == kind] for kind in kinds}
    found = {kind: bootstrap(some, lambda values: sum(values) / len(values)) for kind, some in groups.items()}
    return {kind: one if one["n"] > 1 else {**one, "low": 0.0, "high": 1.0} for kind, one in found.items()}
