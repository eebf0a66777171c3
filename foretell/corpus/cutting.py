"""Decontamination as steps: the index of the evaluation sets, counts of every partition and of all, what is cut.

    index/       the n-grams of the evaluation sets (decontaminate.py)
    counts.npy   documents that hold each of them
    dirty.npy    which documents of a partition hold any
    hits.parquet document, evaluation_set, item, start, snippet, ignored: every match, cut or not

A document that falls into pieces goes on as so many documents: the first keeps the id, the others have one that follows
from it. In the counts it is one document that is left, of so many pieces.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus.decontaminate import Cleaned, DecontaminateConfig, Index, build, clean, load, save, scan
from foretell.corpus.decontaminate import too_short as without_ngram
from foretell.corpus.evaluation_text import read_sets
from foretell.corpus.funnel import CUTS, as_rows, keep
from foretell.corpus.partition import Writing, batches, each_batch
from foretell.corpus.partitions import mark
from foretell.corpus.schema import DOCUMENTS, document_id

INDEX, COUNTS, DIRTY, HITS = "index.json", "counts.npy", "dirty.npy", "hits.parquet"
HIT_COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("document", "evaluation_set", "item")),
        ("start", pa.int64()),
        ("snippet", pa.string()),
        ("ignored", pa.bool_()),
    ]
)
"""`start` is in characters of the document before anything was cut"""


def write_index(inputs: tuple[str, ...], folder: Path, *, cfg: DecontaminateConfig) -> Mapping[str, Any]:
    """Write the index of evaluation files; how many items each set has, and how many have too few words to search."""
    items = read_sets(inputs)
    index = build(items, cfg)
    save(index, folder)
    short, sizes = without_ngram(index), Counter(item.set for item in items)
    sets = [{"set": name, "items": n, "too_short": short.get(name, 0)} for name, n in sizes.items()]
    return {"sets": sets, "ngrams": len(index.hashes)}


def count_matches(inputs: tuple[str, ...], folder: Path) -> Mapping[str, Any]:
    """Write how many documents of a partition hold each n-gram, and which hold any. Inputs: documents, index."""
    index = loaded(inputs[1], mark(inputs[1]))
    counts, dirty = np.zeros(len(index.hashes), dtype=np.int64), [np.zeros(0, dtype=bool)]
    for table in batches(Path(inputs[0]).parent, ["text"]):
        found = scan(index, table["text"])
        counts += found.counts
        dirty.append(found.dirty)
    np.save(folder / COUNTS, counts, allow_pickle=False)
    np.save(folder / DIRTY, np.concatenate(dirty), allow_pickle=False)
    return {}


def add_counts(inputs: tuple[str, ...], folder: Path) -> Mapping[str, Any]:
    """Write the sum of the counts of all partitions."""
    np.save(folder / COUNTS, np.sum([np.load(file) for file in inputs], axis=0), allow_pickle=False)
    return {}


def cut_matches(inputs: tuple[str, ...], folder: Path, *, cfg: DecontaminateConfig) -> dict[str, Any]:
    """Write a partition without text of the evaluation sets. Inputs: documents, index, counts, dirty ones."""
    index, counts = loaded(inputs[1], mark(inputs[1])), np.load(inputs[2], allow_pickle=False)
    dirty, found, first = np.load(inputs[3], allow_pickle=False), Counter[tuple[str, str]](), 0
    with pq.ParquetWriter(folder / HITS, HIT_COLUMNS, compression="zstd") as hits:

        def change(part: Writing, table: pa.Table) -> pa.Table:
            nonlocal first
            mine = dirty[first : first + len(table)]
            first += len(table)
            cleaned = clean(index, counts, table["id"].to_pylist(), table["text"], cfg, mine)
            rows = [hit._asdict() for one in cleaned for hit in one.hits]
            hits.write_table(pa.Table.from_pylist(rows, schema=HIT_COLUMNS))
            for one in cleaned:
                found.update({(hit.evaluation_set, "ignored" if hit.ignored else "cut") for hit in one.hits})
            return without_matches(part, table, cleaned)

        counted = each_batch(Path(inputs[0]).parent, folder, change)
    rows = [[*key, n] for key, n in sorted(found.items())]
    return {"counts": as_rows(counted), "documents_hit": rows}


def without_matches(part: Writing, table: pa.Table, cleaned: list[Cleaned]) -> pa.Table:
    """The pieces of documents as they were cleaned; those of which nothing is left are written as dropped."""
    both = list(zip(table.to_pylist(), cleaned, strict=True))
    part.drop(CUTS, [_lost(row, one.reason) for row, one in both if one.reason])
    for row, one in both:
        if one.pieces:
            keep(part.counts, row["source"], CUTS, [sum(len(piece.encode()) for piece in one.pieces)])
            part.counts[row["source"], CUTS, "pieces"] += len(one.pieces)
    return pa.Table.from_pylist([piece for row, one in both for piece in _pieces(row, one)], schema=DOCUMENTS)


def _lost(row: dict[str, Any], reason: str) -> dict[str, str]:
    return {"id": row["id"], "url": row["url"], "source": row["source"], "reason": reason, "excerpt": row["text"]}


def _pieces(row: dict[str, Any], one: Cleaned) -> Iterator[dict[str, Any]]:
    for number, piece in enumerate(one.pieces):
        yield {**row, "id": document_id(row["id"], str(number)) if number else row["id"], "text": piece}


@cache
def loaded(file: str, of: str) -> Index:
    """An index, read once in a process; `of` is the file's mark, by which a new one is told."""
    return load(Path(file).parent)
