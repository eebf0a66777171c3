"""Files with a JSON object on every line: text or HTML in one of the usual fields."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foretell.corpus.reading.lines import Line, lines
from foretell.corpus.reading.records import EXCERPT, Broken, Limits, Raw, checked, excerpt

TEXT_FIELDS, HTML_FIELDS = ("text", "content", "body"), ("html", "raw_html")
URL_FIELDS = ("url", "URL", "source_url")
NAME_FIELDS = ("id", "_id", "warc_record_id")
BOM = b"\xef\xbb\xbf"
NO_FIELD = f"none of the fields {', '.join((*TEXT_FIELDS, *HTML_FIELDS))} holds text"


def read_jsonl(path: Path, limits: Limits) -> Iterator[Raw | Broken]:
    """The records of a file of JSON lines, named by line number and id."""
    for row in rows(path, limits):
        yield row if isinstance(row, Broken) else record(*row, limits)


def rows(path: Path, limits: Limits) -> Iterator[tuple[str, dict[str, Any]] | Broken]:
    """The objects of a file with the numbers of their lines; a line that is no object is broken, an empty one none."""
    for line in lines(path, limits.record_bytes):
        if isinstance(line, Broken):
            yield line
        elif content := line.content.removeprefix(BOM if line.number == 1 else b"").strip():
            row = _row(Line(line.number, content))
            yield row if isinstance(row, Broken) else (str(line.number), row)


def _row(line: Line) -> dict[str, Any] | Broken:
    try:
        row = json.loads(line.content.decode())
    except UnicodeDecodeError as error:
        return Broken(f"{line.number}", f"no UTF-8 ({error.reason} at byte {error.start})", excerpt(line.content))
    except json.JSONDecodeError as error:
        return Broken(f"{line.number}", f"no JSON ({error.msg} at character {error.pos})", excerpt(line.content))
    except (RecursionError, ValueError) as error:  # nested a thousand deep; a number of five thousand digits
        return Broken(f"{line.number}", f"JSON beyond reason ({type(error).__name__})", excerpt(line.content))
    if not isinstance(row, dict):
        return Broken(f"{line.number}", f"a JSON {type(row).__name__}, not an object", excerpt(line.content))
    return row


def record(place: str, row: dict[str, Any], limits: Limits) -> Raw | Broken:
    """The record of a row; `place` is unique in its file, an id need not be, so a name begins with the place.

    Its content is the first of the usual fields that is not blank.
    """
    name = next((f"{place} {row[field]}" for field in NAME_FIELDS if isinstance(row.get(field), str | int)), place)
    name = name[:EXCERPT].encode("utf-8", "replace").decode()
    url = next((row[field] for field in URL_FIELDS if isinstance(row.get(field), str)), "")
    found = [(field, row[field]) for field in (*TEXT_FIELDS, *HTML_FIELDS) if isinstance(row.get(field), str | bytes)]
    if found:
        field, value = next(((field, value) for field, value in found if not _is_blank(value)), found[0])
        return checked(name, url, "text" if field in TEXT_FIELDS else "html", value, limits)
    fields = ", ".join(map(str, list(row)[:8]))
    return Broken(name, NO_FIELD, excerpt(f"fields: {fields}"))


def _is_blank(value: str | bytes) -> bool:
    return not value or value.isspace()
