"""Every sentence that a whole page says has its Chinese; numbers and a model's words pass unchanged."""

import json
import re

import pytest

from foretell.report import page as pages
from foretell.report.language import FILES, messages, texts_of_svg, translated, translator
from foretell.report.page import page, parts_of
from foretell.report.read import read_demo
from tests.report.demo_folder import NASTY

NAMES = re.compile(r"\{(\w+)\}")
NOT_OURS = {NASTY, "documents after near duplicates", "Return the [MASK] of the list."}  # made up for the tests' folder
ENGLISH = re.compile(r"(?<![\w-])[a-z]{2,} [a-z]{2,}")


@pytest.fixture(scope="module")
def said(whole, tmp_path_factory):
    """Everything that a whole page and an empty one ask to be said."""
    found = []
    empty = tmp_path_factory.mktemp("empty") / "demo"
    (empty / "results").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "translator", lambda _: lambda text: found.append(str(text)) or str(text))
        for folder in (whole, empty):
            demo = read_demo(folder)
            page(demo, parts_of(demo), folder / "report.html", "en")
    return list(dict.fromkeys(found))


def test_no_sentence_of_a_page_is_left_in_english(said):
    assert len(said) > 300
    commands = re.compile(r"foretell demo[^\u3000-\uffff]*|/[\w/.-]+|seq-rep-4 .*")
    left = [text for text in said if ENGLISH.search(commands.sub("", translated(text, "zh"))) and text not in NOT_OURS]
    left = [text for text in left if "always '" not in text]  # a target of the data
    assert left == []


@pytest.mark.parametrize("language", FILES)
def test_both_sides_of_a_message_have_the_same_names(language):
    for english, other in messages(language).items():
        assert sorted(NAMES.findall(english)) == sorted(NAMES.findall(other)), english
        assert other.strip(), english
        assert re.search("[\u4e00-\u9fff]", other), english


@pytest.mark.parametrize("language", FILES)
def test_no_message_is_there_twice(language):
    pairs = json.loads(FILES[language].read_text(encoding="utf-8"), object_pairs_hook=list)
    assert len({english for english, _ in pairs}) == len(pairs)


def test_numbers_stay_what_they_are(said):
    for text in said:
        if re.search(r"4\.5M|1\.3B parameters", text):
            continue  # Chinese counts in ten thousands
        figures = sorted(re.findall(r"\d+\.\d+", text))
        assert sorted(re.findall(r"\d+\.\d+", translated(text, "zh"))) == figures, text


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Table 3.", "\u8868 3\u3002"),
        ("4 min 52 s", "4 \u5206 52 \u79d2"),
        ("too small to tell", "\u89c4\u6a21\u592a\u5c0f\uff0c\u65e0\u6cd5\u5224\u65ad"),
        ("1 seed", "1 \u4e2a\u968f\u673a\u79cd\u5b50"),
        ("+1.0 points [-2.0, +4.1] over chance (n = 300)", "\u6bd4\u968f\u673a\u6c34\u5e73\u9ad8 +1.0 \u4e2a\u767e\u5206\u70b9 [-2.0, +4.1]\uff08n = 300\uff09"),  # noqa: E501
        ("the words of a model, whatever they are", "the words of a model, whatever they are"),
        (NASTY, NASTY),
        ("12.5", "12.5"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_text_is_looked_up_whole_by_template_and_by_sentence(english, chinese):
    assert translated(english, "zh") == chinese


def test_a_row_of_sentences_is_one_of_translations():
    one, two = "Dashed: the commonest answer.", "Lower is better."
    assert translated(f"{one} {two}", "zh") == translated(one, "zh") + translated(two, "zh")
    assert translated(f"Nobody wrote this. {two}", "zh") == f"Nobody wrote this. {translated(two, 'zh')}"


def test_english_is_what_it_was():
    assert translator("en")("Lower is better.") == "Lower is better."


def test_words_in_a_figure_are_said_and_its_marks_are_not_touched():
    svg = '<svg><path d="M 0 0"/><text x="1">tokens read</text><text>a &lt; b</text></svg>'
    drawn = texts_of_svg(svg, translator("zh"))
    assert drawn == svg.replace("tokens read", translated("tokens read", "zh"))
