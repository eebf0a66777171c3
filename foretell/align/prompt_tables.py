"""The tables that tell what a set of prompts is, of the user's own data, as rows (Ouyang et al. 2022, appendix A.3).

    use_cases          table 1    shares of the use cases
    sizes              table 6    prompts of each set by side and source
    annotations        table 7    shares of the tags that labellers gave
    per_customer       table 8    prompts that a customer has given, on average
    prompt_lengths     table 9    tokens of the prompts of each set and side
    use_case_lengths   table 10   tokens of the prompts of each use case
    source_lengths     table 11   tokens of prompts and demonstrations of labellers and of users

A "set" is what a stage is trained on: {"sft": prompts, "reward": prompts, "ppo": prompts}. Lengths are in whatever
`n_tokens` counts. Shares come with Wilson's interval and the number of prompts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from foretell.align.prompt_sets import words
from foretell.align.prompt_tags import USE_CASES
from foretell.align.records import Demonstration, Prompt
from foretell.eval.measured import share

Row = dict[str, Any]
Sets = Mapping[str, Sequence[Prompt]]
Count = Callable[[str], int]
SIDES = ("train", "valid")
SOURCES = ("labeller", "user")


def lengths(values: Iterable[int]) -> Row:
    """Count, mean, standard deviation, minimum, quartiles and maximum of some lengths; only the count of none.

    The deviation is of a sample (n - 1), and 0 for one length; a quartile may lie between two lengths.
    """
    given = np.asarray(list(values), dtype=np.float64)  # (N,)
    if not len(given):
        return {"count": 0}
    low, first, middle, third, high = np.percentile(given, [0, 25, 50, 75, 100])
    quartiles = {"25%": float(first), "50%": float(middle), "75%": float(third)}
    spread = float(given.std(ddof=1)) if len(given) > 1 else 0.0
    ends = {"mean": float(given.mean()), "std": spread, "min": int(low)}
    return {"count": len(given), **ends, **quartiles, "max": int(high)}


def use_cases(prompts: Sequence[Prompt]) -> list[Row]:
    """A row for each use case that occurs, the most frequent first (table 1)."""
    counted = Counter(one.use_case or "other" for one in prompts)
    return [{"use_case": name, **share(n, len(prompts))} for name, n in counted.most_common()]


def sizes(sets: Sets) -> list[Row]:
    """A row for each set, side and source with its number of prompts (table 6)."""
    return [
        {"set": name, "split": side, "source": source, "n": len(_of(prompts, side, source))}
        for name, prompts in sets.items()
        for side in SIDES
        for source in SOURCES
    ]


def annotations(prompts: Sequence[Prompt]) -> list[Row]:
    """A row for each tag: its share of the prompts that were looked at for it (table 7)."""
    seen: Counter[str] = Counter(name for one in prompts for name in one.tags)
    yes: Counter[str] = Counter(name for one in prompts for name, told in one.tags.items() if told)
    return [{"tag": name, **share(yes[name], n)} for name, n in seen.items()]


def per_customer(sets: Sets) -> list[Row]:
    """A row for each set and side: the prompts of users over the customers that gave them (table 8)."""
    rows = []
    for name, prompts in sets.items():
        for side in SIDES:
            given = _of(prompts, side, "user")
            customers = len({one.group_id for one in given})
            mean = len(given) / customers if customers else None
            rows.append({"set": name, "split": side, "prompts_per_customer": mean, "customers": customers})
    return rows


def prompt_lengths(sets: Sets, n_tokens: Count) -> list[Row]:
    """A row for each set and side: the lengths of its prompts (table 9)."""
    return [
        {"set": name, "split": side, **_prompt_lengths(_of(prompts, side), n_tokens)}
        for name, prompts in sets.items()
        for side in SIDES
    ]


def use_case_lengths(prompts: Sequence[Prompt], n_tokens: Count) -> list[Row]:
    """A row for each use case that occurs: the lengths of its prompts (table 10)."""
    groups: dict[str, list[Prompt]] = {name: [] for name in USE_CASES}
    for one in prompts:
        groups.setdefault(one.use_case or "other", []).append(one)
    return [{"use_case": name, **_prompt_lengths(some, n_tokens)} for name, some in groups.items() if some]


def source_lengths(prompts: Sequence[Prompt], given: Sequence[Demonstration], n_tokens: Count) -> list[Row]:
    """A row for prompts and one for demonstrations, of labellers' prompts and of users' (table 11)."""
    rows = []
    for source in SOURCES:
        some = [one for one in prompts if one.source == source]
        named = {one.prompt_id for one in some}
        answers = (n_tokens(one.completion) for one in given if one.prompt_id in named)
        rows.append({"source": source, "what": "prompts", **_prompt_lengths(some, n_tokens)})
        rows.append({"source": source, "what": "demonstrations", **lengths(answers)})
    return rows


def _of(prompts: Iterable[Prompt], side: str, source: str = "") -> list[Prompt]:
    return [one for one in prompts if one.split == side and (not source or one.source == source)]


def _prompt_lengths(prompts: Iterable[Prompt], n_tokens: Count) -> Row:
    return lengths(n_tokens(words(one.text)) for one in prompts)
