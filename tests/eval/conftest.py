"""A tiny random model with a tokenizer of a few words, and a model that knows its answers."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from foretell.generate.engine import Completion
from foretell.generate.model import Model
from foretell.generate.score import Score
from foretell.recipes import gpt2
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network

TEXT = ["Q: What is 48 plus 76? A: 124 Return the value of the key, or the default. " * 3, "Raise an error " * 9] * 4


@pytest.fixture(scope="session")
def tiny():
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    return Model(random_network(replace(gpt2.network("smoke"), n_vocab=300, n_ctx=96)), tokenizer)


@dataclass
class Oracle:
    """Stands for a model: a word is a token, a completion's log-probability and every answer are given by functions."""

    logprob: object = None
    answer: object = None
    n_ctx: int = 1000
    asked: list = field(default_factory=list)
    ways: list = field(default_factory=list)
    """how each call of generate was to choose tokens"""

    def __post_init__(self):
        self.tokenizer = SimpleNamespace(encode=str.split, sha=lambda: "0")
        self.network = SimpleNamespace(cfg=SimpleNamespace(n_ctx=self.n_ctx), state_dict=dict)

    def score(self, pairs):
        self.asked += pairs
        return [Score(self.logprob(context, text), len(text.split()), False) for context, text in pairs]

    def generate(self, prompts, *, max_new_tokens, stop, **how):
        self.asked += prompts
        self.ways.append(how)
        found = [self.answer(prompt) for prompt in prompts]
        return [Completion(ids=[], text=text, logprobs=[], finish=finish) for text, finish in found]
