"""A text or HTML file as one record."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from foretell.corpus.reading.packed import Gap, chunks
from foretell.corpus.reading.records import Broken, Limits, Raw, checked, excerpt

UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks of encodings in which a NUL is part of a letter


def read_file(path: Path, name: str, kind: Literal["text", "html"], limits: Limits) -> Iterator[Raw | Broken]:
    """The file's record: its bytes, unpacked; broken where it is binary, too large, damaged or unreadable."""
    content, most = bytearray(), limits.of(kind)
    try:
        with path.open("rb") as file:
            for chunk in chunks(file):
                if isinstance(chunk, Gap):  # half a document is no document
                    yield Broken(name, chunk.reason, excerpt(bytes(content[:800])))
                    return
                content += chunk
                if len(content) > most:
                    yield Broken(name, f"more than {most} bytes of {kind}, the limit", excerpt(bytes(content[:800])))
                    return
    except OSError as error:
        yield Broken(name, f"cannot be opened: {error.strerror or error}")
        return
    if b"\0" in content and not content.startswith(UTF_16):
        yield Broken(name, "binary: it holds NUL bytes", excerpt(bytes(content[:800])))
        return
    yield checked(name, "", kind, bytes(content), limits)
