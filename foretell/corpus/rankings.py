"""Rankings as rows that branch: a prompt's tokens once, and behind them each of its outputs, with its end.

    row         prompt . . . | output 1 . . <end> | output 2 . <end> | ... | filling
    positions   0 1 2 3 . .    p p+1 ...            p p+1 ...
    ends        end of the row   end of output 1      end of output 2

An output sees the prompt and itself, so that it is read as it would be alone (model/sparse.py), and K outputs cost one
prompt. Several rankings stand in one row where they fit, none of which sees another: the rows of a batch are as long as
its longest ranking and hold little filling. Which output belongs to which ranking is told beside the rows.

B rows   T positions   N outputs
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from foretell.corpus.batches import ONE_SOURCE, Arrays, parts, spread
from foretell.corpus.config import RankingData
from foretell.corpus.labels import Row, label_file, label_rows
from foretell.corpus.order import shuffled
from foretell.corpus.packing import first_fit
from foretell.errors import BadUse
from foretell.text.chat import answer_ids, prompt_ids, turns_of
from foretell.text.tokenizer import Tokenizer

FEWEST = 2  # outputs that can be compared


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """A ranking in ids: the prompt, and each output with the token that ends it; ranks from 1, the best."""

    prompt: np.ndarray
    outputs: tuple[np.ndarray, ...]
    ranks: tuple[int, ...]

    @property
    def size(self) -> int:
        """The tokens of its part of a row."""
        return len(self.prompt) + sum(map(len, self.outputs))


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """What was done to rankings as they were read."""

    ties_only: int = 0
    """left out: they compare nothing"""
    too_long: int = 0
    """left out: an output leaves no room for a token of the prompt"""
    out_of_turn: int = 0
    """left out: user and assistant do not speak by turns, which no chat format can tell"""
    cut: int = 0
    """kept, without the beginning of the prompt"""

    def __str__(self) -> str:
        return (
            f"{self.ties_only} with ties only, {self.too_long} with an output that is too long and {self.out_of_turn} "
            f"whose turns do not alternate were left out, {self.cut} lost the beginning of the prompt"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Rankings:
    """The rankings of a folder."""

    train: Sequence[Encoded]
    valid: Sequence[Encoded]
    seed: int
    left: Left
    """of both sides"""

    @property
    def n_rows(self) -> int:
        return len(self.train)

    def batch(self, samples: np.ndarray) -> Arrays:
        return rows_of([self.train[i] for i in shuffled(samples, self.n_rows, self.seed)])

    def epochs(self, n_samples: int) -> dict[str, float]:
        return {ONE_SOURCE: n_samples / self.n_rows}

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        for rows in parts(spread(len(self.valid), limit), batch_size):
            yield rows_of([self.valid[i] for i in rows])


def open_rankings(data: RankingData, seed: int) -> Rankings:
    """The rows of the folder's rankings; BadUse if a row is no ranking, or a side has none that compares anything."""
    tokenizer = Tokenizer.load(Path(data.tokens))
    path = label_file(data.folder, "rankings")
    train, valid = sides_of(data)
    both = [encoded_all(rows, tokenizer, data.length, path) for rows in (train, valid)]
    left = Left(**{name: sum(getattr(one, name) for _, one in both) for name in Left.__dataclass_fields__})
    for purpose, (found, _) in zip(("train on", "hold out"), both, strict=True):
        if not found:
            raise BadUse(f"{path} has no ranking to {purpose} ({left}); label more prompts, or raise data.length")
    return Rankings(train=both[0][0], valid=both[1][0], seed=seed, left=left)


def sides_of(data: RankingData) -> tuple[list[Row], list[Row]]:
    """The rows to train on and those held out.

    Without a group, the rows held out are that group's, but for those whose prompt the others have labelled for
    training: a prompt that was trained on would tell of the prompt, not of the labellers. BadUse if none is left.
    """
    train, valid = label_rows(data.folder, "rankings")
    group = data.without_group
    if not group:
        return train, valid
    known = sorted({str(row.get("labeller_group") or "") for row in [*train, *valid]} - {""})
    if group not in known:
        raise BadUse(f"no ranking is of the group {group!r}; there are {', '.join(known) or 'no groups'}")
    others = [row for row in train if row.get("labeller_group") != group]
    seen = {repr(row.get("prompt")) for row in others}
    held_out = [row for row in [*train, *valid] if row.get("labeller_group") == group]
    return others, [row for row in held_out if repr(row.get("prompt")) not in seen]


