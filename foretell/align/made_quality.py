"""A quality of texts that needs no model, made up by us: for trying the whole loop without people.

It measures nothing that matters: it likes answers near 40 words that use the prompt's words, do not repeat themselves
and end with a full stop. A model can learn to please it, and that it does is all that such a trial can show.
"""

import re
from collections.abc import Mapping, Sequence
from math import log2
from typing import Any

TARGET_WORDS = 40
LENGTH, OVERLAP, REPETITION, STOP = 0.7, 2.0, 4.0, 0.5  # weights, in logits
MOST_OFF = 3.0  # doublings from the target beyond which an answer gets no worse
EMPTY = -5.0
STOPS = tuple(".!?\"')")
WORD = re.compile(r"\w+")

Conversation = str | Sequence[Mapping[str, Any]]


def quality_of(text: str, prompt: Conversation) -> float:
    """The quality of an answer in logits, about -5 to 2; of two the better one is preferred with odds e^difference.

    0.7 for each halving or doubling away from 40 words (at most 3 of them), 2 times the share of the prompt's longer
    words that are used, -4 times the share of repeated triples of words, 0.5 more or less for a stop at the end.
    """
    words = WORD.findall(text.lower())
    if not words:
        return EMPTY
    length = min(abs(log2(len(words) / TARGET_WORDS)), MOST_OFF)
    asked = {word for word in WORD.findall(plain(prompt).lower()) if len(word) > 3}
    overlap = len(asked & set(words)) / len(asked) if asked else 0.0
    triples = list(zip(words, words[1:], words[2:], strict=False))
    repeated = 1 - len(set(triples)) / len(triples) if triples else 0.0
    stop = STOP if text.rstrip().endswith(STOPS) else -STOP
    return OVERLAP * overlap - LENGTH * length - REPETITION * repeated + stop


def n_words(text: str) -> int:
    """The number of words."""
    return len(WORD.findall(text))


def plain(prompt: Conversation) -> str:
    """A prompt as one text: itself, or what is said in the turns of a conversation, a line each."""
    return prompt if isinstance(prompt, str) else "\n".join(str(turn["content"]) for turn in prompt)
