"""The tree in preorder holds every row, and each shared beginning once."""

import random

import numpy as np
import pytest

from foretell.generate.prefixes import common_prefix, tree_of


def random_rows(seed):
    """Rows over three tokens that branch off each other anywhere, with copies and beginnings of others."""
    draw = random.Random(seed)
    rows = [[draw.randrange(3) for _ in range(draw.randrange(1, 12))]]
    for _ in range(draw.randrange(12)):
        old = draw.choice(rows)
        rows.append(old[: draw.randrange(len(old) + 1)] + [draw.randrange(3) for _ in range(draw.randrange(5))])
    draw.shuffle(rows)
    return [row or [0] for row in rows]


def row_of(tree, place):
    """The tokens that stand before a place, and its own."""
    return [int(tree.ids[j]) for j in range(place + 1) if place < tree.end[j]]


def test_the_example_of_the_docstring():
    tree = tree_of([[1, 2, 3], [1, 2, 4, 5], [1, 6]], [0, 1, 2])
    assert tree.ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert tree.depth.tolist() == [0, 1, 2, 2, 3, 1]
    assert tree.end.tolist() == [6, 5, 3, 5, 5, 6]
    assert [places.tolist() for places in tree.tails] == [[], [4], [0, 5]]


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("share", [True, False])
def test_every_row_can_be_read_from_its_last_place(seed, share):
    rows = random_rows(seed)
    tree = tree_of(rows, [len(row) for row in rows], share=share)
    for row, places in zip(rows, tree.tails, strict=True):
        assert tree.ids[places].tolist() == row == row_of(tree, places[-1])
        assert tree.depth[places].tolist() == list(range(len(row)))


@pytest.mark.parametrize("seed", range(60))
def test_each_beginning_stands_once(seed):
    rows = random_rows(seed)
    distinct = {tuple(row[:n]) for row in rows for n in range(1, len(row) + 1)}
    assert len(tree_of(rows, [0] * len(rows)).ids) == len(distinct)
    assert len(tree_of(rows, [0] * len(rows), share=False).ids) == sum(map(len, rows))


def test_a_beginning_that_is_little_of_a_row_is_not_shared():
    rows = [[1, *range(2, 40)], [1, *range(50, 90)]]
    assert tree_of(rows, [0, 0]).depth.tolist() == [*range(39), *range(41)]


def test_no_rows_make_an_empty_tree():
    tree = tree_of([], [])
    assert len(tree.ids) == len(tree.depth) == len(tree.end) == len(tree.tails) == 0


@pytest.mark.parametrize("seed", range(60))
def test_the_common_prefix_is_what_every_row_begins_with(seed):
    rows = random_rows(seed)
    n = common_prefix(rows)
    assert len({tuple(row[:n]) for row in rows}) == 1
    assert min(map(len, rows)) == n or len({row[n] for row in rows}) > 1


@pytest.mark.parametrize(
    ("rows", "n"),
    [([], 0), ([[]], 0), ([[3, 4]], 2), ([[3, 4], [3]], 1), ([(3, 4, 5), [3, 4, 6], np.array([3, 4])], 2)],
)
def test_common_prefixes_by_hand(rows, n):
    assert common_prefix(rows) == n
