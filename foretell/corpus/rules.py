"""The heuristic rules that web text must pass: Gopher's, and those by which C4 judges a page, the cheap ones first.

    words        number, mean length, share with a letter; hashes and ellipses for each word; English stop words
    lines        share that starts with a bullet, share that ends with an ellipsis
    page         lorem ipsum, a curly bracket, sentences, bad words
    copies       lines and paragraphs that came before, by number and by characters
    runs         the most frequent run of 2, 3, 4 words; runs of 5 to 10 words that came before, by characters

Gopher: Rae et al. 2021, appendix A.1.1, and its table A1 for copies and runs. C4: Raffel et al. 2020, section 2.2.

A rule keeps a document or drops it, and changes no text. Left out are therefore the rules by which C4 cleans the lines
of a page: it keeps only lines that end in a terminal mark (. ! ? or a closing quotation mark) and have at least 5
words, and takes out lines that say Javascript or speak of policies and cookies (here they only count for no sentence),
and Wikipedia's marks of citation. So is its search for spans of three sentences that came before, in any page: copies
are dedup.py's matter. C4 counts the sentences of what is left of a page, so that it drops more pages by their number.

Our choices where the papers are silent: words stand between white space; a line is one that is not blank, without the
white space around it; paragraphs have blank lines between them; shares are of the characters of words, lines or
paragraphs, without the white space between them. What stands in a document a second time is a copy, and its first
occurrence is none. A character that several copies overlap on is counted once, as Gopher has it.

N words   S places in the text that are looked at
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from foretell.errors import BadUse

STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
BULLETS = ("\u2022", "\u2023", "\u2043", "\u00b7", "\u25aa", "\u25a0", "\u25cf", "\u25cb", "\u25e6", "- ", "* ")
ELLIPSES = ("...", "\u2026")
POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
NOTICES = ("javascript", *POLICIES)
"""what marks a line that speaks of the site and not of its subject, in small letters"""
SENTENCE = re.compile("[.!?][\"')\\]\u201d\u2019\u00bb]*(?=\\s|\\Z)|[\u3002\uff01\uff1f\u0964\u061f\u06d4\u0589\u1362]")
BLANK = re.compile(r"\n\s*\n")
WITHOUT_SPACES = frozenset(("zh", "ja", "th", "lo", "km", "my", "bo", "dz"))
WITHOUT_STOPS = WITHOUT_SPACES - {"zh", "ja"}
TOP, COPIED = 2, 5  # words of the shortest run whose most frequent one, whose copies are judged


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesConfig:
    """The limits, all as published; a document on a limit is kept. A share of 1 never drops anything."""

    min_words: int = 50
    """least number of words"""
    max_words: int = 100_000
    """most words"""
    min_mean_word: float = 3.0
    """least mean length of a word in characters"""
    max_mean_word: float = 10.0
    """greatest mean length of a word"""
    max_symbols: float = 0.1
    """most hash signs for each word, and most ellipses for each word"""
    max_bullets: float = 0.9
    """greatest share of lines that start with a bullet"""
    max_ellipses: float = 0.3
    """greatest share of lines that end with an ellipsis"""
    min_lettered: float = 0.8
    """least share of words with a letter"""
    min_stop_words: int = 2
    """least number of different words out of the, be, to, of, and, that, have, with; English only"""
    lorem_ipsum: bool = False
    """keep pages that say lorem ipsum"""
    curly_brackets: bool = False
    """keep pages with a curly bracket, as code has"""
    min_sentences: int = 3
    """least number of sentences, not counting lines about scripts, cookies and policies; C4's preprint has 5"""
    bad_words: str = ""
    """file of words and phrases, one a line, none of which a page may have; no file, no rule"""
    max_repeated_lines: float = 0.3
    """greatest share of lines that came before"""
    max_repeated_paragraphs: float = 0.3
    """greatest share of paragraphs that came before"""
    max_line_copies: float = 0.2
    """greatest share of characters in lines that came before"""
    max_paragraph_copies: float = 0.2
    """greatest share of characters in paragraphs that came before"""
    max_top_runs: tuple[float, ...] = (0.2, 0.18, 0.16)
    """greatest share of characters in the most frequent run of 2, 3, 4 words"""
    max_run_copies: tuple[float, ...] = (0.15, 0.14, 0.13, 0.12, 0.11, 0.1)
    """greatest share of characters in runs of 5, 6, 7, 8, 9, 10 words that came before"""

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in type(self).__slots__ if name.startswith("max_")}
        del shares["max_words"], shares["max_mean_word"], shares["max_symbols"]
        for name in ("min_words", "max_words", "min_mean_word", "max_mean_word", "max_symbols", "min_sentences"):
            if not getattr(self, name) >= 0:  # nan is not either
                raise ValueError(f"{name}={getattr(self, name)} is no limit; give a number from 0 on")
        for name, value in {**shares, "min_lettered": self.min_lettered}.items():
            if not all(0 <= share <= 1 for share in (value if isinstance(value, tuple) else (value,))):
                raise ValueError(f"{name}={value} is no share; give 0 to 1")
        if self.min_words > self.max_words or self.min_mean_word > self.max_mean_word:
            both = f"{self.min_words} to {self.max_words} words of {self.min_mean_word} to {self.max_mean_word}"
            raise ValueError(f"no document has {both} characters; swap the limits")
        if not 0 <= self.min_stop_words <= len(STOP_WORDS):
            raise ValueError(f"min_stop_words={self.min_stop_words} is not in 0 to {len(STOP_WORDS)}")


