"""Several texts in a row, none of which sees another: which go together, and the arrays that say so.

    inputs      a1 a2 a3 b1 b2 ..     positions   0 1 2 0 1 ..     ends   3 3 3 5 5 ..

A token attends to those before it whose `ends` it has not passed, and its position is counted from its own text's
first token: the row gives each text the numbers that it has alone (model/sparse.branches). What is put behind the last
text sees itself only, and is not predicted.

B rows   T tokens of a row   N tokens of a text
"""

from collections.abc import Sequence

import numpy as np

from foretell.corpus.batches import IGNORED, Arrays

Text = tuple[np.ndarray, np.ndarray]  # inputs (N,) and targets (N,)


def first_fit(lengths: np.ndarray, room: int) -> list[list[int]]:
    """The texts of each row: each text, in turn, goes to the first row that has room for it, or opens one.

    No row is longer than `room`, and no two rows could be one but for texts that came between them.
    """
    rows: list[list[int]] = []
    left = np.zeros(len(lengths), np.int64)
    first, least = 0, int(lengths.min(initial=room))
    for text, length in enumerate(lengths.tolist()):
        while first < len(rows) and left[first] < least:
            first += 1  # full for every text there is
        fits = left[first : len(rows)] >= length
        row = first + int(fits.argmax()) if fits.any() else len(rows)
        if row == len(rows):
            rows.append([])
            left[row] = room
        rows[row].append(text)
        left[row] -= length
    return rows


def packed_rows(rows: Sequence[Sequence[Text]]) -> Arrays:
    """The texts of each row one after another, as arrays as long as the longest row."""
    width = max(sum(len(inputs) for inputs, _ in row) for row in rows)
    shape = (len(rows), width)
    inputs, targets = np.zeros(shape, np.int64), np.full(shape, IGNORED)  # (B, T)
    positions, ends = np.zeros(shape, np.int64), np.tile(np.arange(1, width + 1), (len(rows), 1))  # (B, T)
    for i, row in enumerate(rows):
        at = 0
        for ids, wanted in row:
            mine = slice(at, at + len(ids))
            inputs[i, mine], targets[i, mine] = ids, wanted
            positions[i, mine], ends[i, mine] = np.arange(len(ids)), at + len(ids)
            at += len(ids)
    return {"inputs": inputs, "targets": targets, "positions": positions, "ends": ends}


def padded_rows(texts: Sequence[Text]) -> Arrays:
    """One text in a row, padded at its end: causal attention needs no more than that."""
    shape = (len(texts), max(len(inputs) for inputs, _ in texts))
    inputs, targets = np.zeros(shape, np.int64), np.full(shape, IGNORED)  # (B, T)
    for i, (ids, wanted) in enumerate(texts):
        inputs[i, : len(ids)], targets[i, : len(ids)] = ids, wanted
    return {"inputs": inputs, "targets": targets}
