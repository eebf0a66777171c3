"""WARC and WET files: the pages of a crawl with HTTP status 200, and texts that were made of pages.

FastWARC parses a record and undoes its HTTP encodings; which bytes are a record is found in frames.py, since FastWARC's
own iterator ends quietly at the first damaged one.
"""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from foretell.corpus.reading.frames import Frame, frames
from foretell.corpus.reading.records import Broken, Limits, Raw, checked, excerpt

Decoding = Literal["all", "transfer", "content", "none"]
TEXT_TYPES, HTML_TYPES = ("text/plain", "text/markdown"), ("text/html", "application/xhtml+xml")
WEB = ("http://", "https://")
HTML_SIGNS = (b"<!doctype html", b"<html")
SNIFFED = 1024  # bytes in which a page without a content type shows that it is HTML
ZLIB, CHUNK = ("gzip", "x-gzip", "deflate"), 1 << 20
PACKED_SIGNS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # bytes of what is still packed, brotli too, not of a page
# headers often name an encoding that the crawler has undone
DECODINGS: tuple[Decoding, ...] = ("all", "transfer", "content", "none")


def read_warc(path: Path, limits: Limits) -> Iterator[Raw | Broken]:
    """The HTML and plain text records of a file, named by their number in it and their record id.

    Requests, revisits, metadata, other statuses and other types of content are passed over: they are no documents. What
    may be one and is not whole, or does not show its type, is broken.
    The character encoding is left to extraction.
    """
    try:
        with path.open("rb") as file:
            for frame in frames(file, limits.record_bytes):
                found = frame if isinstance(frame, Broken) else _record(frame, limits)
                if found is not None:
                    yield found
    except OSError as error:
        yield Broken(path.name, f"cannot be opened: {error.strerror or error}")


def _record(frame: Frame, limits: Limits) -> Raw | Broken | None:
    from fastwarc.warc import WarcRecord, WarcRecordType

    wanted = (WarcRecordType.response, WarcRecordType.conversion, WarcRecordType.resource)
    try:
        record = WarcRecord.from_bytes(frame.content)
        if record.record_type not in wanted:
            return None
        url = (record.headers.get("WARC-Target-URI") or "").strip("<> ")
        name = f"{frame.number} {record.headers.get('WARC-Record-ID') or ''}".strip()
        is_page = url.lower().startswith(WEB)  # others are look-ups of names, and what a crawler says of itself
        if record.record_type == WarcRecordType.response:
            return _response(frame, name, url, _said_cut(record.headers), limits) if is_page else None
        if record.record_type == WarcRecordType.resource and not is_page:
            return None
        kind = _kind(record.headers.get("Content-Type") or "", b"")
        if kind and (cut := _said_cut(record.headers)):
            return Broken(name, cut, url)
        return checked(name, url, kind, record.reader.read(), limits) if kind else None
    except (OSError, ValueError) as error:  # fastwarc's StreamError is an OSError
        return Broken(f"{frame.number}", f"no record that can be parsed ({error})", excerpt(frame.content))


def _said_cut(headers: Any) -> str:
    """What a crawler says that it left out of a record (WARC 1.1, section 5.13); '' for a whole one."""
    why = headers.get("WARC-Truncated")
    return f"cut off by the crawler ({why[:40]})" if why else ""


def _response(frame: Frame, name: str, url: str, cut: str, limits: Limits) -> Raw | Broken | None:
    """The page of a response; None for another status or type."""
    head = _http(frame.content, "none").http_headers
    if head is None or head.status_code is None:
        return Broken(name, "a response that is not HTTP", excerpt(frame.content))
    typed = head.get("Content-Type") or ""
    if head.status_code != 200 or (typed and not _kind(typed, b"")):
        return None
    if cut:
        return Broken(name, cut, url)
    content = _undone(frame.content, limits.record_bytes + 1)
    if content is None:
        return Broken(name, "its content cannot be unpacked: it is damaged, or its encoding unknown", url)
    if (head.get("Content-Encoding") or "").strip().lower() in ZLIB and not _is_whole(frame.content, content, limits):
        return Broken(name, "cut off: its packed content ends too early", url)
    kind = _kind(typed, content) or ("text" if not content else None)
    if kind is None:
        return Broken(name, "no content type, and no sign of HTML", excerpt(content))
    found = checked(name, url, kind, content, limits)
    return found._replace(typed=typed) if isinstance(found, Raw) else found


def _undone(record: bytes, most: int) -> bytes | None:
    """The content without its transfer and content encodings, as far as they are really there; None if it stays packed.

    A page that is larger unpacked than `most` is read so far only: the limit's check sees it.
    """
    content = b""
    for decoding in DECODINGS:
        try:
            content = bytes(_http(record, decoding).reader.read(most))
        except (OSError, ValueError):
            continue
        is_packed = content.startswith(PACKED_SIGNS) or (decoding != "all" and NO_TEXT.search(content[:SNIFFED]))
        if content and not is_packed:
            return content
    return None if content else b""


def _is_whole(record: bytes, content: bytes, limits: Limits) -> bool:
    """Whether the packed body of which `content` came has its end, as FastWARC does not ask; so has one of no pack."""
    if len(content) > limits.record_bytes:  # not read to its end
        return True
    for decoding in ("transfer", "none"):
        try:
            body = bytes(_http(record, decoding).reader.read())
            decoder, out = zlib.decompressobj(32 + zlib.MAX_WBITS), b"first"
            while body and out and not decoder.eof:
                out, body = decoder.decompress(body, CHUNK), decoder.unconsumed_tail
        except (OSError, ValueError, zlib.error):  # not in pieces, or not packed: nothing says where it ends
            continue
        return decoder.eof
    return True


def _http(content: bytes, decoding: Decoding) -> Any:
    from fastwarc.warc import WarcRecord

    record = WarcRecord.from_bytes(content)
    record.is_http = True  # some writers leave out the content type that says so
    record.parse_http(auto_decode=decoding, quirks_mode=True)
    return record


def _kind(content_type: str, content: bytes) -> Literal["text", "html"] | None:
    """What a content type is; where there is none, what the content looks like."""
    mime = content_type.partition(";")[0].strip().lower()
    if mime in HTML_TYPES or (not mime and any(sign in content[:SNIFFED].lower() for sign in HTML_SIGNS)):
        return "html"
    return "text" if mime in TEXT_TYPES else None
