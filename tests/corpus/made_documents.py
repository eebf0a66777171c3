"""Partitions of documents written by hand, and what a step has made of one."""

import json
from pathlib import Path
from pydoc_data.topics import topics

import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus.partition import KEPT, LOST, PAGE_COLUMNS, PAGES
from foretell.corpus.schema import DOCUMENTS

HELP = [topics[name] for name in sorted(topics) if len(topics[name]) > 1500]
EMPTY = {"url": "", "source": "a", "language": "en", "language_score": 1.0, "quality": float("nan"), "cluster": ""}


def partition(folder: Path, rows: list[dict], pages: dict[str, str] | None = None) -> str:
    """The file of documents of a partition with these rows; what a row lacks is as reading would leave it."""
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([{**EMPTY, **row} for row in rows], schema=DOCUMENTS), folder / KEPT)
    html = [{"id": name, "html": page} for name, page in (pages or {}).items()]
    pq.write_table(pa.Table.from_pylist(html, schema=PAGE_COLUMNS), folder / PAGES)
    return str(folder / KEPT)


def kept(folder: Path) -> list[dict]:
    return pq.read_table(folder / KEPT).to_pylist()


def lost(folder: Path) -> list[dict]:
    return pq.read_table(folder / LOST).to_pylist()


def made(folder: Path) -> Path:
    """A new folder for a step to write into."""
    folder.mkdir(parents=True)
    return folder


def write_rows(file: Path, texts: list[str]) -> str:
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(file)
