"""A polite downloader: the pages of a list of links as WARC files, which reading.read_part reads.

Polite: robots.txt is asked first (RFC 9309), one request at a time goes to a host and the next one waits, a server that
says "later" is heard, and only public addresses are visited. Resumable: links are fetched in batches, a batch is a WARC
file and a file of outcomes, each whole or absent, and a link that has its outcome in any of them is not fetched again,
whatever other links are asked for. What may pass (the network, a server in trouble) is no outcome to keep: a later call
tries the link again.
"""

import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from foretell.corpus.fetch import FetchConfig, Fetched, Fetcher
from foretell.corpus.places import with_scheme
from foretell.corpus.urls import canonical, domain
from foretell.errors import BadUse, Failed
from foretell.progress import bar
from foretell.runs import write_whole

OUTCOMES = ".outcomes.jsonl"
NAME = re.compile(r"pages-[0-9a-f]{16}\.warc\.gz")


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadConfig:
    """How many links are fetched together."""

    hosts_at_once: int = 16
    """hosts that are talked to at once, one request each"""
    batch: int = 500
    """links of a batch, which is what a kill can lose"""

    def __post_init__(self) -> None:
        if self.hosts_at_once < 1 or self.batch < 1:
            raise ValueError(f"hosts_at_once={self.hosts_at_once}, batch={self.batch}: both must be 1 or more")


class Downloaded(NamedTuple):
    """The WARC files in which links have an outcome, in the order of their names, and how many links came to what."""

    files: list[Path]
    outcomes: dict[str, int]


def download(
    urls: Sequence[str], out: Path, cfg: DownloadConfig, fetch: FetchConfig, *, quiet: bool = False
) -> Downloaded:
    """Fetch the pages of links, each page once, into a folder; what an earlier call has fetched there stays.

    Raises BadUse where no link leads to the web, and Failed where every one has to be tried again.
    """
    wanted = {key: with_scheme(url) for url in reversed(urls) if (key := canonical(url))}
    if not wanted:
        raise BadUse("there is no link to download; give a list with at least one http or https URL")
    done = {key: found for key, found in _done(out).items() if key in wanted}
    outcomes = Counter(outcome for _, outcome in done.values())
    files = {file for file, _ in done.values()}
    with Fetcher(fetch) as fetcher, bar("downloading pages", len(wanted), quiet=quiet) as progress:
        progress.advance(len(done))
        for batch in _batches([key for key in wanted if key not in done], cfg.batch):
            pages = _fetched([wanted[key] for key in batch], fetcher, cfg.hosts_at_once)
            outcomes.update(page.outcome for page in pages)
            if final := [page for page in pages if not page.again]:
                files.add(file := out / f"pages-{_name(batch)}.warc.gz")
                _write(file, final)
            progress.advance(len(batch))
    if not files:
        told = ", ".join(f"{why}: {n}" for why, n in outcomes.most_common(3))
        raise Failed(f"no page could be fetched ({told}); look at the network, then call again")
    return Downloaded(sorted(files), dict(sorted(outcomes.items())))


def outcomes_of(file: Path) -> list[dict[str, str]]:
    """What each link of a WARC file came to: url, outcome (`fetched`, or why not) and the URL where it ended."""
    path = _outcomes(file)
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [{name: str(row[name]) for name in ("url", "outcome", "final_url")} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failed(f"{path} cannot be read ({error}); delete it, and its links are fetched again") from error


def _outcomes(file: Path) -> Path:
    return file.with_name(f".{file.name}{OUTCOMES}")  # hidden: who reads the folder as a source wants its pages only


def _done(out: Path) -> dict[str, tuple[Path, str]]:
    """The file and the outcome of each link that has one. A file without outcomes is what a kill left, and goes."""
    found: dict[str, tuple[Path, str]] = {}
    for file in sorted(out.glob("pages-*.warc.gz")) if out.is_dir() else ():
        if _outcomes(file).exists():
            found |= {canonical(row["url"]): (file, row["outcome"]) for row in outcomes_of(file)}
        elif NAME.fullmatch(file.name):
            file.unlink()
    return found


def _batches(keys: Sequence[str], size: int) -> list[list[str]]:
    """The links in batches, in an order in which neighbours are of different hosts as far as can be."""
    ordered = sorted(keys, key=lambda key: hashlib.sha256(key.encode()).digest())
    return [ordered[i : i + size] for i in range(0, len(ordered), size)]


def _name(batch: list[str]) -> str:
    return hashlib.sha256("\n".join(batch).encode("utf-8", "replace")).hexdigest()[:16]


def _fetched(batch: list[str], fetcher: Fetcher, hosts_at_once: int) -> list[Fetched]:
    """The batch's links, in its order; those of a host one after the other."""
    by_host: defaultdict[str, list[int]] = defaultdict(list)
    for i, url in enumerate(batch):
        by_host[domain(url)].append(i)
    found: dict[int, Fetched] = {}
    pool = ThreadPoolExecutor(hosts_at_once)
    try:
        for done in pool.map(lambda places: [(i, fetcher.page(batch[i])) for i in places], by_host.values()):
            found.update(done)
    finally:
        pool.shutdown(cancel_futures=True)
    return [found[i] for i in range(len(batch))]


def _write(file: Path, pages: list[Fetched]) -> None:
    rows = ({"url": page.url, "outcome": page.outcome, "final_url": page.final_url} for page in pages)
    write_whole(file, b"".join(_records(pages)))  # before the outcomes: a batch is done when both are there
    write_whole(_outcomes(file), "".join(json.dumps(row) + "\n" for row in rows))


def _records(pages: list[Fetched]) -> Iterator[bytes]:
    """The WARC records of the pages that were fetched, a gzip member each; the URL is the link's, not a redirect's."""
    for page in pages:
        if page.outcome != "fetched":
            continue
        urn = UUID(bytes=hashlib.sha256(page.url.encode("utf-8", "replace")).digest()[:16])
        typed = page.content_type or "text/html"
        http = f"HTTP/1.1 200 OK\r\nContent-Type: {typed}\r\nContent-Length: {len(page.content)}\r\n\r\n".encode()
        head = {
            "WARC-Type": "response",
            "WARC-Record-ID": f"<urn:uuid:{urn}>",
            "WARC-Date": page.date,
            "WARC-Target-URI": "".join(page.url.split()),
            "Content-Type": "application/http; msgtype=response",
            "Content-Length": str(len(http) + len(page.content)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        record = f"WARC/1.1\r\n{lines}\r\n".encode("utf-8", "replace") + http + page.content + b"\r\n\r\n"
        yield gzip.compress(record, mtime=0)
