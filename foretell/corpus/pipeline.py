"""The one pipeline: sources -> pages -> gate -> duplicates -> exact text -> decontamination -> a corpus.

    .NAME.work/    the partitions of every step while a corpus is made; a command that was stopped goes on from them
    NAME/          documents-00000.parquet ...  dropped.parquet  hits.parquet  card.json  README.md  quality/

A step is done partition by partition through the engine, which does none twice (engine.py). A partition follows from
its inputs and its settings alone, so that neither the number of workers, nor the runner, nor a kill and a second start
changes a byte of the corpus.
"""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from foretell.corpus.assemble import assembled, check_outside, check_room, found_finished, identity_of
from foretell.corpus.card import Card
from foretell.corpus.certifying import certify
from foretell.corpus.corpus_config import CorpusConfig, SourceConfig
from foretell.corpus.cutting import COUNTS, DIRTY, HITS, INDEX, add_counts, count_matches, cut_matches, write_index
from foretell.corpus.dedup import duplicates, final_duplicates
from foretell.corpus.engine import EngineConfig, map_partitions
from foretell.corpus.evaluation_text import set_files
from foretell.corpus.followed import LINKS_FILE, merge_links, pages_downloaded, write_links
from foretell.corpus.funnel import Counts, from_rows, nothing_read
from foretell.corpus.pages import Part, parts_of, read_pages
from foretell.corpus.partition import KEPT, LOST, PAGES
from foretell.corpus.partitions import Finished, Partition, Work, done_here, mark
from foretell.corpus.prepare import prepare_tokens
from foretell.corpus.quality import SETTINGS
from foretell.corpus.reading import files_of, version_of
from foretell.corpus.steps import judge, once_each, survivors
from foretell.corpus.teaching import teach
from foretell.corpus.tokens import CARD
from foretell.errors import BadUse
from foretell.runs import alone, read_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """Where a corpus is made and by how many; nothing of it shows in the corpus."""

    out: Path
    engine: EngineConfig = field(default_factory=EngineConfig)
    quiet: bool = False

    @property
    def scratch(self) -> Path:
        """Where the steps' partitions are until the corpus is whole."""
        return self.out.with_name(f".{self.out.name}.work")

    def step(self, name: str, work: Work, partitions: Sequence[Partition], key: object) -> list[Finished]:
        """A step's partitions, all done; `key` holds the settings that they follow from."""
        where, said = self.scratch / name, json.dumps(key)
        return map_partitions(work, partitions, where, key=said, engine=self.engine, what=name, quiet=self.quiet)

    def once(self, name: str, work: Work, inputs: Sequence[str], key: object) -> Finished:
        """A step that is one piece of work, done in this process."""
        return done_here(work, self.scratch / name, Partition("all", tuple(inputs)), json.dumps(key))


class Flow:
    """A corpus in the making: its partitions as the last step left them, and all counts and drops so far.

    `sources` are those whose documents can enter the corpus; what was read of others is for the classifier alone.
    """

    def __init__(self, read: Sequence[tuple[Part, Finished]], sources: Sequence[SourceConfig]) -> None:
        names = [source.name for source in sources]
        self.read = read
        self.first = self.last = [one for part, one in read if part.source in names]
        self.counts: Counts = Counter()
        self.lost: list[Path] = []
        self.hits: list[Path] = []
        self.told: dict[str, Any] = {}
        self.add(self.first)

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


def make_corpus(cfg: CorpusConfig, making: Making) -> Card:
    """The card of the corpus, made, gone on with, or found finished.

    BadUse if something else lies there, if a source gives nothing, or if nothing is left at the end.
    """
    if not cfg.of("raw", "curated", "links"):
        raise BadUse("no source is named; give a folder, a file or hf:DATASET")
    check_outside(cfg, making.out)
    identity = identity_of(cfg)
    if making.out.exists():
        shutil.rmtree(making.scratch, ignore_errors=True)  # where an earlier call was killed at its very end
        return found_finished(making.out, identity, cfg)
    check_room(making.out, making.scratch)
    with alone(making.scratch / "lock", f"another process works in {making.scratch}"):
        card = made(with_teacher(cfg), making, identity)
    shutil.rmtree(making.scratch, ignore_errors=True)
    return card


def made(cfg: CorpusConfig, making: Making, identity: dict[str, Any]) -> Card:
    """The card of the corpus after all its steps."""
    cfg, links, followed, unread = linked(cfg, making)
    flow = read(cfg, making, links)
    flow.told["links"] = followed
    flow.lost[:0] = unread
    judged(cfg, making, flow)
    without_copies(cfg, making, flow)
    if cfg.evaluation:
        decontaminated(cfg, making, flow)
    return assembled(cfg, making.out, flow, identity)


