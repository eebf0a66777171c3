"""Compressed files as their content, a chunk at a time, across damage: gzip, zstd, xz, bz2, told by their first bytes.

Such a file is a row of members (frames, streams), each of which can be unpacked by itself. Where one is damaged, the
chunks before the damage stand, a Gap says so, and reading goes on at the next member. Output is bounded: a member
of a few kilobytes that unpacks to gigabytes never is in memory as a whole.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO, NamedTuple

FEED = 1 << 16  # packed bytes that are read at a time
MOST = 1 << 20  # unpacked bytes of a chunk
ZSTD_FEED = 1 << 8  # packed bytes that zstd gets at once: its output has no limit but 128 kB for every 4 bytes
WINDOW = 1 << 31  # Pushshift's dumps are packed with zstd --long=31
BEGINS = {
    "gzip": re.compile(rb"\x1f\x8b\x08[\x00-\x1f]"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),  # a frame, or one to be skipped
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
}
LONGEST_BEGIN = 10


class Gap(NamedTuple):
    """A place in a stream where content is missing or in doubt, and why."""

    reason: str


def pack_of(head: bytes) -> str:
    """How a file is packed, from its first bytes: gzip, zstd, xz, bzip2, or '' for plain."""
    return next((pack for pack, begin in BEGINS.items() if begin.match(head)), "")


def chunks(file: BinaryIO) -> Iterator[bytes | Gap]:
    """The content of a file from its beginning, unpacked if it is packed (whatever its name says), with its gaps."""
    head = file.read(LONGEST_BEGIN)
    file.seek(0)
    pack = pack_of(head)
    try:
        if pack:
            yield from _unpacked(file, pack)
        else:
            while chunk := file.read(MOST):
                yield chunk
    except OSError as error:  # a disk or a mount that fails in the middle of a file
        yield Gap(f"cannot be read on: {error.strerror or error}")


def _unpacked(file: BinaryIO, pack: str) -> Iterator[bytes | Gap]:
    at, is_known = 0, True  # where the next member begins, or where to look for it behind damage that was told
    while at >= 0:
        begin = _next_begin(file, pack, at)
        if is_known and (gap := _other(file, pack, _past_zeros(file, at), begin)):
            yield gap
        if begin is None:
            return
        at, is_known = yield from _member(file, pack, begin)


def _other(file: BinaryIO, pack: str, at: int, begin: int | None) -> Gap | None:
    """A gap for what lies between the end of a member and the beginning of the next, or the end of the file."""
    size = (file.seek(0, 2) if begin is None else begin) - at
    return Gap(f"{size} bytes at byte {at} are no {pack}") if size > 0 else None


def _past_zeros(file: BinaryIO, at: int) -> int:
    """Where the zeros end with which files are padded, from `at` on."""
    file.seek(at)
    while data := file.read(FEED):
        rest = data.lstrip(b"\0")
        if rest:
            return file.tell() - len(rest)
    return file.tell()


def _next_begin(file: BinaryIO, pack: str, at: int) -> int | None:
    """The first place from `at` on where a member may begin, or None."""
    file.seek(at)
    data, size = b"", LONGEST_BEGIN
    while more := file.read(size):
        size = FEED
        data += more
        if (found := BEGINS[pack].search(data)) is not None:
            return at + found.start()
        kept = data[-(LONGEST_BEGIN - 1) :]
        at += len(data) - len(kept)
        data = kept
    return None


def _member(file: BinaryIO, pack: str, begin: int) -> Generator[bytes | Gap, None, tuple[int, bool]]:
    """Unpack the member at `begin`; where the next one begins, or (and False) where to look for it, -1 for nowhere."""
    file.seek(begin)
    decoder = _decoder(pack)
    while True:
        read_at = file.tell()
        data = file.read(FEED)
        if not data:
            yield Gap(f"ends in the middle of the {pack} member at byte {begin}: the file was cut off")
            return -1, False
        try:
            left = yield from _outputs(decoder, pack, data)
        except _errors(pack) as error:
            yield Gap(f"the {pack} member at byte {begin} is damaged ({error})")
            return max(begin + 1, read_at), False
        if decoder.eof:
            return file.tell() - left, True


def _decoder(pack: str) -> Any:
    if pack == "gzip":
        return zlib.decompressobj(31)
    if pack == "xz":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW)
    if pack == "bzip2":
        return bz2.BZ2Decompressor()
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()


def _errors(pack: str) -> tuple[type[Exception], ...]:
    if pack != "zstd":
        return (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)
    import zstandard

    return (zstandard.ZstdError,)


def _outputs(decoder: Any, pack: str, data: bytes) -> Generator[bytes, None, int]:
    """What comes out for some packed bytes, in bounded chunks; how many of them lie behind the member's end."""
    if pack == "zstd":
        for i in range(0, len(data), ZSTD_FEED):
            if out := decoder.decompress(data[i : i + ZSTD_FEED]):
                yield out
            if decoder.eof:
                return len(decoder.unused_data) + max(0, len(data) - i - ZSTD_FEED)
        return 0
    out = b"first"
    while not decoder.eof and (out or data):
        if out := decoder.decompress(data, MOST):
            yield out
        data = decoder.unconsumed_tail if pack == "gzip" else b""
    return len(decoder.unused_data)
