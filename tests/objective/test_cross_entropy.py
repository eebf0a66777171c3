from math import exp, log

import pytest
import torch
import torch.nn.functional as F

from foretell.objective import cross_entropy
from foretell.objective.cross_entropy import cross_entropy_sum
from foretell.objective.mean import IGNORED

N, D, V = 13, 6, 11


def case(bias=True):
    hidden, weight = torch.randn(N, D, requires_grad=True), torch.randn(V, D, requires_grad=True)
    targets = torch.randint(0, V, (N,))
    targets[[0, 4, 12]] = IGNORED
    return hidden, weight, torch.randn(V, requires_grad=True) if bias else None, targets


def gradients(loss, *of):
    return torch.autograd.grad(loss, [x for x in of if x is not None])


def slow(hidden, weight, bias, targets, smoothing, shares):
    """The formula of the module in plain Python numbers."""
    total = 0.0
    for h, target, share in zip(hidden.tolist(), targets.tolist(), shares, strict=True):
        if target == IGNORED:
            continue
        z = [sum(a * b for a, b in zip(h, w, strict=True)) for w in weight.tolist()]
        z = [a + b for a, b in zip(z, bias.tolist(), strict=True)]
        logsumexp = log(sum(exp(a) for a in z))
        total += share * (logsumexp - (1 - smoothing) * z[target] - smoothing * sum(z) / len(z))
    return total


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_is_the_formula(smoothing):
    hidden, weight, bias, targets = case()
    shares = torch.rand(N)
    got = cross_entropy_sum(hidden, weight, bias, targets, smoothing, shares).item()
    assert got == pytest.approx(slow(hidden, weight, bias, targets, smoothing, shares.tolist()), rel=1e-5)


@pytest.mark.parametrize("chunk_rows", [1, 4, 13, 1000])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_value_and_gradients_equal_torchs_whatever_the_chunks(monkeypatch, smoothing, bias, chunk_rows):
    monkeypatch.setattr(cross_entropy, "CHUNK_BYTES", 4 * V * chunk_rows)
    hidden, weight, bias, targets = case(bias)
    want = F.cross_entropy(F.linear(hidden, weight, bias), targets, reduction="sum", label_smoothing=smoothing)
    got = cross_entropy_sum(hidden, weight, bias, targets, smoothing)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    for a, b in zip(gradients(3 * got, hidden, weight, bias), gradients(3 * want, hidden, weight, bias), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_shares_weigh_the_rows_in_value_and_gradients(monkeypatch, smoothing):
    monkeypatch.setattr(cross_entropy, "CHUNK_BYTES", 4 * V * 5)
    hidden, weight, bias, targets = case()
    shares = torch.rand(N)
    each = F.cross_entropy(F.linear(hidden, weight, bias), targets, reduction="none", label_smoothing=smoothing)
    want, got = (each * shares).sum(), cross_entropy_sum(hidden, weight, bias, targets, smoothing, shares)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    for a, b in zip(gradients(got, hidden, weight, bias), gradients(want, hidden, weight, bias), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_gradient_is_the_slope_of_the_value(smoothing):
    hidden, weight, bias, targets = case()
    for x, grad in zip(
        (hidden, weight, bias),
        gradients(cross_entropy_sum(hidden, weight, bias, targets, smoothing), hidden, weight, bias),
        strict=True,
    ):
        direction = torch.randn_like(x)
        with torch.no_grad():
            values = []
            for step in (1e-2, -1e-2):
                x += step * direction
                values.append(slow(hidden, weight, bias, targets, smoothing, [1.0] * N))
                x -= step * direction
        slope = (values[0] - values[1]) / 2e-2
        assert (grad * direction).sum().item() == pytest.approx(slope, rel=2e-3, abs=2e-3)


def test_ignored_rows_get_no_gradient():
    hidden, weight, bias, targets = case()
    grad = gradients(cross_entropy_sum(hidden, weight, bias, targets, 0.1), hidden)[0]
    assert (grad[targets == IGNORED] == 0).all()
    assert (grad[targets != IGNORED].abs().amax(-1) > 0).all()


@pytest.mark.parametrize("rows", [0, 5])
def test_nothing_to_predict_is_a_loss_and_gradients_of_zero(rows):
    hidden, weight = torch.randn(rows, D, requires_grad=True), torch.randn(V, D, requires_grad=True)
    total = cross_entropy_sum(hidden, weight, None, torch.full((rows,), IGNORED))
    assert total.item() == 0
    assert all((grad == 0).all() for grad in gradients(total, hidden, weight))


def test_large_logits_do_not_overflow():
    hidden = torch.tensor([[1000.0], [-1000.0]], requires_grad=True)
    weight = torch.tensor([[1.0], [-1.0], [0.5]], requires_grad=True)
    total = cross_entropy_sum(hidden, weight, None, torch.tensor([0, 0]))
    assert total.item() == pytest.approx(2000)
    assert all(grad.isfinite().all() for grad in gradients(total, hidden, weight))


def test_bf16_autocast_stays_close_to_fp32_and_gives_gradients_in_fp32():
    hidden, weight, bias, targets = case()
    want = cross_entropy_sum(hidden, weight, bias, targets, 0.1)
    with torch.autocast("cpu", torch.bfloat16):
        got = cross_entropy_sum(hidden, weight, bias, targets, 0.1)
    assert got.dtype == torch.float32
    assert got != want, "the products were meant to be in bfloat16"
    torch.testing.assert_close(got, want, rtol=1e-2, atol=0)
    for a, b in zip(gradients(got, hidden, weight, bias), gradients(want, hidden, weight, bias), strict=True):
        assert a.dtype == torch.float32
        assert (a - b).norm() < 0.02 * b.norm()


def test_hidden_states_in_bf16_get_gradients_in_bf16():
    hidden, weight, bias, targets = case()
    narrow = hidden.detach().bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        d_hidden, d_weight = gradients(cross_entropy_sum(narrow, weight, bias, targets), narrow, weight)
    assert (d_hidden.dtype, d_weight.dtype) == (torch.bfloat16, torch.float32)


def test_evaluation_makes_no_gradients(monkeypatch):
    hidden, weight, bias, targets = case()

    def refuse(*_):
        raise AssertionError("a gradient was made where none is wanted")

    monkeypatch.setattr(cross_entropy, "_add_product", refuse)
    with torch.no_grad():
        got = cross_entropy_sum(hidden, weight, bias, targets)
    want = F.cross_entropy(F.linear(hidden, weight, bias), targets, reduction="sum")
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_tied_weights_add_their_two_gradients():
    weight, ids = torch.randn(V, D, requires_grad=True), torch.randint(0, V, (N,))
    targets = torch.randint(0, V, (N,))
    got = gradients(cross_entropy_sum(weight[ids], weight, None, targets), weight)[0]
    want = gradients(F.cross_entropy(weight[ids] @ weight.T, targets, reduction="sum"), weight)[0]
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
