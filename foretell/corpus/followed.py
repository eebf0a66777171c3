"""The links of posts as a step of the pipeline: a table for each file of posts, one of all, and their pages fetched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foretell.corpus.karma import links, load_links, merged, save_links
from foretell.corpus.reading import submissions

LINKS_FILE = "links.parquet"


def write_links(inputs: tuple[str, ...], folder: Path, *, min_karma: int) -> Mapping[str, Any]:
    """Write the links of a file of posts; the counts of what was passed over and of lines that are no posts."""
    found = links(submissions(inputs[0]), min_karma)
    save_links(found.table, folder / LINKS_FILE)
    return {"links": found.table.num_rows, "passed_over": found.passed_over, "broken": len(found.broken)}


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
