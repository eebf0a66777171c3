"""How well people tell a model's articles from humans' (Brown et al. 2020, section 3.9.4, table 3.11).

A participant's accuracy is the share of right answers among those that are not neutral. A model's is the mean over
participants with Student's interval, and it is tested against the control model's with a two-sample t-test. Half right
is what guessing gives.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean
from typing import Any

from foretell.errors import BadUse
from foretell.eval.measured import Measured, share
from foretell.eval.t_test import Comparison, mean_interval, t_test

NEUTRAL, STEPS = 3, 5
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Whether a participant was right about an article; None is `I don't know`."""

    participant: str
    model: str
    control: bool
    right: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewsAccuracy:
    """How often the articles of one model were told from humans'."""

    accuracy: Measured
    """the mean over participants; n is their number"""
    of_answers: Measured
    """right answers among all that are not neutral, whoever gave them"""
    neutral: float
    """share of `I don't know`"""
    undecided: int
    """participants who answered nothing else and are not counted"""


def judgements(answers: Iterable[Row], key: Iterable[Row]) -> tuple[list[Judgement], list[str]]:
    """What the answers {participant, id, answer} say, and the participants who failed a reading check and are left out.

    BadUse for an id that the key lacks, an answer that is no step of the scale, or one given twice.
    """
    by_id = {row["id"]: row for row in key}
    checked = [(row, of_key(row, by_id)) for row in answers]
    twice = Counter((row["participant"], row["id"]) for row, _ in checked).most_common(1)
    if twice and twice[0][1] > 1:
        raise BadUse(f"participant {twice[0][0][0]} answered {twice[0][0][1]} {twice[0][1]} times; keep one answer")
    failed = {row["participant"] for row, k in checked if k["kind"] == "attention" and row["answer"] != k["answer"]}
    kept = [(row, k) for row, k in checked if k["kind"] == "question" and row["participant"] not in failed]
    found = [
        Judgement(
            participant=str(row["participant"]),
            model=k["model"],
            control=k["control"],
            right=is_right(row["answer"], k["author"]),
        )
        for row, k in kept
    ]
    return found, sorted(map(str, failed))


def of_key(row: Row, by_id: Mapping[str, Row]) -> Row:
    """The key's row for an answer."""
    if row["id"] not in by_id:
        raise BadUse(f"the key has no entry {row['id']!r}; give the key.jsonl that was written with the quiz")
    if type(row["answer"]) is not int or not 1 <= row["answer"] <= STEPS:
        raise BadUse(f"the answer {row['answer']!r} to {row['id']} is no step of the scale; it is 1 to {STEPS}")
    return by_id[row["id"]]


def is_right(answer: int, author: str) -> bool | None:
    """Whether a step of the scale names the author."""
    return None if answer == NEUTRAL else (answer > NEUTRAL) == (author == "model")


def news_accuracy(answers: Sequence[Judgement]) -> NewsAccuracy:
    """The accuracy of the people who judged one model; BadUse where fewer than 2 of them decided anything."""
    decided = [one.right for one in answers if one.right is not None]
    each = participant_accuracies(answers)
    if len(each) < 2:
        raise BadUse(f"{len(each)} participants decided about an article; an interval needs 2 or more")
    return NewsAccuracy(
        accuracy=mean_interval(list(each.values())),
        of_answers=share(sum(decided), len(decided)),
        neutral=1 - len(decided) / len(answers),
        undecided=len({one.participant for one in answers}) - len(each),
    )


def participant_accuracies(answers: Iterable[Judgement]) -> dict[str, float]:
    """The share of right answers among the decided ones, of each participant who decided at all."""
    found: dict[str, list[bool]] = defaultdict(list)
    for one in answers:
        if one.right is not None:
            found[one.participant].append(one.right)
    return {participant: fmean(right) for participant, right in found.items()}


def against_control(
    answers: Iterable[Judgement], control: Iterable[Judgement], equal_variances: bool = True
) -> Comparison:
    """Whether people are less accurate about a model than about the control: t is negative where they are."""
    a, b = (list(participant_accuracies(side).values()) for side in (answers, control))
    return t_test(a, b, equal_variances)


def power_law(n_params: Sequence[float], accuracies: Sequence[float]) -> tuple[float, float]:
    """a and b of accuracy = a * n_params^-b by least squares of the logarithms (figure 3.13)."""
    if len(set(n_params)) < 2 or min(*n_params, *accuracies) <= 0:
        raise BadUse("a power law needs 2 sizes or more, and sizes and accuracies above 0")
    x, y = [log(n) for n in n_params], [log(value) for value in accuracies]
    middle_x, middle_y = fmean(x), fmean(y)
    spread = sum((one - middle_x) ** 2 for one in x)
    b = -sum((one - middle_x) * (other - middle_y) for one, other in zip(x, y, strict=True)) / spread
    return exp(middle_y + b * middle_x), b
