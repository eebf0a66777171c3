"""Which evaluation examples were in the training text, and what that does to scores: both published methods, one pass.

    ngrams       dirty if a run of N words is in 1 to 10 training documents, N by set (Brown et al. 2020, appendix C)
    substrings   dirty if one of 3 substrings of 50 letters and digits of the question is in one (OpenAI 2023, app. C)

The whole training text is read once, whatever the number of sets. What is found does not depend on how the text is
divided or ordered. OUT/contamination.dirty.parquet has a row for each example, with a piece of the text as evidence;
OUT/contamination.SET.dirty.txt the ids, as `foretell eval --suite exams --dirty` reads them.

E examples   U units: runs of words, then substrings
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foretell import progress
from foretell.audit.asked import Asked, Results, one_of
from foretell.audit.contamination_examples import Example, Examples, gathered, sizes_of
from foretell.audit.contamination_hits import Evidence, Tally, add, as_record, joined, merge, of_record
from foretell.audit.contamination_ngrams import Runs, dirty_runs, run_hits, runs_of
from foretell.audit.contamination_scores import answer_files, joined_rows
from foretell.audit.contamination_substrings import LENGTH, Patterns, pattern_hits, patterns_of, plain, substrings
from foretell.audit.contamination_training import Batch, Part, read, training_parts
from foretell.audit.seen_text import several, training_of
from foretell.corpus.ngrams import chunks
from foretell.eval.measured import share
from foretell.eval.records import append_records, read_records
from foretell.runs import write_whole
from foretell.tasks.source import Source

METHODS = ("ngrams", "substrings")
DIRTY = "contamination.dirty.parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What training text is searched for."""

    examples: Sequence[Example]
    sizes: np.ndarray
    """(E,) words in a row of each example; 0 where it has none"""
    runs: Runs | None
    patterns: Patterns | None
    plan: str
    """a hash of all of it"""

    @property
    def n_units(self) -> tuple[int, int]:
        """Runs of words, and substrings."""
        return (self.runs.n_units if self.runs else 0, len(self.patterns.holders) if self.patterns else 0)


def audit(asked: Asked) -> Results:
    """How many examples of each set were in the training text, and the scores of all, clean and dirty ones.

    Options: `training` (folders or files; of a run folder, its own text), `sets` (files of evaluation text), `tasks`
    (names; all that have data where neither is given), `answers` (folders that `foretell eval` wrote), `method`
    (ngrams, substrings or both). BadUse where there is no training text or no example.
    """
    method = one_of("method", asked.option("method", "both"), [*METHODS, "both"])
    methods = METHODS if method == "both" else (method,)
    answers = answer_files([Path(one) for one in several(asked.option("answers", []))])
    training = training_parts(several(asked.option("training", None)) or [training_of(asked.model)])
    source = Source(folders=asked.data, seed=asked.seed)
    tasks, sets = (several(asked.option(name, [])) for name in ("tasks", "sets"))
    examples = gathered(tasks, sets, source, asked.limit)
    sizes, lengths = sizes_of(examples)
    wanted = wanted_of(examples.examples, lengths, methods, asked.seed)
    tally, broken = scanned(wanted, training, asked)
    found = {name: evidence_of(wanted, tally, name) for name in methods}
    write_dirty(asked.out, wanted, found)
    rows = [row for name in methods for row in set_rows(wanted, examples, sizes, found[name], name)]
    joined_to = [row for name in methods for row in joined_rows(answers, dirty_ids(wanted, found[name]), name)]
    figures = {f"dirty examples, {name}": share(sum(map(bool, found[name])), len(wanted.examples)) for name in methods}
    told = {"documents": tally.documents, "n_bytes": tally.n_bytes, "unread": broken, "missing": examples.missing}
    return {"figures": figures, "rows": rows, "tables": {"scores": joined_to}, "said": sentences(told, methods), **told}


def wanted_of(examples: Sequence[Example], sizes: np.ndarray, methods: Sequence[str], seed: int) -> Wanted:
    """The runs and the substrings of examples."""
    some = [
        substrings(one.question, f"{one.set} {one.item}", seed) if "substrings" in methods else [] for one in examples
    ]
    runs = runs_of(examples, sizes) if "ngrams" in methods and sizes.any() else None
    plan = hashlib.sha256(repr((methods, seed, sizes.tolist(), examples, some)).encode("utf-8", "replace")).hexdigest()
    patterns = patterns_of(some) if any(some) else None
    return Wanted(examples=examples, sizes=sizes, runs=runs, patterns=patterns, plan=plan)


def scanned(wanted: Wanted, parts: Sequence[Part], asked: Asked) -> tuple[Tally, int]:
    """What all parts hold, and how many of their records could not be read; parts that were read before are not again.

    A part that is the same file under another name is read, and counts, again.
    """
    path = asked.samples_file("contamination")
    known, whole, broken = read_records(path), Tally(counts=np.zeros(sum(wanted.n_units), np.int64)), 0
    sizes = [part.size for part in parts]
    with progress.bar("contamination", sum(sizes) / 1e6, quiet=asked.quiet) as shown:
        for part, size in zip(parts, sizes, strict=True):
            key = part.key(wanted.plan)
            record = known.get(key)
            if record is None:
                tally, unread = tallied(wanted, read(part))
                record = {"key": key, "unread": unread, **as_record(tally)}
                append_records(path, [record])
            merge(whole, of_record(record, len(whole.counts)))
            broken += record["unread"]
            shown.advance(size / 1e6)
    return whole, broken


