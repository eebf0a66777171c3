"""Duplicates in a corpus: exact copies first, then near ones by MinHash and banded hashing; one of each is kept.

Brown et al. 2020, appendix A, removes near duplicates within each set and WebText from Common Crawl by Spark's
MinHashLSH with 10 hashes, each a table of its own (bands=10, rows=1, ngram=1, and `verify` for the threshold that the
paper does not tell). Any two English pages then share a table with probability about one half, so the work grows as the
square of the documents. Deviation: the default is 14 bands of 8 rows over runs of 5 words, whose candidates are few.

Which copy is kept follows from the documents alone: of the best source, then of the highest quality, then of the least
id. A near duplicate of a near duplicate is in the same cluster.

    STAGE/keys/00000/keys.parquet     node rank quality exact0 exact1 b00 b01 ...: 8 bytes a band and document
    STAGE/edges/b00/edges.parquet     u v: documents that share the key
    STAGE/clusters/all/clusters.parquet

N documents
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from foretell.corpus.clusters import CLUSTERS, nodes_of, write_clusters
from foretell.corpus.columns import column
from foretell.corpus.engine import EngineConfig, map_partitions
from foretell.corpus.partitions import Partition, done_here
from foretell.errors import BadUse
from foretell.progress import bar

KEYS, EDGES = "keys.parquet", "edges.parquet"
EXACT = ("exact0", "exact1")
BATCH = 2048  # documents hashed at a time
MOST_PAIRS = 20_000_000  # candidate pairs that are verified one by one


@dataclass(frozen=True, kw_only=True, slots=True)
class DedupConfig:
    """Which texts count as near duplicates."""

    bands: int = 14
    """keys of a document; two documents that share one are candidates"""
    rows: int = 8
    """hashes in a key: the more, the fewer candidates"""
    ngram: int = 5
    """words in a shingle"""
    verify: float = 0.0
    """least Jaccard index of the shingles of a pair of candidates, computed exactly; 0 takes every candidate"""
    seed: int = 1

    def __post_init__(self) -> None:
        if self.bands < 1 or self.rows < 1 or self.ngram < 1:
            raise ValueError(f"bands={self.bands}, rows={self.rows}, ngram={self.ngram}: each must be 1 or more")
        if not 0 <= self.verify <= 1:
            raise ValueError(f"verify={self.verify} is no Jaccard index; give 0 to 1")

    @property
    def names(self) -> list[str]:
        """The columns of the bands' keys."""
        return [f"b{band:02}" for band in range(self.bands)]


def duplicates(
    files: Sequence[str],
    stage: Path,
    cfg: DedupConfig,
    *,
    engine: EngineConfig,
    sources: Sequence[str] = (),
    near: bool = True,
    quiet: bool = False,
) -> Path:
    """A Parquet file with every document that has a copy, in the order of ids: `id`, `cluster`, `kind`.

    `cluster` is the id of the copy that is kept, `kind` is `kept`, `exact` (its text, but for case and white space, is
    that of a better document) or `fuzzy`, which a text is too that differs in punctuation alone. `files` are
    Parquet files of documents with id and text, and source and quality where they have them; ids must differ.
    `sources` are the sources' names, the best first; others come after. What is done of it lies in `stage` and is
    not done again.
    """
    keys = _keys(files, stage / "keys", cfg, engine, sources, quiet)
    checked = bool(near and cfg.verify)
    columns = [[*EXACT], *([[name] for name in cfg.names] if near and not checked else [])]
    found = []
    with bar("duplicates", len(columns) + checked + 1, quiet=quiet) as progress:
        for names in columns:
            work = partial(_write_edges, columns=names, engine=engine)
            found.append(done_here(work, stage / "edges", Partition(names[0], keys), "").folder / EDGES)
            progress.advance()
        if checked:
            pairs = partial(_write_verified, cfg=cfg, n_keys=len(keys), engine=engine)
            whole = Partition("verified", (*keys, *files), f"{cfg.verify} {cfg.ngram}")
            found.append(done_here(pairs, stage / "edges", whole, "").folder / EDGES)
            progress.advance()
        choice = partial(write_clusters, n_keys=len(keys), engine=engine)
        whole = Partition("all", (*keys, *map(str, found)))
        return done_here(choice, stage / "clusters", whole, "").folder / CLUSTERS


def final_duplicates(
    files: Sequence[str], stage: Path, *, engine: EngineConfig, sources: Sequence[str] = (), quiet: bool = False
) -> Path:
    """The table of duplicates() with exact copies alone: a second look at texts that were changed after the first."""
    one_band = DedupConfig(bands=1, rows=1, ngram=1)  # which is not asked for: near copies are not looked for again
    return duplicates(files, stage, one_band, engine=engine, sources=sources, near=False, quiet=quiet)


