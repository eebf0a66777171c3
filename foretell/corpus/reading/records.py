"""What reading gives: a raw record, or a broken one with the reason; and how large a record may be."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

EXCERPT = 200  # characters of a broken record that are kept to look at


class Raw(NamedTuple):
    """A record as its source has it. Its name is unique within its part and the same whenever the part is read."""

    name: str
    url: str
    kind: Literal["text", "html"]
    content: bytes | str
    """bytes where the encoding is still to be found, str where the format settles it"""
    typed: str = ""
    """what the server said of the type and the encoding"""


class Broken(NamedTuple):
    """A record, or a piece of a file, that could not be read; reading went on after it."""

    name: str
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How large one record may be before it counts as broken: reading holds one in memory, never a file."""

    record_bytes: int = 50_000_000
    """bytes of a text, a line, or an archived record; a line of 100 MB is data, not a document"""
    html_bytes: int = 10_000_000
    """bytes of an HTML page, after its transfer and content encodings are undone"""

    def __post_init__(self) -> None:
        for name, value in (("record_bytes", self.record_bytes), ("html_bytes", self.html_bytes)):
            if value < 1:
                raise ValueError(f"{name}={value} leaves nothing to read; give a number above 0")

    def of(self, kind: Literal["text", "html"]) -> int:
        """Bytes that a record of this kind may have."""
        return self.record_bytes if kind == "text" else min(self.html_bytes, self.record_bytes)


def excerpt(content: bytes | str) -> str:
    """The beginning of a broken record as text that can be printed and stored, whatever it holds."""
    text = (
        content[: 4 * EXCERPT].decode("utf-8", "replace") if isinstance(content, bytes) else mended(content[:EXCERPT])
    )
    return text[:EXCERPT]


def mended(text: str) -> str:
    r"""The text with surrogates paired, and lone ones as U+FFFD: JSON may hold "\ud800", which UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def checked(name: str, url: str, kind: Literal["text", "html"], content: bytes | str, limits: Limits) -> Raw | Broken:
    """The record, mended; or broken where it is empty or larger than the limit."""
    if not content or content.isspace():
        return Broken(name, "empty")
    if isinstance(content, str):
        content = mended(content)
    most = limits.of(kind)
    size = len(content) if isinstance(content, bytes) or len(content) > most else len(content.encode())
    if size > most:
        return Broken(name, f"{size} bytes or more of {kind}; the limit is {most}", excerpt(content))
    return Raw(name, mended(url), kind, content)
