from math import exp, sqrt

import pytest
import torch
import torch.nn.functional as F

from foretell.model.attention import Attention, attention_weights
from foretell.model.config import Dropout


def softmax_loop(q, k, v, may_see):
    """Eq. 1 of Vaswani et al. 2017 for one head, number by number."""
    rows = []
    for i, query in enumerate(q):
        scores = [exp(sum(a * b for a, b in zip(query, key, strict=True)) / sqrt(len(query))) for key in k]
        weights = [score if may_see(i, j) else 0.0 for j, score in enumerate(scores)]
        rows.append(
            [sum(w * value[c] for w, value in zip(weights, v, strict=True)) / sum(weights) for c in range(len(v[0]))]
        )
    return rows


def slow_attention(layer, x, source, may_see):
    """One row (T, D) through the layer's own projections, head by head."""
    heads = []
    q, k, v = layer.query(x), layer.key(source), layer.value(source)
    for h in range(q.shape[-1] // layer.d_head):
        part = slice(h * layer.d_head, (h + 1) * layer.d_head)
        qh, kh = q[:, part], k[:, part]
        if layer.qk_norm:
            qh, kh = (y / (y.square().mean(-1, keepdim=True) + layer.norm_eps).sqrt() for y in (qh, kh))
        heads.append(torch.tensor(softmax_loop(qh.tolist(), kh.tolist(), v[:, part].tolist(), may_see)))
    return layer.output(torch.cat(heads, -1))


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_the_written_out_softmax(tiny, shaken, causal, qk_norm):
    layer = shaken(Attention(tiny(d_head=5, n_heads=2, qk_norm=qk_norm), causal=causal))
    x = torch.randn(2, 6, 12)
    got = layer(x, None, None, None)
    want = [slow_attention(layer, row, row, lambda i, j: j <= i or not causal) for row in x]
    torch.testing.assert_close(got, torch.stack(want), rtol=1e-5, atol=1e-5)


def test_a_mask_replaces_causality(tiny, shaken):
    layer = shaken(Attention(tiny(), causal=True))
    x, mask = torch.randn(1, 5, 12), torch.rand(5, 5) > 0.5
    mask.fill_diagonal_(True)
    got = layer(x, mask[None, None], None, None)
    want = slow_attention(layer, x[0], x[0], lambda i, j: bool(mask[i, j]))
    torch.testing.assert_close(got[0], want, rtol=1e-5, atol=1e-5)


def test_cross_attention_reads_the_memory_where_it_is_real(tiny, shaken):
    layer = shaken(Attention(tiny(), causal=False))
    x, memory, real = torch.randn(1, 3, 12), torch.randn(1, 7, 12), torch.tensor([[True] * 4 + [False] * 3])
    got = layer.cross(x, memory, real[:, None, None], None)
    torch.testing.assert_close(
        got[0], slow_attention(layer, x[0], memory[0, :4], lambda i, j: True), rtol=1e-5, atol=1e-5
    )


def test_biases_are_where_the_config_says(tiny):
    both, none, output_only = tiny(), tiny(bias=False), tiny(qkv_bias=False)
    has = {
        cfg: [p for p, _ in Attention(cfg, causal=True).named_parameters() if p.endswith("bias")]
        for cfg in (both, none, output_only)
    }
    assert sorted(has[both]) == ["key.bias", "output.bias", "query.bias", "value.bias"]
    assert has[none] == []
    assert has[output_only] == ["output.bias"]


def test_the_reports_attention_weights_are_what_attention_uses():
    q, k, v = torch.randn(3, 2, 4, 5, 8)
    mask = torch.ones(5, 5).tril().bool()
    weights = attention_weights(q, k, mask)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 5))
    torch.testing.assert_close(weights @ v, F.scaled_dot_product_attention(q, k, v, mask), rtol=1e-5, atol=1e-6)


def test_dropout_falls_on_the_weights_in_training_alone(tiny, shaken):
    layer = shaken(Attention(tiny(dropout=Dropout(attention=0.5)), causal=True))
    x = torch.randn(2, 6, 12)
    assert not torch.equal(layer(x, None, None, None), layer(x, None, None, None))
    layer.eval()
    assert torch.equal(layer(x, None, None, None), layer(x, None, None, None))


def test_norms_of_queries_and_keys_hold_for_the_memory_too(tiny, shaken):
    layer = shaken(Attention(tiny(qk_norm=True), causal=False))
    x, memory = torch.randn(1, 3, 12), torch.randn(1, 7, 12)
    before = layer.cross(x, memory, None, None)
    with torch.no_grad():
        for part in (layer.query, layer.key):
            part.weight.mul_(5)
            part.bias.mul_(5)
    torch.testing.assert_close(layer.cross(x, memory, None, None), before, rtol=1e-3, atol=1e-4)
