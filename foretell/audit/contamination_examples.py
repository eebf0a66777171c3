"""The evaluation examples that training text is searched for, from tasks and from files, and their N.

Brown et al. 2020, appendix C: N of a set is the 5th percentile of its examples' lengths in words, at most 13, and at
least 8 unless the set is synthetic (arithmetic, scrambled words). An example with fewer words is searched for whole.
OpenAI 2023, appendix C, looks at the question alone, without its answer.

E examples
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from foretell.corpus.evaluation_text import read_sets
from foretell.corpus.ngrams import chunks
from foretell.errors import BadUse
from foretell.tasks import registry
from foretell.tasks.item import Choice, Free, Item, Partial, shown
from foretell.tasks.source import NoData, Source
from foretell.tasks.task import Task

LEAST, MOST = 8, 13
PERCENTILE = 5
SYNTHETIC = ("arithmetic", "scrambling")
"""families whose examples are made by a program, and may be shorter than LEAST words"""


class Example(NamedTuple):
    """An example of a set: what is shown of it with its answer, and its question alone."""

    set: str
    item: str
    text: str
    question: str


class Examples(NamedTuple):
    """All examples, which of their sets are synthetic, and why tasks have none, by name."""

    examples: list[Example]
    synthetic: set[str]
    missing: dict[str, str]


def gathered(tasks: Sequence[str], files: Sequence[str | Path], source: Source, limit: int = 0) -> Examples:
    """The examples of tasks (none named: of all that have data, where no files are given either) and of files.

    `limit` takes the first so many of each set. BadUse if nothing is left to search for.
    """
    found, synthetic, missing = list[Example](), set[str](), dict[str, str]()
    named = [registry.task(name) for name in tasks] or ([] if files else list(registry.every().values()))
    for task in named:
        try:
            found += first(examples_of(task, source), limit)
        except NoData as error:
            missing[task.name] = str(error)
            continue
        if task.family in SYNTHETIC:
            synthetic.add(task.name)
    items = read_sets(files) if files else []
    for name in dict.fromkeys(one.set for one in items):
        found += first([Example(*one, one.text) for one in items if one.set == name], limit)
    if not found:
        raise BadUse(f"no evaluation example is there to be searched for: {next(iter(missing.values()), 'none named')}")
    return Examples(found, synthetic, missing)


def first(examples: list[Example], limit: int) -> list[Example]:
    """The first `limit`, all if it is 0."""
    return examples[: limit or None]


def examples_of(task: Task, source: Source) -> list[Example]:
    """The questions of a task under the ids that their answers are kept with."""
    return [Example(task.name, item.id, shown(item), question_of(item)) for item in task.load(source).items]


def question_of(item: Item) -> str:
    """What is asked, without an option or an answer."""
    match item:
        case Choice() | Free():
            return item.context
        case Partial():
            return item.contexts[item.gold] + item.completion


def word_counts(texts: Iterable[str]) -> np.ndarray:  # (E,)
    """The number of words of each text."""
    parts = [np.diff(words.firsts) for _, words in chunks(list(texts))]
    return np.concatenate([np.zeros(0, np.int64), *parts])


def size_of(counts: np.ndarray, *, synthetic: bool) -> int:  # (E,)
    """N of a set from its examples' words: the 5th percentile within its bounds, never below 1."""
    percentile = int(np.percentile(counts, PERCENTILE, method="lower"))
    return min(max(percentile, 1 if synthetic else LEAST), MOST)


def sizes_of(examples: Examples) -> tuple[dict[str, int], np.ndarray]:
    """N of each set, and the words in a row that each example is searched for: N, or all that it has."""
    counts = word_counts(one.text for one in examples.examples)
    sets = np.array([one.set for one in examples.examples])
    sizes = {
        name: size_of(counts[sets == name], synthetic=name in examples.synthetic)
        for name in dict.fromkeys(sets.tolist())
    }
    return sizes, np.minimum(counts, [sizes[one.set] for one in examples.examples])
