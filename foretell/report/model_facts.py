"""What the folders of a model tell of it: its run, its corpus, its evaluations and audits. Nothing is measured here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretell.corpus.documents import CARD
from foretell.errors import BadUse
from foretell.eval.results import EVALUATION, RESULTS, fingerprint
from foretell.exchange.folder import Loaded
from foretell.generate.model import Model
from foretell.runs import read_json, sha256
from foretell.train.folder import CONFIG, LINEAGE

Json = dict[str, Any]
SUBJECTS = ("task", "text", "exam", "name", "origin")
"""fields of which the first tells what a row of results is about"""
NO_MEASURE = ("norms", "paper", "baselines", "baseline", "copy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A measured value, what it is of and by which measure; a bound that JSON could not hold is None."""

    of: str
    what: str
    value: float
    low: float | None
    high: float | None
    n: int
    chance: float | None = None
    """what a blind guess gives, where the results tell it"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """What an evaluation or an audit found."""

    name: str
    is_audit: bool
    figures: tuple[Figure, ...]
    said: tuple[str, ...] = ()
    """sentences that must be read with the figures"""
    groups: tuple[str, ...] = ()
    """of people, that it tells apart"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything that a model card tells, but for the network. What no folder tells is empty."""

    name: str
    config: Json
    lineage: Json
    corpus: Json
    results: tuple[Results, ...]


def facts_of(source: str, loaded: Loaded, folders: Sequence[Path]) -> Facts:
    """The facts of a model: of the run that it lies in, of that run's corpus, and of what is in `folders` of results.

    BadUse if a folder holds no results of these weights: those of another model are never told of this one.
    """
    run = loaded.folder.parent if (loaded.folder.parent / LINEAGE).is_file() else loaded.folder
    config, lineage = (read_json(run / name) if (run / LINEAGE).is_file() else {} for name in (CONFIG, LINEAGE))
    whose = fingerprint(Model(loaded.network, loaded.tokenizer)) if folders and loaded.tokenizer else ""
    found = [one for folder in folders for one in results_in(folder, whose)]
    name = run.name if lineage else Path(source.removeprefix("hf:")).name
    return Facts(
        name=name,
        config=config,
        lineage=lineage,
        corpus=corpus_of(config, lineage),
        results=tuple(dict.fromkeys(found)),
    )


def corpus_of(config: Json, lineage: Json) -> Json:
    """The card of the corpus that a run was trained on; empty where it is not there or is another by now."""
    path = Path(config.get("data", {}).get("folder") or "none") / CARD
    known = lineage.get("parents", {}).get("data")
    return dict(read_json(path)) if known and path.is_file() and sha256(path) == known else {}


def results_in(folder: Path, whose: str) -> list[Results]:
    """What a folder, and those in it, hold of the model with this fingerprint; BadUse if nothing."""
    if not folder.is_dir():
        raise BadUse(f"{folder} is no folder; give one that foretell eval or foretell audit wrote")
    mine = [path.parent for path in sorted(folder.rglob(EVALUATION)) if read_json(path).get("model") == whose]
    found = [one for each in mine for one in [*evaluation_in(each), *audits_in(each)]]
    if not found:
        rule = "a card tells only what was measured of these very weights"
        raise BadUse(f"{folder} holds no results of this model: {rule}; give what foretell eval or audit wrote of it")
    return found


def evaluation_in(folder: Path) -> Iterator[Results]:
    """What `foretell eval` wrote, if it did."""
    if (folder / RESULTS).is_file():
        told, found = read_json(folder / EVALUATION), read_json(folder / RESULTS)
        control = ", labels of the examples drawn at random" if told.get("labels") == "shuffled" else ""
        figures = figures_in(found, of=told["suite"], what="")
        yield Results(name=f"{told['suite']}{control}", is_audit=False, figures=tuple(figures))


def audits_in(folder: Path) -> Iterator[Results]:
    """What `foretell audit` wrote."""
    for path in sorted(folder.glob("*.json")):
        found = read_json(path)
        if path.name not in (EVALUATION, RESULTS) and isinstance(found, dict) and path.stem == found.get("audit"):
            figures = [
                Figure(of=path.stem, what=what, **{name: one[name] for name in ("value", "low", "high", "n")})
                for what, one in found["figures"].items()
                if one["value"] is not None
            ]
            said = tuple(found.get("said") or ())
            yield Results(name=path.stem, is_audit=True, figures=tuple(figures), said=said, groups=groups_in(found))


def groups_in(found: Json) -> tuple[str, ...]:
    """The groups that the rows of an audit name."""
    tables = [found.get("rows") or [], *(found.get("tables") or {}).values()]
    return tuple(dict.fromkeys(str(row["group"]) for rows in tables for row in rows if row.get("group")))


def figures_in(node: Any, of: str, what: str, chance: float | None = None) -> Iterator[Figure]:
    """Every measured value in results: a mapping with `value` or `mean`, `low`, `high` and `n`."""
    if isinstance(node, list):
        for row in node:
            if isinstance(row, Mapping):
                of_row = next((str(row[name]) for name in SUBJECTS if isinstance(row.get(name), str)), of)
                yield from figures_in(row, of_row, what)
    elif isinstance(node, Mapping):
        chance = node.get("random", chance)
        value = node.get("value", node.get("mean"))
        if is_number(value) and is_number(node.get("n")) and {"low", "high"} <= node.keys():
            bounds = {name: float(node[name]) if is_number(node[name]) else None for name in ("low", "high")}
            measured = what or measure_of(node)
            yield Figure(of=of, what=measured, value=float(value), n=int(node["n"]), chance=chance, **bounds)
        for name, child in node.items():
            if name not in NO_MEASURE:
                yield from figures_in(child, of, what if name == "rows" else ", ".join(filter(None, [what, name])))


def measure_of(row: Mapping[str, Any]) -> str:
    """The measure of a row, and how many examples were in the prompt."""
    told = str(row.get("metric", "value")).replace("_", " ")
    return f"{told}, {row['k']} examples in the prompt" if "k" in row else told


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
