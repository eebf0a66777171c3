"""The last step: partitions to a corpus folder with its card, written whole; and whether it is there already."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from foretell.config import dump
from foretell.corpus.card import Card, counted, markdown, shown
from foretell.corpus.corpus_config import CorpusConfig
from foretell.corpus.cutting import HIT_COLUMNS, HITS
from foretell.corpus.documents import CARD
from foretell.corpus.evaluation_text import set_files
from foretell.corpus.funnel import Counts
from foretell.corpus.partition import KEPT, LOST, tables
from foretell.corpus.partitions import Finished
from foretell.corpus.reading import files_of, parts, version_of
from foretell.corpus.schema import DROPPED
from foretell.errors import BadUse, Failed
from foretell.runs import read_json, sha256, whole_folder, write_whole
from foretell.version import VERSION

BLOCK = 65536  # bytes


class Made(Protocol):
    """What the steps have come to."""

    last: list[Finished]
    lost: list[Path]
    hits: list[Path]
    counts: Counts
    told: dict[str, Any]


def identity_of(cfg: CorpusConfig) -> dict[str, Any]:
    """What the documents of a corpus follow from: the config, and the sources' files without the folders above them.

    Weights, epochs and the budget are no part of it: they are the card's alone, and can be changed. Of a file its name,
    its size and 192 kB of its content count: hashing all of a crawl would take as long as reading it.
    """
    sources = tuple(replace(one, paths=tuple(map(shown, one.paths)), weight=0, epochs=0) for one in cfg.sources)
    evaluation = tuple(map(shown, cfg.evaluation))
    quality = replace(cfg.quality, positive=shown(cfg.quality.positive))
    rules = replace(cfg.rules, bad_words=shown(cfg.rules.bad_words))
    config = json.loads(dump(replace(cfg, sources=sources, evaluation=evaluation, quality=quality, rules=rules)))
    for name in ("tokens", "raw_share", "budget"):
        del config[name]
    sizes = hashlib.sha256()
    examples = [cfg.quality.positive] if cfg.quality.alpha and not cfg.teachers("positive") else []
    for path in (*(path for source in cfg.sources for path in source.paths), *examples):
        files = [Path(file) for part in parts(path) for file in files_of(part)]
        sizes.update(b"".join(map(_mark_of, files)) + version_of(path).encode())
    for path in cfg.evaluation:
        sizes.update(b"".join(_mark_of(file) for _, file in set_files(Path(path))))
    if cfg.rules.bad_words and Path(cfg.rules.bad_words).is_file():  # the rules tell where there is none
        sizes.update(_mark_of(Path(cfg.rules.bad_words)))
    return {"config": config, "inputs": sizes.hexdigest()[:16]}


def _mark_of(file: Path) -> bytes:
    """The name and the size of a file, and a hash of its beginning, its middle and its end."""
    size, told = file.stat().st_size, hashlib.sha256()
    with file.open("rb") as opened:
        for place in (0, size // 2, max(size - BLOCK, 0)):
            opened.seek(place)
            told.update(opened.read(BLOCK))
    return f"{file.name} {size} {told.hexdigest()}\n".encode("utf-8", "surrogatepass")


def found_finished(folder: Path, identity: dict[str, Any], cfg: CorpusConfig) -> Card:
    """The card of a corpus that is there, with the mixture asked now.

    BadUse if it is another one, with the first setting that differs.
    """
    remedy = "give another --out, or remove it"
    if not (folder / CARD).exists():
        raise BadUse(f"{folder} is there and is no corpus; {remedy}")
    card: Card = read_json(folder / CARD)
    if not isinstance(card, dict) or not isinstance(card.get("config"), dict):
        raise BadUse(f"{folder} holds something else than a corpus of foretell corpus; {remedy}")
    there, here = _leaves(card["config"]), _leaves(identity["config"])
    for name in sorted(there.keys() | here.keys()):
        if there.get(name) != here.get(name):
            values = f"{name} is {there.get(name)} there, {here.get(name)} here"
            raise BadUse(f"{folder} is another corpus: {values}; {remedy}")
    if card.get("inputs") != identity["inputs"]:
        raise BadUse(f"{folder} was made when its sources had other files; {remedy}")
    asked = asked_of(cfg, card)
    if any(card.get(name) != value for name, value in asked.items()):
        card |= asked
        write_whole(folder / CARD, json.dumps(card, indent=1) + "\n")
        write_whole(folder / "README.md", markdown(card, folder.name))
    return card


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = ((str(i), one) for i, one in enumerate(value))  # type: ignore[assignment]
    else:
        return {path: value}
    return {k: v for name, one in pairs for k, v in _leaves(one, f"{path}.{name}".lstrip(".")).items()}


def check_outside(cfg: CorpusConfig, folder: Path) -> None:
    """BadUse where a corpus would lie within one of its own sources, and be read as text the next time."""
    for path in (path for source in cfg.sources for path in source.paths):
        if folder.resolve().is_relative_to(Path(path).resolve()) and Path(path).is_dir():
            raise BadUse(f"{folder} lies in the source {path}; give an --out outside of it")


def check_room(folder: Path, scratch: Path) -> None:
    """Make the scratch folder, which lies beside the corpus; Failed where that cannot be."""
    try:
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failed(f"cannot write {folder}: {error.strerror or error}") from error


def assembled(cfg: CorpusConfig, out: Path, made: Made, identity: dict[str, Any]) -> Card:
    """The card, after the folder is written: documents of every partition that has some, what was dropped, the card."""
    card: Card = {"kind": "corpus", "recipe": cfg.recipe, "version": VERSION} | counted(made.counts, cfg)
    card |= asked_of(cfg, card)
    if not card["n_documents"]:
        gone = ", ".join(f"{n:,} {reason}" for reason, n in list(card["dropped"].items())[:5])
        raise BadUse(
            f"nothing is left of {card['funnel'][0]['in']:,} records ({gone}); keep more, or give other sources"
        )
    with whole_folder(out) as aside:
        kept = [one.folder / KEPT for one in made.last]
        for number, file in enumerate(file for file in kept if pq.read_metadata(file).num_rows):
            shutil.copyfile(file, aside / f"documents-{number:05}.parquet")
        write_joined(made.lost, aside / LOST, DROPPED)
        if made.hits:
            write_joined(made.hits, aside / HITS, HIT_COLUMNS)
        if "classifier" in made.told:
            shutil.copytree(made.told["classifier"], aside / "quality", ignore=shutil.ignore_patterns("done.json"))
        card |= {name: value for name, value in made.told.items() if name != "classifier"} | identity
        files = sorted(file for file in aside.rglob("*") if file.is_file())
        card["sha256"] = {file.relative_to(aside).as_posix(): sha256(file) for file in files}
        card["source"] = hashlib.sha256(json.dumps(_documents(card["sha256"])).encode()).hexdigest()
        (aside / "README.md").write_text(markdown(card, out.name), encoding="utf-8")
        (aside / CARD).write_text(json.dumps(card, indent=1) + "\n")
    return card


def _documents(hashes: dict[str, str]) -> list[str]:
    return [digest for name, digest in sorted(hashes.items()) if name.startswith("documents-")]


def write_joined(files: Iterable[Path], into: Path, schema: pa.Schema) -> None:
    """Write the rows of several files as one, in order."""
    with pq.ParquetWriter(into, schema, compression="zstd") as writer:
        for file in files:
            for table in tables(file):
                writer.write_table(table.cast(schema))


def asked_of(cfg: CorpusConfig, card: Card) -> Card:
    """What the corpus asks of the mixture of its sources (mixing.py): nothing where it has one and was asked nothing.

    Raw sources without a share have `raw_share` together, by their bytes, where a curated one has none either. Where
    all curated ones have a share, the raw ones have the rest.
    """
    weights = {source.name: source.weight for source in cfg.kept if source.weight}
    epochs = {source.name: source.epochs for source in cfg.kept if source.epochs}
    left = {row["source"]: row["bytes"] for row in card["sources"]}
    if gone := [name for name in (*weights, *epochs) if not left[name]]:
        raise BadUse(f"source {gone[0]!r} has a share of the mixture and no document left; leave it out, or keep more")
    given = {**weights, **epochs}
    raw = [one for one in cfg.of("raw") if left[one.name]]
    free = [one for one in cfg.of("curated") if left[one.name] and one.name not in given]
    if raw and free and not any(source.name in given for source in raw):
        total = sum(left[source.name] for source in raw)
        if cfg.raw_share + sum(weights.values()) < 1:  # something is left for the free ones
            weights |= {source.name: cfg.raw_share * left[source.name] / total for source in raw}
    many = sum(1 for n in left.values() if n) > 1
    return {"weights": weights, "epochs": epochs, "budget": cfg.budget} if weights or epochs or many else {}
