"""A tiny network's config with any field replaced, and weights that hide nothing: no zero biases, no gains of one."""

import pytest
import torch

from foretell.model.config import NetworkConfig
from foretell.model.init import build

TINY = {
    "kind": "decoder",
    "n_vocab": 17,
    "n_ctx": 16,
    "n_layers": 2,
    "d_model": 12,
    "n_heads": 3,
    "d_head": 4,
    "d_ff": 20,
    "norm_place": "pre",
}


@pytest.fixture(autouse=True)
def _seed_and_one_thread():
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture
def tiny():
    return lambda **changes: NetworkConfig(**{**TINY, **changes})


@pytest.fixture
def shaken():
    def shake(module):
        with torch.no_grad():
            for p in module.parameters():
                p.add_(0.3 * torch.randn_like(p))
        return module

    return shake


@pytest.fixture
def network(tiny, shaken):
    return lambda **changes: shaken(build(tiny(**changes))).eval()
