"""The records of a WARC file as their bytes, every byte of the file accounted for.

A reader of archives that meets a damaged record stops, and says nothing: half a file looks like a whole one. Here the
file is cut into records by their own Content-Length, each is checked to be followed by another or by the end, and what
does not fit is a Broken of its own: after it, reading goes on at the next line that begins a record.

    record = head, empty line, Content-Length bytes, empty line, empty line        (WARC 1.1, section 4)
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from foretell.corpus.reading.packed import Gap, chunks
from foretell.corpus.reading.records import Broken, excerpt

MAGIC, BETWEEN = b"WARC/", b"\r\n"
HEAD_BYTES = 1 << 16  # a record's head is less than a kilobyte; a URL in it can be long
BLANK = re.compile(rb"[\r\n]*")
NEXT_START = re.compile(rb"\r?\nWARC/\d\.\d\r?\n")
HEAD_END = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
ARC = b"filedesc://"
START_BYTES = len(b"\r\nWARC/1.1\r\n")  # the most that NEXT_START matches
BEHIND = 2 * len(BETWEEN) + len(MAGIC)  # bytes behind a record that show whether it ends where it says


class Frame(NamedTuple):
    """A record's number in its file, from 1, and its bytes from the first of its head to the last of its content."""

    number: int
    content: bytes


class Window:
    """The part of a stream that is held in memory: it grows at its end, and stops growing at a gap."""

    def __init__(self, source: Iterator[bytes | Gap]) -> None:
        self.held, self.gap, self._source = bytearray(), "", source

    def more(self) -> bool:
        """Hold more; False at the end of the stream and at a gap, whose reason is then in `gap`."""
        chunk = b"" if self.gap else next(self._source, b"")
        if isinstance(chunk, Gap):
            self.gap = chunk.reason
            return False
        self.held += chunk
        return bool(chunk)

    def grow(self, size: int) -> bool:
        """Hold at least so many bytes; False if there are fewer before the end or a gap."""
        while len(self.held) < size:
            if not self.more():
                return False
        return True

    def drop(self, size: int) -> bool:
        """Let go of the first so many bytes without ever holding them all; False if there were fewer."""
        while size > len(self.held):
            size -= len(self.held)
            self.held.clear()
            if not self.more():
                return False
        del self.held[:size]
        return True

    def take_gap(self) -> str:
        """The reason of the gap at which the window stopped; it can grow again behind it."""
        reason, self.gap = self.gap, ""
        return reason


def frames(file: BinaryIO, most: int) -> Iterator[Frame | Broken]:
    """The records of a file with at most `most` bytes of content, in order; all else that it holds as broken."""
    window, number = Window(chunks(file)), 1
    while (found := _frame(window, number, most)) is not None:
        yield found
        number += 1


def _frame(window: Window, number: int, most: int) -> Frame | Broken | None:
    """The next record or broken piece, let go from the window; None at the end."""
    _skip_empty_lines(window)
    if not window.held:
        reason = window.take_gap()
        return Broken(f"{number}", reason) if reason else None
    if not (window.grow(len(MAGIC)) and window.held.startswith(MAGIC)):
        start = excerpt(bytes(window.held[:800]))
        arc = window.held.startswith(ARC)
        return _go_on(
            window, number, "bytes that are no record" if not arc else "an ARC file; convert it to WARC", start
        )
    while (end := HEAD_END.search(window.held)) is None and len(window.held) < HEAD_BYTES:
        if not window.more():
            break
    start = excerpt(bytes(window.held[: end.start() if end else 800]))
    lengths = LENGTH.findall(window.held, 0, end.end() if end else 0)
    if end is None or len(set(lengths)) != 1:
        return _go_on(window, number, "a record whose head ends nowhere" if end is None else _lengths(lengths), start)
    return _content(window, number, end.end(), int(lengths[0]), most, start)


def _lengths(found: list[bytes]) -> str:
    return f"a record with {len(found)} Content-Length in its head"


def _skip_empty_lines(window: Window) -> None:
    while True:
        blank = BLANK.match(window.held)
        del window.held[: blank.end() if blank else 0]
        if window.held or not window.more():
            return


def _go_on(window: Window, number: int, reason: str, start: str) -> Broken:
    """Let go of everything up to the next beginning of a record, or up to a gap or the end."""
    skipped = 1
    del window.held[:1]  # it may itself look like a beginning
    while (found := NEXT_START.search(window.held)) is None:
        skipped += _drop_searched(window)
        if not window.more():
            skipped += len(window.held)
            window.held.clear()
            because = window.take_gap()
            return Broken(f"{number}", f"{reason}: {skipped} bytes" + (f"; {because}" if because else ""), start)
    del window.held[: found.start()]
    return Broken(f"{number}", f"{reason}: {skipped + found.start()} bytes", start)


def _drop_searched(window: Window) -> int:
    """Let go of what holds no beginning of a record, but for its last bytes, which may be half of one; how much."""
    size = max(0, len(window.held) - START_BYTES + 1)
    del window.held[:size]
    return size


def _content(window: Window, number: int, head: int, length: int, most: int, start: str) -> Frame | Broken:
    if length > most:
        window.drop(head)
        return _too_long(window, number, length, most, start)
    size = head + length
    if not _ends_at(window, size):
        inner = NEXT_START.search(window.held, head, size + BEHIND)
        if inner is not None:
            del window.held[: inner.start()]
            return Broken(f"{number}", f"a record of {inner.start() - head} bytes that says {length}", start)
    if len(window.held) < size:
        has = len(window.held) - head
        window.held.clear()
        why = window.take_gap() or "the file ends in the middle of a record"
        return Broken(f"{number}", f"cut off after {has} of {length} bytes of a record: {why}", start)
    content = bytes(window.held[:size])
    del window.held[:size]
    return Frame(number, content)


def _too_long(window: Window, number: int, length: int, most: int, start: str) -> Broken:
    """Let go of a content that is over the limit; of less where its length is a lie, so that it hides no record.

    What looks like a record in it is part of it only if it ends where it says. Seen from there the end may be farther
    than may be held: then it is taken for a record, as everywhere behind damage.
    """
    left = length
    while (inner := NEXT_START.search(window.held, 0, left + BEHIND)) is None and left > len(window.held):
        left -= _drop_searched(window)
        if not window.more():
            break
    if inner is not None:
        left -= inner.start()
        del window.held[: inner.start()]
        if left > most or not _ends_at(window, left):
            return Broken(f"{number}", f"a record of {length - left} bytes that says {length}", start)
    cut = "" if window.drop(left) else f", and cut off: {window.take_gap() or 'the file ends in it'}"
    return Broken(f"{number}", f"a record of {length} bytes; the limit is {most}{cut}", start)


def _ends_at(window: Window, size: int) -> bool:
    """Whether so many bytes are there, and then another record or the end."""
    window.grow(size + BEHIND)
    return len(window.held) >= size and _is_boundary(window.held[size : size + 16])


def _is_boundary(after: bytearray) -> bool:
    rest = after.lstrip(BETWEEN)
    return rest.startswith(MAGIC) or MAGIC.startswith(rest)
