"""Whether a model that says 80 % is right in 80 of 100 cases: the reliability of answers with several options.

    ECE    sum over bins of (answers in it / all) |accuracy - confidence|      (Naeini et al. 2015; Guo et al. 2017)
    MCE    the largest of those differences
    Brier  mean over questions of sum over options (p - [right])^2, from 0 to 2 (Brier 1950)
    NLL    mean of -ln p(right), in nats
    T      temperature scaling: softmax(logits / T) with the T of least NLL (Guo et al. 2017, section 4.2)

Confidence is the probability of the option that is taken. Bins are ten of equal width, or ten of as many answers each.

N questions   K options
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from foretell.audit.again import ROUNDS, around
from foretell.eval.measured import Measured, share

BINS = 10
T_RANGE = (0.01, 100.0)
Array = np.ndarray[Any, np.dtype[Any]]
Kind = Literal["equal width", "equal mass"]
KINDS: tuple[Kind, ...] = ("equal width", "equal mass")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The log-probabilities of each question's options, up to a constant of the question, and which is right."""

    logits: Array
    """(N, K), -inf where a question has fewer options"""
    gold: Array
    """(N,)"""

    def at(self, places: Array) -> "Answers":
        """Some of the questions."""
        return Answers(logits=self.logits[places], gold=self.gold[places])


def answers(logits: Sequence[Sequence[float]], gold: Sequence[int]) -> Answers:
    """Answers to questions of any number of options."""
    table = np.full((len(logits), max(map(len, logits))), -np.inf)  # (N, K)
    for row, some in zip(table, logits, strict=True):
        row[: len(some)] = some
    return Answers(logits=table, gold=np.array(gold))


def probabilities(given: Answers, temperature: float = 1.0) -> Array:  # -> (N, K)
    """softmax(logits / T)."""
    scaled = given.logits / temperature
    p: Array = np.exp(scaled - scaled.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def nll(given: Answers, temperature: float = 1.0) -> float:
    """The mean negative log-likelihood of the right options, in nats; inf where one has no probability at all."""
    scaled = given.logits / temperature
    most = scaled.max(1)
    total = most + np.log(np.exp(scaled - most[:, None]).sum(1))
    return float((total - scaled[np.arange(len(scaled)), given.gold]).mean())


def brier(given: Answers) -> float:
    """The mean squared distance of the probabilities to 1 for the right option and 0 for the others."""
    p = probabilities(given)
    p[np.arange(len(p)), given.gold] -= 1
    return float((p**2).sum(1).mean())


def confidence(given: Answers, temperature: float = 1.0) -> tuple[Array, Array]:  # -> (N,), (N,)
    """The probability of the option that is taken, and whether it is right."""
    p = probabilities(given, temperature)
    return p.max(1), p.argmax(1) == given.gold


def bins(told: Array, kind: Kind, n: int = BINS) -> Array:  # (N,) -> (N,)
    """The bin of each confidence. Of equal mass: by rank, equal ones by their place."""
    if kind == "equal width":
        return np.minimum((told * n).astype(int), n - 1)
    found = np.empty(len(told), int)
    found[np.argsort(told, kind="stable")] = np.arange(len(told)) * n // len(told)
    return found


def gaps(told: Array, right: Array, kind: Kind) -> tuple[Array, Array]:  # (N,), (N,) -> (BINS,), (BINS,)
    """|accuracy - confidence| of each bin, and the share of the answers in it."""
    where = bins(told, kind)
    count = np.bincount(where, minlength=BINS)
    apart = np.abs(np.bincount(where, right - told, BINS)) / np.maximum(count, 1)
    return apart, count / len(told)


def ece(given: Answers, kind: Kind, temperature: float = 1.0) -> float:
    """The expected calibration error."""
    apart, weight = gaps(*confidence(given, temperature), kind)
    return float((apart * weight).sum())


def mce(given: Answers, kind: Kind) -> float:
    """The largest calibration error of a bin."""
    return float(gaps(*confidence(given), kind)[0].max())


def temperature(given: Answers) -> float:
    """The temperature of least NLL, which is convex in 1 / T: by golden section on ln T, within T_RANGE."""
    ratio = (5**0.5 - 1) / 2
    low, high = np.log(T_RANGE)
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    f_a, f_b = nll(given, np.exp(a)), nll(given, np.exp(b))
    while high - low > 1e-4:
        if f_a < f_b:
            high, b, f_b = b, a, f_a
            a = high - ratio * (high - low)
            f_a = nll(given, np.exp(a))
        else:
            low, a, f_a = a, b, f_b
            b = low + ratio * (high - low)
            f_b = nll(given, np.exp(b))
    return float(np.exp((low + high) / 2))


def scaled_ece(given: Answers, seed: int = 0) -> float:
    """The ECE (equal width) after temperature scaling, each half with the temperature that the other half gave."""
    order = np.random.default_rng(seed).permutation(len(given.gold))
    halves = given.at(order[::2]), given.at(order[1::2])
    if not all(len(half.gold) for half in halves):
        return float("nan")
    told, right = [], []
    for mine, other in (halves, halves[::-1]):
        one, hit = confidence(mine, temperature(other))
        told.append(one)
        right.append(hit)
    apart, weight = gaps(np.concatenate(told), np.concatenate(right), "equal width")
    return float((apart * weight).sum())


MEASURES: dict[str, tuple[Callable[[Answers], float], float]] = {
    "ECE, equal width": (lambda given: ece(given, "equal width"), 1.0),
    "ECE, equal mass": (lambda given: ece(given, "equal mass"), 1.0),
    "MCE, equal width": (lambda given: mce(given, "equal width"), 1.0),
    "Brier score": (brier, 2.0),
    "NLL (nats)": (nll, float("inf")),
    "temperature": (temperature, T_RANGE[1]),
    "ECE after temperature scaling": (scaled_ece, 1.0),
}
"""each measure, and the most that it can be"""


def figures(given: Answers, seed: int = 0) -> dict[str, Measured]:
    """Accuracy with Wilson's interval and every measure with that of questions drawn again."""
    n = len(given.gold)
    draw = np.random.default_rng(seed)
    samples = [given.at(draw.integers(0, n, n)) for _ in range(ROUNDS)]
    right = confidence(given)[1]
    found = {"accuracy": share(float(right.sum()), n)}
    for name, (measure, most) in MEASURES.items():
        found[name] = around(measure(given), [measure(one) for one in samples], n, 0.0, most)
    return found


def less(mine: Answers, other: Answers, seed: int = 0) -> Measured:
    """The ECE (equal width) of one model less another's on the same questions, drawn again together."""
    n = len(mine.gold)
    draw = np.random.default_rng(seed)
    places = [draw.integers(0, n, n) for _ in range(ROUNDS)]
    apart = [ece(mine.at(p), "equal width") - ece(other.at(p), "equal width") for p in places]
    return around(ece(mine, "equal width") - ece(other, "equal width"), apart, n, -1.0, 1.0)


def diagram(given: Answers) -> list[dict[str, Any]]:
    """The reliability diagram: a row for each bin that is not empty, of both kinds."""
    return rows_of(*confidence(given))


def rows_of(told: Array, right: Array) -> list[dict[str, Any]]:
    """The same of confidences and whether each was right."""
    rows = []
    for kind in KINDS:
        where = bins(told, kind)
        for i in np.unique(where):
            mine = where == i
            n = int(mine.sum())
            one = {"bins": kind, "from": float(told[mine].min()), "to": float(told[mine].max()), "n": n}
            rows.append({**one, "confidence": float(told[mine].mean()), "accuracy": share(float(right[mine].sum()), n)})
    return rows
