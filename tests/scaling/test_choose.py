"""Laws are judged by the rungs they were not shown; a plateau is seen and left out."""

from math import exp, log

import numpy as np
import pytest

from foretell.errors import BadUse
from foretell.scaling.choose import (
    MOST_STEEPENING,
    can_hold,
    fit_all,
    fit_law,
    left_out,
    path,
    rungs,
    steepening,
    without_plateau,
)
from foretell.scaling.laws import JOINT, LAWS, OFFSET, POWER, design
from foretell.scaling.robust import predicted
from tests.scaling.made import SIZES, joint, ladder, point, some_law

DRAW = np.random.default_rng(0)
LAW = some_law(np.random.default_rng(5))
PUBLISHED_PLATEAU = {  # a character model whose small sizes know little but pairs of letters: compute, loss
    5.8e7: 2.644,
    2.5e8: 2.477,
    7.4e8: 2.415,
    1.7e9: 2.391,
    3.4e9: 2.358,
    1.0e10: 2.279,
    2.5e10: 2.155,
    5.0e10: 2.044,
    1.6e11: 1.866,
    7.7e11: 1.660,
}


def of_compute(losses):
    """Points at 40 tokens a parameter with these losses at these computes."""
    sizes = [(c / 240) ** 0.5 for c in losses]
    return [point(n, 40 * n, loss) for n, loss in zip(sizes, losses.values(), strict=True)]


def test_the_path_is_the_longest_run_of_each_size():
    points = ladder(LAW, DRAW, shares=(0.25, 0.5, 1.0))
    assert [p.ratio for p in path(points)] == pytest.approx([20.0] * len(SIZES))


def test_a_run_with_another_ratio_is_not_on_the_path():
    points = [*ladder(LAW, DRAW), point(3e7, 3e7 * 100, 1.0)]
    assert 3e7 not in [p.parameters for p in path(points)]


def test_sizes_whose_longest_run_is_not_there_do_not_empty_the_path():
    points = ladder(LAW, DRAW, shares=(0.25, 0.5, 1.0))
    cut = [p for p in points if p.flops <= points[-1].flops / 30]
    assert len(rungs(path(cut))) == max(
        len({p.parameters for p in cut if abs(p.ratio / r - 1) < 0.1}) for r in (5, 10, 20)
    )


def test_rungs_are_sizes_and_seeds_go_together():
    points = [point(2e5, 1e6, 1.0, seed=1), point(1e5, 1e6, 2.0), point(2e5, 1e6, 1.1, seed=2)]
    assert [[p.loss for p in group] for group in rungs(points)] == [[2.0], [1.0, 1.1]]


def plain_steepening(points, noise):
    """The largest rise above a chord in its standard errors, with one point a size."""
    worst = 0.0
    for i, a in enumerate(points):
        for j, b in enumerate(points[i + 1 :], i + 1):
            for c in points[j + 1 :]:
                right = (log(b.flops) - log(a.flops)) / (log(c.flops) - log(a.flops))
                above = log(b.loss) - (log(a.loss) * (1 - right) + log(c.loss) * right)
                worst = max(worst, above / (noise * (1 + (1 - right) ** 2 + right**2) ** 0.5))
    return worst


def test_steepening_is_the_rise_above_a_chord():
    points = of_compute(PUBLISHED_PLATEAU)
    assert steepening(points) == pytest.approx(plain_steepening(points, 0.003))


def test_a_law_of_scale_never_steepens():
    assert steepening(ladder(LAW, DRAW, noise=0.0)) == pytest.approx(0, abs=1e-9)


def test_seeds_that_differ_more_than_usual_are_believed():
    points = [p for n in (1e3, 1e4, 1e5, 1e6) for p in (point(n, 20 * n, 2.0, 0), point(n, 20 * n, 2.2, 1))]
    bent = [*points[:2], point(1e4, 2e5, 2.3, 0), point(1e4, 2e5, 2.5, 1), *points[4:]]
    assert steepening(bent) < 3 < plain_steepening(bent[::2], 0.003)


