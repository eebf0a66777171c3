"""The page's part on GPT-3's text: the funnel, the sources, the mixture, the paper's own table."""

import base64

import pytest

from foretell.corpus.shares import disagreement
from foretell.report.filtering import section
from foretell.report.read import read_demo


@pytest.fixture(scope="module")
def parts(whole):
    return {part.title: part for part in section(read_demo(whole)).parts}


def rows_of(part):
    return base64.b64decode(part.data.uri.split(",")[1]).decode().split("\n")


def test_every_step_is_a_bar_with_what_it_dropped(parts):
    funnel = parts["From raw text to training text"]
    assert rows_of(funnel)[1:4] == ["read,1000,5000000,3", "quality,400,2000000,600", "near duplicates,396,1980000,4"]
    assert "396, 1.98 MB (4 dropped)" in funnel.drawing.wide
    assert funnel.command == "foretell corpus raw --curated good --recipe gpt3 --out x"


def test_the_gate_is_told_with_its_interval_and_n(parts):
    sources = parts["What each source gives"]
    assert "0.930 [0.910, 0.948] on n = 315" in sources.said
    assert [row[-1].text for row in sources.rows] == ["98.7 %", "14.3 %"]


def test_the_mixture_counts_its_epochs_over_the_budget(parts):
    assert "n = 300k tokens; epochs are counted over 525k" in parts["The mixture"].said


def test_printed_epochs_that_do_not_follow_are_named(parts, whole):
    said = parts["GPT-3's own mixture"].said
    assert "sum to 0.22" in said
    assert "WebText2 3.44 against 2.9" in said
    paper = read_demo(whole).filtering.paper
    printed = {row.source: (row.printed_weight, row.printed_epochs) for row in paper}
    assert said.endswith(disagreement(paper, printed)), "as foretell corpus tells it"
