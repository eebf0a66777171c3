"""Score tables: interpolation, monotony, percentiles, and intervals of weighted sections."""

import numpy as np
import pytest

from foretell.errors import BadUse
from foretell.eval.exam_tables import checked, interpolated, reached, weighted
from foretell.eval.measured import share

TABLE = checked("table", [[0, 200], [10, 500], [11, 500], [20, 800]], 0, 20)


def test_between_two_lines_a_score_is_linear():
    for value in np.linspace(-3, 25, 57):
        wanted = np.interp(value, [0, 10, 11, 20], [200, 500, 500, 800])
        assert interpolated(TABLE, value) == pytest.approx(wanted)


def test_a_score_never_falls_with_the_points():
    scores = [interpolated(TABLE, value) for value in np.linspace(0, 20, 200)]
    assert scores == sorted(scores)


def test_a_percentile_is_that_of_the_highest_line_reached():
    table = checked("percentiles", [[200, 1], [500, 40], [800, 99]], 200, 800)
    assert [reached(table, score) for score in (150, 200, 499, 500, 799.9, 800, 900)] == [1, 1, 1, 40, 40, 99, 99]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([[0, 1]], "has 1 lines"),
        ([[0, 1], [0, 2]], r"goes from \[0, 1\] to \[0, 2\]; the first must rise"),
        ([[0, 5], [1, 6], [2, 4]], r"goes from \[1, 6\] to \[2, 4\]"),
        ([[1, 1], [20, 2]], "goes from 1 to 20 and must cover 0 to 20"),
        ([[0, 1], [19, 2]], "goes from 0 to 19 and must cover 0 to 20"),
        ([[0, 1], [20]], "line 2 of the score table"),
        ([[0, 1], [20, "2"]], "line 2 of the score table"),
        ([[0, 1], 7], "line 2 of the score table"),
        ([[0, 1], [20, True]], "line 2 of the score table"),
    ],
)
def test_a_table_that_is_none_is_refused(lines, says):
    with pytest.raises(BadUse, match=says):
        checked("score table", lines, 0, 20)


def test_one_section_has_wilsons_interval():
    assert weighted([(7.0, 12, 40)]) == pytest.approx(share(12, 40))


def test_sections_count_by_their_points():
    found = weighted([(30.0, 10, 10), (10.0, 0, 90)])
    assert found["value"] == pytest.approx(0.75)
    assert found["n"] == 100
    assert found["low"] < 0.75 < found["high"]  # although no section has both right and wrong answers


def test_equal_sections_add_their_squares():
    one, four = weighted([(1.0, 20, 40)]), weighted([(1.0, 20, 40)] * 4)
    assert four["high"] - four["value"] == pytest.approx((one["high"] - one["value"]) / 2)


def test_the_interval_covers_the_truth():
    draw = np.random.default_rng(0)
    weights, sizes, truth = [3.0, 1.0, 1.0], [20, 60, 9], [0.3, 0.6, 0.9]
    wanted = sum(w * p for w, p in zip(weights, truth, strict=True)) / sum(weights)
    hits = 0
    for _ in range(1000):
        found = weighted([(w, draw.binomial(n, p), n) for w, n, p in zip(weights, sizes, truth, strict=True)])
        hits += found["low"] <= wanted <= found["high"]
    assert 0.93 <= hits / 1000 <= 0.98
