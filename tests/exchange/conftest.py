"""One small network of every stock class, with random biases and gains too."""

from dataclasses import replace

import pytest
import torch

from foretell.model.config import Dropout, Heads, NetworkConfig
from foretell.model.init import build
from foretell.text.train import train_tokenizer

SIZES = {"n_vocab": 40, "n_ctx": 24, "n_layers": 2, "d_model": 16, "n_heads": 2, "d_head": 8, "d_ff": 64}
DROPOUT = Dropout(embedding=0.1, attention=0.2, residual=0.1)
GPT2 = NetworkConfig(kind="decoder", norm_place="pre", dropout=DROPOUT, **SIZES)
GPT1 = NetworkConfig(kind="decoder", norm_place="post", dropout=DROPOUT, **SIZES)
NEO = replace(GPT2, attention=("dense", "banded"), window=5, qkv_bias=False, n_layers=3)
BERT = replace(
    GPT1,
    kind="encoder",
    norm_eps=1e-12,
    activation="gelu",
    n_segments=2,
    embedding_norm=True,
    heads=Heads(lm_transform=True, next_sentence=True),
)
MARIAN = replace(GPT1, kind="seq2seq", activation="relu", positions="sinusoid", embedding_scale=True)
TASK = Heads(n_outputs=3, task_dropout=0.1)
CONFIGS = {
    "GPT2LMHeadModel": GPT2,
    "GPT2ForSequenceClassification": replace(GPT2, heads=TASK, activation="relu", d_ff=40),
    "OpenAIGPTLMHeadModel": GPT1,
    "OpenAIGPTForSequenceClassification": replace(GPT1, heads=TASK),
    "GPTNeoForCausalLM": NEO,
    "BertForPreTraining": BERT,
    "BertForMaskedLM": replace(BERT, heads=Heads(lm_transform=True)),
    "BertForSequenceClassification": replace(BERT, heads=replace(TASK, lm=False, task_pooler=True)),
    "MarianMTModel": MARIAN,
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


@pytest.fixture(scope="session")
def tokenizer():
    """A byte-level BPE of a few sentences."""
    texts = ["the cat sat on the mat and the dog sat by the door", "a word of the text is a word", "what is a cat?"] * 9
    return train_tokenizer("bpe", texts, 290, quiet=True)