class Document(NamedTuple):
    """A text as the rules look at it."""

    text: str
    words: list[str]
    lines: list[str]
    language: str


def reasons(text: str, cfg: RulesConfig, language: str = "") -> str:
    """The first rule that a document breaks, in the order of this module, as `rule: value`; '' if it breaks none.

    `language` is a two-letter code. An unknown one ('') is taken for English. The stop words are asked of English
    only. Where words have no spaces between them their number and length, and symbols for each, mean nothing and are
    not asked; nor are sentences where no mark ends them. BadUse where the file of bad words cannot be read.
    """
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    document = Document(text, text.split(), lines, language)
    for rule in (_words, _lines, _page, _copies, _runs):
        reason = rule(document, cfg)
        if reason:
            return reason
    return ""


def _words(document: Document, cfg: RulesConfig) -> str:
    words, n = document.words, len(document.words)
    if document.language not in WITHOUT_SPACES:
        if not cfg.min_words <= n <= cfg.max_words:
            return f"too {'few' if n < cfg.min_words else 'many'} words: {n}"
        mean = sum(map(len, words)) / max(n, 1)
        if n and not cfg.min_mean_word <= mean <= cfg.max_mean_word:
            return f"{'short' if mean < cfg.min_mean_word else 'long'} words: {mean:.2f}"
        symbols = max(document.text.count("#"), sum(map(document.text.count, ELLIPSES)))
        if symbols > cfg.max_symbols * n:
            return f"many symbols: {symbols / max(n, 1):.2f}"
    lettered = sum(map(str.isalpha, words))
    if lettered < cfg.min_lettered * n:  # the quick count leaves out words with a comma
        lettered = sum(any(map(str.isalpha, word)) for word in words)
        if lettered < cfg.min_lettered * n:
            return f"few words with letters: {lettered / n:.2f}"
    found = len(STOP_WORDS.intersection(words))
    if document.language not in ("", "en") or found >= cfg.min_stop_words:
        return ""
    found = len(STOP_WORDS.intersection(re.findall(r"[^\W\d_]+", document.text.lower())))  # in any case, beside marks
    return f"few stop words: {found}" if found < cfg.min_stop_words else ""


def _lines(document: Document, cfg: RulesConfig) -> str:
    n = len(document.lines)
    bullets = sum(line.startswith(BULLETS) for line in document.lines)
    if bullets > cfg.max_bullets * n:
        return f"bulleted lines: {bullets / n:.2f}"
    ellipses = sum(line.endswith(ELLIPSES) for line in document.lines)
    return f"lines that end with an ellipsis: {ellipses / n:.2f}" if ellipses > cfg.max_ellipses * n else ""


def _page(document: Document, cfg: RulesConfig) -> str:
    small = document.text.lower()
    if not cfg.lorem_ipsum and "lorem ipsum" in small:
        return "lorem ipsum"
    if not cfg.curly_brackets and "{" in document.text:
        return "curly bracket"
    if document.language not in WITHOUT_STOPS:
        found = _sentences(document, small, cfg.min_sentences)
        if found < cfg.min_sentences:
            return f"few sentences: {found}"
    return "bad word" if cfg.bad_words and _has_bad_word(small, cfg.bad_words) else ""


def _sentences(document: Document, small: str, enough: int) -> int:
    """How many sentences the lines that are no notices have; counting stops at `enough`."""
    text = document.text
    if any(notice in small for notice in NOTICES):
        text = "\n".join(line for line in document.lines if not any(n in line.lower() for n in NOTICES))
    return sum(1 for _ in islice(SENTENCE.finditer(text), max(enough, 0)))


def _has_bad_word(small: str, path: str) -> bool:
    words, phrases = _bad_words(path)
    found = re.findall(r"\w+", small)
    if not words.isdisjoint(found):
        return True
    joined = f" {' '.join(found)} " if phrases else ""
    return any(phrase in joined for phrase in phrases)


