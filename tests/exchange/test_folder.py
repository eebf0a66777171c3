"""A folder that is damaged, foreign or a pickle is refused in one line; a start takes over all but new heads."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from foretell.errors import BadUse
from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, load_weights_into, save_model
from foretell.model.config import Heads
from foretell.model.init import build
from tests.exchange.conftest import CONFIGS, random_network

GPT2 = CONFIGS["GPT2LMHeadModel"]


@pytest.fixture
def folder(tmp_path):
    save_model(
        tmp_path / "model", random_network(GPT2), None, Card(recipe="a test", steps=3, metrics={"val_loss": 1.5})
    )
    return tmp_path / "model"


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_saved_model_comes_back_exactly(folder):
    again = load_model(folder)
    assert again.network.cfg == GPT2
    assert all(
        torch.equal(a, b) for a, b in zip(again.network.parameters(), random_network(GPT2).parameters(), strict=True)
    )
    assert "1.5" in (folder / "README.md").read_text()


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def lose_a_tensor(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["transformer.h.1.ln_2.weight"]
    save_file(tensors, folder / "model.safetensors")


def add_a_tensor(folder):
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "lora.a": torch.zeros(2)}, folder / "model.safetensors")


def another_size(folder):
    (folder / "foretell.json").unlink()
    edit(folder / "config.json", n_embd=32)


def a_pickle(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def an_escaping_index(folder):
    (folder / "model.safetensors").rename(folder.parent / "outside.safetensors")
    index = {"weight_map": {"transformer.wte.weight": "../outside.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (truncate, "cut short"),
        (lose_a_tensor, r"lack transformer\.h\.1\.ln_2\.weight"),
        (add_a_tensor, r"hold .*lora\.a"),
        (another_size, "belong together"),
        (a_pickle, "never loaded"),
        (an_escaping_index, "plain file of the same folder"),
        (lambda folder: edit(folder / "config.json", model_type="gpt22"), "did you mean 'gpt2'"),
        (lambda folder: (folder / "config.json").write_text("{"), "is not JSON"),
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(folder, harm, said):
    harm(folder)
    with pytest.raises(BadUse, match=said) as refused:
        load_model(folder)
    assert "\n" not in str(refused.value)


def test_sharded_weights_are_put_together(folder):
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    parts = {"a.safetensors": names[:7], "b.safetensors": names[7:]}
    for file, part in parts.items():
        save_file({name: tensors[name] for name in part}, folder / file)
    index = {"weight_map": {name: file for file, part in parts.items() for name in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    assert torch.equal(load_model(folder).network.embed.token.weight, random_network(GPT2).embed.token.weight)


def test_a_start_copies_all_but_the_new_head(folder):
    network = build(replace(GPT2, heads=Heads(n_outputs=3)), seed=5)
    head = network.task_head.output.weight.clone()
    assert load_weights_into(network, folder) == ["task_head.output.bias", "task_head.output.weight"]
    assert torch.equal(network.embed.token.weight, random_network(GPT2).embed.token.weight)
    assert torch.equal(network.task_head.output.weight, head)


@pytest.mark.parametrize(("field", "value"), [("n_vocab", 41), ("n_layers", 3), ("kind", "encoder")])
def test_a_start_from_another_network_is_refused(folder, field, value):
    with pytest.raises(BadUse, match="cannot start from"):
        load_weights_into(build(replace(GPT2, **{field: value})), folder)
