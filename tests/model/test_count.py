"""The positions that are attended to, counted one by one in the mask."""

import pytest
import torch

from foretell.model.count import attended
from foretell.model.sparse import allowed


@pytest.mark.parametrize("length", [1, 4, 11])
@pytest.mark.parametrize("window", [1, 3, 4, 100])
@pytest.mark.parametrize("pattern", ["dense", "banded", "strided"])
def test_the_mean_reach_is_that_of_the_mask(pattern, window, length):
    mask = allowed(pattern, window, torch.arange(length), torch.arange(length))
    assert attended(pattern, window, length) == pytest.approx(mask.sum().item() / length)
