"""Correlations and F1 beside their formulas written plainly, and beside scikit-learn and scipy."""

from math import sqrt

import numpy as np
import pytest

from foretell.eval.agreement import accuracy, f1, matthews, pearson, ranks, rmse, spearman


def binary_matthews(labels, guesses):
    """(TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)), Matthews 1975."""
    count = dict.fromkeys([(a, b) for a in (0, 1) for b in (0, 1)], 0)
    for pair in zip(labels, guesses, strict=True):
        count[pair] += 1
    tp, tn, fp, fn = count[1, 1], count[0, 0], count[0, 1], count[1, 0]
    under = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / sqrt(under) if under else 0.0


def plain_f1(labels, guesses):
    tp = sum(a == b == 1 for a, b in zip(labels, guesses, strict=True))
    if not tp:
        return 0.0
    precision, recall = tp / sum(b == 1 for b in guesses), tp / sum(a == 1 for a in labels)
    return 2 * precision * recall / (precision + recall)


def plain_pearson(x, y):
    mx, my = sum(x) / len(x), sum(y) / len(y)
    over = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    return over / sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y))


def plain_rank(values, one):
    """1 + how many are less + half of how many others are equal."""
    return 1 + sum(v < one for v in values) + (sum(v == one for v in values) - 1) / 2


@pytest.mark.parametrize("seed", range(8))
def test_classes_agree_as_the_formulas_and_scikit_learn_have_it(seed):
    from sklearn import metrics

    draw = np.random.default_rng(seed)
    labels = (draw.random(60) < 0.3).astype(int).tolist()
    guesses = [label if draw.random() < 0.2 * seed else int(draw.random() < 0.5) for label in labels]
    assert matthews(labels, guesses) == pytest.approx(binary_matthews(labels, guesses), abs=1e-12)
    assert matthews(labels, guesses) == pytest.approx(metrics.matthews_corrcoef(labels, guesses), abs=1e-12)
    assert f1(labels, guesses) == pytest.approx(plain_f1(labels, guesses), abs=1e-12)
    assert f1(labels, guesses) == pytest.approx(metrics.f1_score(labels, guesses), abs=1e-12)
    assert accuracy(labels, guesses) == pytest.approx(metrics.accuracy_score(labels, guesses))
    many = draw.integers(0, 5, 60).tolist()
    noisy = [one if draw.random() < 0.5 else int(draw.integers(0, 5)) for one in many]
    assert matthews(many, noisy) == pytest.approx(metrics.matthews_corrcoef(many, noisy), abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_numbers_agree_as_the_formulas_and_scipy_have_it(seed):
    from scipy import stats

    draw = np.random.default_rng(seed)
    x = np.round(draw.normal(size=50), 1 if seed % 2 else 6).tolist()  # with and without equal numbers
    y = (np.asarray(x) * 0.2 * seed + draw.normal(size=50)).round(2).tolist()
    assert pearson(x, y) == pytest.approx(plain_pearson(x, y), abs=1e-12)
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    assert ranks(x).tolist() == [plain_rank(x, one) for one in x]
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert rmse(x, y) == pytest.approx(sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) / 50))


def test_agreement_does_not_change_with_the_scale_and_turns_with_the_sign():
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=40), draw.normal(size=40)
    assert pearson(x, 3 * y - 7) == pytest.approx(pearson(x, y))
    assert pearson(x, -y) == pytest.approx(-pearson(x, y))
    assert spearman(x, np.exp(y)) == pytest.approx(spearman(x, y))
    assert (pearson(x, x), spearman(x, x), spearman(x, -x)) == pytest.approx((1, 1, -1))
    classes = draw.integers(0, 2, 40)
    assert (matthews(classes, classes), matthews(classes, 1 - classes)) == pytest.approx((1, -1))


def test_a_constant_answer_agrees_with_nothing():
    assert matthews([0, 1, 1], [1, 1, 1]) == 0
    assert pearson([0.1, 0.2, 0.4], [0.3, 0.3, 0.3]) == 0
    assert spearman([0.1, 0.2, 0.4], [2, 2, 2]) == 0
    assert pearson([0.1] * 3, [0.1, 0.2, 0.3]) == 0
    assert f1([0, 0], [0, 0]) == 0
    assert f1([1, 1, 0], [1, 1, 1]) == pytest.approx(0.8)