@cache
def _bad_words(path: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The single words, and the phrases each between spaces; read once in a process."""
    try:
        lines = Path(path).read_text(encoding="utf-8").lower().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadUse(f"{path}: {error}; bad_words is a UTF-8 file with a word or phrase in each line") from error
    entries = [found for line in lines if (found := re.findall(r"\w+", line))]
    words = frozenset(entry[0] for entry in entries if len(entry) == 1)
    return words, tuple(f" {' '.join(entry)} " for entry in entries if len(entry) > 1)


def _copies(document: Document, cfg: RulesConfig) -> str:
    paragraphs = [part for part in map(str.strip, BLANK.split(document.text)) if part]
    lines, line_characters = repeated(document.lines)
    blocks, block_characters = repeated(paragraphs)
    for name, share, limit in (
        ("repeated lines", lines, cfg.max_repeated_lines),
        ("repeated paragraphs", blocks, cfg.max_repeated_paragraphs),
        ("characters in repeated lines", line_characters, cfg.max_line_copies),
        ("characters in repeated paragraphs", block_characters, cfg.max_paragraph_copies),
    ):
        if share > limit:
            return f"{name}: {share:.2f}"
    return ""


def repeated(parts: Sequence[str]) -> tuple[float, float]:
    """The share of parts that are the same as an earlier one, and their share of the characters."""
    distinct = set(parts)
    if len(distinct) == len(parts):
        return 0.0, 0.0
    characters = sum(map(len, parts))
    return (len(parts) - len(distinct)) / len(parts), (characters - sum(map(len, distinct))) / characters


def _runs(document: Document, cfg: RulesConfig) -> str:
    """The rules on runs of words.

    A run of n + 1 words is repeated only where its first n are, so that the places to look at become fewer with n, and
    few are left after three words of ordinary text.
    """
    words, longest = document.words, max(TOP + len(cfg.max_top_runs), COPIED + len(cfg.max_run_copies))
    number = {word: place for place, word in enumerate(dict.fromkeys(words))}
    ids = np.fromiter(map(number.__getitem__, words), np.int64, len(words))  # (N,)
    ends = np.concatenate([[0], np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))])  # (N+1,)
    starts, groups = np.arange(len(words)), ids  # (S,)
    for n in range(TOP, longest):
        starts, groups = longer(starts, groups, ids, n)
        if not len(starts):
            break
        if n - TOP < len(cfg.max_top_runs):
            share = top_share(starts, groups, ends, n)
            if share > cfg.max_top_runs[n - TOP]:
                return f"most frequent run of {n} words: {share:.2f}"
        if 0 <= n - COPIED < len(cfg.max_run_copies):
            share = copied_share(starts, groups, ends, n)
            if share > cfg.max_run_copies[n - COPIED]:
                return f"repeated runs of {n} words: {share:.2f}"
    return ""


def longer(
    starts: np.ndarray, groups: np.ndarray, ids: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:  # (S,), (S,), (N,) -> (S',), (S',)
    """Where the runs of n words begin that occur more than once, equal ones together and in order, and their groups.

    `starts` and `groups` are those of n - 1 words, and `ids` the number of each word, below N.
    """
    inside = starts + n <= len(ids)
    starts, groups = starts[inside], groups[inside]
    keys = groups * len(ids) + ids[starts + n - 1]  # (S,) exact: below N^2
    order = np.argsort(keys, kind="stable")
    starts, keys = starts[order], keys[order]
    same = keys[1:] == keys[:-1]
    several = np.append(same, False) | np.append(False, same)[: len(keys)]
    starts, keys = starts[several], keys[several]
    return starts, np.cumsum(np.append(False, keys[1:] != keys[:-1])[: len(keys)])


def top_share(starts: np.ndarray, groups: np.ndarray, ends: np.ndarray, n: int) -> float:  # (S,), (S,), (N+1,)
    """The share of characters in the run of n words that occurs most often; of several such, the greatest share."""
    overlaps = groups[1:] == groups[:-1]
    reach = np.full(len(starts), n)
    reach[:-1] = np.where(overlaps, np.minimum(n, starts[1:] - starts[:-1]), n)
    characters = np.bincount(groups, ends[starts + reach] - ends[starts])
    counts = np.bincount(groups)
    return float(characters[counts == counts.max()].max() / ends[-1])


def copied_share(starts: np.ndarray, groups: np.ndarray, ends: np.ndarray, n: int) -> float:  # (S,), (S,), (N+1,)
    """The share of characters in runs of n words that occurred before."""
    copies = np.sort(starts[np.append(False, groups[1:] == groups[:-1])])
    reach = np.minimum(n, np.append(copies[1:], ends.size + n) - copies)
    return float((ends[copies + reach] - ends[copies]).sum() / ends[-1])
