"""Links that people found worth it: outbound links of Reddit posts with karma of at least 3, each page once.

Radford et al. 2019, section 2.1: "all outbound links from Reddit ... which received at least 3 karma". The paper does
not say whether a page that was posted often needs the karma in one post or in all; we ask it of one post.

The columns of links: key (urls.canonical, the order of the table), url (as the first post wrote it), karma (the
highest), submission (the first post that qualifies), n_submissions.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretell.corpus.reading import Broken, Submission
from foretell.corpus.urls import canonical, unfollowed
from foretell.errors import BadUse, Failed, first_line

LINKS = pa.schema(
    [
        ("key", pa.string()),
        ("url", pa.string()),
        ("karma", pa.int64()),
        ("submission", pa.string()),
        ("n_submissions", pa.int64()),
    ]
)
POSTS = LINKS.insert(4, pa.field("created", pa.int64()))
HELD = 1 << 18  # posts that are held before pages that were posted twice are put together


class Links(NamedTuple):
    """The table of links, how many posts were passed over by reason, and the lines that were no posts."""

    table: pa.Table
    passed_over: dict[str, int]
    broken: list[Broken]


def links(posts: Iterable[Submission | Broken], min_karma: int = 3) -> Links:
    """The links of posts with so much karma, each page once; the same table in whatever order the posts come."""
    over: Counter[str] = Counter()
    broken: list[Broken] = []
    held: list[tuple[str, str, int, str, int, int]] = []
    table = POSTS.empty_table()
    for post in posts:
        if isinstance(post, Broken):
            broken.append(post)
            continue
        url = post.url.replace("&amp;", "&").strip()  # the dumps escape it for HTML
        if reason := passed_over(post, url, min_karma):
            over[reason] += 1
            continue
        held.append((canonical(url), url, post.score, post.id, post.created, 1))
        if len(held) >= HELD:
            table, held = _once(table, held), []
    return Links(_once(table, held).select(LINKS.names), dict(sorted(over.items())), broken)


def passed_over(post: Submission, url: str, min_karma: int) -> str:
    """Why the link of a post is not followed; '' if it is."""
    if post.score < min_karma:
        return f"karma below {min_karma}"
    if post.is_self:
        return "no link: a post of text"
    return "not safe for work" if post.over_18 else unfollowed(url)


def merged(tables: Iterable[pa.Table]) -> pa.Table:
    """The links of several tables (a month each, say) as one. Of a page's posts the lowest id is taken as the first.

    Ids of Reddit are numbers in base 36 that grow with time.
    """
    found = pa.concat_tables([LINKS.empty_table(), *tables])
    lengths = pc.cast(pc.utf8_length(found["submission"]), pa.int64())
    return _grouped(found.append_column("created", lengths)).select(LINKS.names)


def _once(table: pa.Table, held: list[tuple[str, str, int, str, int, int]]) -> pa.Table:
    """The table with more posts, each page once."""
    columns = list(zip(*held, strict=True)) or [()] * len(POSTS)
    new = pa.table([pa.array(column, field.type) for column, field in zip(columns, _ROW, strict=True)], schema=_ROW)
    return _grouped(pa.concat_tables([table, new.select(POSTS.names)]))


_ROW = pa.schema([POSTS.field(name) for name in ("key", "url", "karma", "submission", "created", "n_submissions")])


def _grouped(table: pa.Table) -> pa.Table:
    """Rows of one key as one: the first post's, with the highest karma and the number of all."""
    if not table.num_rows:
        return table
    order = [(name, "ascending") for name in ("key", "created", "submission", "url")]
    ordered = table.sort_by(order).combine_chunks()  # Arrow's own group-by does not keep the order of the keys
    keys = ordered["key"]
    starts = np.append(True, pc.not_equal(keys.slice(1), keys.slice(0, len(keys) - 1)).to_numpy()).nonzero()[0]
    karma = np.maximum.reduceat(ordered["karma"].to_numpy(), starts)
    counts = np.add.reduceat(ordered["n_submissions"].to_numpy(), starts)
    firsts = ordered.take(starts)
    columns = {name: firsts[name] for name in POSTS.names}
    return pa.table({**columns, "karma": karma, "n_submissions": counts}, schema=POSTS)


def save_links(table: pa.Table, path: Path) -> None:
    """Write a table of links as Parquet, whole or not at all."""
    import pyarrow.parquet as pq

    from foretell.runs import write_whole

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_whole(path, sink.getvalue().to_pybytes())


def load_links(path: Path) -> pa.Table:
    """A table of links; BadUse where there is none, Failed where the file is damaged."""
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, schema=LINKS)
    except FileNotFoundError as error:
        raise BadUse(f"{path} does not exist; make it from Reddit submissions first") from error
    except (pa.ArrowException, OSError) as error:
        raise Failed(f"{path} is no table of links ({first_line(error)[:120]}); make it again") from error


class Linked:
    """The pages that links lead to, as 8 bytes each: the 45 million of WebText fit in 360 MB."""

    def __init__(self, table: pa.Table) -> None:
        hashes = (_hash(key) for chunk in table["key"].chunks for key in chunk.to_pylist())
        self._hashes = np.sort(np.fromiter(hashes, np.uint64, table.num_rows))

    def has(self, url: str) -> bool:
        """Whether a link leads to the page; two pages share a hash in one of 400 billion tries at 45 million."""
        key = canonical(url)
        if not key or not len(self._hashes):
            return False
        wanted = np.uint64(_hash(key))
        at = int(np.searchsorted(self._hashes, wanted))
        return at < len(self._hashes) and bool(self._hashes[at] == wanted)


def _hash(key: str) -> int:
    import hashlib

    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
