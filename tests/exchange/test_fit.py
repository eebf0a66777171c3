"""A network goes to the stock class that fits it, and what does not fit is named."""

from dataclasses import replace

import pytest
import torch

from foretell.exchange import bert, gpt2, gpt_neo, marian, openai_gpt
from foretell.exchange.card import Card
from foretell.exchange.fit import Unfit, difference
from foretell.exchange.folder import load_model, save_model
from foretell.exchange.gpt_neo import shortest
from foretell.model.config import Heads
from tests.exchange.conftest import BERT, CONFIGS, GPT1, GPT2, MARIAN, NEO, TASK, random_network


@pytest.mark.parametrize(
    ("layout", "cfg", "changes", "said"),
    [
        (gpt2, GPT2, {"positions": "rotary"}, "positions='rotary'"),
        (gpt2, GPT2, {"norm": "rms"}, "norm='rms'"),
        (gpt2, GPT2, {"norm_place": "post"}, "norm_place='post'; it needs 'pre'"),
        (gpt2, GPT2, {"d_head": 16}, "n_heads=2 x d_head=16; it needs them to be d_model=16"),
        (gpt2, GPT2, {"attention": ("dense", "strided")}, "attention='strided' in layer 1"),
        (gpt2, GPT2, {"attention": ("banded",)}, "attention='banded' in layer 0"),
        (gpt2, GPT2, {"bias": False}, "bias=False"),
        (gpt2, GPT2, {"qkv_bias": False}, "qkv_bias=False"),
        (gpt2, GPT2, {"qk_norm": True}, "qk_norm=True"),
        (gpt2, GPT2, {"tied": False}, "tied=False"),
        (gpt2, GPT2, {"n_segments": 2}, "n_segments=2"),
        (gpt2, GPT2, {"activation": "relu2"}, "activation='relu2'; it needs 'gelu_tanh' or 'gelu' or 'relu'"),
        (gpt2, GPT2, {"embedding_scale": True}, "embedding_scale=True"),
        (gpt2, GPT2, {"heads": replace(TASK, task_pooler=True)}, "heads="),
        (gpt2, GPT2, {"heads": Heads(lm=False)}, "heads="),
        (openai_gpt, GPT1, {"activation": "gelu"}, "activation='gelu'"),
        (openai_gpt, GPT1, {"d_ff": 32}, "d_ff=32; it needs 64"),
        (gpt_neo, NEO, {"qkv_bias": True}, "qkv_bias=True"),
        (gpt_neo, NEO, {"attention": ("strided",)}, "attention='strided' in layer 0; it needs dense or banded"),
        (gpt_neo, NEO, {"heads": TASK}, "heads="),
        (bert, BERT, {"embedding_norm": False}, "embedding_norm=False"),
        (bert, BERT, {"n_segments": 0}, "n_segments=0; it needs 2"),
        (bert, BERT, {"heads": Heads()}, "heads="),
        (bert, BERT, {"heads": replace(TASK, lm=True, task_pooler=True)}, "heads="),
        (marian, MARIAN, {"norm_eps": 1e-6}, "norm_eps=1e-06; it needs 1e-05"),
        (marian, MARIAN, {"positions": "learned"}, "positions='learned'; it needs 'sinusoid'"),
        (marian, MARIAN, {"d_model": 15, "n_heads": 3, "d_head": 5}, "d_model=15; it needs an even one"),
    ],
)
def test_what_a_class_cannot_hold_is_named(layout, cfg, changes, said):
    layout.config_to(cfg)
    with pytest.raises(Unfit, match="cannot hold") as refused:
        layout.config_to(replace(cfg, **changes))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_pattern_that_no_layer_has_does_not_matter():
    gpt2.config_to(replace(GPT2, attention=("dense", "dense", "strided")))


def test_a_network_without_a_stock_class_says_so_and_comes_back_exactly(tmp_path):
    cfg = replace(GPT2, positions="rotary", norm="rms", qk_norm=True, tied=False, activation="relu2", d_head=12)
    network = random_network(cfg)
    said = save_model(tmp_path / "m", network, None, Card(recipe="a test"))
    assert said.startswith("no class of transformers can hold it (GPT2LMHeadModel cannot hold norm='rms'")
    assert "transformers cannot load it" in (tmp_path / "m" / "README.md").read_text()
    again = load_model(tmp_path / "m").network
    assert again.cfg == cfg
    for key, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


def test_the_shortest_turn_of_patterns_is_found():
    assert shortest(["dense", "banded"] * 3) == ("dense", "banded")
    assert shortest(["dense"] * 4) == ("dense",)
    assert shortest(["dense", "banded", "dense"]) == ("dense", "banded")
    assert shortest(["dense", "dense", "banded"]) == ("dense", "dense", "banded")


def test_bodies_differ_only_in_what_computes_otherwise():
    same = [
        replace(GPT2, heads=TASK),
        replace(GPT2, window=3),
        replace(GPT2, rotary_base=500.0),
        replace(GPT2, attention=("dense", "dense")),
    ]
    assert [difference(GPT2, cfg) for cfg in same] == [None] * 4
    assert difference(GPT2, replace(GPT2, n_heads=4, d_head=4)) == ("n_heads", 2, 4)
    assert difference(NEO, replace(NEO, window=4)) == ("window", 5, 4)
    assert difference(NEO, replace(NEO, attention=("dense",)))[0] == "attention"
    turned = replace(GPT2, positions="rotary")
    assert difference(turned, replace(turned, rotary_base=500.0)) == ("rotary_base", 10_000.0, 500.0)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_same_network_gives_the_same_bytes(name, tmp_path):
    for folder in ("one", "two"):
        save_model(tmp_path / folder, random_network(CONFIGS[name]), None, Card(recipe="a test", metrics={"loss": 2.0}))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
