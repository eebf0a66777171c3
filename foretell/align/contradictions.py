"""Rankings that contradict each other: found, told, and on request settled by the later one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from foretell.align.records import Ranking, content_id
from foretell.errors import BadUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """One labeller has called each of two outputs of a prompt the better one; outputs are named by their hash."""

    labeller: str
    prompt_id: str
    outputs: tuple[str, str]

    def __str__(self) -> str:
        one, other = self.outputs
        who = f"labeller {self.labeller!r}" if self.labeller else "one ranking"
        if one == other:
            return f"{who} ranks an output of prompt {self.prompt_id} above the same text ({one})"
        return f"{who} ranks two outputs of prompt {self.prompt_id} both ways ({one}, {other})"


def contradictions(rankings: Iterable[Ranking]) -> list[Contradiction]:
    """The pairs of outputs that one labeller has ranked both ways, in order of their first ranking.

    A tie contradicts nothing. Outputs are the same where their text is. Rankings whose labeller is not known are of
    different people, so that only a ranking that puts a text above itself contradicts anything there.
    """
    first: dict[tuple[str, str, str, str], int] = {}
    found: dict[Contradiction, None] = {}
    for number, ranking in enumerate(rankings):
        who = ranking.labeller or f"\0{number}"
        for better, worse in _strict_pairs(ranking):
            low, high = sorted((better, worse))
            way = 1 if (better, worse) == (low, high) else -1
            if better == worse or first.setdefault((who, ranking.prompt_id, low, high), way) != way:
                named = (content_id(low), content_id(high))
                found[Contradiction(labeller=ranking.labeller, prompt_id=ranking.prompt_id, outputs=named)] = None
    return list(found)


def _strict_pairs(ranking: Ranking) -> list[tuple[str, str]]:
    ranked = list(zip(ranking.outputs, ranking.ranks, strict=True))
    return [(one.text, other.text) for one, high in ranked for other, low in ranked if high < low]


def check(rankings: Sequence[Ranking]) -> None:
    """BadUse with the first contradiction and their number, where there is one."""
    found = contradictions(rankings)
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise BadUse(f"{found[0]}{more}; --contradictions latest keeps the labeller's last word, keep keeps all")


def latest(rankings: Sequence[Ranking]) -> list[Ranking]:
    """The rankings, in order, without those that a later one of the same labeller contradicts, or that do so alone."""
    kept: list[Ranking] = []
    later: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for number, ranking in reversed(list(enumerate(rankings))):
        known = later[ranking.labeller or f"\0{number}", ranking.prompt_id]
        pairs = set(_strict_pairs(ranking))
        if not any((worse, better) in known or better == worse for better, worse in pairs):
            known |= pairs
            kept.append(ranking)
    return kept[::-1]
