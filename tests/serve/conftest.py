"""Two tiny random models behind the application, asked in this process."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from foretell.generate.model import Model
from foretell.recipes import bert, gpt2, transformer
from foretell.serve.api import make_app
from foretell.serve.settings import Limits
from foretell.text.train import train_tokenizer
from tests.corpus.made_documents import HELP
from tests.generate.conftest import random_network

LIMITS = Limits(hosts=("testserver",))
N_VOCAB = 300


def model_of(network, kind="bpe", n_vocab=N_VOCAB, seed=0, n_ctx=None):
    cfg = replace(network, n_vocab=n_vocab, n_ctx=n_ctx or network.n_ctx)
    return Model(random_network(cfg, seed, 0.25), train_tokenizer(kind, HELP[:4], N_VOCAB, quiet=True))


@pytest.fixture(scope="session")
def models():
    """By name: two decoders that can chat, one of them with ids that its tokenizer lacks; an encoder; a translator."""
    return {
        "one": model_of(gpt2.network("smoke"), n_ctx=96),
        "two": model_of(gpt2.network("smoke"), n_vocab=N_VOCAB + 20, seed=5),
        "encoder": model_of(bert.network("smoke"), "wordpiece"),
        "translator": model_of(transformer.network("smoke")),
    }


@contextmanager
def asked(models, limits=LIMITS, keys=None):
    """A client of an application with these models."""
    from starlette.testclient import TestClient

    with TestClient(make_app(models, limits, keys or {}), base_url="http://testserver") as client:
        yield client


@pytest.fixture(scope="module")
def client(models):
    """A client of all of them."""
    with asked(models) as client:
        yield client


def events(text):
    """The data of server-sent events."""
    return [line.removeprefix("data: ") for line in text.split("\n\n") if line.startswith("data: ")]
