import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from foretell.report.drawing import NARROW, PALETTE, WIDE, drawing
from foretell.report.figures import Dot, Group, Line, Panel, attention, bars, curves, intervals, shaded
from foretell.report.measured import Measured
from foretell.report.training import thinned

M = Measured(value=0.6, low=0.5, high=0.7, n=40)
FIGURES = {
    "curves": curves(
        [Panel(title="", lines=[Line(name="held out", points=[(0, 3.0), (9, 1.0)], colour="blue")])], "x", "y"
    ),
    "intervals": intervals(
        [Group(name="g", dots=[Dot(name="d", measured=M, colour="green")], baseline=0.5)], "x", share=True
    ),
    "bars": bars([("a", 10.0, "10 MB"), ("b", 5.0, "5 MB")]),
    "attention": attention(["a", "b"], ["c"], [[0.25, 0.75]]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_well_formed_and_the_same_each_time(name):
    first, second = drawing(name, FIGURES[name]), drawing(name, FIGURES[name])
    assert first == second
    for text in (first.wide, first.narrow):
        ET.fromstring(text)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_carries_no_date_no_address_and_no_colour_of_its_own(name):
    shown = drawing(name, FIGURES[name])
    for text in (shown.wide, shown.narrow):
        assert "http" not in text
        assert not re.search(r"20\d\d-\d\d-\d\d", text)
        assert set(re.findall(r"#[0-9a-f]{6}", text)) <= {"#ffffff"}
        assert "currentColor" in text
        assert "var(--" in text


def test_two_figures_of_a_page_share_no_id():
    ids = [
        set(re.findall(r'\bid="([^"]+)"', text))
        for name in ("one", "two")
        for text in vars(drawing(name, FIGURES["intervals"])).values()
    ]
    for i, mine in enumerate(ids):
        assert mine
        assert not any(mine & other for other in ids[i + 1 :])


def test_every_reference_in_a_figure_is_to_itself():
    shown = drawing("fig", FIGURES["curves"]).wide
    there = set(re.findall(r'\bid="([^"]+)"', shown))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', shown)) <= there


def test_a_token_is_text_and_never_markup_or_mathematics():
    tokens = ["<script>x()", "$\\frac{1}{0$", "a\nb", "\x00", "\u4e2d", "</svg>" * 99]
    shown = drawing("fig", attention(tokens, ["x"], [[0.2] * 6])).wide
    assert "<script" not in shown
    words = {element.text for element in ET.fromstring(shown).iter() if element.tag.endswith("text")}
    assert {"<script>x()", "$\\frac{1}{0$", "a\\nb", "\\x00", "\u4e2d", "</svg></svg></.."} <= words


def test_names_and_values_stand_at_the_ends_of_curves_and_apart():
    lines = [Line(name=name, points=[(0, 3.0), (9, 1.0)], colour="blue") for name in ("one", "two", "three")]
    figure = curves([Panel(title="", lines=lines)], "x", "y")(WIDE)
    figure.draw_without_rendering()
    labels = figure.axes[0].texts
    assert sorted(text.get_text() for text in labels) == ["one 1", "three 1", "two 1"]
    boxes = sorted((text.get_window_extent().y0, text.get_window_extent().y1) for text in labels)
    assert all(below[1] <= above[0] + 1 for below, above in pairwise(boxes))


def test_a_loss_that_is_no_number_leaves_a_gap_and_an_empty_curve_is_no_error():
    points = [(0, 3.0), (1, float("nan")), (2, 1.0)]
    lines = [Line(name="a", points=points, colour="blue"), Line(name="b", points=[], colour="orange")]
    figure = curves([Panel(title="", lines=lines)], "x", "y")(NARROW)
    assert [list(line.get_xdata()) for line in figure.axes[0].lines] == [[0, 2], [2]]


def test_a_phone_has_the_panels_below_each_other():
    panels = [Panel(title=str(i), lines=[Line(name="a", points=[(0, 0.1), (1, 0.2)], colour="blue")]) for i in range(3)]
    draw = curves(panels, "x", "y", share=True)

    def columns(figure: Figure) -> int:
        return figure.axes[0].get_gridspec().ncols

    assert (columns(draw(WIDE)), columns(draw(NARROW))) == (2, 1)


def test_the_palette_is_told_apart_by_the_colour_blind():
    assert set(PALETTE.values()) - {"#7f7f7f"} <= {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}


@pytest.mark.parametrize("n", [0, 1, 399, 400, 401, 5000])
def test_a_long_curve_is_drawn_as_means_and_keeps_its_mean(n):
    curve = [(float(i), float(i * i % 7)) for i in range(n)]
    found = thinned(curve, 400)
    assert len(found) == (n if n <= 400 else -(-n // -(-n // 400)))
    if n == 5000:  # a multiple of the group
        slow = [sum(y for _, y in curve[i : i + 13]) / len(curve[i : i + 13]) for i in range(0, n, 13)]
        assert [y for _, y in found] == pytest.approx(slow)


def test_an_attention_that_is_nearly_even_still_shows_its_pattern():
    assert shaded([[0.2, 0.21], [0.22, 0.2]]) == [pytest.approx([0, 0.5]), pytest.approx([1, 0])]
    assert shaded([[0.2, 0.2]]) == [[0.5, 0.5]]
    assert shaded([]) == []
