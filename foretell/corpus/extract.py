"""The main text of web pages: quickly for every page, carefully for those that are kept.

    fast_text     resiliparse, 1 ms a page
    exact_text    trafilatura, 10 ms a page

Both look at the first MOST_CHARACTERS of a page. In a page with many tags, those nested deeper than MOST_DEPTH are left
out, and so are the attributes of tags of more than LONG_TAG characters; the text stays. Parsers need time that grows
with the square of either, and browsers stop at the same depth.
"""

import logging
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

MOST_CHARACTERS = 2_000_000
MOST_DEPTH = 512
MANY_TAGS = 8_000  # with fewer, no page takes more than about a second; of 241 news pages the largest has 5,480
MOST_SLASHED = 4_000
LONG_TAG = 50_000
# what is matched is never given back (`+` behind a count): else the time grows with the square of a name's length
LONG = re.compile(rf"<([a-zA-Z][a-zA-Z0-9]{{0,63}}+)[^<>]{{{LONG_TAG},}}+>")
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)[^<>]*+>")
# elements without content, and those whose end tag may be left out: the next of them ends the one before
NOT_NESTED = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"),
    *("p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option", "optgroup", "rp", "rt"),
    *("html", "head", "body"),
}
LEAST_SHARE = 0.5  # of the quick text's length; with less, the careful extractor has lost the text
TALKERS = ("trafilatura", "htmldate", "courlan", "readability")  # loggers of the careful extractor and what it uses
EMPTY_LINES = re.compile("\n{3,}")
WORD = re.compile(r"\w+")
SHINGLE = 4


class PRF(NamedTuple):
    """How far an extracted text is the gold text; nan where there is nothing to divide by."""

    precision: float
    """share of the extracted shingles that are gold; nan where nothing was extracted"""
    recall: float
    """share of the gold shingles that were extracted; nan where there is no gold text"""
    f1: float


def fast_text(html: str) -> str:
    """The main text of a page, without comments on it, bylines and descriptions of images; '' if none. Never raises."""
    return _quick(bounded(html))


def exact_text(html: str) -> str:
    """The main text of a page by the careful extractor, tables included, comments not; '' if none. Never raises.

    Where it finds less than LEAST_SHARE of what `fast_text` finds, or fails, that is taken: it loses pages made of many
    parts. Our choice, by 163 gold texts: it is taken for 4, of which 3 get better.
    """
    page = bounded(html)
    quick, careful = _quick(page), _careful(page)
    return careful if careful and len(careful) >= LEAST_SHARE * len(quick) else quick


def bounded(html: str) -> str:
    """The page as far as it is looked at; nearly every page as it is."""
    page = html[:MOST_CHARACTERS]
    if len(page) > LONG_TAG:
        page = LONG.sub(r"<\1>", page) if _has_long_tag(page) else page  # to look for one is slower
    return _shallow(page) if page.count("<") > MANY_TAGS else page


def _has_long_tag(page: str) -> bool:
    """Whether LONG_TAG characters after a '<' have no other and no '>', found by steps of that length."""
    at = page.find("<")
    while 0 <= at < len(page) - LONG_TAG:
        last = page.rfind("<", at, at + LONG_TAG)
        if last == at and page.find(">", at, at + LONG_TAG) < 0:
            return True
        at = last if last > at else page.find("<", at + 1)
    return False


def _shallow(page: str) -> str:
    """The page without the tags that are nested deeper than MOST_DEPTH."""
    depth = slashed = 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth, slashed
        if tag[2].lower() in NOT_NESTED:
            return tag[0] if depth <= MOST_DEPTH else " "
        if tag[0].endswith("/>"):  # an empty element of a drawing; of HTML, a start tag like any other
            slashed += 1
            return tag[0] if depth <= MOST_DEPTH and slashed <= MOST_SLASHED else " "
        if tag[1]:
            depth = max(0, depth - 1)
            return tag[0] if depth < MOST_DEPTH else " "
        depth += 1
        return tag[0] if depth <= MOST_DEPTH else " "

    return TAG.sub(kept, page)


def _quick(page: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    try:
        text = extract_plain_text(page, main_content=True, comments=False, post_meta=False, alt_texts=False)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # whatever it finds in garbage, the page has no text; a panic of its Rust is no Exception
        return ""
    return _tidy(text)


def _careful(page: str) -> str:
    try:
        # the setting for recall is the quicker one, and as precise on three sets of gold texts
        return _tidy(_extractor()(page, fast=True, include_comments=False, favor_recall=True) or "")
    except Exception:
        return ""


@cache
def _extractor() -> Callable[..., str | None]:
    """trafilatura's function, whose remarks on single pages are no use to who reads a million."""
    import trafilatura

    for name in TALKERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return trafilatura.extract


def _tidy(text: str) -> str:
    """The text without spaces at the ends of lines, with one empty line at a time."""
    if " \n" in text or "\t\n" in text:
        text = "\n".join(map(str.rstrip, text.split("\n")))
    if "\n\n\n" in text:
        text = EMPTY_LINES.sub("\n\n", text)
    return text.strip()


def token_prf(extracted: str, gold: str) -> PRF:
    r"""Precision, recall and F1 of an extracted text, by shingles of 4 tokens with their counts.

    A token is a match of \w+, case kept. A text of n tokens has n - 3 shingles, one of 1 to 3 tokens has itself, one of
    none has none. With e and g the counts of a shingle in each text, tp = sum of min(e, g): precision = tp / sum of e,
    recall = tp / sum of g, f1 = 2 tp / (sum of e + sum of g). As article-extraction-benchmark of scrapinghub has it.
    """
    found, wanted = shingles(extracted), shingles(gold)
    n_found, n_wanted = found.total(), wanted.total()
    right = (found & wanted).total()
    return PRF(_share(right, n_found), _share(right, n_wanted), _share(2 * right, n_found + n_wanted))


def mean_prf(pages: Iterable[PRF]) -> PRF:
    """The score over pages as the benchmark gives it; nan where no page has a value.

    Precision is the mean over pages of which something was extracted, recall the mean over those with a gold text; F1
    is the harmonic mean of these two, not the mean of the pages'.
    """
    every = list(pages)
    precision = _mean([page.precision for page in every if not math.isnan(page.precision)])
    recall = _mean([page.recall for page in every if not math.isnan(page.recall)])
    return PRF(precision, recall, _share(2 * precision * recall, precision + recall))


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """The runs of 4 tokens of a text, counted; of a shorter text, the text."""
    words = WORD.findall(text)
    if len(words) < SHINGLE:
        return Counter([tuple(words)] if words else [])
    return Counter(zip(*(words[start:] for start in range(SHINGLE)), strict=False))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
