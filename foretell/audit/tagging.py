"""Words of a text with their parts of speech, without a download: the tagger and lexicon that TextBlob brings.

GPT-3's authors used the tagger of NLTK, whose model is a download. Tags are those of the Penn Treebank.
"""

import re
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

from foretell.errors import Failed

DESCRIPTIVE = ("JJ", "JJR", "JJS", "RB", "RBR", "RBS")
"""adjectives and adverbs: the words of table 6.1"""
WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
OF_GRAMMAR = """
not n't very so too also just then there here now more most less least as such same other own only even still again
ever never yet already almost always often once when where why how well much many few several any all both each first
last next however therefore else rather quite really perhaps maybe far away back up down out off over together instead
later soon
"""
NO_DESCRIPTION = frozenset(OF_GRAMMAR.split())
"""adverbs and adjectives of grammar, which describe nobody; our choice, as the paper does not say"""


@cache
def tagger() -> Any:
    """TextBlob's pattern tagger; Failed where it is not installed."""
    try:
        from textblob.en.taggers import PatternTagger
    except ImportError as error:
        raise Failed("textblob is not installed, which tells adjectives; pip install 'foretell[audit]'") from error
    made = PatternTagger()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its files to be closed by the collector
        made.tag("so it reads them now")
    return made


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return WORD.findall(text.lower())


def tagged(texts: Sequence[str]) -> list[list[tuple[str, str]]]:
    """The words of each text in lower case with their tags."""
    tag = tagger().tag
    return [
        [(word.lower(), kind) for word, kind in tag(text) if WORD.fullmatch(word)] if WORD.search(text) else []
        for text in texts
    ]


def descriptive(texts: Sequence[str]) -> list[set[str]]:
    """The adjectives and adverbs of each text, without those of NO_DESCRIPTION."""
    return [
        {word for word, kind in text if kind in DESCRIPTIVE and word not in NO_DESCRIPTION} for text in tagged(texts)
    ]
