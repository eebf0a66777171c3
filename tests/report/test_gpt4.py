"""The two claims that the GPT-4 chapter tests: verdicts at the borders, and what is said where nothing is known."""

from dataclasses import replace

import pytest

from foretell.report.claim import NOT_YET
from foretell.report.drawing import Drawing
from foretell.report.gpt4 import MARGIN, calibration_suffers, gpt4, refuses_what_it_should
from foretell.report.read import read_demo
from foretell.report.verdicts import FAILS, HOLDS, UNCLEAR

FILES = ("images", "survival", "safety", "system", "calibration", "hindsight")


@pytest.fixture(scope="module")
def read(whole):
    return read_demo(whole)


def told(low, high, n=100):
    return {"value": (low + high) / 2, "low": low, "high": high, "n": float(n)}


def apart(demo, low, high):
    """The demo whose calibration error rises by so much."""
    return replace(demo, calibration=replace(demo.calibration, less=told(low, high)))


def compared(demo, gone=(0.8, 0.9), more=(-0.01, 0.01)):
    """The demo with the intervals of the disallowed answers that are gone, and of the rise in refusals of safe ones."""
    found = {"reduction": told(*gone, 176), "over_refusal_more": told(*more, 170)}
    return replace(demo, safety=replace(demo.safety, compared=found))


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.001, 0.02, HOLDS),
        (0.0, 0.02, UNCLEAR),  # zero lies on the border: nothing is told
        (-0.01, 0.02, UNCLEAR),
        (-0.02, 0.0, UNCLEAR),
        (-0.02, -0.001, FAILS),
    ],
)
def test_calibration_suffers_where_the_whole_interval_is_above_zero(read, low, high, wanted):
    claim = calibration_suffers(apart(read, low, high))
    assert (claim.number, claim.verdict) == (9, wanted)
    assert claim.result == f"{50 * (low + high):+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}] (n = 100)"
    assert claim.caution.startswith("1 seed")


@pytest.mark.parametrize(
    ("gone", "more", "wanted"),
    [
        ((0.8, 0.9), (-0.01, 0.01), HOLDS),
        ((0.001, 0.2), (-0.01, 0.01), HOLDS),
        ((0.0, 0.2), (-0.01, 0.01), UNCLEAR),
        ((-0.2, -0.001), (-0.01, 0.01), FAILS),  # there are more disallowed answers than before
        ((0.8, 0.9), (0.01, MARGIN - 0.001), HOLDS),  # refusals rise, by less than the margin
        ((0.8, 0.9), (0.01, MARGIN + 0.001), UNCLEAR),
        ((0.8, 0.9), (MARGIN - 0.001, 0.2), UNCLEAR),
        ((0.8, 0.9), (MARGIN + 0.001, 0.2), FAILS),  # it refuses what is fine
        ((0.0, 0.2), (MARGIN + 0.001, 0.2), FAILS),
        ((0.8, 0.9), (-0.4, -0.2), HOLDS),
    ],
)
def test_the_safety_reward_needs_both_fewer_disallowed_answers_and_hardly_more_refusals(read, gone, more, wanted):
    claim = refuses_what_it_should(compared(read, gone, more))
    assert (claim.number, claim.rung, claim.verdict) == (10, "gpt4", wanted)


def test_the_margin_is_five_points_and_the_metric_says_so(read):
    assert MARGIN == 0.05
    assert "5 points minus the rise" in refuses_what_it_should(read).metric


def test_both_intervals_and_both_numbers_of_requests_are_told(read):
    claim = refuses_what_it_should(compared(read, (0.8, 0.9), (-0.03, 0.01)))
    first, second = claim.result.split("; ")
    assert first == "85.0 % [80.0, 90.0] of the disallowed answers are gone (n = 176)"
    assert second == "refusals of safe requests change by -1.0 points [-3.0, +1.0] (n = 170)"


def test_what_was_not_measured_names_the_command(read):
    bare = replace(read, **dict.fromkeys(FILES))
    for claim in (calibration_suffers(bare), refuses_what_it_should(bare)):
        assert claim.verdict == NOT_YET
        assert claim.result == f"{bare.command} measures it"
    parts = gpt4(bare)
    assert [part.kind for part in parts] == ["missing"] * len(FILES)
    assert {part.command for part in parts} == {bare.command}


@pytest.mark.parametrize("name", ["reduction", "over_refusal_more"])
def test_half_of_the_safety_claim_is_no_claim(read, name):
    half = {name: told(0.1, 0.2)}
    claim = refuses_what_it_should(replace(read, safety=replace(read.safety, compared=half)))
    assert claim.verdict == NOT_YET


def test_each_file_of_the_chapter_has_its_part_and_is_missing_alone(read, monkeypatch):
    monkeypatch.setattr("foretell.report.parts.drawing", lambda *_: Drawing(wide="<svg/>", narrow="<svg/>"))
    whole = [part.title for part in gpt4(read)]
    assert len(set(whole)) == len(whole)
    for name in FILES:
        missing = [part.title for part in gpt4(replace(read, **{name: None})) if part.kind == "missing"]
        assert len(missing) == 1
        assert missing[0] in whole
