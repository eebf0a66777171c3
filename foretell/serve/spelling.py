"""What ids look like: each token by itself, and the text of a completion while it grows."""

import codecs
import json
from collections.abc import Sequence

from foretell.generate.stops import before_stop
from foretell.text.byte_level import token_bytes
from foretell.text.tokenizer import Tokenizer

UNKNOWN = "\ufffd"


class Spelling:
    """The words of a tokenizer for a network that may have more ids than it: those show as U+FFFD."""

    def __init__(self, tokenizer: Tokenizer, n_vocab: int) -> None:
        self.tokenizer, self.n_vocab = tokenizer, tokenizer.n_vocab
        self.end_of_text = tokenizer.end_of_text if tokenizer.has_end else -1
        self.by_bytes = tokenizer.kind == "bpe"
        if self.by_bytes:
            known = token_bytes(json.loads(tokenizer.to_json()))
        else:
            known = [tokenizer.decode([i]).encode() for i in range(tokenizer.n_vocab)]
        self.bytes = known + [UNKNOWN.encode()] * (n_vocab - len(known))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, bytes that are no UTF-8 as U+FFFD."""
        if self.by_bytes:
            return b"".join([self.bytes[i] for i in ids]).decode("utf-8", "replace")
        return self.tokenizer.decode([i for i in ids if i < self.tokenizer.n_vocab])

    def name(self, token: int) -> str:
        """A token's text, or `bytes:\\xe2\\x80` where it is a part of a character, so that no two look the same."""
        try:
            return self.bytes[token].decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in self.bytes[token])

    def offsets(self, ids: Sequence[int]) -> list[int]:
        """At which character of the text each token begins, and where the text ends: one more than there are ids."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        found = [0]
        for i in ids:
            found.append(found[-1] + len(decoder.decode(self.bytes[i])))
        return found


class Flow:
    """The text of one completion as it may be told while more tokens come.

    Held back are the bytes of a character that is not whole, and what may be the beginning of a stop text.
    """

    def __init__(self, spelling: Spelling, stop: Sequence[str], ends: frozenset[int]) -> None:
        self.spelling, self.stop = spelling, stop
        self.ends = ends | {spelling.end_of_text}
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text, self.seen, self.sent, self.over = "", 0, 0, False

    def more(self, ids: Sequence[int]) -> str:
        """What can be told now that the completion has these ids, beyond what was told before."""
        for i in range(self.seen, len(ids)):
            if self.over or ids[i] in self.ends:
                self.over = True
                break
            self.text = self.grown(ids[: i + 1])
            self.seen = i + 1
            cut = before_stop(self.text, self.stop)
            if cut is not None:
                self.text, self.over = cut, True
        return self.upto(len(self.text) - (0 if self.over else held(self.text, self.stop)))

    def grown(self, ids: Sequence[int]) -> str:
        """The text with one more id."""
        if self.spelling.by_bytes:
            return self.text + self.decoder.decode(self.spelling.bytes[ids[-1]])
        whole = self.spelling.decode(ids)
        return whole if whole.startswith(self.text[: self.sent]) else self.text

    def last(self, text: str) -> str:
        """The rest, of a completion whose whole text is known."""
        self.text, self.over = text, True
        return self.upto(len(text))

    def upto(self, end: int) -> str:
        """What was not told up to here."""
        told, self.sent = self.text[self.sent : end], max(self.sent, end)
        return told


def held(text: str, stop: Sequence[str]) -> int:
    """How many of the last characters may be the beginning of a stop text."""
    longest = max(map(len, stop), default=1) - 1
    return next((n for n in range(min(longest, len(text)), 0, -1) if any(s.startswith(text[-n:]) for s in stop)), 0)
