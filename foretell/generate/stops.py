"""Where a completion ends because its text holds one of the texts that were named as its ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

MARGIN = 8  # tokens more than a stop text has bytes: some vocabularies have tokens without a text of their own

Stops = Callable[[Sequence[int]], str | None]


class Words(Protocol):
    """What generation asks of a tokenizer."""

    @property
    def end_of_text(self) -> int:
        """The id that ends a text."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Words of which another id than the tokenizer's own ends a text: an answer's; -1 where nothing ends it."""

    end_of_text: int
    decode: Callable[[Sequence[int]], str]
    n_vocab: int | None = None
    """how many ids they have; None where that is not known"""


def n_spelled(words: Words, n_vocab: int) -> int:
    """How many of a network's n_vocab ids the words have, all where they do not say.

    A vocabulary is often padded to a round number; what stands beyond the tokenizer's ids must never be chosen.
    """
    known: int | None = getattr(words, "n_vocab", None)
    return n_vocab if known is None else min(known, n_vocab)


def before_stop(text: str, stop: Sequence[str]) -> str | None:
    """What stands before the first of the stop texts, or None where the text holds none of them."""
    places = [place for place in map(text.find, stop) if place >= 0]
    return text[: min(places)] if places else None


def stops_of(words: Words, stop: tuple[str, ...]) -> Stops:
    """A function of a completion's ids: the text before the stop text that the last id completes, or None.

    It is asked after every token, so that it decodes nothing unless the last token has the last character of a stop
    text, and then the last tokens only; the whole is decoded where these hold the stop text.
    """
    if not stop:
        return lambda ids: None
    lasts = {text[-1] for text in stop}
    partial = not all(map(str.isascii, lasts))  # a token may be the last byte of such a character
    reach = max(len(text.encode()) for text in stop) + MARGIN
    could: dict[int, bool] = {}

    def completes(token: int) -> bool:
        if token not in could:
            text = words.decode([token, token])  # twice, for the space that some vocabularies put between words
            could[token] = not lasts.isdisjoint(text) or (partial and "\ufffd" in text)
        return could[token]

    def before(ids: Sequence[int]) -> str | None:
        if not completes(ids[-1]) or before_stop(words.decode(ids[-reach:]), stop) is None:
            return None
        return before_stop(words.decode(ids), stop)

    return before