def encoded_all(rows: Sequence[Row], tokenizer: Tokenizer, length: int, path: Path) -> tuple[list[Encoded], Left]:
    """The rankings that compare something and fit, and what was done to the others. BadUse that names a wrong row."""
    found, counts = [], dict.fromkeys(Left.__dataclass_fields__, 0)
    for number, row in enumerate(rows, 1):
        one = encoded(row, tokenizer, f"{path}, ranking {number}")
        room = length - max(map(len, one.outputs)) if one else 0
        if one is None:
            counts["out_of_turn"] += 1
        elif not compares(one.ranks):
            counts["ties_only"] += 1
        elif room < 1:
            counts["too_long"] += 1
        else:
            counts["cut"] += len(one.prompt) > room
            found.append(Encoded(prompt=one.prompt[-room:], outputs=one.outputs, ranks=one.ranks))
    return found, Left(**counts)


def encoded(row: Mapping[str, Any], tokenizer: Tokenizer, where: str) -> Encoded | None:
    """A row of labels in ids, whole; None if its turns do not alternate. BadUse if it is no ranking."""
    try:
        turns = turns_of(row["prompt"])
        texts = [one if isinstance(one, str) else str(one["text"]) for one in row["outputs"]]
        ranks = tuple(int(rank) for rank in row["ranks"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadUse(f"{where}: {error} is missing or wrong; a ranking has prompt, outputs and ranks") from error
    if len(texts) < FEWEST or len(ranks) != len(texts):
        raise BadUse(f"{where}: {len(texts)} outputs and {len(ranks)} ranks; give at least two, and a rank for each")
    try:
        prompt = prompt_ids(tokenizer, turns)
    except BadUse:
        return None
    outputs = tuple(np.asarray(answer_ids(tokenizer, text), np.int64) for text in texts)
    return Encoded(prompt=np.asarray(prompt, np.int64), outputs=outputs, ranks=ranks)


def compares(ranks: Sequence[int]) -> bool:
    """Whether any two are not a tie."""
    return any(one != other for one, other in combinations(ranks, 2))


def rows_of(rankings: Sequence[Encoded]) -> Arrays:
    """Rows `inputs`, `positions` and `ends` (B, T), and of each output (N,) its `ranks`, the number of its ranking in
    the batch, `prompts`, and the places of its `first` and `last` token and of the prompt's last, `stem`.

    Places count the rows one after another: row * T + column. Outputs are in the order of the rankings. Filling is id 0
    and sees itself alone.
    """
    width = max(one.size for one in rankings)
    places = fitted([one.size for one in rankings], width)
    shape = (max(row for row, _ in places) + 1, width)
    inputs, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    ends = np.broadcast_to(np.arange(1, width + 1), shape).copy()
    names = ("stem", "first", "last", "ranks", "prompts")
    told: list[tuple[int, ...]] = []  # of each output, in the order of these names
    for number, (one, (row, start)) in enumerate(zip(rankings, places, strict=True)):
        stop = start + len(one.prompt)
        inputs[row, start:stop], positions[row, start:stop] = one.prompt, np.arange(len(one.prompt))
        ends[row, start:stop] = start + one.size
        begun = row * width
        stem = begun + stop - 1
        for output, rank in zip(one.outputs, one.ranks, strict=True):
            begin, stop = stop, stop + len(output)
            inputs[row, begin:stop], ends[row, begin:stop] = output, stop
            positions[row, begin:stop] = np.arange(len(one.prompt), len(one.prompt) + len(output))
            told.append((stem, begun + begin, begun + stop - 1, rank, number))
    flat = dict(zip(names, np.asarray(told, np.int64).T.copy(), strict=True))
    return {"inputs": inputs, "positions": positions, "ends": ends, **flat}


def fitted(sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
    """The row and the first column of each piece: the longest first, each into the first row with room."""
    order = np.argsort([-size for size in sizes], kind="stable").tolist()
    found = [(0, 0)] * len(sizes)
    for row, members in enumerate(first_fit(np.asarray([sizes[i] for i in order]), width)):
        start = 0
        for piece in (order[member] for member in members):
            found[piece] = (row, start)
            start += sizes[piece]
    return found
