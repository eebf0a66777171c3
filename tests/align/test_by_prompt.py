"""Intervals by prompt beside a bootstrap of lists, and where prompts matter or do not."""

import numpy as np
import pytest

from foretell.align.by_prompt import coefficient, ratio, resamples
from foretell.align.coefficients import agreements, coincidences, count, fleiss, kappa, krippendorff
from foretell.align.coefficients import alpha as alpha_of


def slow_bootstrap(units, measure, rounds, seed):
    """Draw prompts, put their units together again, measure: 2.5 and 97.5 percentiles."""
    prompts, draw, values = sorted({where for where, _ in units}), np.random.default_rng(seed), []
    for _round in range(rounds):
        drawn = [prompts[i] for i in draw.integers(0, len(prompts), len(prompts))]
        values.append(measure([unit for where in drawn for other, unit in units if other == where]))
    return [float(x) for x in np.percentile(values, [2.5, 97.5])], float(np.std(values, ddof=1))


def rated(seed, prompts=12):
    draw = np.random.default_rng(seed)
    units = []
    for prompt in range(prompts):
        for _output in range(draw.integers(1, 5)):
            true = draw.integers(1, 8)
            said = np.clip(true + draw.integers(-2, 3, draw.integers(2, 4)), 1, 7).tolist()
            units.append((f"p{prompt:02}", said))
    return units


@pytest.mark.parametrize("seed", range(3))
def test_a_ratios_interval_is_that_of_the_slow_bootstrap(seed):
    draw = np.random.default_rng(seed)
    units = [(f"p{draw.integers(0, 8)}", (int(draw.integers(0, 5)), 5)) for _ in range(30)]
    found = ratio([w for w, _ in units], [u[0] for _, u in units], [u[1] for _, u in units], 40, seed)
    bounds, se = slow_bootstrap(
        units, lambda several: sum(a for a, _ in several) / sum(b for _, b in several), 40, seed
    )
    assert [found["low"], found["high"]] == pytest.approx(bounds)
    assert found["se"] == pytest.approx(se)
    assert (found["n"], found["prompts"]) == (150, len({w for w, _ in units}))


@pytest.mark.parametrize("seed", range(3))
def test_a_coefficients_interval_is_that_of_the_slow_bootstrap(seed):
    units, scale = rated(seed), list(range(1, 8))
    prompts, counts = [w for w, _ in units], count([said for _, said in units], scale)
    found = coefficient(prompts, coincidences(counts), lambda sums: alpha_of(sums, scale, "ordinal"), 40, seed)
    bounds, se = slow_bootstrap(units, lambda several: krippendorff(several, "ordinal"), 40, seed)
    assert [found["low"], found["high"], found["se"]] == pytest.approx([*bounds, se])
    assert found["value"] == pytest.approx(krippendorff([said for _, said in units], "ordinal"))
    found = coefficient(prompts, agreements(counts), kappa, 40, seed)
    bounds, se = slow_bootstrap(units, lambda several: fleiss(count(several, scale)), 40, seed)
    assert [found["low"], found["high"], found["se"]] == pytest.approx([*bounds, se])


def test_what_says_nothing_is_none_or_left_out():
    assert ratio([], [], []) is None
    assert ratio(["p"], [0], [0]) is None
    alone = ratio(["p", "p", "q"], [1, 0, 0], [1, 1, 0], 20)
    assert (alone["value"], alone["se"], alone["n"], alone["prompts"]) == (0.5, 0, 2, 1)
    assert coefficient([], np.zeros((0, 4)), kappa) is None
    assert coefficient(["p"], agreements(np.asarray([[2, 0]])), kappa) is None


def test_resamples_without_a_number_are_passed_over():
    # q alone has no variation: resamples of q twice have no kappa
    found = coefficient(["p", "q"], agreements(np.asarray([[1, 1], [2, 0]])), kappa, 60)
    assert np.isfinite([found["low"], found["high"], found["se"]]).all()


def test_as_many_prompts_are_drawn_as_there_are_and_the_seed_draws_them():
    drawn = np.stack(list(resamples(7, 500, 3)))
    assert (drawn.sum(axis=1) == 7).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(7), abs=0.2)
    assert (drawn == np.stack(list(resamples(7, 500, 3)))).all()
    assert (drawn != np.stack(list(resamples(7, 500, 4)))).any()
