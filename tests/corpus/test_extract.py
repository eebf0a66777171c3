"""Main texts of pages, garbage and deep nesting; the score beside a plain twin."""

import io
import json
import logging
import math
import random
import re
from collections import Counter

import pytest

from foretell.corpus import extract
from foretell.corpus.extract import (
    MANY_TAGS,
    MOST_CHARACTERS,
    MOST_DEPTH,
    PRF,
    bounded,
    exact_text,
    fast_text,
    mean_prf,
    shingles,
    token_prf,
)

SENTENCES = [
    f"Paragraph {i} tells of bridge number {i}, which the town built in {1800 + i} and paid for." for i in range(12)
]
PAGE = f"""<!doctype html><html><head><title>Bridges</title><script>var x = "<p>not text</p>";</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/about">About us</a></li></ul></nav>
<article><h1>On bridges</h1>{"".join(f"<p>{one}</p>" for one in SENTENCES)}
<img src="a.png" alt="a drawing of a bridge"><table><tr><td>height</td><td>12 m</td></tr></table></article>
<div id="comments" class="comments"><div class="comment"><p>First comment, and I did not read it.</p></div></div>
<footer><p>Copyright by the town. All rights reserved.</p></footer></body></html>"""
BOTH = [fast_text, exact_text]


@pytest.mark.parametrize("text_of", BOTH)
def test_the_article_is_kept_and_what_is_around_it_is_not(text_of):
    text = text_of(PAGE)
    assert all(one in text for one in SENTENCES)
    for left_out in ("Home", "About us", "not text", "First comment", "drawing", "rights reserved", "<p>"):
        assert left_out not in text
    assert text.index(SENTENCES[0]) < text.index(SENTENCES[1])
    assert "height" in text


@pytest.mark.parametrize("text_of", BOTH)
def test_texts_are_tidy(text_of):
    text = text_of(PAGE.replace("</p>", " \n\n\n</p><p> &nbsp; </p>\r\n<br><br><br>"))
    assert text == text.strip()
    assert "\n\n\n" not in text
    assert not re.search(r"[ \t\r]\n", text)


@pytest.mark.parametrize("text_of", BOTH)
def test_pages_without_text_have_none(text_of):
    for page in ("", " ", "<", "\0", "<html></html>", "<script>x</script>", "<!--", "<p>\ud800</p>", "<!doctype html>"):
        assert text_of(page).strip("<") == ""


@pytest.mark.parametrize("text_of", BOTH)
def test_garbage_raises_nothing_and_gives_text_that_can_be_written(text_of):
    rng = random.Random(0)
    pieces = [
        "<",
        ">",
        "</",
        "<!--",
        "-->",
        "<script>",
        "<table>",
        "<svg>",
        "<math>",
        "<template>",
        "&#x110000;",
        "&",
        '"',
    ]
    pieces += [
        "\0",
        "\ufffd",
        "\x85",
        "text ",
        "<p>",
        "<a href=",
        "<![CDATA[",
        "<?xml",
        "é",
        "\U0001f642",
        "</p></div>",
    ]
    for _ in range(60):
        page = "".join(rng.choices(pieces, k=300))
        text_of(page).encode()
        broken = list(PAGE)
        for _ in range(40):
            broken[rng.randrange(len(broken))] = rng.choice(pieces)
        text_of("".join(broken)).encode()


