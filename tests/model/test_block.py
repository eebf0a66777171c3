import pytest
import torch
import torch.nn.functional as F
from torch import nn

from foretell.model.block import Block, Reach, activation, norm
from foretell.model.config import Dropout
from foretell.model.stack import Stack


def give_attention(theirs, ours):
    theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
    theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
    theirs.out_proj.load_state_dict(ours.output.state_dict())


@torch.no_grad()
def torchs_layer(block, cfg, *, cross):
    """torch.nn's encoder or decoder layer with the block's weights."""
    kind = nn.TransformerDecoderLayer if cross else nn.TransformerEncoderLayer
    layer = kind(
        cfg.d_model, cfg.n_heads, cfg.d_ff, 0.0, activation(cfg.activation), cfg.norm_eps, True, cfg.norm_place == "pre"
    )
    give_attention(layer.self_attn, block.attention)
    norms = [block.attention_norm, block.feed_forward_norm]
    if cross:
        give_attention(layer.multihead_attn, block.cross)
        norms.insert(1, block.cross_norm)
    layer.linear1.load_state_dict(block.feed_forward.up.state_dict())
    layer.linear2.load_state_dict(block.feed_forward.output.state_dict())
    for i, ours in enumerate(norms, 1):
        getattr(layer, f"norm{i}").load_state_dict(ours.state_dict())
    return layer


@pytest.mark.parametrize("act", ["relu", "gelu"])
@pytest.mark.parametrize("place", ["post", "pre"])
def test_block_equals_torchs_encoder_layer(tiny, shaken, place, act):
    cfg = tiny(norm_place=place, activation=act)
    block = shaken(Block(cfg, causal=False, cross=False))
    layer, x = torchs_layer(block, cfg, cross=False), torch.randn(3, 7, 12)
    real = torch.arange(7) < torch.tensor([[7], [4], [1]])  # (B, T)
    torch.testing.assert_close(block(x, Reach()), layer(x), rtol=1e-5, atol=1e-5)
    got, want = block(x, Reach(real[:, None, None])), layer(x, src_key_padding_mask=~real)
    torch.testing.assert_close(got[real], want[real], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("act", ["relu", "gelu"])
@pytest.mark.parametrize("place", ["post", "pre"])
def test_block_equals_torchs_decoder_layer(tiny, shaken, place, act):
    cfg = tiny(norm_place=place, activation=act)
    block = shaken(Block(cfg, causal=True, cross=True))
    layer = torchs_layer(block, cfg, cross=True)
    x, memory = torch.randn(2, 5, 12), torch.randn(2, 6, 12)
    real = torch.arange(6) < torch.tensor([[6], [2]])  # (B, S)
    future = torch.ones(5, 5).triu(1).bool()
    got = block(x, Reach(memory=memory, memory_mask=real[:, None, None]))
    want = layer(x, memory, tgt_mask=future, memory_key_padding_mask=~real)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("place", ["post", "pre"])
def test_stack_ends_with_a_norm_if_norms_come_first(tiny, shaken, place):
    cfg = tiny(norm_place=place, activation="relu")
    stack, x = shaken(Stack(cfg, causal=True)), torch.randn(2, 5, 12)
    want = x
    for block in stack.layers.values():
        want = torchs_layer(block, cfg, cross=False)(want, src_mask=torch.ones(5, 5).triu(1).bool())
    if place == "pre":
        want = F.layer_norm(want, (12,), stack.norm.weight, stack.norm.bias, cfg.norm_eps)
    got = stack(x, torch.arange(5).expand(2, 5))
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_rms_norm_has_no_weights_and_makes_the_mean_square_one(tiny):
    layer, x = norm(tiny(norm="rms", norm_eps=1e-3)), torch.randn(4, 12)
    assert list(layer.parameters()) == []
    for row, got in zip(x.tolist(), layer(x).tolist(), strict=True):
        size = (sum(a * a for a in row) / len(row) + 1e-3) ** 0.5
        assert got == pytest.approx([a / size for a in row], rel=1e-5)


def test_layer_norm_has_a_bias_where_the_config_has(tiny):
    assert norm(tiny()).bias is not None
    assert norm(tiny(bias=False)).bias is None


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("relu", lambda x: max(x, 0.0)),
        ("relu2", lambda x: max(x, 0.0) ** 2),
        ("gelu", lambda x: x * 0.5 * (1 + torch.erf(torch.tensor(x / 2**0.5)).item())),
        ("gelu_tanh", lambda x: 0.5 * x * (1 + torch.tanh(torch.tensor(0.7978845608 * (x + 0.044715 * x**3))).item())),
    ],
)
def test_activations_are_their_formulas(name, twin):
    x = torch.linspace(-3, 3, 13)
    assert activation(name)(x).tolist() == pytest.approx([twin(a) for a in x.tolist()], abs=1e-6)


@pytest.mark.parametrize("place", ["post", "pre"])
def test_dropout_falls_on_what_a_sub_layer_adds_not_on_the_stream(tiny, shaken, place):
    cfg = tiny(norm_place=place, dropout=Dropout(residual=0.999999))
    block, x = shaken(Block(cfg, causal=True, cross=False)), torch.randn(2, 5, 12)
    want = x if place == "pre" else block.feed_forward_norm(block.attention_norm(x))
    torch.testing.assert_close(block(x, Reach()), want)


def test_a_block_with_cross_attention_needs_a_memory(tiny):
    with pytest.raises(AssertionError, match="memory"):
        Block(tiny(), causal=True, cross=True)(torch.randn(1, 2, 12), Reach())
