"""Which tokens stay, and that draws follow the probabilities and nothing else."""

import math

import pytest
import torch

from foretell.generate.pick import biased, descending, kept, less_said, pick, uniform


def slow_kept(logits, top_k, top_p):
    """The definitions, one row, in plain Python."""
    order = sorted(range(len(logits)), key=lambda i: -logits[i])
    if top_k:
        order = order[:top_k]
    total = sum(math.exp(logits[i]) for i in order)
    staying, mass = [], 0.0
    for i in order:
        if mass >= top_p:
            break
        staying.append(i)
        mass += math.exp(logits[i]) / total
    return set(staying)


@pytest.mark.parametrize("top_k", [0, 1, 5])
@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.9, 1.0])
def test_top_k_and_top_p_keep_what_the_definition_keeps(top_k, top_p):
    logits = torch.randn(20, 12) * 2
    found = kept(logits, top_k, top_p)
    for row, values in zip(found, logits, strict=True):
        assert set(row.isfinite().nonzero()[:, 0].tolist()) == slow_kept(values.tolist(), top_k, top_p)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_of_equal_logits_top_p_keeps_the_fewest_that_suffice(dtype):
    found = kept(torch.zeros(2, 10, dtype=dtype), 0, 0.55)
    assert found.isfinite().tolist() == [[True] * 6 + [False] * 4] * 2
    logits = torch.tensor([[0.0, 1.0, 0.0, 0.0], [5.0, 5.0, -9.0, 5.0]], dtype=dtype)
    found = kept(logits, 0, 0.6)  # masses 0.48 and thrice 0.17; thrice 0.33
    assert found.isfinite().tolist() == [[True, True, False, False], [True, True, False, False]]


def test_rows_are_ordered_as_python_orders_them():
    rows = torch.randn(7, 33)
    assert descending(rows).tolist() == [sorted(row, reverse=True) for row in rows.tolist()]
    assert descending(rows.bfloat16()).tolist() == [sorted(row, reverse=True) for row in rows.bfloat16().tolist()]


def test_temperature_0_is_the_likeliest():
    logits = torch.randn(9, 30)
    assert torch.equal(pick(logits, 0, 0, 1.0, [0.9] * 9), logits.argmax(-1))


@pytest.mark.parametrize("temperature", [1e-3, 1e-29, 1e-31, 1e-38, 1e-46])
def test_near_temperature_0_is_the_likeliest_too(temperature):
    logits = torch.randn(9, 30) * 5
    for top_k, top_p in ((0, 1.0), (3, 0.9)):
        assert torch.equal(pick(logits, temperature, top_k, top_p, [0.9] * 9), logits.argmax(-1))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_probabilities(temperature):
    logits, n = torch.tensor([[0.0, 1.0, 2.0, -1.0]]), 4000
    draws = [uniform(3, 0, step) for step in range(n)]
    found = pick(logits.expand(n, -1), temperature, 0, 1.0, draws).bincount(minlength=4)
    wanted = torch.softmax(logits[0] / temperature, -1) * n
    chi_square = ((found - wanted) ** 2 / wanted).sum()
    assert chi_square < 16.3  # 3 degrees of freedom, 0.1 %


def test_a_token_that_is_left_out_is_never_drawn():
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0]])
    edges = [0.0, 1e-12, 0.3, 1 - 1e-12, 1 - 2**-53]
    assert set(pick(logits.expand(5, -1), 1.0, 2, 1.0, edges).tolist()) <= {0, 1}


def test_uniform_numbers_are_uniform_and_independent_of_their_neighbours():
    rows = torch.tensor([[uniform(0, row, step) for step in range(50)] for row in range(50)])
    assert rows.min() >= 0
    assert rows.max() < 1
    assert rows.mean().item() == pytest.approx(0.5, abs=0.02)
    assert rows.flatten().unique().numel() == 2500
    assert abs(torch.corrcoef(rows[:2])[0, 1]) < 0.4
    assert uniform(0, 1, 2) != uniform(1, 0, 2)


def test_what_was_said_is_less_likely_by_the_definition():
    logits, said = torch.randn(3, 6), [[], [1, 1, 5], [0, 2, 2, 2, 0]]
    found = less_said(logits, said, 0.75, -0.5)
    for row, ids, before in zip(found.tolist(), said, logits.tolist(), strict=True):
        for token in range(6):
            n = ids.count(token)
            assert row[token] == pytest.approx(before[token] - 0.75 * (n > 0) + 0.5 * n, abs=1e-6)
    assert less_said(logits, said, 0.0, 0.0) is logits


def test_a_bias_is_added_to_its_tokens_in_every_row():
    logits = torch.randn(3, 6)
    found = biased(logits, ((1, 2.0), (4, -3.0)))
    torch.testing.assert_close(found - logits, torch.tensor([0.0, 2, 0, 0, -3, 0]).expand(3, 6))
    assert biased(logits, ()) is logits
