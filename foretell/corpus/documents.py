"""Documents and where they come from: the user's own folder of text; as Parquet they are a corpus.

What is left out is counted by reason, and the reasons go into card.json.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

from foretell.errors import BadUse
from foretell.runs import sha256, whole_folder

FILE, PARTS, CARD = "documents.parquet", "documents-*.parquet", "card.json"
COLUMNS = ("id", "text", "source")
SNIFFED = 8192  # bytes in which a NUL means that a file is no text
MOST_BAD = 0.1  # share of characters that are no UTF-8 above which a file is no text
LONGEST_LINE = 2000  # characters; longer lines are data
LETTERS_AND_SPACES = re.compile(r"(?:[^\W\d_]| )+")
LEAST_WORDS = 0.5  # share of letters and spaces below which a text is a table of data


@dataclass(frozen=True, slots=True)
class Document:
    """A text, its name within its source, and the source: a package, a folder."""

    id: str
    text: str
    source: str


class Gathered(NamedTuple):
    """Documents, and how many were left out or changed, by reason."""

    documents: list[Document]
    dropped: dict[str, int]


DOCUMENTATION_BYTES = 10_000_000


def documentation(limit_bytes: int = DOCUMENTATION_BYTES, *, quiet: bool = False) -> list[Document]:
    """The documentation text installed on this machine, at most so many bytes of it; nothing is imported."""
    from foretell.corpus.installed import gather_documentation  # installed.py is made of this file's types

    return list(gather_documentation(limit_bytes, quiet).documents)


def text_folder(path: Path) -> list[Document]:
    """The text files of a folder and its subfolders, in the order of their names; BadUse if there are none."""
    return gather_folder(path).documents


def gather_folder(path: Path) -> Gathered:
    """The text files of a folder, and what was dropped or mended; a folder that is a corpus gives its documents.

    Bytes that are no UTF-8 become U+FFFD and the file is counted; a file with a NUL byte, or with many, is no text.
    """
    if not path.is_dir():
        rule = "is a file" if path.exists() else "does not exist"
        raise BadUse(f"{path} {rule}; give a folder that holds text files (.txt, .md, .rst, ...)")
    if corpus_parts(path):
        return Gathered(load_documents(path), {})
    dropped: Counter[str] = Counter()
    found = []
    for file in _visible_files(path):
        text = _text_of(file, dropped)
        if text:
            found.append(Document(shown(file.relative_to(path)), text, shown(Path(path.resolve().name))))
    if not found:
        seen = ", ".join(f"{n} {reason}" for reason, n in sorted(dropped.items()) if n) or "no files"
        raise BadUse(f"{path} holds no text ({seen}); give a folder with text files (.txt, .md, .rst, ...)")
    return Gathered(found, {reason: n for reason, n in sorted(dropped.items()) if n})


def shown(path: Path) -> str:
    """A path as text; bytes of its name that are no UTF-8 become U+FFFD."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")


def _visible_files(folder: Path) -> list[Path]:
    """All files below a folder by name, without hidden ones."""
    inside = ((file, file.relative_to(folder).parts) for file in folder.rglob("*") if file.is_file())
    return [file for file, parts in sorted(inside, key=lambda f: f[1]) if not any(p.startswith(".") for p in parts)]


def _text_of(file: Path, dropped: Counter[str]) -> str:
    """The text of a file with plain line ends, or nothing and the reason counted."""
    try:
        with file.open("rb") as opened:
            content = opened.read(SNIFFED)
            content = b"" if b"\0" in content else content + opened.read()
    except OSError:
        dropped["unreadable"] += 1
        return ""
    text = content.decode("utf-8-sig", "replace")
    bad = text.count("\ufffd") - content.count("\ufffd".encode())
    if (file.stat().st_size and not content) or bad > MOST_BAD * len(text):
        dropped["binary, or not in UTF-8"] += 1
        return ""
    dropped["with bytes that are no UTF-8, replaced"] += bad > 0
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        dropped["empty"] += 1
        return ""
    return text


def is_prose(text: str) -> bool:
    """Whether a text reads as one: mostly letters and spaces, no control characters, no line of data."""
    if re.search(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", text) or "\ufffd" in text:
        return False
    if any(len(line) > LONGEST_LINE for line in text.split("\n")):
        return False
    return sum(map(len, LETTERS_AND_SPACES.findall(text))) >= LEAST_WORDS * len(text)


def source_hash(documents: Iterable[Document]) -> str:
    """The SHA-256 of all ids and texts: the name of exactly this text."""
    whole = hashlib.sha256()
    for one in documents:
        for part in (one.id, one.source, one.text):
            content = part.encode("utf-8", "surrogatepass")
            whole.update(len(content).to_bytes(8, "little") + content)
    return whole.hexdigest()


def n_bytes(text: str) -> int:
    """The length of a text in UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def save_documents(gathered: Gathered, folder: Path) -> None:
    """Write a corpus: documents.parquet with id, text and source, and card.json that counts them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    documents = gathered.documents
    columns = {name: [getattr(one, name) for one in documents] for name in ("id", "text", "source")}
    with whole_folder(folder) as aside:
        pq.write_table(pa.table(columns), aside / FILE, compression="zstd")
        card = {
            "kind": "corpus",
            "n_documents": len(documents),
            "n_bytes": sum(n_bytes(one.text) for one in documents),
            "documents_of": dict(sorted(Counter(one.source for one in documents).items())),
            "dropped": gathered.dropped,
            "source": source_hash(documents),
            "sha256": {FILE: sha256(aside / FILE)},
        }
        (aside / CARD).write_text(json.dumps(card, indent=2) + "\n")


def corpus_parts(folder: Path) -> list[Path]:
    """The Parquet files of a corpus, in order: documents.parquet, or documents-00000.parquet and so on."""
    return sorted(folder.glob(FILE)) or sorted(folder.glob(PARTS))


def load_documents(folder: Path) -> list[Document]:
    """The documents of a corpus; BadUse if a file is no Parquet or lacks a column. `source` may be absent."""
    from foretell.corpus.tokenizing import read_rows  # it is made of this file's types

    files, name = corpus_parts(folder) or [folder / FILE], folder.resolve().name
    tables = (table for file in files for table in read_rows(str(file), name))
    return [
        Document(*row)
        for table in tables
        for row in zip(*(table[column].to_pylist() for column in COLUMNS), strict=True)
    ]


def check_columns(path: Path, table: "pa.Table", first: int = 0) -> None:
    """BadUse that names the row if a table lacks id, text or source, or one is no text; `first` is its first row."""
    for name in COLUMNS:
        if name not in table.column_names:
            raise BadUse(f"{path} has no column {name!r}; a corpus has id, text and source")
        column = table[name].to_pylist()
        wrong = next((i for i, value in enumerate(column) if not isinstance(value, str)), None)
        if wrong is not None:
            place = f"{path}, row {first + wrong + 1}"
            raise BadUse(f"{place}: {name} is {column[wrong]!r}, it must be text; write it anew as text")
