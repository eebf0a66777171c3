"""Tiny networks with any heads, in evaluation mode unless a test says otherwise."""

import pytest
import torch

from foretell.model.config import NetworkConfig
from foretell.model.init import build

TINY = {
    "n_vocab": 19,
    "n_ctx": 12,
    "n_layers": 1,
    "d_model": 8,
    "n_heads": 2,
    "d_head": 4,
    "d_ff": 12,
    "norm_place": "post",
}


@pytest.fixture(autouse=True)
def _seed_and_one_thread():
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture
def network():
    def make(kind, **changes):
        model = build(NetworkConfig(kind=kind, **{**TINY, **changes})).eval()
        with torch.no_grad():
            for p in model.parameters():
                p.add_(0.3 * torch.randn_like(p))
        return model

    return make