def linked(cfg: CorpusConfig, making: Making) -> tuple[CorpusConfig, str, dict[str, Any], list[Path]]:
    """The config with the pages of its links as a source, the table of links, what is told of them, what was broken."""
    if not cfg.of("links"):
        return cfg, "", {}, []
    parts = [part for source in cfg.of("links") for part in parts_of(source)]
    pieces = [Partition(f"{i:05}", (part.path,)) for i, part in enumerate(parts)]
    work = partial(write_links, min_karma=cfg.links.min_karma)
    done = making.step("links", work, pieces, cfg.links.min_karma)
    found = making.once("all links", merge_links, [str(one.folder / LINKS_FILE) for one in done], "")
    table, n = found.folder / LINKS_FILE, found.result["links"]
    told: dict[str, Any] = {"links": n, "passed_over": _summed(done), "broken": sum(d.result["broken"] for d in done)}
    if not n:
        raise BadUse(f"no post has a link of {cfg.links.min_karma} karma or more; lower --links.min-karma")
    if cfg.links.download and not cfg.of("raw"):
        where = making.out.with_name(f"{making.out.name}-pages")
        told["downloaded"] = pages_downloaded(table, where, quiet=making.quiet)
        cfg = replace(cfg, sources=(*cfg.sources, SourceConfig(name="pages", paths=(str(where),))))
    if not cfg.of("raw"):
        remedy = "add a WARC file or a folder of pages, or --links.download to fetch them"
        raise BadUse(f"{n:,} links are worth following, but no source holds their pages; {remedy}")
    return cfg, str(table), told, [one.folder / LOST for one in done]


