"""A model that is made of functions, and a tiny random one with a tokenizer of a few words."""

import random
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from foretell.generate.engine import Completion
from foretell.generate.model import Model
from foretell.generate.score import Score
from foretell.recipes import gpt2
from foretell.text.train import train_tokenizer
from tests.generate.conftest import BASE, CONFIGS, random_network

TEXT = [
    "The nurse was a woman. He was very tall, she was very kind. Return the value of the key. " * 3,
    "A man " * 9,
] * 4


@dataclass
class Made:
    """Stands for a model: a word is a token; what it writes and how likely it finds texts are functions."""

    says: object = None
    """(prompt, random stream) -> text"""
    logprob: object = None
    """(context, completion) -> nats"""
    n_ctx: int = 1000
    asked: list = field(default_factory=list)
    """how many outputs of which prompt each call wanted"""

    def __post_init__(self):
        self.tokenizer = SimpleNamespace(encode=str.split, decode=" ".join, sha=lambda: "0", has_end=True)
        self.network = SimpleNamespace(cfg=SimpleNamespace(n_ctx=self.n_ctx, kind="decoder"), state_dict=dict)

    def score(self, pairs):
        return [Score(self.logprob(context, text), len(text.split()), False) for context, text in pairs]

    def generate(self, prompts, *, seed, **how):
        self.asked.append((len(prompts), prompts[0], how))
        streams = [random.Random(f"{seed} {i}") for i in range(len(prompts))]
        texts = [self.says(prompt, stream) for prompt, stream in zip(prompts, streams, strict=True)]
        return [Completion(ids=[], text=text, logprobs=[], finish="length") for text in texts]


@pytest.fixture
def made():
    return Made


@pytest.fixture(scope="session")
def tiny():
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    network = replace(gpt2.network("smoke"), n_vocab=300, n_ctx=96)
    return Model(random_network(network, spread=0.1), tokenizer)


@pytest.fixture(params=CONFIGS)
def network(request):
    return random_network(CONFIGS[request.param], spread=0.2)


@pytest.fixture
def translator():
    return random_network(replace(BASE, kind="seq2seq", norm_place="post", positions="sinusoid", activation="relu"))
