"""Two sides that answered the same prompts, compared: the win rate, by whom, for what, and at like lengths."""

from collections.abc import Mapping, Sequence
from typing import Any

from foretell.align.judges import Judge, judge, labeller_judges
from foretell.align.made_quality import n_words
from foretell.align.simulated import Labeller, Record
from foretell.eval.win_rate import win_rate, win_rates

LIKE = 1.25  # how many times as many words as the other's an answer may have to be of a like length
Comparison = dict[str, Any]


def compare(
    prompts: Sequence[Record],
    a: Mapping[str, str],
    b: Mapping[str, str],
    judges: Mapping[str, Judge],
    *,
    groups: Mapping[str, str] | None = None,
    seed: int = 0,
) -> tuple[dict[str, Any], list[Comparison]]:
    """The results and the single comparisons of a against b: 1 where a is preferred, 0.5 for a tie.

    The results: `win_rate` with its interval by prompt and labeller, `by_group` (of labellers) and `by_use_case` where
    there are several, `words` (the mean of each side), and `like_lengths`, the win rate where neither answer has more
    than 1.25 times the words of the other (None where there is no such pair): labellers like longer answers, so a win
    rate that is not seen there may be one of length alone.
    """
    found = judge(prompts, a, b, judges, groups=groups, seed=seed)
    words = {one["prompt_id"]: (n_words(a[one["prompt_id"]]), n_words(b[one["prompt_id"]])) for one in prompts}
    alike = [one for one in found if like(*words[one["prompt_id"]])]
    results = {
        "win_rate": win_rate(found),
        "prompts": len(prompts),
        "judges": len(judges),
        "by_group": several(found, "labeller_group"),
        "by_use_case": several(found, "use_case"),
        "words": {side: sum(pair[i] for pair in words.values()) / len(words) for i, side in enumerate("ab")},
        "like_lengths": win_rate(alike) if alike else None,
    }
    return results, found


def several(comparisons: Sequence[Comparison], name: str) -> dict[str, Any]:
    """The win rates by one name, empty where it has one value."""
    if len({one.get(name, "") for one in comparisons}) < 2:
        return {}
    return {str(key) or "not told": value for key, value in win_rates(comparisons, name).items()}


def like(a: int, b: int) -> bool:
    """Whether two numbers of words are within a factor of 1.25; an empty answer is like an empty one alone."""
    return max(a, b) <= LIKE * min(a, b)


def labelled(
    prompts: Sequence[Record], a: Mapping[str, str], b: Mapping[str, str], panel: Sequence[Labeller], seed: int
) -> tuple[dict[str, Any], list[Comparison]]:
    """compare() with simulated labellers as judges, grouped by who trains and who is held out."""
    groups = {one.name: one.group for one in panel}
    return compare(prompts, a, b, labeller_judges(panel, seed=seed), groups=groups, seed=seed)
