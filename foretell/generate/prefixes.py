"""What rows of tokens begin with in common, so that it is read once.

The rows' tree is written in preorder, as one long text in which each shared beginning stands once:

    rows    1 2 3,  1 2 4 5,  1 6        ids    1 2 3 4 5 6
                                         depth  0 1 2 2 3 1
                                         end    6 5 3 5 5 6

N tokens of the tree
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ids = Sequence[int]
Places = NDArray[np.int64]
WORTH = 16  # a beginning is shared if it is at least one in so many of a row's tokens: less is read again more quickly


class Tree(NamedTuple):
    """Rows of tokens in preorder. Token j stands before token i in a row if j <= i < end[j]."""

    ids: Places  # (N,)
    depth: Places  # (N,), how many tokens of its row stand before it
    end: Places  # (N,), where the tokens that it stands before end
    tails: list[Places]
    """the places of each row's last tokens, as many as were asked for"""


def common_prefix(rows: Sequence[Ids]) -> int:
    """The number of tokens that all rows begin with: those that the first and the last in order share."""
    if not rows:
        return 0
    return shared(as_array(min(rows, key=list)), as_array(max(rows, key=list)))


def shared(one: Places, other: Places) -> int:
    """The number of tokens that two rows begin with in common."""
    n = min(len(one), len(other))
    differs = one[:n] != other[:n]  # (n,)
    return int(differs.argmax()) if differs.any() else n


def as_array(row: Ids) -> Places:
    """A row's ids."""
    return np.asarray(row, np.int64)


def tree_of(rows: Sequence[Ids], tails: Sequence[int], *, share: bool = True) -> Tree:
    """The tree of the rows' beginnings, and where the last tails[i] tokens of row i stand in it.

    Without `share` no two rows have anything in common, and they stand one behind another in their own order.
    """
    arrays = [as_array(row) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: arrays[i].astype(">i8").tobytes()) if share else range(len(rows))
    end = np.empty(sum(map(len, arrays)), np.int64)
    path = np.empty(max(map(len, arrays), default=0), np.int64)  # the places of the row before
    nothing = as_array([])
    ids, depth, found, before = [nothing], [nothing], [nothing] * len(rows), nothing
    n = 0
    for i in order:
        row = arrays[i]
        here = shared(before, row) if share else 0
        here = here if here * WORTH >= len(row) else 0
        end[path[here : len(before)]] = n
        path[here : len(row)] = np.arange(n, n + len(row) - here)
        ids.append(row[here:])
        depth.append(np.arange(here, len(row)))
        found[i] = path[len(row) - tails[i] : len(row)].copy()
        before, n = row, n + len(row) - here
    end[path[: len(before)]] = n
    return Tree(np.concatenate(ids), np.concatenate(depth), end[:n], found)