def test_a_text_that_the_careful_extractor_loses_is_taken_from_the_quick_one(monkeypatch):
    quick = fast_text(PAGE)
    for found in (None, "", quick[: len(quick) // 3]):
        monkeypatch.setattr(extract, "_extractor", lambda found=found: lambda page, **settings: found)
        assert exact_text(PAGE) == quick
    monkeypatch.setattr(extract, "_extractor", lambda: lambda page, **settings: quick[: len(quick) * 2 // 3])
    assert quick.startswith(exact_text(PAGE))
    assert exact_text(PAGE) != quick

    def broken(page, **settings):
        raise RecursionError

    monkeypatch.setattr(extract, "_extractor", lambda: broken)
    assert exact_text(PAGE) == quick


def test_a_panic_of_the_quick_extractor_costs_one_page_and_an_interrupt_ends_all(monkeypatch):
    from resiliparse.extract import html2text

    def failing(error):
        def extract_plain_text(page, **settings):
            raise error

        return extract_plain_text

    class Panic(BaseException):
        pass

    monkeypatch.setattr(html2text, "extract_plain_text", failing(Panic()))
    assert fast_text(PAGE) == ""
    assert SENTENCES[0] in exact_text(PAGE)
    monkeypatch.setattr(html2text, "extract_plain_text", failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        fast_text(PAGE)


def test_the_careful_extractor_keeps_quiet(caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        for page in ("", "<p>", "no page", "<html>" + "<div>" * 3000):
            exact_text(page)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_usual_pages_are_looked_at_as_they_are():
    assert bounded(PAGE) == PAGE
    many = "<div><span>x</span></div><br/>" * MANY_TAGS
    assert bounded(many) == many
    nested = ("<div>" * MOST_DEPTH + "x" + "</div>" * MOST_DEPTH) * 20
    assert bounded(nested) == nested


def test_a_huge_page_is_cut():
    page = "<p>word</p>" * 400_000
    assert len(bounded(page)) <= MOST_CHARACTERS
    assert page.startswith(bounded(page)[:1000])


def deepest(page):
    """The slow twin: the deepest nesting of the tags of a page without void elements."""
    depth = most = 0
    for closing in re.findall(r"<(/?)[a-z]+[^<>]*>", page):
        depth += -1 if closing else 1
        most = max(most, depth)
    return most


@pytest.mark.parametrize("tag", ["div", "b", "font color=1", "DIV", "custom-element"])
def test_deep_nesting_is_flattened_and_the_text_stays(tag):
    n = 20_000
    page = f"<html><body>{f'<{tag}>' * n}deep words</{tag.split()[0]}> and more{f'</{tag.split()[0]}>' * (n - 1)} after"
    assert deepest(bounded(page).lower()) <= MOST_DEPTH + 2  # html and body
    assert re.sub("<[^>]*>", "", page) == re.sub(" +", " ", re.sub("<[^>]*>", "", bounded(page))).replace(
        " deep", "deep"
    )
    assert fast_text(page) != ""


def test_nesting_comes_back_to_the_surface_after_a_deep_place():
    page = f"<html><body>{'<div>' * 9000}x{'</div>' * 9000}<section><p>after</p></section></body></html>"
    assert "<section><p>after</p></section>" in bounded(page)


def test_slashes_that_end_no_element_do_not_nest_without_limit():
    page = f"<html><body>{'<div/>' * 50_000}words here</body>"
    assert bounded(page).count("<div/>") == extract.MOST_SLASHED


def test_tags_of_endless_attributes_lose_them():
    attributes = " ".join(f"a{i}=1" for i in range(20_000))
    page = f"<html><body><p>before</p><div {attributes}><p>after</p></div></body></html>"
    assert bounded(page) == "<html><body><p>before</p><div><p>after</p></div></body></html>"
    text = f"<p>1 < 2 {'word ' * 20_000}</p>"
    assert bounded(text) == text


@pytest.mark.parametrize("end", ["", ">", "<", " ", "/>"])
def test_names_without_end_take_no_more_time_than_others(end):
    name = "a" * 1_900_000  # going back over it would take hours
    assert len(bounded(f"<{name}{end}")) <= len(name) + 3
    assert bounded("<br>" * 9000 + f"</{name}{end}").startswith("<br>" * 9000)
    assert bounded(f"<p>{'word ' * 10_000}<{name}>") == f"<p>{'word ' * 10_000}<{'a' * 64}>"


@pytest.mark.parametrize("text_of", BOTH)
@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 100_000 + "x",
        "<b><p>" * 50_000,
        "<div " + "a=1 " * 100_000 + ">x",
        "<a " * 100_000,
        "<svg><g>" * 50_000,
        "".join(f"<font color={i}>" for i in range(50_000)) + "<p>" * 50_000,
        "&amp" * 200_000,
        "<!--" * 100_000,
    ],
    ids=["div", "b", "attributes", "unclosed", "svg", "font", "entities", "comments"],
)
def test_hostile_pages_take_no_more_than_seconds(text_of, page):
    import time

    begun = time.process_time()
    text_of(page)
    assert time.process_time() - begun < 5


def plain_prf(extracted, gold, n=4):
    """The slow twin: lists of runs, each gold one crossed off as it is found."""
    runs = []
    for text in (extracted, gold):
        words = re.findall(r"\w+", text)
        runs.append([words[i : i + n] for i in range(max(1, len(words) - n + 1)) if words])
    left, right = list(runs[1]), 0
    for run in runs[0]:
        if run in left:
            left.remove(run)
            right += 1
    wrong, missed = len(runs[0]) - right, len(left)
    precision = right / (right + wrong) if right + wrong else math.nan
    recall = right / (right + missed) if right + missed else math.nan
    both = 2 * right + wrong + missed
    return PRF(precision, recall, 2 * right / both if both else math.nan)


def same(a, b):
    return all(math.isclose(x, y) or (math.isnan(x) and math.isnan(y)) for x, y in zip(a, b, strict=True))


def test_the_score_is_that_of_its_slow_twin():
    rng = random.Random(0)
    for _ in range(500):
        first, second = (" ".join(rng.choices("abc", k=rng.randrange(25))) for _ in range(2))
        assert same(token_prf(first, second), plain_prf(first, second))


def test_the_score_of_known_texts():
    assert token_prf("a b c d e", "a b c d e") == (1, 1, 1)
    assert token_prf("a, b\nc -- d!", "a b c d") == (1, 1, 1)
    assert token_prf("a b c d e", "a b c d") == (0.5, 1, pytest.approx(2 / 3))
    assert token_prf("a b c d " * 2, "a b c d") == (0.2, 1, pytest.approx(1 / 3))
    assert token_prf("A b", "a b") == (0, 0, 0)
    assert token_prf("a b", "a b") == (1, 1, 1)
    assert same(token_prf("", "a"), (math.nan, 0, 0))
    assert same(token_prf("a", ""), (0, math.nan, 0))
    assert same(token_prf(" . ", ""), (math.nan,) * 3)


def test_shingles_are_counted():
    assert shingles("a b a b a b") == Counter({("a", "b", "a", "b"): 2, ("b", "a", "b", "a"): 1})
    assert shingles("a b") == Counter({("a", "b"): 1})
    assert shingles("...") == Counter()


def test_the_mean_is_that_of_the_benchmark():
    pages = [PRF(1.0, 0.5, 2 / 3), PRF(0.5, 1.0, 2 / 3), token_prf("", "a"), token_prf("a", ""), token_prf("", "")]
    precision, recall = (1 + 0.5 + 0) / 3, (0.5 + 1 + 0) / 3
    assert same(mean_prf(pages), (precision, recall, 2 * precision * recall / (precision + recall)))
    assert same(mean_prf([]), (math.nan,) * 3)
    assert same(mean_prf([PRF(0.0, 0.0, 0.0)]), (0, 0, math.nan))


def gold(shared_data, n, source="article-extraction-benchmark"):
    import zstandard

    with (shared_data / "webpages" / "webpages.jsonl.zst").open("rb") as file:
        rows = map(json.loads, io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"))
        return [row for row in rows if row["source"] == source][:n]


def test_real_pages_are_extracted_well(shared_data):
    pages = gold(shared_data, 40)
    fast = mean_prf(token_prf(fast_text(page["html"]), page["gold_text"]) for page in pages)
    exact = mean_prf(token_prf(exact_text(page["html"]), page["gold_text"]) for page in pages)
    assert fast.f1 > 0.9
    assert exact.f1 > 0.94
    assert fast.recall > 0.95
    assert exact.precision > fast.precision


def test_warnings_of_the_libraries_do_not_hide_text(shared_data):
    import trafilatura

    for page in gold(shared_data, 5):  # as an error, a warning would be caught, and the quick text returned
        theirs = trafilatura.extract(page["html"], fast=True, include_comments=False, favor_recall=True)
        assert token_prf(exact_text(page["html"]), theirs).f1 == 1
