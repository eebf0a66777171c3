"""Text of evaluation sets, an item at a time, from the files in which sets are published.

    .jsonl .ndjson    a line is an item
    .json             an element of a list is an item, wherever in an object the list is; else JSON lines
    .parquet          a row is an item
    .csv .tsv         a row is an item
    .txt              the file is an item, since a sentence may go on in the next line

All text of an item counts, in the order of its fields, however deep; what is no text (numbers, images) does not. Each
may be packed (.gz .zst .xz .bz2). An item that cannot be read ends the reading: what is not known cannot be cut out.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from foretell.corpus.reading.kinds import pack_free
from foretell.corpus.reading.lines import lines
from foretell.corpus.reading.packed import Gap, chunks
from foretell.corpus.reading.records import Broken, mended
from foretell.errors import BadUse

ENDINGS = (".jsonl", ".ndjson", ".json", ".parquet", ".csv", ".tsv", ".txt")
READ = "*.jsonl *.json *.parquet *.csv *.tsv *.txt, plain or packed"
MOST = 1 << 30  # bytes of a line or a file
ROWS = 256  # rows of Parquet in memory at a time


class Item(NamedTuple):
    """The text of one item of an evaluation set."""

    set: str
    item: str
    text: str


def read_sets(paths: Sequence[str | Path]) -> list[Item]:
    """The items of files, and of all such files in folders, in order; a file is a set, named by its path in its folder.

    BadUse where there is no path, nothing that can be read, or an item that cannot.
    """
    found: list[Item] = []
    taken: dict[str, int] = {}
    for name, file in (pair for path in paths for pair in set_files(Path(path))):
        taken[name] = taken.get(name, 0) + 1
        name += f"#{taken[name]}" if taken[name] > 1 else ""
        found += [Item(name, item, text) for item, text in _items(file) if text]
    if not found:
        told = ", ".join(map(str, paths)) or "no path was given"
        raise BadUse(f"no text of an evaluation set is there to be read ({told}); give files or folders with {READ}")
    return found


def set_files(path: Path) -> Iterator[tuple[str, Path]]:
    """The files of a path with the names of their sets; BadUse where nothing is there, or nothing that can be read."""
    if path.is_file():
        if _ending(path) not in ENDINGS:
            raise BadUse(f"{path} is no kind of file that is read; give {READ}")
        yield _plain(path.name), path
        return
    if not path.is_dir():
        raise BadUse(f"{path} does not exist; give files or folders of evaluation sets with {READ}")
    for file in sorted(path.rglob("*"), key=lambda file: file.relative_to(path).parts):
        inside = file.relative_to(path)
        if file.is_file() and _ending(file) in ENDINGS and not any(part.startswith(".") for part in inside.parts):
            yield (PurePath(path.resolve().name) / inside.parent / _plain(file.name)).as_posix(), file


def _ending(path: Path) -> str:
    return PurePath(pack_free(path.name)).suffix.lower()


def _plain(name: str) -> str:
    return PurePath(pack_free(name)).stem


def _items(file: Path) -> Iterator[tuple[str, str]]:
    """The items of a file: where each is, and its text."""
    ending = _ending(file)
    if ending == ".parquet":
        return _parquet(file)
    if ending in (".csv", ".tsv"):
        return _rows(file, "\t" if ending == ".tsv" else ",")
    if ending == ".txt":
        return iter([("text", _content(file).strip())])
    return _json(file) if ending == ".json" else _json_lines(file)


def _content(file: Path) -> str:
    """The whole text of a file."""
    parts, size = [], 0
    try:
        with file.open("rb") as opened:
            for chunk in chunks(opened):
                if isinstance(chunk, Gap):
                    raise BadUse(f"{file}: {chunk.reason}; mend the file, or leave it out")
                parts.append(chunk)
                size += len(chunk)
                if size > MOST:
                    raise BadUse(f"{file} holds more than {MOST} bytes; divide it")
        return b"".join(parts).decode("utf-8-sig")
    except OSError as error:
        raise BadUse(f"{file} cannot be read: {error.strerror or error}; give a file that can") from error
    except UnicodeDecodeError as error:
        raise BadUse(f"{file} is no UTF-8 text ({error.reason} at byte {error.start}); convert it") from error


def _json_lines(file: Path) -> Iterator[tuple[str, str]]:
    for line in lines(file, MOST):
        if isinstance(line, Broken):
            raise BadUse(f"{file}, line {line.name}: {line.reason}; mend the file, or leave it out")
        if content := line.content.strip():
            yield str(line.number), text_of(_parsed(content, f"{file}, line {line.number}"))


def _parsed(content: bytes | str, where: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise BadUse(f"{where}: no JSON ({error}); mend the file, or leave it out") from error


def _json(file: Path) -> Iterator[tuple[str, str]]:
    """The items of one JSON value; of a file with a value on every line, though its name ends in .json, the lines."""
    content = _content(file)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        is_lines = content.lstrip().partition("\n")[2].lstrip().startswith(("{", "["))
        yield from _json_lines(file) if is_lines else iter([("", _parsed(content, str(file)))])
        return
    yield from _elements(value, "")


def _elements(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """The elements of a list, of an object's lists of objects; what is left of an object is an item of its own."""
    if isinstance(value, list):
        for number, element in enumerate(value, 1):
            yield f"{name}{number}", text_of(element)
        return
    rest = value
    if isinstance(value, dict):
        parts = {key: part for key, part in value.items() if _is_list_of_items(part)}
        for key, part in parts.items():
            yield from _elements(part, f"{name}{key}/")
        rest = {key: part for key, part in value.items() if key not in parts}
    yield f"{name}rest" if rest is not value else f"{name}value", text_of(rest)


def _is_list_of_items(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict | list) for one in value)


def _parquet(file: Path) -> Iterator[tuple[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 1
    try:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(ROWS, use_threads=False):
                for row in batch.to_pylist():
                    yield str(number), text_of(row)
                    number += 1
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise BadUse(f"{file}, row {number}: {reason}; mend the file, or leave it out") from error


def _rows(file: Path, separator: str) -> Iterator[tuple[str, str]]:
    """The rows of a table of text, the head among them: where there is none, it is an item."""
    content = _content(file)
    if separator == "\t":  # such tables have no quotes as a rule, and a lone one would swallow the rows behind it
        rows = (line.split(separator) for line in content.splitlines())
        return ((str(number), text_of(row)) for number, row in enumerate(rows, 1))
    return iter([(str(number), text_of(row)) for number, row in enumerate(_quoted(content, file), 1)])


def _quoted(content: str, file: Path) -> list[list[str]]:
    """The rows of a table with commas, whose fields may be quoted and as long as they like."""
    limit = csv.field_size_limit(MOST)
    rows = csv.reader(io.StringIO(content, newline=""))
    try:
        return list(rows)
    except csv.Error as error:
        raise BadUse(f"{file}, line {rows.line_num}: no table ({error}); mend the file, or leave it out") from error
    finally:
        csv.field_size_limit(limit)


def text_of(value: Any) -> str:
    """All text in a value of JSON, in order, however deep; a line for each string."""
    return "\n".join(_strings(value))


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if one.strip():
                yield mended(one)
        elif isinstance(one, dict):
            waiting += reversed(one.values())
        elif isinstance(one, list | tuple):
            waiting += reversed(one)
