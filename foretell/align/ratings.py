"""How far labellers agree on each output alone: ratings of 1 to 7 and flags, from ranking records in JSON form."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from foretell.align.by_prompt import ROUNDS, coefficient
from foretell.align.coefficients import agreements, alpha, coincidences, count, kappa
from foretell.eval.measured import Measured

Record = Mapping[str, Any]
LIKERT = range(1, 8)


def who(rankings: Sequence[Record], number: int) -> str:
    """The labeller of a ranking, or a name of its own where nobody knows."""
    return rankings[number].get("labeller") or f"\0{number}"


def ratings(rankings: Sequence[Record], name: str = "") -> dict[tuple[str, str], dict[str, Any]]:
    """What each labeller said of each (prompt, text): the flag of that name, or the Likert rating; the first counts."""
    said: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for number, ranking in enumerate(rankings):
        for output in ranking["outputs"]:
            one = (output.get("flags") or {}).get(name) if name else output.get("likert")
            if one is not None:
                said[ranking["prompt_id"], output["text"]].setdefault(who(rankings, number), one)
    return said


def likert_alpha(rankings: Sequence[Record], rounds: int = ROUNDS, seed: int = 0) -> Measured | None:
    """Krippendorff's alpha, ordinal, of the ratings of 1 to 7; n outputs rated by two or more."""
    prompts, counts = _counted(ratings(rankings), LIKERT)
    return coefficient(prompts, coincidences(counts), lambda sums: alpha(sums, LIKERT, "ordinal"), rounds, seed)


def flag_kappas(rankings: Sequence[Record], rounds: int = ROUNDS, seed: int = 0) -> dict[str, Measured | None]:
    """Fleiss' kappa of each flag; n outputs flagged or not by two or more."""
    names = sorted({name for one in rankings for output in one["outputs"] for name in output.get("flags") or {}})
    found = {}
    for name in names:
        prompts, counts = _counted(ratings(rankings, name), (False, True))
        found[name] = coefficient(prompts, agreements(counts), kappa, rounds, seed)
    return found


def _counted(said: Mapping[tuple[str, str], Mapping[str, Any]], values: Iterable[Any]) -> tuple[list[str], np.ndarray]:
    return [where for where, _ in said], count([list(each.values()) for each in said.values()], list(values))
