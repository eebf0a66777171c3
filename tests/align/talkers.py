"""Tiny random models in folders, with the chat's tokens and a context of 96."""

from dataclasses import replace

from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.generate.model import Model
from foretell.recipes import gpt2
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network

TEXT = ["Return the value of the key, or the default. " * 3, "Raise an error " * 9] * 4


def talker(seed=0, n_ctx=96):
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    return Model(random_network(replace(gpt2.network("smoke"), n_vocab=300, n_ctx=n_ctx), seed), tokenizer)


def saved(folder, seed=0):
    model = talker(seed)
    save_model(folder, model.network, model.tokenizer, Card(recipe=folder.name))
    return str(folder)


def prompts(n, text="Return the value {}"):
    cases = ("generation", "chat")
    return [
        {"prompt_id": f"p{i}", "group_id": f"g{i}", "split": "valid", "text": text.format(i), "use_case": cases[i % 2]}
        for i in range(n)
    ]
