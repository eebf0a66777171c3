"""One row as a client follows it: the text, tokens and log-probabilities that are new since it last looked."""

import codecs
from collections.abc import Sequence
from typing import NamedTuple

from foretell.generate.told import Told
from foretell.serve.scheduler import Wanted
from foretell.serve.spelling import Flow, Spelling


class Piece(NamedTuple):
    """What is new: a text, and the tokens that it is made of, each with where it begins in the completion."""

    text: str
    ids: list[int]
    told: list[Told]
    offsets: list[int]
    finish: str | None


class Growing:
    """What was told of a row so far."""

    def __init__(self, spelling: Spelling, wanted: Wanted, *, with_end: bool) -> None:
        self.spelling, self.wanted, self.with_end = spelling, wanted, with_end
        self.flow = Flow(spelling, wanted.sampling.stop, wanted.ends)
        self.tokens = 0
        self.offsets, self.decoder = [0], codecs.getincrementaldecoder("utf-8")("replace")
        """where each token begins, and where the last of them ends"""

    def piece(self) -> Piece | None:
        """What is new, or None if nothing is; the last piece has a reason to finish."""
        done, row = self.wanted.completion, self.wanted.row
        if done is not None:
            text = self.flow.last(done.text)
            ids, told = tokens_of(self.spelling, self.wanted, with_end=self.with_end)
            start, self.tokens = self.tokens, len(ids)
            finish = "length" if done.finish == "length" else "stop"
            return Piece(text, ids[start:], told[start:], self.begins(ids)[start : len(ids)], finish)
        if row is None:
            return None
        ids = row.ids[: len(row.logprobs)]  # the thread may be adding to both
        text = self.flow.more(ids)
        if not text:
            return None
        offsets, start = self.begins(ids), self.tokens
        while self.tokens < self.flow.seen and offsets[self.tokens + 1] <= self.flow.sent:
            self.tokens += 1
        here = slice(start, self.tokens)
        return Piece(text, ids[here], told_of(row.logprobs, row.alternatives, here), offsets[here], None)

    def begins(self, ids: Sequence[int]) -> list[int]:
        """At which character each of these ids begins, and where the last ends; known ones are not looked at again."""
        for i in ids[len(self.offsets) - 1 :]:
            self.offsets.append(self.offsets[-1] + len(self.decoder.decode(self.spelling.bytes[i])))
        return self.offsets


def tokens_of(spelling: Spelling, wanted: Wanted, *, with_end: bool) -> tuple[list[int], list[Told]]:
    """The ids of a completion and what is told of them: those of its text, and with_end the one that ended it."""
    done, row = wanted.completion, wanted.row
    assert done is not None, "the completion is there"
    assert row is not None, "what has a completion had a row"
    ids = list(row.ids) if with_end and done.finish == "end" else list(done.ids)
    if done.finish == "stop":
        offsets = spelling.offsets(ids)
        ids = [i for i, begins in zip(ids, offsets, strict=False) if begins < len(done.text)]
    return ids, told_of(done.logprobs, done.alternatives, slice(0, len(ids)))


def told_of(logprobs: Sequence[float], alternatives: Sequence[list[tuple[int, float]]], here: slice) -> list[Told]:
    """What is told of some tokens of a row."""
    some = logprobs[here]
    return [Told(own, likely) for own, likely in zip(some, [*alternatives[here], *[[]] * len(some)], strict=False)]
