"""Rollout, logit lens and head ablation against slow twins, for every kind of network."""

import pytest
import torch
import torch.nn.functional as F

from foretell.audit.insides import attentions, blocks, head_effects, lens, rollout, without_head
from tests.generate.conftest import BASE, CONFIGS, random_network

IDS = torch.tensor([[3, 7, 1, 9, 4, 4], [2, 2, 8, 1, 0, 5]])


def test_rows_of_attention_and_of_rollout_sum_to_one(network):
    weights = attentions(network, IDS)
    cfg = network.cfg
    assert weights.shape == (cfg.n_layers, 2, cfg.n_heads, 6, 6)
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    flow = rollout(weights)
    torch.testing.assert_close(flow.sum(-1), torch.ones(2, 6))
    assert flow.triu(1).abs().max() == 0  # nothing comes from the future


def test_attention_is_what_the_network_uses(network):
    """The layer's output from these weights is its output."""
    weights, kept = attentions(network, IDS), []
    attention = blocks(network)[0].attention
    handle = attention.register_forward_hook(lambda module, given, out: kept.append((given[0], out)))
    with torch.no_grad():
        network.hidden(IDS)
        x, out = kept[0]
        v = attention.split_heads(F.linear(x, attention.value.weight, attention.value.bias))
        wanted = attention.output((weights[0] @ v).transpose(1, 2).flatten(2))
    handle.remove()
    torch.testing.assert_close(out, wanted, atol=1e-4, rtol=1e-4)


def test_rollout_is_the_product_written_out():
    weights = torch.softmax(torch.randn(3, 1, 2, 4, 4), -1)
    wanted = torch.eye(4)
    for layer in weights:
        mixed = torch.zeros(4, 4)
        for i in range(4):
            for j in range(4):
                mixed[i, j] = sum(float(head[i, j]) for head in layer[0]) / 2 / 2 + (i == j) / 2
        wanted = torch.tensor([[sum(mixed[i, k] * wanted[k, j] for k in range(4)) for j in range(4)] for i in range(4)])
    torch.testing.assert_close(rollout(weights)[0], wanted)


def test_the_last_layer_of_the_lens_is_the_network(network):
    found = lens(network, IDS)
    assert found.shape == (network.cfg.n_layers, 2, 6, network.cfg.n_vocab)
    with torch.no_grad():
        torch.testing.assert_close(found[-1], network(IDS), atol=1e-4, rtol=1e-4)
    assert (found[0] - found[-1]).abs().max() > 0.1


@pytest.mark.parametrize("config", ["learned", "rotary", "wide heads"])
def test_a_head_without_output_weights_is_the_head_ablated(config):
    network = random_network(CONFIGS[config])
    cfg = network.cfg
    for layer, head in ((0, 1), (cfg.n_layers - 1, 0)):
        with without_head(network, layer, head), torch.no_grad():
            found = network(IDS)
        other = random_network(CONFIGS[config])
        with torch.no_grad():
            blocks(other)[layer].attention.output.weight[:, head * cfg.d_head : (head + 1) * cfg.d_head] = 0
            torch.testing.assert_close(found, other(IDS))


def test_a_planted_head_is_the_only_one_that_matters():
    network = random_network(BASE)
    with torch.no_grad():
        for i, block in enumerate(blocks(network)):
            block.attention.output.weight[:, (BASE.d_head if i == 0 else 0) :] = 0  # layer 0, head 0 alone writes
        effects = head_effects(network, lambda: float(network(IDS)[0, -1].log_softmax(-1)[5]))
    assert abs(effects[0][0]) > 1e-3
    assert effects[0][1] == effects[1][0] == effects[1][1] == 0.0


def test_hooks_are_gone_afterwards():
    network = random_network(BASE)
    with torch.no_grad():
        before = network(IDS)
        attentions(network, IDS), lens(network, IDS), head_effects(network, lambda: 0.0)
        assert torch.equal(network(IDS), before)
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules()]
    assert sum(hooks) == 0