def _keys(
    files: Sequence[str], stage: Path, cfg: DedupConfig, engine: EngineConfig, sources: Sequence[str], quiet: bool
) -> tuple[str, ...]:
    """The files of keys, one for each file of documents."""
    parts = [Partition(f"{i:05}", (str(file),)) for i, file in enumerate(files)]
    work = partial(write_keys, cfg=cfg, sources=tuple(sources))
    settings = json.dumps([cfg.bands, cfg.rows, cfg.ngram, cfg.seed, list(sources)])
    done = map_partitions(work, parts, stage, key=settings, engine=engine, what="hashing", quiet=quiet)
    return tuple(str(one.folder / KEYS) for one in done)


def write_keys(inputs: tuple[str, ...], folder: Path, *, cfg: DedupConfig, sources: tuple[str, ...]) -> dict[str, Any]:
    """Write the keys of a file of documents, and its count."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    wide = [(name, pa.uint64()) for name in (*EXACT, *cfg.names)]
    schema = pa.schema([("node", pa.uint64()), ("rank", pa.uint16()), ("quality", pa.float32()), *wide])
    n = 0
    with pq.ParquetFile(inputs[0]) as opened, _plain_writer(folder / KEYS, schema) as writer:
        columns = [name for name in ("id", "text", "source", "quality") if name in opened.schema_arrow.names]
        for batch in opened.iter_batches(BATCH, columns=columns):
            writer.write_batch(pa.record_batch(_key_columns(batch, cfg, sources), schema=schema))
            n += batch.num_rows
    return {"documents": n}


def _plain_writer(file: Path, schema: Any) -> Any:
    """Random bits neither compress nor repeat."""
    import pyarrow.parquet as pq

    return pq.ParquetWriter(file, schema, compression="none", use_dictionary=False, write_statistics=False)


def _key_columns(batch: Any, cfg: DedupConfig, sources: tuple[str, ...]) -> list[Any]:
    """The columns of KEYS for some documents; a text without words has no bands."""
    import pyarrow as pa

    from foretell.corpus.minhash import hashes

    n = batch.num_rows
    made = hashes(batch["text"], cfg.bands, cfg.rows, cfg.ngram, cfg.seed)
    order = {name: rank for rank, name in enumerate(sources)}
    named = batch["source"].to_pylist() if "source" in batch.schema.names else [""] * n
    quality = batch["quality"] if "quality" in batch.schema.names else pa.nulls(n, pa.float32())
    ranks = np.array([order.get(name, len(order)) for name in named], dtype=np.uint16)
    exact = [column(one) for one in made.exact.T]
    bands = [column(one, made.has_words) for one in made.bands.T]
    return [column(nodes_of(batch["id"])), column(ranks), quality.cast(pa.float32()), *exact, *bands]


def _write_edges(inputs: tuple[str, ...], folder: Path, *, columns: list[str], engine: EngineConfig) -> dict[str, Any]:
    """Write the edges of all groups of documents that agree in some keys."""
    from foretell.corpus.candidates import edges

    return _write_table(edges(inputs, columns, engine), folder / EDGES)


def _write_verified(
    inputs: tuple[str, ...], folder: Path, *, cfg: DedupConfig, n_keys: int, engine: EngineConfig
) -> dict[str, Any]:
    """Write the pairs that share a band and whose Jaccard index is high enough."""
    import pyarrow as pa

    from foretell.corpus.candidates import n_pairs, pairs
    from foretell.corpus.verify import alike

    keys, files = inputs[:n_keys], inputs[n_keys:]
    n = sum(n_pairs(keys, name, engine) for name in cfg.names)
    if n > MOST_PAIRS:
        remedy = f"bands={cfg.bands} of rows={cfg.rows} are too wide a net for so many documents; raise rows"
        raise BadUse(f"{n:,} pairs would be compared one by one, the most is {MOST_PAIRS:,}: {remedy}")
    every = pa.concat_tables([pairs(keys, name, engine) for name in cfg.names])
    every = every.group_by(["u", "v"]).aggregate([]).sort_by([("u", "ascending"), ("v", "ascending")])
    u, v = every["u"].to_numpy(), every["v"].to_numpy()
    return _write_table(every.filter(pa.array(alike(u, v, files, cfg.ngram, cfg.verify))), folder / EDGES)


def _write_table(table: Any, file: Path) -> dict[str, Any]:
    with _plain_writer(file, table.schema) as writer:
        writer.write_table(table)
    return {"rows": table.num_rows}
