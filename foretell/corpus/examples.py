"""A task's examples laid out for a pretrained network (Radford et al. 2018, section 3.3, figure 1; Devlin et al. 2018).

    layout   shape             N   a sequence
    gpt1     classification    1   [start] a [extract]
             entailment        1   [start] a [delim] b [extract]
             similarity        2   [start] a [delim] b [extract],  [start] b [delim] a [extract]
             multiple_choice   K   [start] a [delim] choice_k [extract]  for each k
    bert     the same, one order   [CLS] a [SEP],  [CLS] a [SEP] b [SEP],  [CLS] a [SEP] choice_k [SEP]

`extract` is where the task is read: [extract], which has seen all, or [CLS]. The targets of lambda L1 are the next
tokens, delimiters included; BERT has none. A text that is too long loses its end, the longer of two texts first.

B examples   N sequences of an example   T positions
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foretell.corpus.batches import IGNORED, ONE_SOURCE, Arrays, parts, spread
from foretell.corpus.config import TaskData
from foretell.corpus.jsonl import read_lines, text_field
from foretell.corpus.order import shuffled
from foretell.errors import BadUse, nearest
from foretell.runs import read_json, write_whole
from foretell.text.gpt1 import for_tasks
from foretell.text.tokenizer import FILE, Tokenizer

SHAPES = ("classification", "entailment", "similarity", "multiple_choice")
NEEDS_B = ("entailment", "similarity")
SHORTEST = 8  # tokens of a sequence: three special ones and some text
SUBSET_SEED = 0  # `limit` takes the same examples in every run


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """The special tokens of a layout."""

    first: int
    between: int
    last: int
    pad: int
    reads_last: bool
    """the task is read at the last token (gpt1), or at the first (bert)"""


@dataclass(frozen=True, slots=True)
class Example:
    """An example's sequences, each with how many of its tokens come before the second text, and the label."""

    sequences: tuple[tuple[np.ndarray, int], ...]
    label: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """The encoded examples of a task."""

    seed: int
    train: list[Example]
    val: list[Example]
    marks: Marks
    regression: bool

    @property
    def n_rows(self) -> int:
        return len(self.train)

    def batch(self, samples: np.ndarray) -> Arrays:
        return self._stacked([self.train[row] for row in shuffled(samples, self.n_rows, self.seed)])

    def epochs(self, n_samples: int) -> dict[str, float]:
        """How often all rows were read after so many samples."""
        return {ONE_SOURCE: n_samples / self.n_rows}

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        for rows in parts(spread(len(self.val), limit), batch_size):
            yield self._stacked([self.val[row] for row in rows])

    def _stacked(self, examples: Sequence[Example]) -> Arrays:
        """The examples as arrays, padded to the longest sequence among them."""
        marks = self.marks
        n = len(examples[0].sequences)
        flat = [sequence for one in examples for sequence in one.sequences]
        shape = (len(flat), max(len(ids) for ids, _ in flat))
        inputs, targets = np.full(shape, marks.pad), np.full(shape, IGNORED)  # (B*N, T)
        attend, segments = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.int64)
        extract = np.zeros(len(flat), dtype=np.int64)
        for i, (ids, n_first) in enumerate(flat):
            inputs[i, : len(ids)] = ids
            attend[i, : len(ids)] = True
            if marks.reads_last:
                targets[i, : len(ids) - 1] = ids[1:]
                extract[i] = len(ids) - 1
            else:
                segments[i, n_first : len(ids)] = 1
        arrays = {"inputs": inputs, "targets": targets, "attend": attend, "segments": segments, "extract": extract}
        label = np.array([one.label for one in examples], dtype=np.float32 if self.regression else np.int64)
        return {**{name: x.reshape(-1, n, *x.shape[1:]) for name, x in arrays.items()}, "label": label}


def open_examples(data: TaskData, seed: int) -> Examples:
    """The examples of a task folder; BadUse that names the example and the field that is wrong."""
    if data.length < SHORTEST:
        raise BadUse(f"data.length={data.length} is too short for a task; take {SHORTEST} or more")
    folder = Path(data.folder)
    card = task_card(folder)
    tokenizer = Tokenizer.load(Path(data.tokens))
    marks = marks_of(tokenizer, data.layout)
    sides = {}
    for name in ("train", "val"):
        path = folder / f"{name}.jsonl"
        rows = read_lines(path)
        if name == "train" and data.limit:
            rows = [rows[i] for i in shuffled(np.arange(min(data.limit, len(rows))), len(rows), SUBSET_SEED)]
        check_rows(rows, card, path)
        sides[name] = [_example(row, card["shape"], tokenizer, marks, data.length) for row in rows]
    widths = {len(one.sequences) for side in sides.values() for one in side}
    if len(widths) > 1:
        raise BadUse(f"{folder} has examples with {min(widths)} and with {max(widths)} choices; all must have as many")
    regression = not card["classes"] and card["shape"] != "multiple_choice"
    return Examples(seed=seed, train=sides["train"], val=sides["val"], marks=marks, regression=regression)