def test_rungs_on_the_plateau_are_dropped_and_the_forecast_is_better_for_it():
    points = of_compute(PUBLISHED_PLATEAU)
    kept, dropped = without_plateau(points)
    assert [p.loss for p in dropped] == list(PUBLISHED_PLATEAU.values())[: len(dropped)]
    assert len(dropped) >= 4
    aim = point((2.4e12 / 240) ** 0.5, 40 * (2.4e12 / 240) ** 0.5, 1.537)

    def missed(some):
        theta, middle = fit_law(OFFSET, some)
        return abs(float(predicted(design(OFFSET, [aim], middle), theta[None])[0, 0]) - log(aim.loss))

    assert missed(kept) < 0.03 < 0.1 < missed(points)


def test_a_ladder_that_steepens_to_its_top_is_refused():
    small = dict(list(PUBLISHED_PLATEAU.items())[2:8])
    with pytest.raises(BadUse, match="no law of scale holds there; add larger rungs"):
        without_plateau(of_compute(small))


@pytest.mark.parametrize(("law", "most"), [(some_law, 0.01), (lambda draw: joint(0.0, 2e2, 0.3, 0.0, 1.0), 0.12)])
def test_noise_alone_hardly_ever_looks_like_a_plateau(law, most):
    draw = np.random.default_rng(0)
    seen = [steepening(ladder(law(draw), draw, sizes=SIZES[-4:])) > MOST_STEEPENING for _ in range(200)]
    assert np.mean(seen) <= most


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_ladder_of_so_few_sizes_is_refused(n):
    points = ladder(LAW, DRAW, sizes=SIZES[:n], shares=(0.25, 0.5, 1.0))
    with pytest.raises(BadUse, match=f"a ladder with {n} size"):
        without_plateau(points)


def test_what_was_left_out_is_the_largest_sizes_longest_run():
    points = ladder(LAW, DRAW, shares=(0.5, 1.0))
    misses = []
    for n in (5, 4):
        theta, middle = fit_law(JOINT, [p for p in points if p.parameters < SIZES[n]])
        aim = next(p for p in points if p.parameters == SIZES[n] and p.ratio > 15)
        misses.append(predicted(design(JOINT, [aim], middle), theta[None])[0, 0] - log(aim.loss))
    assert left_out(JOINT, points) == pytest.approx((sum(m**2 for m in misses) / 2) ** 0.5)


def test_of_four_sizes_only_the_largest_is_left_out():
    points = ladder(LAW, DRAW, sizes=SIZES[:4])
    theta, middle = fit_law(POWER, points[:3])
    missed = predicted(design(POWER, points[3:], middle), theta[None])[0, 0] - log(points[3].loss)
    assert left_out(POWER, points) == pytest.approx(abs(missed))


def test_the_law_that_made_the_points_comes_first():
    power = joint(0.0, 2e4, 0.4, 0.0, 1.0)
    offset = joint(1.5, 2e2, 0.4, 0.0, 1.0)
    assert fit_all(ladder(offset, DRAW, noise=0.0))[0].law == OFFSET
    assert fit_all(ladder(power, DRAW, noise=0.0))[0].left_out < 1e-4


def test_size_and_tokens_have_laws_of_their_own_only_where_they_differ_apart():
    assert not can_hold(JOINT, ladder(LAW, DRAW))
    assert can_hold(JOINT, ladder(LAW, DRAW, shares=(0.25, 1.0)))
    assert {one.law.name for one in fit_all(ladder(LAW, DRAW))} == {"power", "offset"}
    assert {one.law.name for one in fit_all(ladder(LAW, DRAW, shares=(0.25, 0.5, 1.0)))} == set(LAWS)


def test_a_law_is_not_judged_by_a_fit_to_fewer_runs_than_it_has_parameters():
    points = ladder(LAW, DRAW, sizes=SIZES[:3]) + ladder(LAW, DRAW, sizes=SIZES[3:4], shares=(0.1, 0.25, 0.5, 1.0))
    assert not can_hold(JOINT, points)
    assert all(np.isfinite(one.left_out) for one in fit_all(points))


def test_a_fitted_law_gives_the_losses_it_was_fitted_to():
    points = ladder(LAW, DRAW, noise=0.0, shares=(0.25, 0.5, 1.0))
    (one,) = [one for one in fit_all(points) if one.law == JOINT]
    assert one.in_sample < 1e-6
    assert [one.loss(p) for p in points] == pytest.approx([p.loss for p in points], rel=1e-5)
    assert exp(log(one.loss(points[0]))) == pytest.approx(LAW(points[0].parameters, points[0].tokens), rel=1e-5)
