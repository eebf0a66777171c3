"""The texts whose perplexity is measured: files that are known by name in the user's folders, or this machine's own.

    wikitext-2      valid.txt of the folder wikitext2 (or wiki.valid.tokens): articles, detokenized; words as published
    shakespeare     input.txt of the folder tinyshakespeare: the last tenth
    novels          novels-*.parquet of the folder novels: the beginning of each
    documentation   docstrings and help pages that are installed with Python: only where nothing else is there

Words of WikiText are those of the published form with one for the end of each line, as its perplexities are counted
(Merity et al. 2016): 217 646 in the validation part of WikiText-2.
"""

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foretell.corpus.installed import gather_documentation
from foretell.errors import BadUse
from foretell.eval.detokenize import detokenized
from foretell.eval.perplexity import Passage

ARTICLE = re.compile(r"^(?= = [^=\n]+ = ?$)", re.MULTILINE)
DEPTH = 2  # folders below a named one
HELD_OUT = 0.1  # of Shakespeare, by custom
BEGINNING = 20_000  # characters of a novel
DOCUMENTATION = 200_000  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text that is known by the names of its files."""

    name: str
    files: tuple[str, ...]
    """patterns below a folder; .gz may follow; the first that is there is taken"""
    read: Callable[[Path], list[Passage]]


def wikitext(path: Path) -> list[Passage]:
    """The articles of a WikiText file."""
    return articles(read_text(path))


def articles(text: str) -> list[Passage]:
    """The articles of a text in WikiText's form, as running text, with the words of that form."""
    parts = [part for part in ARTICLE.split(text) if part.strip()]
    return [Passage(detokenized(part), len(part.split()) + part.count("\n")) for part in parts]


def last_tenth(path: Path) -> list[Passage]:
    """The end of a file as one document."""
    text = read_text(path)
    return [plain(text[int(len(text) * (1 - HELD_OUT)) :])]


def beginnings(path: Path) -> list[Passage]:
    """The first BEGINNING characters of each text of a Parquet file."""
    import pyarrow.parquet as parquet

    return [plain(text[:BEGINNING]) for text in parquet.read_table(path, columns=["text"])["text"].to_pylist()]


def plain(text: str) -> Passage:
    """A document whose words are those between white space."""
    return Passage(text, len(text.split()))


def read_text(path: Path) -> str:
    """The content of a file, packed or not; BadUse if it is no UTF-8."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise BadUse(f"{path} is no UTF-8 text ({error.reason}); convert it") from error


TEXTS = (
    Text(name="wikitext-2", files=("wikitext2/valid.txt", "wiki.valid.tokens"), read=wikitext),
    Text(name="shakespeare", files=("tinyshakespeare/input.txt",), read=last_tenth),
    Text(name="novels", files=("novels/novels-*.parquet",), read=beginnings),
)


def known_texts(folders: Sequence[Path]) -> dict[str, list[Passage]]:
    """The known texts that are in the folders or at most two below, by name; the documentation where none is.

    BadUse if one is no folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise BadUse(f"{folder} is no folder; give --data a folder with texts")
    found = {text.name: text.read(path) for text in TEXTS if (path := place(text, folders)) is not None}
    if found:
        return found
    gathered = gather_documentation(DOCUMENTATION, quiet=True)
    return {"documentation": [plain(document.text) for document in gathered.documents]}


def place(text: Text, folders: Sequence[Path]) -> Path | None:
    """The file of a text, nearest to a folder first."""
    return next((path for folder in folders for path in places(text, folder)), None)


def places(text: Text, folder: Path) -> Iterator[Path]:
    """Every file in or below a folder that may be the text."""
    for below in range(DEPTH + 1):
        for pattern in text.files:
            for ending in ("", ".gz"):
                yield from sorted(folder.glob("*/" * below + pattern + ending))
