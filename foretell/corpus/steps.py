"""The later steps of a partition: the rules and the gate, the survivors' exact text and masks, copies in that text.

Each reads a partition of the step before and writes its own. What a step must know of all documents together (the
classifier, the duplicates) it reads from a file that was made before. Decontamination is in cutting.py.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretell.corpus.clusters import ids_of, nodes_of
from foretell.corpus.corpus_config import CorpusConfig
from foretell.corpus.funnel import as_rows
from foretell.corpus.partition import Writing, each_batch, tables
from foretell.corpus.partitions import mark
from foretell.corpus.schema import DOCUMENTS

KINDS = ("kept", "exact", "fuzzy")


def judge(inputs: tuple[str, ...], folder: Path, *, cfg: CorpusConfig, raw: tuple[str, ...]) -> dict[str, Any]:
    """Rules and quality gate: inputs are a partition's documents and, where there is a gate, the classifier's settings.

    Documents of sources that are not raw are scored and never dropped.
    """
    classifier = inputs[1] if len(inputs) > 1 else ""

    def change(part: Writing, table: pa.Table) -> pa.Table:
        judged = [source in raw for source in table["source"].to_pylist()]
        if cfg.use_rules:
            table = part.sift(table, "rules", _broken_rules(table, judged, cfg))
        return _gated(part, table, cfg, raw, classifier) if classifier else table

    return {"counts": as_rows(each_batch(Path(inputs[0]).parent, folder, change))}


def _broken_rules(table: pa.Table, judged: list[bool], cfg: CorpusConfig) -> list[str]:
    from foretell.corpus.rules import reasons

    texts, languages = table["text"].to_pylist(), table["language"].to_pylist()
    rows = zip(texts, languages, judged, strict=True)
    return [reasons(text, cfg.rules, language) if is_raw else "" for text, language, is_raw in rows]


def _gated(part: Writing, table: pa.Table, cfg: CorpusConfig, raw: tuple[str, ...], classifier: str) -> pa.Table:
    """The documents with their scores, and without the raw ones that the gate keeps out."""
    from foretell.corpus.quality import keep, score

    scores = score(loaded(classifier, mark(classifier)), table["text"])
    table = with_column(table, "quality", pa.array(scores, pa.float32()))
    passed = keep(scores, table["id"].to_pylist(), alpha=cfg.quality.alpha, seed=cfg.seed)
    sources = table["source"].to_pylist()
    reasons = ["quality" if source in raw and not ok else "" for source, ok in zip(sources, passed, strict=True)]
    return part.sift(table, "quality", reasons)


@cache
def loaded(settings: str, of: str) -> Any:
    """A classifier, read once in a process; `of` is the mark of its settings, by which a new one is told."""
    from foretell.corpus.quality import load

    return load(Path(settings).parent)


def survivors(inputs: tuple[str, ...], folder: Path, *, cfg: CorpusConfig) -> dict[str, Any]:
    """Documents without duplicates, with their exact text and masked.

    Inputs: a partition's documents, the table of duplicates, the pages that the documents were taken from.
    """
    copies = copies_of(inputs[1], mark(inputs[1]))
    pages = Pages(Path(inputs[2])) if cfg.exact_text else None

    def change(part: Writing, table: pa.Table) -> pa.Table:
        table = unique(part, table, copies, cfg)
        texts = pages.exact_texts(table["id"].to_pylist()) if pages else {}
        return final_text(part, table, texts, cfg)

    return {"counts": as_rows(each_batch(Path(inputs[0]).parent, folder, change))}


def once_each(inputs: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Documents whose final text no better one has: the careful extractor and masks make texts of pages the same.

    Inputs: a partition's documents with their final text, the table of exact duplicates among those of all partitions.
    """
    copies = copies_of(inputs[1], mark(inputs[1]))

    def change(part: Writing, table: pa.Table) -> pa.Table:
        found = copies.of(table["id"])
        named = [name or before for (name, _), before in zip(found, table["cluster"].to_pylist(), strict=True)]
        table = with_column(table, "cluster", pa.array(named, pa.string()))
        return part.sift(table, "final duplicates", [_copy_of(name, how, "exact") for name, how in found])

    return {"counts": as_rows(each_batch(Path(inputs[0]).parent, folder, change))}


