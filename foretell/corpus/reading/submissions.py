"""Reddit submissions: Pushshift's monthly dumps (RS_*, zst, xz, bz2, gz or plain JSON lines), or Parquet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from foretell.corpus.reading.jsonlines import rows
from foretell.corpus.reading.parts import DEFAULT, JOIN
from foretell.corpus.reading.records import Broken, Limits, excerpt, mended

FIELDS = ("id", "url", "score", "created_utc", "is_self", "over_18", "domain")


class Submission(NamedTuple):
    """A post with what decides whether its link is followed."""

    id: str
    url: str
    score: int
    created: int
    """seconds since 1970"""
    is_self: bool
    over_18: bool


def submissions(part: str, limits: Limits = DEFAULT) -> Iterator[Submission | Broken]:
    """The posts of a file in its order; a line that is no post is broken."""
    if JOIN in part:  # the other files of a folder
        yield from (Broken(name, "no file of posts") for name in part.split(JOIN)[1:])
        return
    path = Path(part)
    if path.suffix == ".parquet":
        from foretell.corpus.reading.columns import parquet_rows

        found = parquet_rows(path, FIELDS, needed=("url",))
    else:
        found = rows(path, limits)
    for row in found:
        yield row if isinstance(row, Broken) else _submission(*row)


def _submission(place: str, row: dict[str, Any]) -> Submission | Broken:
    score, created = _number(row.get("score")), _number(row.get("created_utc") or 0)
    if score is None or created is None:
        return Broken(place, f"a post whose score is {str(row.get('score'))[:40]}", excerpt(str(row)[:800]))
    url = row.get("url")
    is_self = _flag(row.get("is_self")) or str(row.get("domain") or "").startswith("self.")
    name = mended(str(row.get("id") or place))[:40]
    link = mended(url) if isinstance(url, str) else ""
    return Submission(name, link, score, created, is_self, _flag(row.get("over_18")))


def _flag(value: object) -> bool:
    """A yes or no as the dumps have it: itself, a number, or either as text; what is neither is no."""
    if isinstance(value, str):
        value = {"true": 1, "false": 0}.get(value.strip().lower(), value)
    return bool(_number(value))


def _number(value: object) -> int | None:
    """A number as the dumps have it: an integer, a float, or either as text in the older ones."""
    try:
        return int(float(value)) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None
