"""The language of texts: a fast detector for all, a careful one for the few that it is unsure of.

    fast      resiliparse, out-of-place ranks of hashed letter groups (after Cavnar and Trenkle 1994)
    careful   py3langid, naive Bayes over groups of bytes, ten times slower and right on texts of 20 characters

What is looked at lies in the middle of a text: a page begins and ends with what the site says in its own language.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

LETTER = re.compile(r"[^\W\d_]")
SEEN = 1_000  # characters; whole pages change no answer on 240 pages, and cost ten times as much
SEEN_CAREFULLY = 400  # with 256, two of 211 pages are told wrong that are not with 300 or more
SHORT = 300  # with fewer, the fast detector is wrong too often
LEAST_MARGIN = 20  # ranks between the best language and the next
WORST_RANK = 600  # texts of words have less, tables of numbers and code more
PER_E = 7.0  # ranks of margin that multiply the odds of being right by e
ANY_RANK = 1_000_000
NO_LANGUAGE = ("", 0.0)
HAS_TWIN = ("id",)  # Malay, which the fast detector does not know, and takes for this


def identify(texts: Sequence[str]) -> list[tuple[str, float]]:
    """The ISO 639-1 code of each text's language, and how certain it is, 0 to 1; ('', 0.0) of a text without words.

    Of the fast detector's answer the certainty is 1 / (1 + exp(-margin / 7)), margin being how much farther the second
    language is: our fit on 13,600 pieces of 85 languages, where it is too low for prose in English, French and German.
    Below a margin of 20 (a certainty of 0.946), and for texts under 300 characters, it is py3langid's probability.
    Malay and Indonesian are told apart by the latter, too.
    Languages without a two-letter code are taken for the nearest that has one; both kinds of Norwegian are `no`.
    """
    from foretell.corpus.careful_language import classify

    pieces = [seen(text) for text in texts]
    found = [_told_fast(piece) for piece in pieces]
    unsure = [place for place, one in enumerate(found) if one is None]
    careful = dict(zip(unsure, classify([_middle(pieces[place]) for place in unsure]), strict=True))
    told = [careful[place] if one is None else one for place, one in enumerate(found)]
    return [(code, min(1.0, sure)) if code != "zxx" else NO_LANGUAGE for code, sure in told]


def _told_fast(piece: str) -> tuple[str, float] | None:
    """What the fast detector is sure of."""
    from resiliparse.parse.lang import detect_fast

    if not piece:
        return NO_LANGUAGE
    if len(piece) < SHORT:
        return None
    nearest: Any = detect_fast(piece, cutoff=ANY_RANK, n_results=2)
    (code, rank), (_, second) = nearest
    sure = second - rank >= LEAST_MARGIN and rank <= WORST_RANK and code not in HAS_TWIN
    return (code, certainty(second - rank)) if sure else None


def _middle(piece: str) -> str:
    return piece[max(0, (len(piece) - SEEN_CAREFULLY) // 2) :][:SEEN_CAREFULLY]


def seen(text: str) -> str:
    """The piece of a text by which its language is told, composed (NFC), no capitals alone; '' without letters."""
    start = max(0, (len(text) - SEEN) // 2)
    piece = text[start : start + SEEN]
    if not LETTER.search(piece):
        found = LETTER.search(text)
        if not found:
            return ""
        piece = text[found.start() : found.start() + SEEN]
    if not piece.isascii():
        piece = unicodedata.normalize("NFC", piece)
    return piece.lower() if piece.isupper() else piece


def certainty(margin: int) -> float:
    """How certain the fast detector's answer is, when the next language is so many ranks farther."""
    return 1 / (1 + math.exp(-margin / PER_E))
