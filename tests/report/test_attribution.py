"""The picture of an attribution: sound XML, nothing unescaped, colours by sign and strength, lines within the width."""

import re
from xml.etree import ElementTree

import pytest

from foretell.report.attribution import NARROW, WIDE, attribution_picture, attribution_svg

SENTENCE = {
    "word": "<b>",
    "tokens": ["<|endoftext|>", " <script>", " a&b", "\n", " long" * 9, *[" word"] * 30],
    "integrated": [0.0, 2.0, -1.0, 0.5, 0.25, *[0.1] * 30],
    "left out": [0.0, 0.0, 0.0, 0.0, 0.0, *[-0.1] * 30],
    "rollout": [1 / 35] * 35,
    "lens": [{"layer": 1, "token": "<i>", "probability": 0.5, "right": 0.25, "rank": 2}],
    "heads": [[0.5, -1.0], [0.0, 0.25]],
    "logprob": -2.0,
    "baseline logprob": -4.0,
    "completeness error": 0.003,
}


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_picture_is_sound_and_holds_no_markup_of_the_model(width):
    text = attribution_svg(SENTENCE, width)
    root = ElementTree.fromstring(text)
    assert {node.tag for node in root.iter()} == {"svg", "g", "rect", "text", "title"}
    assert "<script>" not in text
    assert " <script>" in [node.text for node in root.iter("text")]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_tokens_stay_within_the_width_and_the_height_holds_all(width):
    root = ElementTree.fromstring(attribution_svg(SENTENCE, width))
    height = float(root.get("viewBox").split()[3])
    for box in root.iter("rect"):
        assert float(box.get("x")) + float(box.get("width")) <= width + 0.1
        assert float(box.get("y")) + float(box.get("height")) <= height
    assert len(list(root.iter("rect"))) == 3 * 35 + 1 + 4


def test_colour_is_the_sign_and_strength_the_size():
    found = re.findall(
        r'<title>([^<]*): ([^<]*)</title><rect [^>]*fill="var\(--(\w+)\)" fill-opacity="([\d.]+)"',
        attribution_svg(SENTENCE),
    )
    shades = {(name, value): (colour, float(opacity)) for name, value, colour, opacity in found}
    assert shades[(" &lt;script&gt;", "2")] == ("blue", 0.75)
    assert shades[(" a&amp;b", "-1")] == ("orange", 0.375)
    assert shades[("layer 1, head 2", "-1")] == ("orange", 0.75)


def test_the_picture_of_the_page_has_numbers_and_says_how_exact_it_is():
    picture = attribution_picture(SENTENCE, "foretell audit m attribution")
    assert picture.drawing.wide != picture.drawing.narrow
    assert "completeness within 0.3 %" in picture.said
    assert picture.data.name == "attribution.csv"


def test_all_values_of_zero_are_pale():
    flat = {**SENTENCE, "integrated": [0.0] * 35, "heads": [[0.0]]}
    assert 'fill-opacity="nan"' not in attribution_svg(flat)
