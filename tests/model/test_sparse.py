import pytest
import torch

from foretell.model.sparse import allowed


def sees(pattern, window, i, j):
    """The definition of Child et al. 2019 as the module's table says it, for one pair of positions."""
    distance = i - j
    if distance < 0:
        return False
    if pattern == "dense":
        return True
    multiples = [window * n for n in range(1, i + 1)]
    return distance < window or (pattern == "strided" and distance in multiples)


@pytest.mark.parametrize("window", [1, 3, 4, 100])
@pytest.mark.parametrize("pattern", ["dense", "banded", "strided"])
def test_masks_are_the_definition(pattern, window):
    n = 11
    got = allowed(pattern, window, torch.arange(n), torch.arange(n))
    assert got.tolist() == [[sees(pattern, window, i, j) for j in range(n)] for i in range(n)]


@pytest.mark.parametrize("pattern", ["dense", "banded", "strided"])
def test_each_row_of_a_batch_has_its_own_target_positions(pattern):
    target, source = torch.tensor([[4, 5], [0, 1]]), torch.arange(6)
    got = allowed(pattern, 2, target, source)
    assert got.shape == (2, 2, 6)
    assert got.tolist() == [[[sees(pattern, 2, i, j) for j in range(6)] for i in row] for row in target.tolist()]


def test_strided_attention_reaches_distance_k_2k_3k():
    row = allowed("strided", 4, torch.tensor([12]), torch.arange(13))[0]
    assert [12 - j for j in range(13) if row[j]] == [12, 8, 4, 3, 2, 1, 0]
