"""The text of bytes from the web, whose encoding is not said, or not as it is.

    1 byte order mark   2 what HTTP says   3 what the page says   4 UTF-8 where the bytes are that   5 a guess

Names mean what the web means by them (WHATWG, Encoding, section 4.2): latin-1 and ascii are windows-1252, gb2312 gbk. A
name that does not fit the bytes is passed over. Single-byte encodings fit anything, so they are not believed where
the bytes are UTF-8: that does not happen by chance, and servers that name a default for every page are common.
"""

import codecs
import re

import numpy as np

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like that of UTF-16
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
)
SNIFFED = 4096  # bytes in which a page names its encoding; the standard says 1024, real pages come later
DECLARED = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w:.+-]+)|\A\s*<\?xml[^>]{0,300}?encoding\s*=\s*["']([\w.-]+)""", re.I
)
WIDE = re.compile("utf-?16|utf-?32|ucs")
WIDE_CODECS = ("utf-16-le", "utf-16-be")
MULTIBYTE = ("gbk", "gb18030", "big5", "euc_jp", "euc_kr", "shift_jis", "iso2022_jp")
SURELY = 16  # bytes that go on characters of UTF-8: a few letters of Chinese may be UTF-8 by chance, not so many
MOST_WRONG = 0.1  # of the bytes beyond ASCII that a name may leave undecodable; with more it is not the right one
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ASCII = bytes(range(128))
NUL = b"\0"
ESCAPE = b"\x1b$"  # Japanese in seven bits
_AS_READ = bytes(range(256)).decode("cp1252", "replace")
# windows-1252 as browsers read it: the five bytes that it leaves undefined are control characters
_CHARACTERS = "".join(chr(i) if _AS_READ[i] == "\ufffd" else _AS_READ[i] for i in range(256))
_WINDOWS = codecs.charmap_build(_CHARACTERS)
TAKEN_APART = re.compile(f"[\xc2-\xf4][{re.escape(_CHARACTERS[0x80:0xC0])}]")
NO_TEXT = re.compile("[\x7f-\x9f\ufffd]")
LEAST_PAIRS = 2  # characters of a mended text that had been taken apart; one alone may be meant
MOST_ROUNDS = 3  # times that a text is mended: some were misread more than once


def decoded(content: bytes, hint: str = "") -> str:
    """The text of bytes; whatever cannot be decoded is U+FFFD. Never raises.

    `hint` is the charset of the HTTP header, or the whole Content-Type. Control characters are removed, but for tabs
    and line ends (form feeds and vertical tabs become line ends). Text that was misread on its way is mended.
    """
    has_controls = _has_controls(content)  # in every encoding the byte of a control character is one
    text = _decoded(content, hint, has_controls)
    if not text.isascii():
        text = mended(text)
    if not has_controls:
        return text
    return CONTROL.sub("", text.replace("\x0b", "\n").replace("\x0c", "\n"))


def _has_controls(content: bytes) -> bool:
    """Whether there is a control character besides tabs and line ends; ten times faster than to search for one."""
    values = np.frombuffer(content, np.uint8)
    n_kept = sum(np.count_nonzero(values == ord(one)) for one in "\t\n\r")
    return b"\x7f" in content or bool(np.count_nonzero(values < ord(" ")) > n_kept)


def _decoded(content: bytes, hint: str, has_controls: bool) -> str:
    for mark, name in BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace")
    utf8, said = _strictly(content, "utf-8"), charset(hint)
    is_odd = has_controls and ((said in WIDE_CODECS and NUL in content) or _is_wide(content) or ESCAPE in content)
    if utf8 is not None and not is_odd and not 0 < len(content) - len(utf8) < SURELY:
        return utf8  # or nothing but ASCII
    for name in (said, declared(content)):
        text = _if_it_fits(content, name) if _may_be(name, content, utf8) else None
        if text is not None:
            return text
    return _guessed(content) if utf8 is None or is_odd else utf8


def _may_be(name: str, content: bytes, utf8: str | None) -> bool:
    """Whether a name that was given is to be tried."""
    if name in WIDE_CODECS:
        return NUL in content  # every space is one
    return name in MULTIBYTE or (bool(name) and utf8 is None)


def charset(hint: str) -> str:
    """The Python codec of a charset or Content-Type; '' where there is none, or none that the web knows."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    name = hint.lower().rpartition("charset=")[2].partition(";")[0].strip(" \t\"'")
    if "/" in name or not name or len(name) > 40 or not name.isascii():
        return ""
    try:
        found = map_encoding_to_html5(name, fallback_utf8=False)
        return codecs.lookup(found).name if found else ""
    except (LookupError, ValueError):
        return ""


def declared(content: bytes) -> str:
    """The Python codec that a page names in its first bytes; '' if none. What names UTF-16 there is not UTF-16."""
    head = content[:SNIFFED]
    for found in DECLARED.finditer(head):
        if head.rfind(b"<!--", 0, found.start()) <= head.rfind(b"-->", 0, found.start()):  # not within a comment
            name = str(found[1] or found[2], "ascii", "replace").lower()
            return "utf-8" if WIDE.match(name) else charset(name)
    return ""


def _strictly(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except (UnicodeError, LookupError):
        return None


def _if_it_fits(content: bytes, name: str) -> str | None:
    """The text by a name that was given; None if it leaves too much undecodable."""
    text = _strictly(content, name)
    if text is not None:
        return text
    text = content.decode(name, "replace")
    beyond = len(content.translate(None, ASCII))
    return text if text.count("\ufffd") <= max(1, MOST_WRONG * beyond) else None


def _is_wide(content: bytes) -> bool:
    return content[:4].count(0) == 2 and (content[:4:2] == b"\0\0" or content[1:4:2] == b"\0\0")


def _guessed(content: bytes) -> str:
    """The text by resiliparse's detector, or as UTF-16 without a mark."""
    from resiliparse.parse.encoding import detect_encoding

    if _is_wide(content):
        return content.decode("utf-16-be" if content[0] == 0 else "utf-16-le", "replace")
    name = charset(detect_encoding(content) or "") or "cp1252"
    text = _if_it_fits(content, name)
    if text is None:  # mostly UTF-8 with pieces of something else, or no text at all
        text = content.decode("utf-8", "replace")
    return text


def mended(text: str) -> str:
    """The text that was meant where UTF-8 had been read as windows-1252 and saved so; any other as it is.

    Only a text that makes sense as a whole when read back is changed: each of its characters is one of windows-1252,
    its bytes are UTF-8, and LEAST_PAIRS or more of its characters have several bytes. One accented letter beside an
    ASCII one rules that out, so right text in a Western language stays; one whose only letters beyond ASCII are
    quotations of misread text would not.
    """
    clean = text
    for _ in range(MOST_ROUNDS):
        if not TAKEN_APART.match(text, _beyond_ascii(text)):
            break
        try:
            found = codecs.charmap_encode(text, "strict", _WINDOWS)[0].decode()
        except UnicodeError:
            break
        if len(found) - sum(map(str.isascii, found)) < LEAST_PAIRS:
            break
        text = found
        if not NO_TEXT.search(found):
            clean = found
    return clean


def _beyond_ascii(text: str) -> int:
    """Where the first character beyond ASCII is; faster than to search for it."""
    try:
        text.encode("ascii")
    except UnicodeEncodeError as error:
        return error.start
    return len(text)
