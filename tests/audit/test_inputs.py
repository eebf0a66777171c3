"""Integrated gradients and leave-one-out: completeness, a slow twin, and a token that does nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foretell.audit.inputs import TOLERANCE, Integrated, deletion, embedded, integrated_gradients, left_out, logprob
from foretell.errors import BadUse
from tests.generate.conftest import BASE, random_network

CONTEXT, COMPLETION = [3, 7, 1, 9, 4], [5, 2]


def plain(network, ids, n_target):
    """f by the network as it is."""
    with torch.no_grad():
        logits = network(torch.tensor([ids[:-1]]))[0, -n_target:].log_softmax(-1)
    return float(logits.gather(1, torch.tensor(ids[-n_target:])[:, None]).sum())


def test_values_sum_to_the_difference_for_every_kind_of_network(network):
    found = integrated_gradients(network, CONTEXT, COMPLETION)
    assert len(found.values) == len(CONTEXT)
    assert found.error <= TOLERANCE
    assert sum(found.values) == pytest.approx(found.f - found.baseline, rel=0.011)
    assert found.f == pytest.approx(plain(network, [*CONTEXT, *COMPLETION], 2), abs=1e-4)


def test_values_are_those_of_a_slow_twin():
    network = random_network(BASE, spread=0.2)
    found = integrated_gradients(network, CONTEXT, COMPLETION)
    weight = network.embed.token.weight.detach()
    ids = torch.tensor([*CONTEXT, *COMPLETION])
    read = weight[ids[:-1]]
    base = torch.cat([weight.mean(0).expand(len(CONTEXT), -1), read[len(CONTEXT) :]])
    steps, total = 200, torch.zeros_like(read)
    for i in range(steps):  # the middle of each step
        vectors = (base + (i + 0.5) / steps * (read - base))[None].requires_grad_()
        logprob(network, ids, vectors, 2).backward()
        total += vectors.grad[0] / steps
    wanted = ((read - base) * total).sum(-1)[: len(CONTEXT)]
    assert found.values == pytest.approx(wanted.tolist(), abs=2e-3)


def test_a_linear_function_gets_weight_times_distance(monkeypatch):
    from foretell.audit import inputs

    network = random_network(BASE)
    slope = torch.randn(BASE.d_model)
    monkeypatch.setattr(inputs, "logprob", lambda network, ids, vectors, n: (vectors @ slope).sum(-1))
    found = integrated_gradients(network, CONTEXT, COMPLETION)
    weight = network.embed.token.weight.detach()
    wanted = [float((weight[i] - weight.mean(0)) @ slope) for i in CONTEXT]
    assert found.values == pytest.approx(wanted, abs=1e-4)
    assert found.nodes == 16  # exact with any number of nodes


def test_the_network_is_as_before_and_gradients_are_left_nowhere():
    network = random_network(BASE)
    ids = torch.tensor([CONTEXT])
    before = network(ids)
    integrated_gradients(network, CONTEXT, COMPLETION)
    assert torch.equal(network(ids), before)
    assert all(p.grad is None for p in network.parameters())
    with embedded(network, network.embed.token.weight.detach()[ids]):
        torch.testing.assert_close(network(ids), before)


def test_leave_one_out_is_the_difference_to_the_text_without_the_token(network):
    found = left_out(network, CONTEXT, COMPLETION)
    whole = plain(network, [*CONTEXT, *COMPLETION], 2)
    for i, value in enumerate(found):
        without = [*CONTEXT[:i], *CONTEXT[i + 1 :], *COMPLETION]
        assert value == pytest.approx(whole - plain(network, without, 2), abs=2e-4)


def test_a_token_out_of_the_window_does_nothing():
    network = random_network(replace(BASE, n_layers=1, attention=("banded",), window=2))
    values = integrated_gradients(network, [3, 7, 1, 9, 4], [5]).values
    assert np.abs(values[:3]).max() < 1e-6  # the last position sees itself and the one before
    assert abs(values[4]) > 1e-4


def test_deletion_is_the_mean_of_f_while_tokens_turn_to_the_baseline():
    network = random_network(BASE, spread=0.2)
    weight = network.embed.token.weight.detach()
    ids = torch.tensor([*CONTEXT, *COMPLETION])
    orders = [[0, 1, 2, 3, 4], [3, 1, 4, 0, 2]]
    for order, found in zip(orders, deletion(network, CONTEXT, COMPLETION, orders), strict=True):
        values, gone = [], set()
        for place in [None, *order]:
            gone |= {place}
            vectors = torch.stack([weight.mean(0) if i in gone else weight[ids[i]] for i in range(len(ids) - 1)])
            with torch.no_grad():
                values.append(float(logprob(network, ids, vectors[None], 2)))
        assert found == pytest.approx(np.mean(values), abs=1e-5)


def test_the_order_of_the_gradients_brings_f_down_sooner_than_chance():
    lower = []
    for seed in range(12):
        network = random_network(BASE, seed, spread=0.2)
        values = integrated_gradients(network, CONTEXT, COMPLETION).values
        order = sorted(range(5), key=lambda i: -values[i])
        first, last = deletion(network, CONTEXT, COMPLETION, [order, order[::-1]])
        lower.append(first < last)
    assert sum(lower) >= 11


def test_the_error_is_a_share_of_the_difference():
    assert Integrated(values=[1.0, 0.9], f=-1.0, baseline=-3.0, nodes=16).error == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("context", "completion", "told"),
    [([], [1], "is empty"), ([1], [], "is empty"), ([1] * 40, [1, 2], "42 tokens, the context holds 40")],
)
def test_what_cannot_be_read_is_told(context, completion, told):
    with pytest.raises(BadUse, match=told):
        integrated_gradients(random_network(BASE), context, completion)


def test_one_token_cannot_be_left_out_and_a_translator_is_refused(translator):
    with pytest.raises(BadUse, match="nothing is left"):
        left_out(random_network(BASE), [1], [2])
    with pytest.raises(BadUse, match="kind seq2seq"):
        integrated_gradients(translator, [1], [2])
