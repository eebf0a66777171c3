import dataclasses

import pytest

from foretell.model.config import Dropout, Heads, Init


@pytest.mark.parametrize("name", ["n_vocab", "n_ctx", "n_layers", "d_model", "n_heads", "d_head", "d_ff", "window"])
@pytest.mark.parametrize("value", [0, -3])
def test_sizes_below_one_are_refused_by_name(tiny, name, value):
    with pytest.raises(ValueError, match=rf"^{name}={value} is not positive; give at least 1$"):
        tiny(**{name: value})


def test_rotary_positions_need_pairs(tiny):
    with pytest.raises(ValueError, match=r"d_head=3 is odd; .*even"):
        tiny(positions="rotary", d_head=3)
    tiny(positions="learned", d_head=3)


def test_at_least_one_pattern_is_needed(tiny):
    with pytest.raises(ValueError, match=r"attention is empty; .*dense"):
        tiny(attention=())


@pytest.mark.parametrize("kind", ["encoder", "seq2seq"])
def test_sparse_patterns_are_for_decoders(tiny, kind):
    with pytest.raises(ValueError, match=r"banded.* needs kind=decoder"):
        tiny(kind=kind, attention=("dense", "banded"))
    tiny(kind=kind)


@pytest.mark.parametrize("name", ["embedding", "attention", "residual"])
@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_dropout_is_a_share(name, value):
    with pytest.raises(ValueError, match=rf"dropout\.{name}={value} is not in \[0, 1\); 0 switches it off"):
        Dropout(**{name: value})


def test_configs_are_frozen(tiny):
    with pytest.raises(dataclasses.FrozenInstanceError):
        tiny().n_layers = 3
    assert hash(tiny()) == hash(tiny())


def test_the_width_of_the_heads_is_independent_of_the_width_of_the_model(tiny):
    assert tiny(d_model=2048, n_heads=24, d_head=128).n_heads == 24, "GPT-3 XL, table 2.1"


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["std", "position_std"])
def test_a_std_is_no_negative_number(name, value):
    with pytest.raises(ValueError, match=rf"init\.{name}={value} is not a number of at least 0"):
        Init(**{name: value})


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["norm_eps", "rotary_base"])
def test_what_is_divided_by_is_positive(tiny, name, value):
    with pytest.raises(ValueError, match=f"{name}={value} is not a positive number"):
        tiny(**{name: value})


def test_heads_that_cannot_be_are_refused(tiny):
    with pytest.raises(ValueError, match="n_outputs=-1 is negative; 0 means no task head"):
        Heads(n_outputs=-1)
    with pytest.raises(ValueError, match=r"task_dropout=1\.0 is not in \[0, 1\)"):
        Heads(task_dropout=1.0)
    for heads in ({}, {"n_outputs": 2}, {"n_outputs": 1, "task_pooler": True}):
        with pytest.raises(ValueError, match="task_bias=True is of one score read off the hidden state"):
            Heads(task_bias=True, **heads)
    with pytest.raises(ValueError, match="n_segments=-1 is negative; 0 means no segment embeddings"):
        tiny(n_segments=-1)