def task_card(folder: Path) -> dict[str, Any]:
    """The card of a task: name, shape, classes (none where the label is a number) and n_outputs."""
    path = folder / "card.json"
    card = read_json(path)
    shape = card.get("shape") if isinstance(card, dict) else None
    if shape not in SHAPES:
        raise BadUse(f"{path}: shape is {shape!r}{nearest(str(shape), list(SHAPES))}")
    classes = card.get("classes", [])
    if shape in ("classification", "entailment") and len(classes) < 2:
        raise BadUse(f"{path}: {len(classes)} classes; a task of shape {shape} needs 2 or more names in 'classes'")
    n_outputs = 1 if shape == "multiple_choice" else max(len(classes), 1)
    return {**card, "classes": classes, "n_outputs": n_outputs}


def task_tokenizer(folder: Path, layout: str, into: Path) -> Path:
    """A folder whose tokenizer has the layout's special tokens: the given one, or one with more made in `into`.

    Only a language model's vocabulary grows so: GPT-1's and GPT-2's were published without them. The network's n_vocab
    is then the larger one.
    """
    tokenizer = Tokenizer.load(folder)
    if layout != "gpt1" or tokenizer.kind == "wordpiece":
        return folder
    grown = for_tasks(tokenizer)
    if grown is tokenizer:
        return folder
    made = into / f"{tokenizer.kind}-for-tasks-{grown.sha()[:8]}"
    write_whole(made / FILE, grown.to_json())
    return made


def marks_of(tokenizer: Tokenizer, layout: str) -> Marks:
    """The special tokens of a layout; BadUse if the tokenizer has other ones."""
    names = ("<start>", "<delim>", "<extract>") if layout == "gpt1" else ("[CLS]", "[SEP]", "[SEP]")
    absent = [name for name in names if name not in tokenizer.specials]
    if absent:
        kind = "gpt1" if layout == "gpt1" else "wordpiece"
        raise BadUse(
            f"layout {layout!r} needs {absent[0]}, which a {tokenizer.kind} tokenizer lacks; take a {kind} one"
        )
    first, between, last = (tokenizer.special(name) for name in names)
    return Marks(first=first, between=between, last=last, pad=tokenizer.pad, reads_last=layout == "gpt1")


def check_rows(rows: Sequence[dict[str, Any]], card: dict[str, Any], path: Path) -> None:
    """BadUse if an example lacks a text or has a label that the card does not know."""
    shape, classes = card["shape"], card["classes"]
    for number, row in enumerate(rows, 1):
        for name in ("a", "b") if shape in NEEDS_B else ("a",):
            text_field(row, name, path, number)
        label, n = row.get("label"), len(classes)
        if shape == "multiple_choice":
            n = len(row["choices"]) if isinstance(row.get("choices"), list) else 0
            if n < 2 or not all(isinstance(choice, str) for choice in row["choices"]):
                raise BadUse(f"{path}, example {number}: 'choices' must be a list of two texts or more")
        if n and (type(label) is not int or not 0 <= label < n):
            raise BadUse(f"{path}, example {number}: label is {label!r}, it must be a number from 0 to {n - 1}")
        if not n and type(label) not in (int, float):
            raise BadUse(f"{path}, example {number}: label is {label!r}, it must be a number")


def _example(row: dict[str, Any], shape: str, tokenizer: Tokenizer, marks: Marks, length: int) -> Example:
    a = tokenizer.encode(row["a"])
    seconds = row["choices"] if shape == "multiple_choice" else [row["b"]] if shape in NEEDS_B else []
    pairs = [(a, tokenizer.encode(text)) for text in seconds]
    if shape == "similarity" and marks.reads_last:
        pairs += [(b, a) for a, b in pairs]
    laid = [laid_out(one, two, marks, length) for one, two in pairs] or [laid_out(a, None, marks, length)]
    return Example(tuple(laid), float(row["label"]))


def laid_out(a: Sequence[int], b: Sequence[int] | None, marks: Marks, length: int) -> tuple[np.ndarray, int]:
    """A sequence of at most `length` tokens, and how many of them come before the second text."""
    room = length - (2 if b is None else 3)
    n_a, n_b = cut_lengths(len(a), 0 if b is None else len(b), room)
    first = [marks.first, *a[:n_a]]
    second = [] if b is None else [marks.between, *b[:n_b]]
    return np.array([*first, *second, marks.last]), len(first) + 1


def cut_lengths(n_a: int, n_b: int, room: int) -> tuple[int, int]:
    """How much of two texts is kept: the longer one loses a token until both fit."""
    over = max(n_a + n_b - room, 0)
    longer = min(abs(n_a - n_b), over)  # taken from the longer one alone
    rest = over - longer
    from_a, from_b = rest - rest // 2, rest // 2
    from_a, from_b = (from_a + longer, from_b) if n_a >= n_b else (from_a, from_b + longer)
    return n_a - from_a, n_b - from_b
