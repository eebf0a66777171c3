"""Tau-b, alpha and kappa beside published worked examples, scipy, and their definitions written as loops."""

from itertools import permutations

import numpy as np
import pytest

from foretell.align.coefficients import alpha, count, fleiss, kendall, krippendorff
from foretell.errors import BadUse

_ = None
FOUR_OBSERVERS = [  # Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, example C: 12 units
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
FOURTEEN_RATERS = [  # a worked example of Fleiss' kappa: 10 subjects, 5 classes
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def slow_alpha(units, level):
    """1 - mean distance within units / mean distance of any two values, over ordered pairs of single ratings."""
    units = [[one for one in unit if one is not None] for unit in units]
    units = [unit for unit in units if len(unit) > 1]
    every = [one for unit in units for one in unit]

    def apart(c, k):
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return (c - k) ** 2
        low, high = min(c, k), max(c, k)
        between = sum(every.count(g) for g in sorted(set(every)) if low <= g <= high)
        return (between - (every.count(c) + every.count(k)) / 2) ** 2

    within = sum(sum(apart(c, k) for c, k in permutations(unit, 2)) / (len(unit) - 1) for unit in units) / len(every)
    overall = sum(apart(c, k) for c, k in permutations(every, 2)) / (len(every) * (len(every) - 1))
    return 1 - within / overall


def slow_fleiss(units):
    """From the single ratings: how often two raters of a unit agree, and how often two ratings of any unit would."""
    units = [unit for unit in units if len(unit) > 1]
    agree = [np.mean([a == b for a, b in permutations(unit, 2)]) for unit in units]
    every = [one for unit in units for one in unit]
    chance = np.mean([a == b for a in every for b in every])
    return (np.mean(agree) - chance) / (1 - chance)


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_krippendorffs_own_figure(level, published):
    units = list(zip(*FOUR_OBSERVERS, strict=True))
    assert krippendorff(units, level) == pytest.approx(published, abs=5e-4)


def test_nominal_alpha_by_hand():
    # units (a a), (a b), (b b): coincidences aa 2, ab 2 of 6; by chance 2 * 3 * 3 / (6 * 5); 1 - (2/6) / (18/30) = 4/9
    assert krippendorff([(0, 0), (0, 1), (1, 1)]) == pytest.approx(4 / 9)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("seed", range(6))
def test_alpha_is_its_slow_twin(level, seed):
    draw = np.random.default_rng(seed)
    units = []
    for _unit in range(20):
        true = draw.integers(1, 8)
        said = np.clip(true + draw.integers(-1, 2, draw.integers(1, 5)), 1, 7).tolist()
        units.append([one if draw.random() < 0.8 else None for one in said])
    assert krippendorff(units, level) == pytest.approx(slow_alpha(units, level), abs=1e-12)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_1_for_the_same_and_about_0_for_random_ratings(level):
    draw = np.random.default_rng(3)
    same = [[one] * 3 for one in draw.integers(1, 8, 50).tolist()]
    assert krippendorff(same, level) == pytest.approx(1)
    assert abs(krippendorff(draw.integers(1, 8, (4000, 3)).tolist(), level)) < 0.03


def test_a_missing_rating_changes_no_alpha_and_a_lone_one_neither():
    units = [(1, 2), (3, 3), (2, 2), (4, 3)]
    more = [(1, None, 2), (None, 3, 3), (2, 2, None), (4, 3, None), (None, 7, None)]
    for level in ("nominal", "ordinal", "interval"):
        assert krippendorff(more, level) == pytest.approx(krippendorff(units, level), abs=1e-12)


def test_interval_alpha_does_not_change_with_the_scale_nor_ordinal_with_any_rise():
    units = np.random.default_rng(0).integers(1, 8, (30, 3))
    units[:, 1] = units[:, 0]
    assert krippendorff((3 * units - 5).tolist(), "interval") == pytest.approx(krippendorff(units.tolist(), "interval"))
    assert krippendorff((units**3).tolist(), "ordinal") == pytest.approx(krippendorff(units.tolist(), "ordinal"))


def test_kappa_of_the_worked_example():
    assert fleiss(np.asarray(FOURTEEN_RATERS)) == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize("seed", range(6))
def test_kappa_is_its_slow_twin_also_for_unequal_numbers_of_raters(seed):
    draw = np.random.default_rng(seed)
    units = [draw.integers(0, 3, draw.integers(1, 6)).tolist() for _unit in range(30)]
    assert fleiss(count(units, [0, 1, 2])) == pytest.approx(slow_fleiss(units), abs=1e-12)


def test_kappa_is_1_for_the_same_and_about_0_for_random_classes():
    draw = np.random.default_rng(5)
    assert fleiss(count([[one] * 4 for one in (True, False, True)], [False, True])) == pytest.approx(1)
    assert abs(fleiss(count((draw.random((4000, 3)) < 0.3).tolist(), [False, True]))) < 0.03


@pytest.mark.parametrize("seed", range(10))
def test_tau_is_that_of_scipy_with_and_without_ties(seed):
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(seed)
    n = int(draw.integers(3, 10))
    a, b = draw.integers(1, 3 + seed, (2, n)).tolist()
    wanted = stats.kendalltau(a, b).statistic
    assert kendall(a, b) == (None if np.isnan(wanted) else pytest.approx(wanted, abs=1e-12))


def test_tau_by_hand():
    # pairs of (1 2 2 4) and (1 3 2 4): 5 agree, 1 is tied on the left: 5 / sqrt(5 * 6)
    assert kendall([1, 2, 2, 4], [1, 3, 2, 4]) == pytest.approx(5 / 30**0.5)
    assert kendall([1, 2, 3], [1, 2, 3]) == 1
    assert kendall([1, 2, 3], [3, 2, 1]) == -1
    every = [kendall([1, 2, 3, 4], order) for order in permutations([1, 2, 3, 4])]
    assert np.mean(every) == pytest.approx(0)


def test_where_nothing_varies_there_is_no_number():
    assert kendall([1, 1, 1], [1, 2, 3]) is None
    assert kendall([1], [1]) is None
    assert krippendorff([(4, 4), (4, 4)], "ordinal") is None
    assert krippendorff([(1,), (2, None)]) is None
    assert krippendorff([]) is None
    assert fleiss(count([[True, True]], [False, True])) is None
    assert fleiss(np.zeros((0, 2))) is None


def test_bad_input_is_said():
    with pytest.raises(BadUse, match="of 2 and of 3 things"):
        kendall([1, 2], [1, 2, 3])
    with pytest.raises(BadUse, match="did you mean 'ordinal'"):
        alpha(np.ones((2, 2)), [0, 1], "ordnial")
