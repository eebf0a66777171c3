"""Curves and segments of a run, against the same written plainly."""

import random
import re

import pytest

from foretell.serve.dashboard.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, chart, figure, nice, thinned, words
from foretell.serve.dashboard.lines import last_lines, lines_of, points, segments, steps_of


def line(step, seconds):
    return {"step": step, "seconds": seconds}


@pytest.mark.parametrize("seed", range(5))
def test_a_thinned_curve_keeps_the_mean_and_the_ends(seed):
    draw = random.Random(seed)
    whole = [(float(i), draw.random()) for i in range(draw.randrange(1, 2000))]
    thin = thinned(whole, 100)
    assert len(thin) <= 100
    assert thin[-1][0] == whole[-1][0]
    if len(whole) > 100:
        sizes = [round(b[0] - a[0]) for a, b in zip([(-1.0, 0), *thin], thin, strict=False)]
        mean = sum(size * y for size, (_, y) in zip(sizes, thin, strict=True)) / len(whole)
        assert mean == pytest.approx(sum(y for _, y in whole) / len(whole))


def test_a_curve_lies_where_its_numbers_say():
    drawn = chart("loss", {"loss": [(0.0, 4.0), (10.0, 2.0)]})
    ends = [tuple(map(float, pair.split())) for pair in re.findall(r"[\d.]+ [\d.]+", drawn.lines["loss"])]
    assert ends == [(LEFT, TOP), (WIDTH - RIGHT, HEIGHT - BOTTOM)]
    assert drawn.said == "loss 2 at step 10 (from 2 to 4)"
    at = {word: place for place, word in drawn.y if word}
    assert at["3"] == pytest.approx((TOP + HEIGHT - BOTTOM) / 2)


@pytest.mark.parametrize("points_", [[], [(3.0, 1.0)], [(1.0, 2.0), (1.0, 2.0)], [(0.0, -5.0), (1.0, 1e30)]])
def test_any_points_make_a_chart_with_five_places_for_ticks(points_):
    drawn = chart("x", {"y": points_})
    assert len(drawn.x) == len(drawn.y) == 5
    assert "nan" not in drawn.lines["y"]
    assert "inf" not in drawn.lines["y"]


@pytest.mark.parametrize("seed", range(20))
def test_ticks_are_round_and_lie_inside(seed):
    draw = random.Random(seed)
    low = draw.uniform(-1, 1) * 10 ** draw.randrange(-5, 6)
    high = low + 10 ** draw.uniform(-6, 6)
    ticks = nice(low, high)
    assert 1 <= len(ticks) <= 5
    assert all(low - 1e-9 * abs(low) <= tick <= high + 1e-9 * abs(high) + 1e-9 for tick in ticks)


def test_numbers_are_short_and_those_of_an_axis_differ():
    said = [figure(value) for value in (0, 1, 0.25, 12130, 2e6, 0.00034, -5.5)]
    assert said == ["0", "1", "0.25", "12.13k", "2M", "3.4e-04", "-5.5"]
    assert words([0.9998, 0.9999, 1.0]) == ["0.9998", "0.9999", "1"]


def test_a_run_without_breaks_is_one_segment():
    (one,) = segments([line(i, i * 2.0) for i in range(1, 6)])
    assert (one.first, one.last, one.seconds, one.ended) == (1, 5, 8.0, "")
    assert segments([]) == []


def test_segments_end_where_the_clock_or_the_steps_go_back_and_at_events():
    lines = [line(1, 5), line(2, 6), line(3, 1), line(4, 2), line(4, 3), line(5, 4), line(6, 5)]
    events = [{"event": "spike", "step": 5}, {"event": "saved", "step": 6}, {"event": "restart"}]
    found = [(one.first, one.last, one.ended) for one in segments(lines, events)]
    back = "the clock went back"
    assert found == [(1, 2, back), (3, 4, back), (4, 5, "spike"), (6, 6, "")]


def test_lines_that_are_being_written_are_left_out_and_read_when_they_are_whole(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "loss": 2}\n{"step": 2, "lo')
    assert lines_of(path) == ({"step": 1, "loss": 2},)
    path.write_text('{"step": 1, "loss": 2}\n{"step": 2, "loss": null}\n{"step": true}\n')
    assert points(steps_of(lines_of(path)), "loss") == [(1, 2.0)]
    assert len(steps_of(lines_of(path))) == 2
    path.write_text("".join(f'{{"step": {i}}}\n' for i in range(20_000)))
    assert last_lines(path)[-1] == {"step": 19_999}
    assert len(last_lines(path)) < 10_000
    assert lines_of(tmp_path / "none") == ()
