"""Who may label: agreement with researchers on flags and rankings, and rated demonstrations.

Ouyang et al. 2022, appendix B.1: 75 % agreement on flags of sensitive speech, 75 % on comparisons, 6 of 7 for
demonstrations on sensitive subjects; the cut-offs were soft, so that each figure is told with its interval and not only
whether it passes. The fourth criterion, what labellers say of themselves, is no figure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foretell.align.agreement import RESEARCHER, compare, with_group
from foretell.align.by_prompt import ROUNDS, ratio
from foretell.align.ratings import Record, ratings, who
from foretell.errors import BadUse
from foretell.eval.measured import Measured
from foretell.eval.t_test import mean_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffs:
    """The least that passes: two shares, and a mean rating of 1 to 7."""

    flags: float = 0.75
    rankings: float = 0.75
    demonstrations: float = 6.0


PAPER = CutOffs()


def screening(
    rankings: Sequence[Record],
    rated: Mapping[str, Sequence[float]] | None = None,
    *,
    flags: Collection[str] = (),
    researcher: str = RESEARCHER,
    cut_offs: CutOffs = PAPER,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """For each labeller outside the researchers' group: `flags`, `rankings`, `demonstrations` and whether all pass.

    Each is a measured value with its `cut_off` and `passes`, or None where it was not measured; `passes` of the
    labeller is None while one is missing. rated: the ratings of each labeller's demonstrations; flags: the names that
    count, all where none is given.
    """
    by_rank = with_group(compare(rankings), researcher, rounds, seed)
    by_flag = flag_agreement(rankings, flags, researcher, rounds, seed)
    by_rating = {name: _mean(name, values) for name, values in (rated or {}).items()}
    found = {}
    for name in sorted({*by_rank, *by_flag, *by_rating}):
        told = {
            "flags": _against(by_flag.get(name), cut_offs.flags),
            "rankings": _against(by_rank.get(name), cut_offs.rankings),
            "demonstrations": _against(by_rating.get(name), cut_offs.demonstrations),
        }
        passes = [one["passes"] for one in told.values() if one]
        found[name] = {**told, "passes": all(passes) if len(passes) == len(told) or not all(passes) else None}
    return found


def flag_agreement(
    rankings: Sequence[Record],
    flags: Collection[str] = (),
    researcher: str = RESEARCHER,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> dict[str, Measured | None]:
    """How often each labeller sets a flag as a researcher does; n pairs of flags of one output, interval by prompt."""
    every = {name for one in rankings for output in one["outputs"] for name in output.get("flags") or {}}
    insiders = {who(rankings, i) for i, one in enumerate(rankings) if one.get("labeller_group") == researcher}
    same: dict[str, list[tuple[str, float]]] = {}
    for flag in sorted(set(flags) or every):
        for (prompt, _text), said in ratings(rankings, flag).items():
            of_researchers = [one for name, one in said.items() if name in insiders]
            for name, one in said.items():
                if name not in insiders and not name.startswith("\0"):
                    same.setdefault(name, []).extend((prompt, float(one == other)) for other in of_researchers)
    return {
        name: ratio([prompt for prompt, _ in told], [equal for _, equal in told], [1] * len(told), rounds, seed)
        for name, told in same.items()
        if told
    }


def _mean(name: str, values: Sequence[float]) -> Measured | None:
    if any(not 1 <= one <= 7 for one in values):
        raise BadUse(f"labeller {name!r}: ratings {list(values)}; a demonstration is rated 1 to 7")
    if len(values) == 1:
        return {"value": float(values[0]), "low": 1.0, "high": 7.0, "n": 1}
    return mean_interval(values) if values else None


def _against(measured: Measured | None, cut_off: float) -> dict[str, Any] | None:
    return {**measured, "cut_off": cut_off, "passes": measured["value"] >= cut_off} if measured else None