class Copies(NamedTuple):
    """Documents that have a copy, in order: 17 bytes each."""

    nodes: np.ndarray
    kept: np.ndarray
    """the one that is kept of each one's cluster"""
    kinds: np.ndarray
    """the place of each one's kind in KINDS"""

    def of(self, ids: pa.ChunkedArray) -> list[tuple[str, str]]:
        """Of each document the one that is kept of its cluster and how it is a copy; nothing where it has none."""
        found = [("", "")] * len(ids)
        nodes = nodes_of(ids)
        places = np.minimum(np.searchsorted(self.nodes, nodes), max(len(self.nodes) - 1, 0))
        mine = np.flatnonzero(self.nodes[places] == nodes) if len(self.nodes) else np.zeros(0, np.int64)
        kept, kinds = ids_of(self.kept[places[mine]]), self.kinds[places[mine]].tolist()
        for place, name, kind in zip(mine.tolist(), kept, kinds, strict=True):
            found[place] = (name, KINDS[kind])
        return found


@cache
def copies_of(path: str, of: str) -> Copies:
    """The table of duplicates, read once in a process; `of` is the file's mark, by which a new one is told."""
    parts = [(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.uint8))]
    for table in tables(Path(path), ["id", "cluster", "kind"]):
        kinds = pc.index_in(table["kind"], pa.array(KINDS)).to_numpy().astype(np.uint8)
        parts.append((nodes_of(table["id"]), nodes_of(table["cluster"]), kinds))
    return Copies(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def unique(part: Writing, table: pa.Table, copies: Copies, cfg: CorpusConfig) -> pa.Table:
    """The documents that are kept of their clusters, with the cluster's name."""
    for step, kind in (("exact duplicates", "exact"), ("near duplicates", "fuzzy")):
        if kind == "fuzzy" and not cfg.near_duplicates:
            continue
        table = part.sift(table, step, [_copy_of(name, how, kind) for name, how in copies.of(table["id"])])
    return with_column(table, "cluster", pa.array([name for name, _ in copies.of(table["id"])], pa.string()))


def _copy_of(kept: str, how: str, kind: str) -> str:
    words = {"exact": "the same text as another", "fuzzy": "nearly the text of another"}
    return f"{words[kind]}: {kept}" if how == kind else ""


class Pages:
    """The pages of a partition, read as far as the documents are: they lie in the documents' order."""

    def __init__(self, file: Path) -> None:
        self.left = Counter(one for table in tables(file, ["id"]) for one in table["id"].to_pylist())
        self.next = _pages(file)

    def exact_texts(self, ids: Sequence[str]) -> dict[str, str]:
        """The careful extractor's text of each document that has a page and was not asked for before."""
        from foretell.corpus.extract import exact_text

        found: dict[str, str] = {}
        wanted = {one for one in ids if self.left[one]}
        while len(found) < len(wanted):
            name, html = next(self.next)
            self.left[name] -= 1
            if name in wanted:
                found[name] = exact_text(html)
        return found


def _pages(file: Path) -> Iterator[tuple[str, str]]:
    for table in tables(file):
        yield from zip(table["id"].to_pylist(), table["html"].to_pylist(), strict=True)


def final_text(part: Writing, table: pa.Table, pages: dict[str, str], cfg: CorpusConfig) -> pa.Table:
    """The documents with the careful extractor's text where there is a page, masked where that is asked for."""
    texts = [
        pages.get(name) or text for name, text in zip(*(table[c].to_pylist() for c in ("id", "text")), strict=True)
    ]
    if cfg.mask_pii:
        from foretell.corpus.pii import masked

        sources = table["source"].to_pylist()
        for i, source in enumerate(sources):
            texts[i], found = masked(texts[i])
            for kind, n in found.items():
                part.counts[source, "exact text", f"masked {kind}"] += n
    table = with_column(table, "text", pa.array(texts, pa.string()))
    return part.sift(table, "exact text", ["" if text.strip() else "no text" for text in texts])


def with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The table with one column replaced."""
    return table.set_column(table.schema.get_field_index(name), DOCUMENTS.field(name), values)
