"""The one pipeline: sources -> pages -> gate -> duplicates -> exact text -> decontamination -> a corpus.

    .NAME.work/    the partitions of every step while a corpus is made; a command that was stopped goes on from them
    NAME/          documents-00000.parquet ...  dropped.parquet  card.json  README.md  quality/

A step is done partition by partition through the engine, which does none twice (engine.py). A partition follows from
its inputs and its settings alone, so that neither the number of workers, nor the runner, nor a kill and a second start
changes a byte of the corpus.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foretell.config import dump
from foretell.corpus.card import Card, counted, markdown
from foretell.corpus.corpus_config import CorpusConfig, SourceConfig
from foretell.corpus.documents import CARD, PARTS
from foretell.corpus.engine import EngineConfig, map_partitions
from foretell.corpus.funnel import Counts, from_rows, nothing_read
from foretell.corpus.pages import Part, parts_of, read_pages
from foretell.corpus.partition import KEPT, LOST, PAGES, tables
from foretell.corpus.partitions import Finished, Partition, Work
from foretell.corpus.reading import files_of
from foretell.corpus.schema import DOCUMENTS, DROPPED
from foretell.corpus.steps import judge, survivors
from foretell.errors import BadUse
from foretell.progress import bar
from foretell.runs import read_json, sha256, whole_folder
from foretell.version import VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """Where a corpus is made and by how many; nothing of it shows in the corpus."""

    out: Path
    engine: EngineConfig = EngineConfig()
    quiet: bool = False

    @property
    def scratch(self) -> Path:
        """Where the steps' partitions are until the corpus is whole."""
        return self.out.with_name(f".{self.out.name}.work")

    def step(self, name: str, work: Work, partitions: Sequence[Partition], key: str) -> list[Finished]:
        """A step's partitions, all done."""
        where = self.scratch / name
        return map_partitions(work, partitions, where, key=key, engine=self.engine, what=name, quiet=self.quiet)


class Flow:
    """A corpus in the making: its partitions as the last step left them, and all counts and drops so far."""

    def __init__(self, parts: list[Part], first: list[Finished]) -> None:
        self.parts, self.first, self.last = parts, first, first
        self.counts: Counts = Counts()
        self.lost: list[Path] = []
        self.add(first)

    def add(self, done: list[Finished]) -> None:
        """Take over what a step has done."""
        self.last = done
        for one in done:
            self.counts.update(from_rows(one.result["counts"]))
            self.lost.append(one.folder / LOST)

    @property
    def documents(self) -> list[str]:
        """The files that hold the documents now."""
        return [str(one.folder / KEPT) for one in self.last]

    def narrowed(self, parts: list[Part]) -> "Flow":
        """The same without the partitions of other sources: examples leave when they have taught."""
        names = {part.source for part in parts}
        kept = [(part, one) for part, one in zip(self.parts, self.first, strict=True) if part.source in names]
        return Flow([part for part, _ in kept], [one for _, one in kept])


def make_corpus(cfg: CorpusConfig, making: Making) -> Card:
    """The card of the corpus, made, gone on with, or found finished.

    BadUse if another corpus lies there, if a source gives nothing, or if nothing is left at the end.
    """
    check(cfg)
    parts = [part for source in (*cfg.kept, *cfg.of("positive", "negative")) for part in parts_of(source)]
    identity = identity_of(cfg, parts)
    if making.out.exists():
        return found_finished(making.out, identity)
    links = linked_pages(cfg, making)
    flow = pages(cfg, making, parts, links)
    flow, quality = judged(cfg, making, flow)
    flow, duplicates = without_copies(cfg, making, flow)
    flow, hits = decontaminated(cfg, making, flow)
    card = assembled(cfg, making, flow, identity, {"quality": quality, "duplicates": duplicates, "evaluation": hits})
    shutil.rmtree(making.scratch, ignore_errors=True)
    return card
