"""One small network of every stock layout, with random biases and gains too."""

import pytest
import torch

from foretell.model.config import Heads, NetworkConfig
from foretell.model.init import build

SIZES = {"n_vocab": 40, "n_ctx": 24, "n_layers": 2, "d_model": 16, "n_heads": 2, "d_head": 8, "d_ff": 64}
CONFIGS = {
    "GPT2LMHeadModel": NetworkConfig(kind="decoder", norm_place="pre", **SIZES),
    "OpenAIGPTLMHeadModel": NetworkConfig(kind="decoder", norm_place="post", **SIZES),
    "GPTNeoForCausalLM": NetworkConfig(
        kind="decoder", norm_place="pre", attention=("dense", "banded"), window=5, qkv_bias=False, **SIZES
    ),
    "BertForPreTraining": NetworkConfig(
        kind="encoder",
        norm_place="post",
        norm_eps=1e-12,
        activation="gelu",
        n_segments=2,
        embedding_norm=True,
        heads=Heads(lm_transform=True, next_sentence=True),
        **SIZES,
    ),
    "MarianMTModel": NetworkConfig(
        kind="seq2seq", norm_place="post", activation="relu", positions="sinusoid", embedding_scale=True, **SIZES
    ),
}


def random_network(cfg, seed=0):
    network = build(cfg, seed).eval()
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(torch.randn(p.shape, generator=stream) * 0.2)
    return network


@pytest.fixture(params=CONFIGS)
def stock(request):
    """The class's name and a random network that fits it."""
    return request.param, random_network(CONFIGS[request.param])
