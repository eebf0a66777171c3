"""Tiny random networks of every kind of position, pattern and norm, and words that are numbers."""

from dataclasses import replace

import pytest
import torch

from foretell.model.config import NetworkConfig
from foretell.model.init import build

BASE = NetworkConfig(
    kind="decoder", n_vocab=23, n_ctx=40, n_layers=2, d_model=16, n_heads=2, d_head=8, d_ff=32, norm_place="pre"
)
CONFIGS = {
    "learned": BASE,
    "post-norm": replace(BASE, norm_place="post"),
    "sinusoid": replace(BASE, positions="sinusoid", embedding_scale=True),
    "rotary": replace(BASE, positions="rotary", norm="rms", qk_norm=True, activation="relu2", bias=False, tied=False),
    "banded": replace(BASE, attention=("dense", "banded"), window=3, qkv_bias=False),
    "strided": replace(BASE, attention=("strided",), window=4),
    "wide heads": replace(BASE, n_heads=3),
}


class Numbers:
    """A tokenizer stand-in: token 7 is the word `7 `; token 0 ends a text."""

    end_of_text = 0

    def decode(self, ids):
        return "".join(f"{i} " for i in ids)


def random_network(cfg, seed=0, spread=0.4):
    network = build(cfg, seed).eval()
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(torch.randn(p.shape, generator=stream) * spread)
    return network


@pytest.fixture(params=CONFIGS)
def network(request):
    return random_network(CONFIGS[request.param])


@pytest.fixture
def translator():
    return random_network(replace(BASE, kind="seq2seq", norm_place="post", positions="sinusoid", activation="relu"))
