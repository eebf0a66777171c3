from fractions import Fraction
from itertools import pairwise
from math import floor

import numpy as np
import pytest

from foretell.corpus.mixture import UNIT, Mixture, Stage, counts, drawn, epochs_elapsed, mixture_of
from foretell.corpus.order import AHEAD
from foretell.errors import BadUse

GPT3 = {"cc": 0.60, "webtext2": 0.22, "books1": 0.08, "books2": 0.08, "wikipedia": 0.03}
EVEN = {"a": 1, "b": 1, "c": 1}
CHANGED = (
    Stage(0, {"a": 0.6, "b": 0.3, "c": 0.1}),
    Stage(1003, {"a": 0.1, "c": 0.9}),
    Stage(5000, {"b": 0.5, "a": 0.5}),
)


def read_slowly(n: int, units: list[int]) -> list[int]:
    """The recursion of the module's first lines, in fractions: what each source gives of a stage's first n samples."""
    left, read = Fraction(n), []
    for i, own in enumerate(units):
        share = Fraction(own, sum(units[i:])) if sum(units[i:]) else Fraction(0)
        read.append(floor(left * share + Fraction(1, 2)))
        left -= read[-1]
    return read


def counts_slowly(mixture: Mixture, n: int) -> list[int]:
    """The stages one after the other, each from its own beginning."""
    total = [0] * len(mixture.names)
    ends = [*mixture.firsts[1:], max(n, mixture.firsts[-1])]
    for first, end, units in zip(mixture.firsts, ends, mixture.units, strict=True):
        read = read_slowly(max(min(n, end) - first, 0), list(units))
        total = [a + b for a, b in zip(total, read, strict=True)]
    return total


def drawn_slowly(mixture: Mixture, sample: int) -> tuple[int, int]:
    """Which count grows with a sample, and what it was before."""
    before, after = counts_slowly(mixture, sample), counts_slowly(mixture, sample + 1)
    (source,) = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert after[source] == before[source] + 1
    return source, before[source]


def bounds(units: tuple[int, ...]) -> list[float]:
    """The most that c_i can be off k w_i: halves of a sample, handed on by each source to those behind it."""
    off, found = 0.0, []
    for i, own in enumerate(units):
        rest = sum(units[i:])
        share = own / rest if rest else 0.0
        found.append(off * share + (0.5 if 0 < share < 1 else 0.0))
        off = off * (1 - share) + 0.5
    return found


def some_mixture(seed: int) -> Mixture:
    chance = np.random.default_rng(seed)
    names = [f"s{i}" for i in range(chance.integers(1, 9))]
    firsts = [0, *sorted({int(n) for n in chance.integers(1, 3 * AHEAD, chance.integers(0, 4))})]
    stages = [Stage(first, dict(zip(names, chance.random(len(names)) ** 4 + 1e-6, strict=True))) for first in firsts]
    return mixture_of(names, stages)


@pytest.mark.parametrize("seed", range(8))
def test_counts_are_those_of_the_recursion_in_fractions(seed):
    mixture, chance = some_mixture(seed), np.random.default_rng(seed)
    for n in [0, 1, *mixture.firsts, *chance.integers(0, 10**5, 50).tolist(), 10**12 + 7, 10**17 + 1]:
        assert list(counts(mixture, n)) == counts_slowly(mixture, n)
        assert sum(counts(mixture, n)) == n


@pytest.mark.parametrize("seed", range(4))
def test_each_sample_is_drawn_as_one_count_grows(seed):
    mixture, chance = some_mixture(seed), np.random.default_rng(seed)
    near = [first + step for first in mixture.firsts[1:] for step in (-1, 0, 1)]
    samples = [0, 1, AHEAD - 1, AHEAD, *near, *chance.integers(0, 4 * AHEAD, 100).tolist(), 10**12 + 3, 10**15 + 1]
    sources, places = drawn(mixture, np.array(samples))
    assert list(zip(sources.tolist(), places.tolist(), strict=True)) == [drawn_slowly(mixture, k) for k in samples]


