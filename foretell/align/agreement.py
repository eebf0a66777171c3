"""How far labellers agree: what `foretell label agreement` prints, from ranking records in their JSON form.

The rate is the share of pairs of outputs that two labellers, who both see a difference, order the same way; the paper
(Ouyang et al. 2022, section 3.4) has 72.6 +- 1.5 % for its training labellers and 77.3 +- 1.3 % for the held-out ones.
It does not say how ties count nor what the +- is: here a pair that either calls a tie is counted apart, every pair of
labellers and outputs counts once, and `se` is the standard error by prompt (foretell.align.by_prompt).

Outputs are the same where their text is; a text that one ranking has twice takes the mean of its ranks. Rankings of
unknown labellers are of different people. What cannot be measured is None.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from foretell.align.by_prompt import ROUNDS, ratio
from foretell.align.coefficients import kendall
from foretell.align.ratings import Record, flag_kappas, likert_alpha, who
from foretell.errors import BadUse
from foretell.eval.measured import Measured, Z

RESEARCHER = "researcher"


class Compared(NamedTuple):
    """Two rankings of one prompt: how many pairs of outputs they order alike, otherwise, and call ties."""

    prompt_id: str
    labellers: tuple[str, str]
    groups: tuple[str, str]
    alike: int
    otherwise: int
    tied_once: int
    tied_twice: int
    tau: float | None
    at: int  # the place of the later ranking among all


def agreement(
    rankings: Sequence[Record], *, researcher: str = RESEARCHER, windows: int = 4, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Any]:
    """All that can be said of the agreement of labellers: rates, tau-b, alpha of ratings, kappa of flags, drift.

    pairwise         of different labellers, also by_group ("a" within a group, "a with b" across)
    same_labeller    of labellers who ranked a prompt twice
    with_researchers each labeller against the group named by `researcher`
    drift            the rate in equal parts of the prompts, in the order of the rankings given
    BadUse where no prompt was ranked by two labellers.
    """
    compared = compare(rankings)
    between = [one for one in compared if one.labellers[0] != one.labellers[1]]
    if not between:
        raise BadUse(
            f"{len(rankings)} rankings, and no outputs that two labellers both ranked: agreement needs prompts "
            "given to two or more"
        )
    settings = {"rounds": rounds, "seed": seed}
    return {
        "rankings": len(rankings),
        "prompts": len({one["prompt_id"] for one in rankings}),
        "labellers": len({name for one in rankings if (name := one.get("labeller"))}),
        "pairwise": rate(between, **settings),
        "same_labeller": rate([one for one in compared if one.labellers[0] == one.labellers[1]], **settings),
        "kendall": taus(between, **settings),
        "likert": likert_alpha(rankings, **settings),
        "flags": flag_kappas(rankings, **settings),
        "by_group": by_group(between, **settings),
        "matrix": matrix(between),
        "with_researchers": with_group(between, researcher, **settings),
        "drift": drift(between, windows, rounds=rounds, seed=seed),
    }


def compare(rankings: Sequence[Record]) -> list[Compared]:
    """Each two rankings of one prompt that share two outputs or more, also those of one labeller."""
    of_prompt: dict[str, list[int]] = defaultdict(list)
    for number, ranking in enumerate(rankings):
        of_prompt[ranking["prompt_id"]].append(number)
    ranked = {number: by_text(rankings[number]) for several in of_prompt.values() if several[1:] for number in several}
    found = []
    for several in of_prompt.values():
        for one, other in combinations(several, 2):
            both = [text for text in ranked[one] if text in ranked[other]]
            if len(both) >= 2:
                sides = [[ranked[number][text] for text in both] for number in (one, other)]
                found.append(_compared(rankings, (one, other), sides))
    return found


def by_text(ranking: Record) -> dict[str, float]:
    """The rank of each text, the mean of its ranks where there are several."""
    ranks: dict[str, list[float]] = defaultdict(list)
    for output, rank in zip(ranking["outputs"], ranking["ranks"], strict=True):
        ranks[output["text"]].append(rank)
    return {text: sum(several) / len(several) for text, several in ranks.items()}


def _compared(rankings: Sequence[Record], pair: tuple[int, int], sides: Sequence[Sequence[float]]) -> Compared:
    alike, otherwise, once, twice = count_pairs(*sides)
    one, other = sorted(pair, key=lambda number: who(rankings, number))
    groups = (rankings[one].get("labeller_group", ""), rankings[other].get("labeller_group", ""))
    names = (who(rankings, one), who(rankings, other))
    where = rankings[one]["prompt_id"]
    return Compared(where, names, groups, alike, otherwise, once, twice, kendall(*sides), max(pair))


def count_pairs(a: Sequence[float], b: Sequence[float]) -> tuple[int, int, int, int]:
    """The pairs of outputs that two rankings order alike, otherwise, that one of them ties, that both tie."""
    upper = np.triu_indices(len(a), 1)
    x, y = (np.sign(np.subtract.outer(one, one))[upper] for one in (np.asarray(a), np.asarray(b)))  # (pairs,) each
    alike, otherwise = int((x * y > 0).sum()), int((x * y < 0).sum())
    twice = int(((x == 0) & (y == 0)).sum())
    return alike, otherwise, len(x) - alike - otherwise - twice, twice


def rate(compared: Sequence[Compared], rounds: int = ROUNDS, seed: int = 0) -> Measured | None:
    """The share of pairs ordered alike among those that neither calls a tie; n pairs, and the ties beside it."""
    untied = [one.alike + one.otherwise for one in compared]
    found = ratio([one.prompt_id for one in compared], [one.alike for one in compared], untied, rounds, seed)
    ties = {name: sum(getattr(one, name) for one in compared) for name in ("tied_once", "tied_twice")}
    return {**found, **ties} if found else None


def taus(compared: Sequence[Compared], rounds: int = ROUNDS, seed: int = 0) -> Measured | None:
    """The mean tau-b of two rankings of a prompt; n pairs of rankings, without those in which all is tied."""
    told = [(one.prompt_id, one.tau) for one in compared if one.tau is not None]
    return ratio([where for where, _ in told], [tau for _, tau in told], [1] * len(told), rounds, seed)


def by_group(compared: Sequence[Compared], rounds: int = ROUNDS, seed: int = 0) -> dict[str, Measured | None]:
    """The rate within each group of labellers and across each two."""
    parts: dict[str, list[Compared]] = defaultdict(list)
    for one in compared:
        parts[" with ".join(sorted({group or "(none)" for group in one.groups}))].append(one)
    return {name: rate(part, rounds, seed) for name, part in sorted(parts.items())}


def with_group(
    compared: Sequence[Compared], group: str, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Measured | None]:
    """The rate of each known labeller, outside a group, with the labellers in it."""
    parts: dict[str, list[Compared]] = defaultdict(list)
    for one in compared:
        inside = [each == group for each in one.groups]
        name = one.labellers[inside.index(False)] if sum(inside) == 1 else ""
        if name and not name.startswith("\0"):
            parts[name].append(one)
    return {name: rate(part, rounds, seed) for name, part in sorted(parts.items())}


def matrix(compared: Sequence[Compared]) -> dict[str, Any]:
    """Each known labeller against each: `alike`, `n` and `ties` as square lists in the order of `labellers`.

    The rate of two is alike / n; none is given for few pairs, since the reader must see n first.
    """
    known = [one for one in compared if not one.labellers[0].startswith("\0") and not one.labellers[1].startswith("\0")]
    names = sorted({name for one in known for name in one.labellers})
    place = {name: number for number, name in enumerate(names)}
    table = np.zeros((3, len(names), len(names)), dtype=int)
    for one in known:
        row, column = (place[name] for name in one.labellers)
        added = (one.alike, one.alike + one.otherwise, one.tied_once + one.tied_twice)
        table[:, row, column] += added
        table[:, column, row] += added
    return {"labellers": names, **dict(zip(("alike", "n", "ties"), table.tolist(), strict=True))}


def drift(
    compared: Sequence[Compared], windows: int = 4, labeller: str = "", rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Any]:
    """Whether agreement changes as labelling goes on: the rate in `windows` equal parts, and the `change` they show.

    Prompts are in the order of their last ranking; `labeller` keeps the comparisons of one. change is the last part's
    rate less the first's, its interval from both standard errors; `clear` where that is all on one side of 0.
    """
    if windows < 2:
        raise BadUse(f"drift in {windows} windows cannot be seen; give 2 or more")
    mine = [one for one in compared if not labeller or labeller in one.labellers]
    last: dict[str, int] = {}
    for one in mine:
        last[one.prompt_id] = max(one.at, last.get(one.prompt_id, 0))
    in_order = sorted(last, key=lambda where: last[where])
    part = {where: number * windows // len(in_order) for number, where in enumerate(in_order)}
    rates = [rate([one for one in mine if part[one.prompt_id] == window], rounds, seed) for window in range(windows)]
    first, final = rates[0], rates[-1]
    if first is None or final is None:
        return {"windows": rates, "change": None}
    change, width = final["value"] - first["value"], Z * float(np.hypot(first["se"], final["se"]))
    told = {"value": change, "low": change - width, "high": change + width, "clear": abs(change) > width}
    return {"windows": rates, "change": told}
