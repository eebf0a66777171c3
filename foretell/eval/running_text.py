"""The texts whose perplexity is measured: files that are known by name in the user's folders, or this machine's own.

    wikitext-2      valid.txt of the folder wikitext2 (or wiki.valid.tokens): articles, detokenized; words as published
    shakespeare     input.txt of the folder tinyshakespeare: the last tenth
    novels          novels-*.parquet of the folder novels: the beginning of each
    documentation   docstrings and help pages that are installed with Python: only where nothing else is there

Words of WikiText are those of the published form with one for the end of each line, as its perplexities are counted
(Merity et al. 2016): 217 646 in the validation part of WikiText-2.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foretell.corpus.documents import text_folder
from foretell.corpus.installed import gather_documentation
from foretell.errors import BadUse
from foretell.eval.detokenize import detokenized
from foretell.eval.perplexity import Passage
from foretell.runs import open_text

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
        with open_text(path) as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise BadUse(f"{path} is no UTF-8 text ({error.reason}); convert it") from error


TEXTS = (
    Text(name="wikitext-2", files=("wikitext2/valid.txt", "wiki.valid.tokens"), read=wikitext),
    Text(name="shakespeare", files=("tinyshakespeare/input.txt",), read=last_tenth),
    Text(name="novels", files=("novels/novels-*.parquet",), read=beginnings),
)


def texts_of(paths: Sequence[Path]) -> dict[str, list[Passage]]:
    """The texts of files and folders by name; this machine's documentation where none is named.

    Of a folder the known texts that are in it or at most two below; where it has none, its text files as one text.
    BadUse if a path is not there.
    """
    found: dict[str, list[Passage]] = {}
    for path in paths:
        if not path.exists():
            raise BadUse(f"{path} does not exist; give --data a file or a folder with texts")
        found |= of_folder(path) if path.is_dir() else {path.name: of_file(path)}
    if found:
        return found
    gathered = gather_documentation(DOCUMENTATION, quiet=True)
    return {"documentation": [plain(document.text) for document in gathered.documents]}


def of_folder(folder: Path) -> dict[str, list[Passage]]:
    """The known texts of a folder, or its text files."""
    found = {text.name: text.read(path) for text in TEXTS if (path := next(places(text, folder), None)) is not None}
    return found or {folder.name: [plain(document.text) for document in text_folder(folder)]}


def of_file(path: Path) -> list[Passage]:
    """A file as one document, or as articles where it is in WikiText's form."""
    text = read_text(path)
    return articles(text) if ARTICLE.search(text) else [plain(text)]


def places(text: Text, folder: Path) -> Iterator[Path]:
    """Every file in or below a folder that may be the text."""
    for below in range(DEPTH + 1):
        for pattern in text.files:
            for ending in ("", ".gz"):
                yield from sorted(folder.glob("*/" * below + pattern + ending))
