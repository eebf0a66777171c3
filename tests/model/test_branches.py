"""Texts that branch off each other, read in one row, are what each is alone."""

import pytest
import torch

from foretell.model.cache import empty_cache
from foretell.model.sparse import Branches, allowed, branches

PATTERNS = [("dense",), ("banded",), ("strided",), ("dense", "banded")]
STEM = [3, 1, 4, 1, 5]
TREE = [9, 2, 6, 5, 3, 8]  # 9 2 6 and 9 2 5 3 go on from the stem, 8 from its first three tokens
DEPTH = [5, 6, 7, 7, 8, 3]
PARENT = [None, 0, 1, 1, 3, None]
TEXTS = [[*STEM, 9, 2, 6], [*STEM, 9, 2, 5, 3], [*STEM[:3], 8]]


def ancestors(i):
    """Row i of what the tree's tokens see, of the stem and then of each other."""
    of_stem = [place < (3 if i == 5 else 5) for place in range(5)]
    of_tree, j = [False] * 6, i
    while j is not None:
        of_tree[j], j = True, PARENT[j]
    return of_stem + of_tree


BRANCHES = Branches(torch.tensor([DEPTH]), torch.tensor([[ancestors(i) for i in range(6)]]))


@pytest.mark.parametrize("positions", ["learned", "sinusoid", "rotary"])
@pytest.mark.parametrize("attention", PATTERNS)
def test_each_branch_is_read_as_if_alone(network, attention, positions):
    model = network(attention=attention, positions=positions, window=2)
    cache = empty_cache(model.cfg, 1, 11, model.embed.token.weight)
    model.hidden(torch.tensor([STEM]), cache=cache)
    got = model.hidden(torch.tensor([TREE]), cache=cache, branches=BRANCHES)[0]
    first, second, third = (model.hidden(torch.tensor([text]))[0] for text in TEXTS)
    want = torch.cat([first[5:8], second[7:9], third[3:]])
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("positions", ["learned", "rotary"])
@pytest.mark.parametrize("attention", PATTERNS)
def test_a_cache_cut_to_a_branch_goes_on_from_it(network, attention, positions):
    model = network(attention=attention, positions=positions, window=2)
    cache = empty_cache(model.cfg, 1, 11, model.embed.token.weight)
    model.hidden(torch.tensor([STEM]), cache=cache)
    model.hidden(torch.tensor([TREE]), cache=cache, branches=BRANCHES)
    cache.cut(5, torch.tensor([5, 6, 8, 9]))
    got = model.hidden(torch.tensor([[7, 7]]), cache=cache)
    want = model.hidden(torch.tensor([[*TEXTS[1], 7, 7]]))[:, 9:]
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    assert cache.lengths == [11]


@pytest.mark.parametrize("pattern", ["dense", "banded", "strided"])
def test_patterns_count_along_the_branch(pattern):
    got = BRANCHES.allowed(pattern, 2)[0]
    source = torch.tensor([*range(5), *DEPTH])
    for i in range(6):
        near = allowed(pattern, 2, torch.tensor([DEPTH[i]]), source)[0]
        assert got[i].tolist() == [a and b for a, b in zip(ancestors(i), near.tolist(), strict=True)]


@pytest.mark.parametrize("positions", ["learned", "sinusoid", "rotary"])
@pytest.mark.parametrize("attention", PATTERNS)
def test_texts_packed_into_rows_are_what_each_is_alone(network, attention, positions):
    model = network(attention=attention, positions=positions, window=2)
    rows = [[[3, 1, 4], [9, 2, 6, 5]], [[8], [1, 4, 1, 5, 9], [2]]]
    ids = torch.tensor([[i for text in row for i in text] for row in rows])
    where = torch.tensor([[i for text in row for i in range(len(text))] for row in rows])
    ends = torch.tensor([[3, 3, 3, 7, 7, 7, 7], [1, 6, 6, 6, 6, 6, 7]])
    got = model.hidden(ids, branches=branches(where, ends))
    for row, texts in zip(got, rows, strict=True):
        want = torch.cat([model.hidden(torch.tensor([text]))[0] for text in texts])
        torch.testing.assert_close(row, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("attention", PATTERNS)
def test_outputs_that_share_a_prompt_are_what_each_is_behind_it(network, attention):
    model = network(attention=attention, window=2)
    prompt, outputs = [3, 1, 4], [[9, 2], [6, 5, 3], [8]]
    ids = torch.tensor([prompt + [i for output in outputs for i in output]])
    where = torch.tensor([[0, 1, 2, 3, 4, 3, 4, 5, 3]])
    ends = torch.tensor([[9, 9, 9, 5, 5, 8, 8, 8, 9]])
    got = model.hidden(ids, branches=branches(where, ends))[0]
    want = [model.hidden(torch.tensor([prompt + output]))[0, 3:] for output in outputs]
    torch.testing.assert_close(got[3:], torch.cat(want), rtol=1e-5, atol=1e-5)
