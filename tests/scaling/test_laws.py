"""A law as arrays is the law as it is written."""

import numpy as np
import pytest

from foretell.scaling.laws import JOINT, LAWS, OFFSET, as_written, bounds, centre, design, starts
from foretell.scaling.points import Point
from foretell.scaling.robust import predicted
from tests.scaling.made import ladder, point, some_law

POINTS = ladder(some_law(np.random.default_rng(0)), np.random.default_rng(1), shares=(0.5, 1.0))


def written(law, values, p):
    if law.of_compute:
        return values["a"] * p.flops ** -values["b"] + values.get("c", 0.0)
    return values["E"] + values["A"] / p.parameters ** values["alpha"] + values["B"] / p.tokens ** values["beta"]


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_the_arrays_give_the_written_law_at_any_parameters(law):
    draw, middle = np.random.default_rng(2), centre(POINTS)
    for _ in range(5):
        theta = draw.normal(size=len(law.names)) * 0.3
        values = as_written(law, theta, middle)
        logs = predicted(design(law, POINTS, middle), theta[None])[0]
        assert np.exp(logs) == pytest.approx([written(law, values, p) for p in POINTS])


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_every_start_lies_within_the_bounds_and_gives_the_mean_loss_in_the_middle(law):
    losses, middle = np.array([p.loss for p in POINTS]), centre(POINTS)
    found, (low, high) = starts(law, losses), bounds(law, losses)
    assert (found >= low).all()
    assert (found <= high).all()
    at = Point(name="", parameters=middle.parameters, tokens=middle.tokens, flops=middle.flops, loss=1.0)
    assert np.exp(predicted(design(law, [at], middle), found)) == pytest.approx(losses.mean())


def test_the_fits_begin_at_many_starts():
    losses = np.array([p.loss for p in POINTS])
    assert len(starts(OFFSET, losses)) == 30
    assert len(starts(JOINT, losses)) == 80


def test_quantities_are_relative_to_the_geometric_mean():
    middle = centre([point(1e3, 1e4, 2.0), point(1e5, 1e8, 1.0)])
    assert (middle.parameters, middle.tokens) == (pytest.approx(1e4), pytest.approx(1e6))
