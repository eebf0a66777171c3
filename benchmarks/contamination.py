"""Searching training text for evaluation sets: both published methods, each and together, beside plain Python.

$ python -m benchmarks.contamination            17 MB, 2,000 questions in six lengths, five rounds
$ python -m benchmarks.contamination --small    1 MB, two rounds: seconds

The text is that of benchmarks/corpus_ngrams.py, 300 of its questions planted. Ours reads Arrow arrays, as a corpus or a
token folder gives them, for runs of 8 to 13 words, for three substrings of 50 characters a question, and for both in
one pass; it counts documents and keeps evidence. The other side is the first rule in plain Python: a set of runs for
each length, one document after the other. Both must find the same questions. Building the indexes is no part of the
time. CPU seconds are of all threads.
"""

import argparse
import statistics
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from benchmarks.corpus_ngrams import WORD, made, seconds
from foretell.audit.contamination import Wanted, evidence_of, tallied, wanted_of
from foretell.audit.contamination_examples import Example
from foretell.audit.contamination_training import Batch
from foretell.runs import processor

METHODS = {"runs of words": ("ngrams",), "substrings": ("substrings",), "both": ("ngrams", "substrings")}
SIZES = (8, 9, 10, 11, 12, 13)
MOST = 10  # documents


def dirty(wanted: Wanted, batches: list[Batch], method: str) -> set[int]:
    """The questions that our side finds."""
    tally, _ = tallied(wanted, iter(batches))
    return {i for i, one in enumerate(evidence_of(wanted, tally, method)) if one is not None}


def plain(examples: list[Example], sizes: np.ndarray, texts: list[str]) -> set[int]:
    """The questions of which a run is in 1 to MOST documents, in plain Python."""
    runs: dict[int, dict[tuple[str, ...], list[int]]] = {n: {} for n in SIZES}
    for i, one in enumerate(examples):
        for run in set(runs_of(WORD.findall(one.text.lower()), int(sizes[i]))):
            runs[int(sizes[i])].setdefault(run, []).append(i)
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = WORD.findall(text.lower())
        for n in SIZES:
            known = runs[n]
            counts.update({run for run in runs_of(words, n) if run in known})
    return {i for run, count in counts.items() if count <= MOST for i in runs[len(run)][run]}


def runs_of(words: list[str], n: int) -> "zip[tuple[str, ...]]":
    """The runs of n words."""
    return zip(*(words[i:] for i in range(n)), strict=False)


def main() -> None:
    """Compare the sides and print a table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=0)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    size, snippets, n_items, rounds = (1, 20, 200, 2) if given.small else (17, 300, 2000, 5)
    texts, items = made(size, snippets, n_items)
    examples = [Example(*one, one.text) for one in items]
    sizes = np.array([SIZES[i % len(SIZES)] for i in range(len(examples))])
    batches = [Batch([str(i) for i in range(len(texts))], pa.array(texts, pa.large_string()), 0)]
    ours = {name: wanted_of(examples, sizes, methods, 0) for name, methods in METHODS.items()}
    found: dict[str, list[float]] = {**{name: [] for name in ours}, "plain Python, runs of words": []}
    for _ in range(given.rounds or rounds):
        results = []
        works: list[Callable[[], set[int]]] = [
            lambda name=name: dirty(ours[name], batches, METHODS[name][0])  # type: ignore[misc]
            for name in ours
        ]
        for side, work in zip(found, [*works, lambda: plain(examples, sizes, texts)], strict=True):
            took, result = seconds(work)
            found[side].append(took)
            results.append(result)
        assert results[0] == results[2] == results[3], "the sides find other questions"
        assert set(range(snippets)) <= results[0] & results[1], "a planted question was not found"  # type: ignore[operator]
    print(table(found, sum(len(text.encode()) for text in texts) / 1e6, len(texts), len(examples)))


def table(found: dict[str, list[float]], megabytes: float, n: int, n_items: int) -> str:
    """The figures as Markdown; the last side is the one that the others are compared with."""
    other = list(found.values())[-1]
    head = f"{megabytes:.1f} MB, {n} documents, {n_items} questions, {processor()}, {len(other)} rounds; medians, "
    head += "the ratio with its lowest and highest round:\n\n"
    head += "| side | CPU s | MB / CPU s | times as fast |\n| --- | --- | --- | --- |\n"
    lines = []
    for side, times in found.items():
        took, ratios = statistics.median(times), [b / a for a, b in zip(times, other, strict=True)]
        ratio = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        lines.append(f"| {side} | {took:.2f} | {megabytes / took:.1f} | {ratio} |")
    return head + "\n".join(lines)


if __name__ == "__main__":
    main()
