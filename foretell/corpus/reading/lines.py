"""Lines of a file, each with its number; lines that are too long or cut by damage are gaps."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from foretell.corpus.reading.packed import Gap, chunks
from foretell.corpus.reading.records import Broken, excerpt


class Line(NamedTuple):
    """A line without its end, and its number from 1."""

    number: int
    content: bytes


def lines(path: Path, most: int) -> Iterator[Line | Broken]:
    """The lines of a file, plain or packed, that are no longer than `most` bytes; the others as broken."""
    try:
        with path.open("rb") as file:
            yield from _lines(file, most)
    except OSError as error:
        yield Broken(path.name, f"cannot be opened: {error.strerror or error}")


def _lines(file: BinaryIO, most: int) -> Iterator[Line | Broken]:
    begun, size, number = bytearray(), 0, 1  # `size` goes on counting where `begun` no longer grows
    for chunk in chunks(file):
        if isinstance(chunk, Gap):
            yield Broken(f"{number}", chunk.reason, excerpt(bytes(begun)))
            number += 1  # the line in which it happened is lost, and a name is used once
            begun, size = bytearray(), 0
            continue
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            yield _line(number, begun, size, piece, most)
            number += 1
            begun, size = bytearray(), 0
        size += len(rest)
        begun += rest[: max(0, most + 1 - len(begun))]
    if size:
        yield _line(number, begun, size, b"", most)


def _line(number: int, begun: bytearray, size: int, piece: bytes, most: int) -> Line | Broken:
    size += len(piece)
    if size > most:
        start = excerpt(bytes(begun[:800]) + piece[:800])
        return Broken(f"{number}", f"a line of {size} bytes; the limit is {most}", start)
    content = bytes(begun) + piece if begun else piece
    return Line(number, content.removesuffix(b"\r"))