def tallied(wanted: Wanted, batches: Iterable[Batch]) -> tuple[Tally, int]:
    """What some text holds, and how many of its records could not be read."""
    first = wanted.n_units[0]
    tally, broken = Tally(counts=np.zeros(sum(wanted.n_units), np.int64)), 0
    for batch in batches:
        broken += batch.broken
        tally.documents += len(batch.texts)
        for begin, words in chunks(batch.texts):
            hits = []
            if wanted.runs is not None:
                hits.append(run_hits(wanted.runs, words))
            if wanted.patterns is not None:
                found = pattern_hits(wanted.patterns, words)
                hits.append(found._replace(units=found.units + first))
            tally.n_bytes += len(words.content)
            add(tally, joined(hits), words, batch.names[begin : begin + len(words.offsets) - 1])
    return tally, broken


def evidence_of(wanted: Wanted, tally: Tally, method: str) -> list[Evidence | None]:
    """For each example the first evidence that it was in the training text; None for a clean one."""
    found: list[Evidence | None] = [None] * len(wanted.examples)
    for example, unit in pairs_of(wanted, tally.counts, method):
        one, before = tally.evidence[unit], found[example]
        found[example] = one if before is None else min(before, one)
    return found


def pairs_of(wanted: Wanted, counts: np.ndarray, method: str) -> list[tuple[int, int]]:  # (U,)
    """Pairs of an example and a unit of it that makes it dirty."""
    first = wanted.n_units[0]
    if method == "ngrams":
        if wanted.runs is None:
            return []
        examples, units = dirty_runs(wanted.runs, counts[:first])
        return list(zip(examples.tolist(), units.tolist(), strict=True))
    if wanted.patterns is None:
        return []
    there = np.flatnonzero(counts[first:]).tolist()
    return [(example, first + unit) for unit in there for example in wanted.patterns.holders[unit]]


def dirty_ids(wanted: Wanted, found: Sequence[Evidence | None]) -> dict[str, set[str]]:
    """The ids of the dirty examples of every set."""
    ids: dict[str, set[str]] = {one.set: set() for one in wanted.examples}
    for example, evidence in zip(wanted.examples, found, strict=True):
        if evidence is not None:
            ids[example.set].add(example.item)
    return ids


def set_rows(
    wanted: Wanted, examples: Examples, sizes: Mapping[str, int], found: Sequence[Evidence | None], method: str
) -> list[dict[str, Any]]:
    """A row for each set: its examples, how many are dirty, and how many are so short that they are sought whole."""
    mine: dict[str, list[int]] = {name: [] for name in sizes}
    for i, example in enumerate(wanted.examples):
        mine[example.set].append(i)
    rows = []
    for name, n in sizes.items():
        dirty = sum(found[i] is not None for i in mine[name])
        clean = share(len(mine[name]) - dirty, len(mine[name]))
        one: dict[str, Any] = {"set": name, "method": method}
        one |= {"N": n if method == "ngrams" else LENGTH, "n": len(mine[name]), "dirty": dirty}
        one |= {"clean": clean["value"], "low": clean["low"], "high": clean["high"]}
        whole = sum(is_whole(wanted, i, n, method) for i in mine[name])
        rows.append(one | {"whole": whole, "synthetic": name in examples.synthetic})
    return rows


def is_whole(wanted: Wanted, i: int, n: int, method: str) -> bool:
    """Whether an example is shorter than what is looked for of a longer one."""
    return bool(wanted.sizes[i] < n) if method == "ngrams" else len(plain(wanted.examples[i].question)) < LENGTH


def write_dirty(out: Path, wanted: Wanted, found: Mapping[str, Sequence[Evidence | None]]) -> None:
    """Write the flag, the document and the snippet of each example by each method, and the ids by set."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        "set": [one.set for one in wanted.examples],
        "item": [one.item for one in wanted.examples],
        "words": wanted.sizes,
    }
    for name, evidence in found.items():
        columns[f"dirty_{name}"] = [one is not None for one in evidence]
        columns[f"document_{name}"] = pa.array([one.document if one else None for one in evidence], pa.string())
        columns[f"snippet_{name}"] = pa.array([one.snippet if one else None for one in evidence], pa.string())
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    write_whole(out / DIRTY, sink.getvalue().to_pybytes())
    ids = [dirty_ids(wanted, evidence) for evidence in found.values()]
    for name in {one.set for one in wanted.examples}:
        plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        every = sorted(set().union(*(one[name] for one in ids)))
        write_whole(out / f"contamination.{plain}.dirty.txt", "".join(f"{one}\n" for one in every))


def sentences(told: Mapping[str, Any], methods: Sequence[str]) -> list[str]:
    """What must be read with the figures."""
    lines = [f"{told['documents']:,} documents of {told['n_bytes'] / 1e6:,.1f} MB were read, once, for all sets."]
    if told["unread"]:
        lines.append(f"{told['unread']:,} records could not be read: what they hold is not known.")
    if "ngrams" in methods:
        lines.append("A run of words in more than 10 documents is a common phrase and makes nothing dirty.")
    if "substrings" in methods:
        lines.append(
            f"Questions of fewer than {LENGTH} letters (`whole`) are often found by chance within other words."
        )
    if told["missing"]:
        lines.append(f"{len(told['missing'])} tasks have no data and were not searched for; give --data FOLDER.")
    return [*lines, "Dirty says that the text was there, not that the model knows it."]
