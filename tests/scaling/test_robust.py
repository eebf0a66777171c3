"""The fit is the least there is: beside scipy's L-BFGS from the same starts, and a Huber sum written plainly."""

import math

import numpy as np
import pytest

from foretell.scaling.choose import fit_law, problem
from foretell.scaling.laws import JOINT, LAWS, NOISE, POWER, as_written, centre, starts
from foretell.scaling.robust import best, fit, objective, step
from tests.scaling.made import joint, ladder, point, some_law


def plain_objective(law, points, theta, weights):
    """The objective of one theta, point by point."""
    middle, total = centre(points), 0.0
    for p, weight in zip(points, weights, strict=True):
        terms, at = 0.0, 0
        for _, exponent, quantity in law.terms:
            value = math.exp(theta[at])
            at += 1
            if exponent:
                column = {"C": "flops", "N": "parameters", "D": "tokens"}[quantity]
                value *= (getattr(p, column) / getattr(middle, column)) ** -theta[at]
                at += 1
            terms += value
        far = abs(math.log(terms) - math.log(p.loss))
        total += weight * (far**2 / 2 if far <= 1e-3 else 1e-3 * (far - 0.5e-3))
    for name, mean, sd in law.priors:
        total += (NOISE / sd) ** 2 * (theta[law.names.index(name)] - mean) ** 2 / 2
    return total


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_the_objective_is_the_huber_sum_and_the_prior(law):
    draw = np.random.default_rng(0)
    points = ladder(some_law(draw), draw, shares=(0.5, 1.0))
    theta, weights = draw.normal(size=(3, len(law.names))) * 0.3, draw.exponential(size=(3, len(points)))
    middle = centre(points)
    found = objective(problem(law, points, middle), weights, theta)
    assert found == pytest.approx([plain_objective(law, points, t, w) for t, w in zip(theta, weights, strict=True)])


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_no_start_of_l_bfgs_comes_lower(law):
    optimize = pytest.importorskip("scipy.optimize")
    draw = np.random.default_rng(3)
    points = ladder(some_law(draw), draw, shares=(0.5, 1.0))
    asked = problem(law, points, centre(points))
    ones, first = np.ones(len(points)), starts(law, np.array([p.loss for p in points]))
    _, ours = best(asked, ones, first)
    theirs = min(
        optimize.minimize(
            lambda t: 1e3 * plain_objective(law, points, t, ones), at, method="L-BFGS-B", bounds=asked.bounds.T
        ).fun
        for at in first[::16]
    )
    assert ours <= theirs / 1e3 * (1 + 1e-6)


def test_a_law_without_noise_is_found_again():
    """The corrected fit of Chinchilla's points (Besiroglu et al. 2024), at sizes and tokens as theirs."""
    truth = {"E": 1.8172, "A": 482.0, "alpha": 0.3478, "B": 2085.0, "beta": 0.3658}
    law = joint(truth["E"], truth["A"], truth["alpha"], truth["B"], truth["beta"])
    points = [point(n, d, law(n, d)) for n in np.geomspace(5e7, 1.6e10, 9) for d in np.geomspace(1e9, 4e11, 7)]
    theta, middle = fit_law(JOINT, points)
    assert as_written(JOINT, theta, middle) == pytest.approx(truth, rel=1e-3)


@pytest.mark.slow
def test_chinchillas_law_is_found_again_from_240_noisy_points():
    """Golden, by simulation: E within 2 %, alpha and beta within 0.01 of the constants that made the points."""
    law, draw = joint(1.8172, 482.0, 0.3478, 2085.0, 0.3658), np.random.default_rng(0)
    sizes, tokens = np.exp(draw.uniform(np.log([[5e7], [1e9]]), np.log([[1.6e10], [4e11]]), (2, 240)))
    losses = law(sizes, tokens) * np.exp(0.003 * draw.standard_t(3, 240) / math.sqrt(3))
    theta, middle = fit_law(JOINT, [point(*row) for row in zip(sizes, tokens, losses, strict=True)])
    found = as_written(JOINT, theta, middle)
    assert found["E"] == pytest.approx(1.8172, rel=0.02)
    assert found["alpha"] == pytest.approx(0.3478, abs=0.01)
    assert found["beta"] == pytest.approx(0.3658, abs=0.01)


def test_an_outlier_hardly_moves_the_fit():
    law, draw = joint(1.0, 0.0, 0.3, 1e3, 0.3), np.random.default_rng(0)
    points = ladder(law, draw, noise=0.0, sizes=np.geomspace(1e4, 1e7, 9))
    bent = [*points[:4], point(points[4].parameters, points[4].tokens, points[4].loss * 1.3), *points[5:]]
    straight, crooked = (as_written(POWER, *fit_law(POWER, some)) for some in (points, bent))
    assert crooked["b"] == pytest.approx(straight["b"], abs=0.01)


def test_many_weightings_at_once_are_each_alone():
    draw = np.random.default_rng(0)
    points = ladder(some_law(draw), draw, shares=(0.5, 1.0))
    asked, middle = problem(JOINT, points, centre(points)), fit_law(JOINT, points)[0]
    weights = draw.exponential(size=(4, len(points)))
    together, _ = fit(asked, weights, np.tile(middle, (4, 1)))
    alone = [fit(asked, w[None], middle[None])[0][0] for w in weights]
    assert together == pytest.approx(np.array(alone))


def test_a_parameter_at_its_bound_stays_and_the_others_move():
    points = [point(n, 20 * n, loss) for n, loss in zip((1e3, 1e4, 1e5, 1e6), (1.0, 1.1, 1.2, 1.3), strict=True)]
    asked = problem(POWER, points, centre(points))
    at = np.array([[-1.0, 0.0]])  # the loss rises, so that the exponent would be negative
    moved = step(asked, np.ones((1, 4)), at, np.array([1e-2]))[0]
    assert moved[1] == 0
    assert moved[0] > 0
