"""An interval is right as often as it says, over laws that nobody has seen; and not by being endless."""

from math import exp, log, sqrt

import numpy as np
import pytest

from foretell.errors import BadUse
from foretell.eval.t_test import t_quantile
from foretell.scaling.choose import fit_all, fit_law
from foretell.scaling.forecast import AS_GOOD, drawn, forecast, foretell, further, noise_of, target
from foretell.scaling.laws import LAWS, NOISE, design
from foretell.scaling.points import Point
from foretell.scaling.robust import predicted
from tests.scaling.made import SIZES, joint, ladder, point, some_law

LAW = some_law(np.random.default_rng(5))


def aim_of(size, ratio=20.0):
    return target(size, ratio * size, 6 * ratio * size * size)


def covered(cases, shares, further_by):
    """Of simulated laws: how often the target's loss, with a run's noise, lies inside; and the half-widths."""
    draw, inside, halves, errors = np.random.default_rng(0), 0, [], []
    for _ in range(cases):
        law = some_law(draw)
        points = ladder(law, draw, shares=shares)
        size = SIZES[-1] * further_by**0.5
        found = foretell(points, aim_of(size), draws=60)
        true = law(size, 20 * size) * exp(0.003 * draw.normal())
        inside += found.low <= true <= found.high
        halves.append(log(found.high / found.low) / 2)
        errors.append(abs(log(found.value / true)))
    return inside / cases, float(np.median(halves)), float(np.median(errors))


@pytest.mark.slow
def test_the_interval_holds_the_loss_in_nine_of_ten_of_200_laws_100_times_further():
    inside, half, error = covered(200, (1.0,), 100)
    assert inside >= 0.9
    assert half < 0.08
    assert error < 0.015


@pytest.mark.slow
def test_branches_make_the_interval_narrower_and_it_still_holds():
    inside, half, error = covered(10, (0.25, 0.5, 1.0), 100)
    assert inside >= 0.9
    assert half < 0.04
    assert error < 0.01


def test_the_half_width_is_made_of_its_parts():
    points = ladder(LAW, np.random.default_rng(0))
    fitted, aim = fit_all(points), aim_of(1e8)
    found = forecast(fitted, aim)
    best = fitted[0]
    between = max(
        abs(log(one.loss(aim) / best.loss(aim))) for one in fitted if one.left_out <= AS_GOOD * best.left_out + NOISE
    )
    theta, middle = fit_law(best.law, points[1:])
    fewer = float(predicted(design(best.law, [aim], middle), theta[None])[0, 0])
    between = max(between, abs(fewer - log(best.loss(aim))))
    assert found.between == pytest.approx(between)
    assert found.left_out == pytest.approx(best.left_out * further(points, aim))
    half = sqrt(found.noise**2 + between**2 + found.left_out**2)
    assert (found.low, found.high) == pytest.approx((found.value * exp(-half), found.value * exp(half)))
    assert found.value == pytest.approx(best.loss(aim))
    assert found.law == best.law.name


def test_noise_is_that_of_the_law_and_of_one_run():
    points = ladder(LAW, np.random.default_rng(0))
    one, aim = fit_all(points)[0], aim_of(1e8)
    values, free = drawn(one, aim, 50, 0), 6 - len(one.law.names)
    of_run = max(NOISE, one.in_sample * sqrt(6 / free))
    plain = t_quantile(0.05, free) * sqrt(np.var(values) * 6 / free + of_run**2)
    assert noise_of(one, aim, 50, 0) == pytest.approx(plain)


def test_the_branches_of_a_run_are_weighed_together(monkeypatch):
    points = ladder(LAW, np.random.default_rng(0), shares=(0.25, 0.5, 1.0))
    seen = []

    def noted(problem, weights, starts):
        seen.append(weights)
        return starts, np.zeros(len(starts))

    (one,) = [one for one in fit_all(points) if one.law == LAWS["joint"]]
    monkeypatch.setattr("foretell.scaling.forecast.fit", noted)
    drawn(one, aim_of(1e8), 3, 0)
    weights = seen[0].reshape(3, 6, 3)
    assert (weights == weights[:, :, :1]).all()
    assert len(set(weights[0, :, 0])) == 6
    assert weights[:, :, 0].mean(1) == pytest.approx(np.ones(3))


@pytest.mark.parametrize(("compute", "times"), [(4.0, 1.0), (16.0, 1.0), (256.0, 2.0), (1.0, 1.0)])
def test_what_was_missed_grows_with_the_way_to_the_target(compute, times):
    points = [point(1e5, 2e6, 3.0), point(4e5, 8e6, 2.0)]  # a factor 16 in compute
    last = points[-1].flops
    assert further(points, Point(name="", parameters=1, tokens=20, flops=last * compute, loss=1)) == pytest.approx(
        times
    )


def test_a_target_further_away_has_a_wider_interval():
    points = ladder(LAW, np.random.default_rng(0))
    near, far = (foretell(points, aim_of(size)) for size in (3e7, 3e9))
    assert far.high / far.low > near.high / near.low
    assert near.extrapolation == pytest.approx(9)


@pytest.mark.parametrize("ratio", [2.0, 400.0])
def test_a_target_that_reads_otherwise_than_the_ladder_is_refused(ratio):
    points = ladder(LAW, np.random.default_rng(0), shares=(0.25, 0.5, 1.0))
    with pytest.raises(BadUse, match="tokens a parameter, the ladder 5 to 20"):
        foretell(points, aim_of(1e8, ratio))


def test_a_target_off_the_path_is_foretold_by_size_and_tokens():
    points = ladder(LAW, np.random.default_rng(0), noise=0.0, shares=(0.25, 0.5, 1.0))
    found = foretell(points, aim_of(1e8, 8.0))
    assert found.law in ("joint", "prior")
    assert found.value == pytest.approx(LAW(1e8, 8e8), rel=0.01)


def test_the_same_points_give_the_same_forecast():
    points = ladder(joint(1.0, 50.0, 0.3, 500.0, 0.35), np.random.default_rng(3))
    assert foretell(points, aim_of(1e8)) == foretell(points, aim_of(1e8))