@pytest.mark.parametrize(
    "weights", [GPT3, EVEN, {"one": 3}, {"most": 0.999, "few": 0.001}, {f"s{i}": 1 for i in range(30)}]
)
def test_shares_are_exact_after_every_sample(weights):
    mixture = mixture_of(list(weights), [Stage(0, weights)])
    n = 20_000
    sources, places = drawn(mixture, np.arange(n))
    read = np.cumsum(sources[:, None] == np.arange(len(weights)), axis=0)  # (B, S)
    due = np.arange(1, n + 1)[:, None] * (np.array(list(weights.values())) / sum(weights.values()))
    assert (np.abs(read - due).max(0) <= np.array(bounds(mixture.units[0])) + 1e-6).all()
    assert (read[np.arange(n), sources] == places + 1).all()


def test_the_bound_is_near_a_sample_for_gpt3():
    assert max(bounds(mixture_of(list(GPT3), [Stage(0, GPT3)]).units[0])) < 1.2


def test_no_source_has_a_gap_or_a_repeat_across_changes_of_weights():
    mixture = mixture_of(["a", "b", "c"], CHANGED)
    sources, places = drawn(mixture, np.arange(12_000))
    for i in range(3):
        mine = places[sources == i]
        assert mine.tolist() == list(range(len(mine)))
    assert not (sources[1003:5000] == 1).any()
    assert not (sources[5000:] == 2).any()
    for (first, end), stage in zip(pairwise([0, 1003, 5000, 12_000]), CHANGED, strict=True):
        for i, name in enumerate("abc"):
            due = stage.weights.get(name, 0) * (end - first)
            assert abs((sources[first:end] == i).sum() - due) <= 1


def test_a_change_of_weights_moves_nothing_before_it():
    before = drawn(mixture_of(["a", "b", "c"], CHANGED[:1]), np.arange(1003))
    after = drawn(mixture_of(["a", "b", "c"], CHANGED), np.arange(1003))
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_batches_of_any_size_and_order_draw_the_same():
    mixture, n = mixture_of(["a", "b", "c"], CHANGED), 2 * AHEAD + 100
    whole = np.stack(drawn(mixture, np.arange(n)))
    cut = [np.stack(drawn(mixture, np.arange(i, min(i + 777, n)))) for i in range(0, n, 777)]
    assert (np.concatenate(cut, axis=1) == whole).all()
    mixed = np.random.default_rng(0).integers(0, n, 500)
    assert (np.stack(drawn(mixture, mixed)) == whole[:, mixed]).all()


def test_epochs_are_samples_read_by_size():
    mixture = mixture_of(["a", "b"], [Stage(0, {"a": 3, "b": 1})])
    assert epochs_elapsed(mixture, 4000, [1000, 4000]) == {"a": 3.0, "b": 0.25}
    assert epochs_elapsed(mixture_of(["a", "b"], [Stage(0, {"a": 1})]), 10, [5, 0]) == {"a": 2.0, "b": 0.0}


def test_weights_are_taken_in_proportion():
    one, other = ([Stage(0, {"a": 3 * s, "b": s})] for s in (0.25, 1e6))
    assert mixture_of(["a", "b"], one) == mixture_of(["a", "b"], other)
    assert mixture_of(["a", "b"], one).units == ((3 * UNIT // 4, UNIT // 4),)


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([], r"begin at samples \[\]; the first begins at 0"),
        ([Stage(1, EVEN)], r"begin at samples \[1\]"),
        ([Stage(0, EVEN), Stage(9, EVEN), Stage(9, EVEN)], r"\[0, 9, 9\]"),
        ([Stage(0, {"a": 1, "bb": 1})], "names 'bb', which is no source; "),
        ([Stage(0, {"a": -1})], "weight -1 of 'a' is no number from 0 on"),
        ([Stage(0, {"a": float("nan")})], "weight nan of 'a'"),
        ([Stage(0, {"a": float("inf")})], "weight inf of 'a'"),
        ([Stage(0, EVEN), Stage(7, {"a": 0})], "the weights from sample 7 on are all 0"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused(stages, said):
    with pytest.raises(BadUse, match=said):
        mixture_of(["a", "b", "c"], stages)
