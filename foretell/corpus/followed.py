"""The links of posts as a step of the pipeline: a table for each file of posts, one of all, and their pages fetched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus.funnel import POSTS
from foretell.corpus.karma import links, load_links, merged, save_links
from foretell.corpus.partition import LOST
from foretell.corpus.reading import Broken, submissions
from foretell.corpus.schema import DROPPED, EXCERPT, document_id

LINKS_FILE = "links.parquet"


def write_links(inputs: tuple[str, ...], folder: Path, *, min_karma: int) -> Mapping[str, Any]:
    """Write the links of a file of posts, and what is no post as LOST; the counts of both and of posts passed over."""
    found = links(submissions(inputs[0]), min_karma)
    save_links(found.table, folder / LINKS_FILE)
    rows = [_dropped(Path(inputs[0]).name, one) for one in found.broken]
    pq.write_table(pa.Table.from_pylist(rows, schema=DROPPED), folder / LOST, compression="zstd")
    return {"links": found.table.num_rows, "passed_over": found.passed_over, "broken": len(found.broken)}


def _dropped(file: str, one: Broken) -> dict[str, str]:
    """The row of dropped.parquet for what could not be read of a file of posts."""
    of = {"id": document_id(POSTS, f"{file}/{one.name}"), "url": "", "source": POSTS, "step": POSTS}
    return {**of, "reason": one.reason, "excerpt": one.excerpt[:EXCERPT]}


def merge_links(inputs: tuple[str, ...], folder: Path) -> Mapping[str, Any]:
    """Write the links of several tables as one, each page once."""
    table = merged(load_links(Path(file)) for file in inputs)
    save_links(table, folder / LINKS_FILE)
    return {"links": table.num_rows}


def pages_downloaded(table: Path, where: Path, *, quiet: bool) -> dict[str, int]:
    """Fetch the pages of all links into a folder of WARC files that stays; how many links came to what."""
    from foretell.corpus.download import DownloadConfig, download
    from foretell.corpus.fetch import FetchConfig

    urls = load_links(table)["url"].to_pylist()
    return download(urls, where, DownloadConfig(), FetchConfig(), quiet=quiet).outcomes