def _summed(done: Sequence[Finished]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in done:
        total.update(one.result["passed_over"])
    return dict(sorted(total.items()))


def read(cfg: CorpusConfig, making: Making, links: str) -> Flow:
    """Every part of every source read for the first time; BadUse for a source that gives no document."""
    sources = (*cfg.kept, *cfg.of("positive", "negative"))
    parts = [part for source in sources for part in parts_of(source)]
    table = [links] if links else []
    pieces = [
        Partition(f"{i:05}", (json.dumps(asdict(part)), *table, *files_of(part.path)), version_of(part.path))
        for i, part in enumerate(parts)
    ]
    key = [asdict(cfg.links), asdict(cfg.language), cfg.exact_text]
    done = making.step("read", partial(read_pages, cfg=cfg, links=links), pieces, key)
    counts = sum((from_rows(one.result["counts"]) for one in done), Counter())
    for source in sources:
        files = [one.folder / LOST for part, one in zip(parts, done, strict=True) if part.source == source.name]
        if why := nothing_read(counts, source.name, files):
            raise BadUse(f"source {source.name!r} gives no document: {why}; give it other files, or leave it out")
    return Flow(list(zip(parts, done, strict=True)), cfg.kept)


def tokens_of(cfg: CorpusConfig, making: Making) -> dict[str, Any]:
    """The card of the token folder beside a corpus that is made, found or made now; its path is under `folder`."""
    kind, n_vocab = cfg.tokens.kind, cfg.tokens.n_vocab
    folder = prepare_tokens(str(making.out), kind, n_vocab, making.out.parent, engine=making.engine, quiet=making.quiet)
    return {"folder": folder.name, **read_json(folder / CARD)}


def with_teacher(cfg: CorpusConfig) -> CorpusConfig:
    """The config with the default for good examples, where there is a gate and no source gives any."""
    if not cfg.quality.alpha or cfg.teachers("positive"):
        return cfg
    default = SourceConfig(name="good examples", paths=(cfg.quality.positive,), role="positive")
    return replace(cfg, sources=(*cfg.sources, default))


def judged(cfg: CorpusConfig, making: Making, flow: Flow) -> None:
    """The heuristic rules and the quality gate, on raw documents."""
    if not cfg.use_rules and not cfg.quality.alpha:
        return
    classifier = taught(cfg, making, flow) if cfg.quality.alpha else ()
    raw = tuple(source.name for source in cfg.of("raw"))
    pieces = [Partition(one.folder.name, (str(one.folder / KEPT), *classifier)) for one in flow.last]
    key = [cfg.use_rules, asdict(cfg.rules), mark(cfg.rules.bad_words), raw, cfg.quality.alpha, cfg.seed]
    flow.add(making.step("judge", partial(judge, cfg=cfg, raw=raw), pieces, key))


def taught(cfg: CorpusConfig, making: Making, flow: Flow) -> tuple[str]:
    """The file that tells of the classifier, which is trained on documents as they were read."""
    files: dict[str, list[str]] = {"positive": [], "negative": []}
    for label, found in files.items():
        names = {source.name for source in cfg.teachers(label)}  # type: ignore[arg-type]
        found += [str(one.folder / KEPT) for part, one in flow.read if part.source in names]
    if not files["negative"]:
        raise BadUse("the quality gate has no raw documents to learn from; give a source, or --quality.alpha 0")
    how = {"n_positive": len(files["positive"]), "most": cfg.quality.most_examples, "seed": cfg.seed}
    done = making.once(
        "classifier",
        partial(teach, n_positive=how["n_positive"], most=how["most"], seed=how["seed"], alpha=cfg.quality.alpha),
        [*files["positive"], *files["negative"]],
        {**how, "alpha": cfg.quality.alpha},
    )
    flow.told["quality"] = {**done.result, "alpha": cfg.quality.alpha}
    flow.told["classifier"] = done.folder
    return (str(done.folder / SETTINGS),)


def without_copies(cfg: CorpusConfig, making: Making, flow: Flow) -> None:
    """Exact and near duplicates gone, the survivors' text extracted with care and masked."""
    ranked, stage = [source.name for source in cfg.kept], making.scratch / "duplicates"
    near, engine = cfg.near_duplicates, making.engine
    if near and cfg.certificate:
        flow.told["certificate"] = certified(cfg, making, flow)
    copies = duplicates(flow.documents, stage, cfg.dedup, engine=engine, sources=ranked, near=near, quiet=making.quiet)
    pieces = [
        Partition(last.folder.name, (str(last.folder / KEPT), str(copies), str(first.folder / PAGES)))
        for first, last in zip(flow.first, flow.last, strict=True)
    ]
    key = [cfg.exact_text, cfg.mask_pii, near]
    flow.add(making.step("survivors", partial(survivors, cfg=cfg), pieces, key))
    if cfg.mask_pii or any(pq.read_metadata(first.folder / PAGES).num_rows for first in flow.first):
        stage = making.scratch / "final duplicates"
        again = final_duplicates(flow.documents, stage, engine=engine, sources=ranked, quiet=making.quiet)
        pieces = [Partition(one.folder.name, (str(one.folder / KEPT), str(again))) for one in flow.last]
        flow.add(making.step("once each", once_each, pieces, ""))


def certified(cfg: CorpusConfig, making: Making, flow: Flow) -> dict[str, Any]:
    """How many near duplicates are found of those planted in a sample of the documents."""
    work = partial(certify, cfg=cfg.dedup, most=cfg.certificate, seed=cfg.seed)
    return making.once("certificate", work, flow.documents, [asdict(cfg.dedup), cfg.certificate, cfg.seed]).result


def decontaminated(cfg: CorpusConfig, making: Making, flow: Flow) -> None:
    """Text of the evaluation sets cut out: found in every partition, counted over all, then cut."""
    rules = asdict(cfg.decontaminate)
    marks = [mark(str(file)) for path in cfg.evaluation for _, file in set_files(Path(path))]
    done = making.once("index", partial(write_index, cfg=cfg.decontaminate), cfg.evaluation, [rules, marks])
    index = str(done.folder / INDEX)
    pieces = [Partition(one.folder.name, (str(one.folder / KEPT), index)) for one in flow.last]
    matches = [one.folder for one in making.step("matches", count_matches, pieces, "")]
    whole = str(making.once("all matches", add_counts, [str(one / COUNTS) for one in matches], "").folder / COUNTS)
    pieces = [
        Partition(one.folder.name, (str(one.folder / KEPT), index, whole, str(found / DIRTY)))
        for one, found in zip(flow.last, matches, strict=True)
    ]
    cut = making.step("decontaminate", partial(cut_matches, cfg=cfg.decontaminate), pieces, rules)
    flow.add(cut)
    flow.told["decontamination"] = {**done.result, "sets": _hit(done.result["sets"], cut)}
    flow.hits = [one.folder / HITS for one in cut]


def _hit(sets: list[dict[str, Any]], cut: list[Finished]) -> list[dict[str, Any]]:
    """Each evaluation set with the documents that hold text of it, cut or ignored as a common phrase."""
    found: Counter[tuple[str, str]] = Counter()
    for one in cut:
        found.update({(name, how): n for name, how, n in one.result["documents_hit"]})
    return [{**row, "cut": found[row["set"], "cut"], "ignored": found[row["set"], "ignored"]} for row in sets]
