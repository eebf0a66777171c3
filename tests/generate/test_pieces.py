"""A tree is cut into pieces that cover it, and reading it in any pieces gives each row's hidden states."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from foretell.generate.pieces import piece_size, pieces, read
from foretell.generate.prefixes import tree_of
from tests.generate.conftest import BASE, random_network

ROWS = [[5, 1, 2, 3], [5, 1, 2, 4, 4, 4, 4], [5, 1, 9], [8, 8, 1], [5, 1, 2, 3, 7, 7], [8, 8], [5, 1, 9]]


@pytest.mark.parametrize("tokens", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("seed", range(10))
def test_pieces_follow_each_other_and_are_half_full_at_least(tokens, seed):
    draw = random.Random(seed)
    depth = np.array([draw.randrange(9) for _ in range(draw.randrange(1, 60))])
    found = list(pieces(depth, tokens))
    assert [start for start, _ in found] == [0, *(stop for _, stop in found[:-1])]
    assert found[-1][1] == len(depth)
    assert all(tokens / 2 <= stop - start <= tokens for start, stop in found[:-1])
    assert 0 < found[-1][1] - found[-1][0] <= tokens


def test_a_piece_ends_where_a_text_does():
    depth = np.array([*range(6), *range(3), *range(4), *range(9)])
    assert list(pieces(depth, 10)) == [(0, 9), (9, 14), (14, 22)]
    assert list(pieces(depth, 13)) == [(0, 13), (13, 22)]


@pytest.mark.parametrize("tokens", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("share", [True, False])
def test_hidden_states_are_those_of_each_row_alone(network, tokens, share):
    tree = tree_of(ROWS, [len(row) for row in ROWS], share=share)
    with torch.inference_mode():
        parts = list(read(network, tree, tokens))
        got = torch.cat([hidden for _, hidden in parts])
        assert [start for start, _ in parts] == [start for start, _ in pieces(tree.depth, tokens)]
        for row, places in zip(ROWS, tree.tails, strict=True):
            want = network.hidden(torch.tensor([row]))[0]
            torch.testing.assert_close(got[places], want, rtol=1e-5, atol=2e-5)


def test_an_empty_tree_is_not_read():
    assert list(read(random_network(BASE), tree_of([[], []], [0, 0]), 9)) == []


@pytest.mark.parametrize(("times", "tokens"), [(1, 2048), (128, 1365), (4096, 256)])
def test_a_gpu_reads_as_many_tokens_as_its_activations_hold(times, tokens):
    cfg = replace(BASE, d_model=48 * times, d_ff=192 * times, n_heads=times, d_head=48)
    assert piece_size(cfg, torch.empty(1, dtype=torch.float16, device="meta")) == tokens
    assert piece_size(cfg, torch.empty(1)) == 384
