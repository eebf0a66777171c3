"""What a source is, from its name, and from its content where the name leaves it open."""

import re
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Literal, get_args

from foretell.corpus.config import EMBEDDED
from foretell.corpus.reading.jsonlines import HTML_FIELDS, TEXT_FIELDS, rows
from foretell.corpus.reading.records import Broken, Limits
from foretell.errors import BadUse

SourceKind = Literal["folder", "jsonl", "parquet", "warc", "wet", "reddit", "hub", "embedded", "text", "html"]
KINDS: tuple[str, ...] = get_args(SourceKind)
HUB = "hf:"
PACKS = (".gz", ".zst", ".zstd", ".xz", ".bz2")
SUFFIXES: dict[str, SourceKind] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".txt", ".text", ".md", ".markdown", ".rst"), "text"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".parquet": "parquet",
    ".warc": "warc",
    ".wet": "wet",
}
READ = "*.txt *.md *.rst *.html *.jsonl *.parquet *.warc *.warc.gz *.wet.gz RS_*"
REDDIT_NAME = re.compile(r"RS_(v2_)?\d{4}-\d{2}(\.jsonl?)?|.*_submissions(\.jsonl?)?")  # Pushshift's; its torrents'
SPECS = (EMBEDDED, f"{EMBEDDED}:standard", f"{EMBEDDED}:packages")
REDDIT_FIELDS = {"url", "score", "subreddit"}  # and no field of text: then it is a document with its source


def kind_of(spec: str) -> SourceKind:
    """What a source is; BadUse where nothing is there, or nothing that can be read."""
    if spec.startswith(HUB):
        return "hub"
    if spec in SPECS:
        return "embedded"
    if not spec:
        raise BadUse(f"an empty path names no source; give a folder, a file ({READ}), or hf:DATASET")
    path = Path(spec)
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise BadUse(f"{spec} does not exist; give a folder, a file ({READ}), or hf:DATASET")
    kind = file_kind(path)
    if kind is None:
        raise BadUse(f"{path.name} is no kind of file that is read; give a folder, a file ({READ}), or hf:DATASET")
    return kind


def file_kind(path: Path) -> SourceKind | None:
    """What a file is; None for what is not read."""
    name = pack_free(path.name)
    if REDDIT_NAME.fullmatch(name):
        return "reddit"
    kind = SUFFIXES.get(PurePath(name).suffix.lower())
    if kind == "parquet" and _are_of_posts(_columns(path)):
        return "reddit"
    if kind == "jsonl" and _are_of_posts(_first_row(path)):
        return "reddit"
    return kind


def pack_free(name: str) -> str:
    """A file's name without the ending that says how it is packed."""
    return next((name[: -len(pack)] for pack in PACKS if name.lower().endswith(pack)), name)


def _are_of_posts(fields: Iterable[str]) -> bool:
    names = set(fields)
    return names >= REDDIT_FIELDS and names.isdisjoint((*TEXT_FIELDS, *HTML_FIELDS))


def _columns(path: Path) -> list[str]:
    """The columns of a Parquet file; none if it is none: reading says so, with the reason."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError, ValueError):
        return []


def _first_row(path: Path) -> dict[str, object]:
    found = next(rows(path, Limits()), None)
    return {} if found is None or isinstance(found, Broken) else found[1]
