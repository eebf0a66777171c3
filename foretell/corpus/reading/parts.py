"""The pieces of a source, and the records of a piece.

A part is a string: the path of a file; hf:DATASET; `embedded`; or, for the small files of a folder, the folder and the
names of some of its files, joined by NUL, which no path can hold.
"""

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from foretell.corpus.documents import CARD, corpus_parts
from foretell.corpus.reading.documentation import read_documentation
from foretell.corpus.reading.files import read_file
from foretell.corpus.reading.hub import read_hub
from foretell.corpus.reading.jsonlines import read_jsonl
from foretell.corpus.reading.kinds import HUB, SPECS, file_kind, kind_of
from foretell.corpus.reading.records import Broken, Limits, Raw
from foretell.errors import BadUse

JOIN = "\0"
GROUP_FILES, GROUP_BYTES = 512, 64_000_000  # files of a folder that are one part: whichever is reached first
DEFAULT = Limits()


def parts(spec: str) -> list[str]:
    """The pieces of a source that are read independently, in the order of their names; BadUse if it holds none.

    A folder gives a part for each of its JSON, Parquet, WARC and Reddit files, and groups of its other files; a corpus
    gives its documents, not its card.
    """
    if kind_of(spec) != "folder":
        return [spec]
    root = Path(spec)
    if (root / CARD).is_file() and (documents := corpus_parts(root)):
        return list(map(str, documents))
    files = sorted((f for f in root.rglob("*") if _is_read(f, root)), key=lambda f: f.relative_to(root).parts)
    if not files:
        raise BadUse(f"{spec} holds no files; give a folder with text, HTML, JSON lines, Parquet or WARC files")
    whole = [f for f in files if file_kind(f) not in ("text", "html", None)]
    apart = set(whole)
    return [*map(str, whole), *_groups(root, [f for f in files if f not in apart])]


def linked_folders(spec: str) -> list[str]:
    """The links to folders that lie in a folder: what they lead to is not read, as it may lead back."""
    inside = ((Path(where) / name, name) for where, names, _ in os.walk(spec) for name in names)
    return sorted(str(path) for path, name in inside if path.is_symlink() and not name.startswith("."))


def _is_read(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return not hidden and file.is_file()


def _groups(root: Path, files: list[Path]) -> list[str]:
    """The files in groups by number and size, so that the groups follow from the folder alone."""
    keys, count, size, group = [], 0, 0, 0
    for file in files:
        size, count = size + _size(file), count + 1
        if count > GROUP_FILES or (size > GROUP_BYTES and count > 1):
            group, count, size = group + 1, 1, _size(file)
        keys.append(group)
    grouped = groupby(zip(keys, files, strict=True), key=lambda pair: pair[0])
    return [JOIN.join([str(root), *(f.relative_to(root).as_posix() for _, f in pairs)]) for _, pairs in grouped]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def files_of(part: str) -> list[str]:
    """The paths of the files that a part is read from: what must be unchanged for its records to be the same."""
    if part.startswith(HUB) or part in SPECS:
        return []
    root, *names = part.split(JOIN)
    return [str(Path(root) / name) for name in names] if names else [root]


def read_part(part: str, limits: Limits = DEFAULT) -> Iterator[Raw | Broken]:
    """The records of a part, in a fixed order, under names that are unique in it. Reddit posts are broken.

    Nothing that a file holds raises: a record that cannot be read is Broken, and reading goes on behind it.
    """
    if JOIN in part:
        root, *names = part.split(JOIN)
        for name in names:
            yield from _file(Path(root) / name, name, limits)
    elif part.startswith(HUB):
        yield from read_hub(part.removeprefix(HUB), limits)
    elif part in SPECS:
        yield from read_documentation(part, limits)
    else:
        yield from _file(Path(part), Path(part).name, limits)


def _file(path: Path, name: str, limits: Limits) -> Iterator[Raw | Broken]:
    kind = file_kind(path)
    if kind == "text" or kind == "html":
        yield from read_file(path, name, kind, limits)
    elif kind == "jsonl":
        yield from read_jsonl(path, limits)
    elif kind == "parquet":
        from foretell.corpus.reading.columns import read_parquet  # pyarrow takes a moment

        yield from read_parquet(path, limits)
    elif kind in ("warc", "wet"):
        from foretell.corpus.reading.warc import read_warc

        yield from read_warc(path, limits)
    elif kind == "reddit":
        why = f"{path.name} holds links, not pages; give files of posts by themselves, and pages beside them"
        yield Broken(name, why)  # of a folder, it is one file among others
    else:
        yield Broken(name, f"no kind of file that is read ({path.suffix or 'no ending'})")
