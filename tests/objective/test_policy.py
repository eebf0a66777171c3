from math import exp, inf, log, nan, sqrt

import pytest
import torch
import torch.nn.functional as F

from foretell.objective import policy
from foretell.objective.mean import Mean

B, T = 8, 7
LENGTHS = torch.tensor([3, 7, 1, 5, 7, 2, 6, 4])
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def rows(seed, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(B, T, generator=generator, dtype=torch.float64)


def spoilt(x, lengths=LENGTHS, value=nan):
    """The same with nonsense after the end."""
    return torch.where(policy.token_mask(lengths, x.shape[1]), x, value)


def real_values(x, lengths=LENGTHS):
    """The real tokens, one list per response, as Python numbers."""
    return [row[:n] for row, n in zip(x.tolist(), lengths.tolist(), strict=True)]


def flat(x, lengths=LENGTHS):
    return [value for row in real_values(x, lengths) for value in row]


def one(*values):
    """The tokens of a single response in fp64."""
    return torch.tensor([values], dtype=torch.float64)


# --- masks and means


def test_the_mask_is_the_length_and_nothing_else():
    mask = policy.token_mask(torch.tensor([0, 2, 3]), 3)
    assert mask.tolist() == [[False, False, False], [True, True, False], [True, True, True]]


def test_means_over_tokens_and_over_responses():
    x, lengths = torch.tensor([[1.0, 2.0, 9.0], [4.0, 9.0, 9.0], [9.0, 9.0, 9.0]]), torch.tensor([2, 1, 0])
    tokens, responses = policy.token_mean(x, lengths), policy.response_mean(x, lengths)
    assert (tokens.total.item(), tokens.n.item()) == (7, 3)
    assert (responses.total.item(), responses.n.item()) == (7, 2)


# --- KL estimators and rewards

P, Q = (torch.tensor(x, dtype=torch.float64) for x in ([0.4, 0.3, 0.2, 0.1], [0.2, 0.25, 0.25, 0.3]))


def test_kl_estimators_are_their_formulas():
    p, q = rows(0), rows(1)
    for name, formula in {
        "k1": lambda d: d,
        "k2": lambda d: d * d / 2,
        "k3": lambda d: exp(-d) - 1 + d,
    }.items():
        want = [formula(a - b) for a, b in zip(p.flatten().tolist(), q.flatten().tolist(), strict=True)]
        assert policy.kl_estimate(p, q, name).flatten().tolist() == pytest.approx(want, rel=1e-12, abs=1e-12)


def test_k1_and_k3_have_no_bias_and_k2_has_its_own():
    """Exactly, as expectations under the policy: no samples needed."""
    exact = sum(p * log(p / q) for p, q in zip(P.tolist(), Q.tolist(), strict=True))
    expected = {name: (P * policy.kl_estimate(P.log(), Q.log(), name)).sum().item() for name in ("k1", "k2", "k3")}
    assert expected["k1"] == pytest.approx(exact, rel=1e-12)
    assert expected["k3"] == pytest.approx(exact, rel=1e-12)
    assert expected["k2"] < exact - 0.01


@pytest.mark.parametrize(("name", "finds"), [("k1", True), ("k3", True), ("k2", False)])
def test_monte_carlo_finds_the_exact_kl_within_its_standard_error_or_the_bias(name, finds):
    n = 100_000
    drawn = torch.multinomial(P, n, replacement=True, generator=torch.Generator().manual_seed(0))
    samples = policy.kl_estimate(P.log()[drawn], Q.log()[drawn], name)
    exact = (P * (P / Q).log()).sum()
    error = samples.std() / sqrt(n)
    assert error < 0.002
    assert (abs(samples.mean() - exact) < 4 * error) == finds


def test_a_single_k1_below_zero_is_normal_and_a_single_k3_is_never():
    drawn = torch.multinomial(P, 1000, replacement=True, generator=torch.Generator().manual_seed(1))
    k1, k3 = (policy.kl_estimate(P.log()[drawn], Q.log()[drawn], name) for name in ("k1", "k3"))
    assert 0.2 < (k1 < 0).double().mean() < 0.4  # tokens 2 and 3: 0.3 of the policy's mass
    assert (k3 >= 0).all()
    assert k3.std() < k1.std()


@pytest.mark.parametrize("far", [15.0, -15.0])
def test_no_estimator_is_clamped(far):
    p, q = torch.tensor([far], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    got = [policy.kl_estimate(p, q, name).item() for name in ("k1", "k2", "k3")]
    assert got == pytest.approx([far, far**2 / 2, exp(-far) - 1 + far], rel=1e-12)


def test_k3_of_two_close_policies_is_not_lost_in_rounding():
    near = policy.kl_estimate(torch.tensor([1e-4, -1e-4]), torch.zeros(2), "k3")
    assert near.tolist() == pytest.approx([5e-9, 5e-9], rel=0.01)


def test_an_unknown_estimator_is_refused():
    with pytest.raises(AssertionError):
        policy.kl_estimate(P, Q, "k4")


@pytest.mark.parametrize("beta", [0.0, 0.02, 2.0])
def test_rewards_are_the_kl_of_each_token_and_the_score_at_the_last(beta):
    scores, logp, logp_ref = rows(2)[:, 0], rows(3), rows(4)
    got = policy.shaped_rewards(scores, spoilt(logp), spoilt(logp_ref), LENGTHS, beta)
    for i, n in enumerate(LENGTHS.tolist()):
        want = [-beta * (logp[i, t] - logp_ref[i, t]).item() for t in range(n)] + [0.0] * (T - n)
        want[n - 1] += scores[i].item()
        assert got[i].tolist() == pytest.approx(want, rel=1e-12, abs=1e-14)


def test_rewards_add_up_to_the_score_less_beta_times_the_log_ratio():
    scores, logp, logp_ref = rows(2)[:, 0], rows(3), rows(4)
    sums = policy.shaped_rewards(scores, logp, logp_ref, LENGTHS, 0.1).sum(1)
    log_ratio = policy.real(logp - logp_ref, LENGTHS).sum(1)
    torch.testing.assert_close(sums, scores - 0.1 * log_ratio, **EXACT)


def test_a_penalty_by_another_estimator_is_that_estimators():
    logp, logp_ref = rows(3), rows(4)
    got = policy.shaped_rewards(torch.zeros(B), logp, logp_ref, LENGTHS, 0.5, "k3")
    want = policy.real(-0.5 * policy.kl_estimate(logp, logp_ref, "k3"), LENGTHS)
    torch.testing.assert_close(got, want, **EXACT)


def test_a_response_of_no_tokens_gets_no_reward():
    got = policy.shaped_rewards(torch.tensor([5.0]), torch.ones(1, 3), torch.zeros(1, 3), torch.tensor([0]), 1.0)
    assert got.tolist() == [[0, 0, 0]]


def test_scores_of_another_type_do_not_change_the_type_of_the_rewards():
    got = policy.shaped_rewards(rows(2)[:, 0], rows(3).float(), rows(4).float(), LENGTHS, 0.1)
    assert got.dtype == torch.float32


@pytest.mark.parametrize(
    ("mode", "scores", "lengths"),
    [("fixed", [2.0, -1.0, -1.0], [3, 4, 4]), ("subtract", [2.0, 4.0, -2.0], [3, 4, 4]), ("mask", None, [3, 0, 0])],
)
def test_the_three_ways_to_treat_a_response_without_an_end(mode, scores, lengths):
    ended, amount = torch.tensor([True, False, False]), {"fixed": -1.0, "subtract": 1.0, "mask": 0.0}[mode]
    given = torch.tensor([2.0, 5.0, -1.0])
    got, long = policy.missing_end(given, torch.tensor([3, 4, 4]), ended, mode, amount)
    assert got.tolist() == (scores or given.tolist())
    assert long.tolist() == lengths
    if mode == "mask":
        rewards = policy.shaped_rewards(got, torch.ones(3, 4), torch.zeros(3, 4), long, 1.0)
        assert rewards.tolist() == [[-1, -1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
        assert policy.token_mean(rewards, long).n.item() == 3


@pytest.mark.parametrize("mode", ["fixed", "subtract", "mask"])
def test_a_response_with_its_end_is_left_alone(mode):
    scores = torch.randn(B)
    got, lengths = policy.missing_end(scores, LENGTHS, torch.ones(B, dtype=torch.bool), mode, -7.0)
    assert (got == scores).all()
    assert (lengths == LENGTHS).all()


# --- advantages


def slow_gae(rewards, values, gamma, lambda_):
    """A_t = sum over l of (gamma lambda)^l delta_{t+l}: the definition, O(T^2), for one response in Python numbers."""
    n = len(rewards)
    following = [*values[1:], 0.0]
    delta = [rewards[t] + gamma * following[t] - values[t] for t in range(n)]
    return [sum((gamma * lambda_) ** (u - t) * delta[u] for u in range(t, n)) for t in range(n)]


@pytest.mark.parametrize(("gamma", "lambda_"), [(1, 0.95), (1, 1), (1, 0), (0.99, 0.9), (0, 0.5)])
def test_gae_is_its_definition_on_ragged_lengths(gamma, lambda_):
    rewards, values = rows(5), rows(6)
    advantages, returns = policy.gae(spoilt(rewards), spoilt(values), LENGTHS, gamma, lambda_)
    for i, (r, v) in enumerate(zip(real_values(rewards), real_values(values), strict=True)):
        want = slow_gae(r, v, gamma, lambda_)
        nothing = [0.0] * (T - len(r))
        assert advantages[i].tolist() == pytest.approx(want + nothing, rel=1e-12, abs=1e-12)
        sums = [a + b for a, b in zip(want, v, strict=True)]
        assert returns[i].tolist() == pytest.approx(sums + nothing, rel=1e-12, abs=1e-12)


def test_lambda_1_is_the_rewards_to_come_less_the_value():
    rewards, values = rows(7), rows(8)
    advantages, returns = policy.gae(rewards, values, LENGTHS, 1.0, 1.0)
    to_come = policy.real(rewards, LENGTHS).flip(1).cumsum(1).flip(1)
    torch.testing.assert_close(advantages, policy.real(to_come - values, LENGTHS), **EXACT)
    torch.testing.assert_close(returns, policy.real(to_come, LENGTHS), **EXACT)


def test_lambda_0_is_the_error_of_one_step_and_the_last_step_has_no_next_value():
    advantages, _ = policy.gae(one(1.0, 2.0, 99.0), one(0.5, 3.0, 99.0), torch.tensor([2]), 0.9, 0.0)
    assert advantages.tolist()[0] == pytest.approx([1 + 0.9 * 3 - 0.5, 2 - 3, 0])


def test_the_default_is_no_discount_and_lambda_095():
    assert torch.equal(
        policy.gae(rows(5), rows(6), LENGTHS)[0],
        policy.gae(rows(5), rows(6), LENGTHS, gamma=1.0, lambda_=0.95)[0],
    )


def test_padding_a_batch_wider_changes_no_advantage():
    wide = [torch.cat([x, torch.full((B, 4), 1e3)], 1) for x in (rows(5), rows(6))]
    for got, want in zip(policy.gae(*wide, LENGTHS), policy.gae(rows(5), rows(6), LENGTHS), strict=True):
        assert torch.equal(got[:, :T], want)
        assert (got[:, T:] == 0).all()


def test_whatever_the_update_takes_as_given_is_a_constant():
    values, logp = rows(6).requires_grad_(), rows(7).requires_grad_()
    rewards = policy.shaped_rewards(rows(8)[:, 0], logp, rows(9), LENGTHS, 0.1)
    advantages, returns = policy.gae(rewards, values, LENGTHS)
    sums = policy.moments(values, LENGTHS)
    made = [rewards, advantages, returns, sums, policy.whiten(values, LENGTHS, sums)]
    made += [mean.total for mean in policy.policy_report(logp, rows(9), advantages, LENGTHS).values()]
    assert not any(x.requires_grad for x in made)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("shift", [False, True])
def test_whitened_tokens_have_variance_1_and_mean_0_or_the_mean_they_had(shift, unbiased):
    x = 3 * rows(9) + 2
    got = policy.whiten(spoilt(x), LENGTHS, policy.moments(spoilt(x), LENGTHS), shift=shift, unbiased=unbiased)
    tokens, before = one(*flat(got)), one(*flat(x))
    want = 0.0 if shift else before.mean().item()
    assert tokens.mean().item() == pytest.approx(want, abs=1e-12)
    assert tokens.var(correction=int(unbiased)).item() == pytest.approx(1, abs=1e-8)
    assert (got[~policy.token_mask(LENGTHS, T)] == 0).all()


@pytest.mark.parametrize("unbiased", [False, True])
def test_whitening_is_its_formula(unbiased):
    x = rows(9)
    n, tokens = sum(LENGTHS.tolist()), flat(x)
    mean = sum(tokens) / n
    var = sum((a - mean) ** 2 for a in tokens) / (n - unbiased)
    got = policy.whiten(x, LENGTHS, policy.moments(x, LENGTHS), unbiased=unbiased)
    assert flat(got) == pytest.approx([(a - mean) / sqrt(var + 1e-8) for a in tokens], rel=1e-10, abs=1e-12)


def test_moments_of_parts_add_up_to_those_of_the_whole():
    x = rows(9)
    whole = policy.moments(x, LENGTHS)
    parts = policy.moments(x[:3], LENGTHS[:3]) + policy.moments(x[3:], LENGTHS[3:])
    torch.testing.assert_close(parts, whole, **EXACT)
    halves = [policy.whiten(x[s], LENGTHS[s], parts) for s in (slice(3), slice(3, None))]
    torch.testing.assert_close(torch.cat(halves), policy.whiten(x, LENGTHS, whole), **EXACT)


@pytest.mark.parametrize("lengths", [[0, 0], [1, 0], [2, 2]])
@pytest.mark.parametrize("unbiased", [False, True])
def test_whitening_what_does_not_vary_gives_zeros(lengths, unbiased):
    x, lengths = torch.full((2, 2), 0.25), torch.tensor(lengths)
    got = policy.whiten(x, lengths, policy.moments(x, lengths), unbiased=unbiased)
    assert got.tolist() == [[0, 0], [0, 0]]


def test_a_variance_rounded_below_zero_is_zero():
    negative = 0
    for n in range(2, 40):
        x, lengths = torch.full((1, n), 1e5 + 0.1, dtype=torch.float64), torch.tensor([n])
        count, total, squares = policy.moments(x, lengths).tolist()
        negative += squares / count - (total / count) ** 2 < -1e-8
        assert policy.whiten(x, lengths, policy.moments(x, lengths)).isfinite().all()
    assert negative, "the sums were meant to round to a negative variance"


def test_whitening_keeps_fp32():
    x = rows(9).float()
    assert policy.whiten(x, LENGTHS, policy.moments(x, LENGTHS)).dtype == torch.float32


# --- losses


def slow_policy_loss(logp, logp_old, advantages, clip):
    """The mean of the larger of two losses, in Python numbers."""
    total = 0.0
    for new, old, a in zip(flat(logp), flat(logp_old), flat(advantages), strict=True):
        ratio = exp(new - old)
        total += max(-a * ratio, -a * min(max(ratio, 1 - clip), 1 + clip))
    return total / sum(LENGTHS.tolist())


@pytest.mark.parametrize("clip", [0.2, 0.05, 1.5])
def test_policy_loss_is_the_larger_of_two_losses(clip):
    logp, old, advantages = rows(10), rows(11), rows(12)
    got = policy.policy_loss(spoilt(logp), spoilt(old), spoilt(advantages), LENGTHS, clip)
    assert got.value.item() == pytest.approx(slow_policy_loss(logp, old, advantages, clip), rel=1e-12)
    assert got.n.item() == LENGTHS.sum().item()


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [  # slope: of the loss with respect to logp, which is -A ratio, or 0 where the clip holds
        (0.5, 2.0, -1.0, -1.0),
        (1.0, 2.0, -2.0, -2.0),
        (1.1, 2.0, -2.2, -2.2),
        (1.5, 2.0, -2.4, 0.0),
        (0.5, -2.0, 1.6, 0.0),
        (0.9, -2.0, 1.8, 1.8),
        (1.0, -2.0, 2.0, 2.0),
        (1.5, -2.0, 3.0, 3.0),
        (20.0, -1.0, 20.0, 20.0),  # no second clip: a bad token that grew likely is pushed down with its whole weight
        (0.5, 0.0, 0.0, 0.0),
        (1.5, 0.0, 0.0, 0.0),
    ],
)
def test_policy_loss_on_the_grid_of_ratios_and_signs(ratio, advantage, loss, slope):
    logp = one(log(ratio)).requires_grad_()
    got = policy.policy_loss(logp, one(0.0), one(advantage), torch.tensor([1]))
    assert got.value.item() == pytest.approx(loss, rel=1e-12)
    (gradient,) = torch.autograd.grad(got.total, logp)
    assert gradient.item() == (0 if slope == 0 else pytest.approx(slope, rel=1e-12))
    clipped = policy.policy_report(logp, one(0.0), one(advantage), torch.tensor([1]))["clipped"]
    assert clipped.value.item() == (slope == 0 and advantage != 0)


def test_at_ratio_1_the_gradient_is_that_of_the_policy_gradient():
    logp, advantages = rows(10).requires_grad_(), rows(12)
    got = policy.policy_loss(logp, logp.detach(), advantages, LENGTHS)
    (gradient,) = torch.autograd.grad(got.total, logp)
    torch.testing.assert_close(gradient, -policy.real(advantages, LENGTHS), **EXACT)


@pytest.mark.parametrize("advantage", [1.0, 0.0])
def test_a_ratio_too_large_for_floats_is_clipped_without_a_gradient(advantage):
    logp = torch.tensor([[200.0]], requires_grad=True)
    got = policy.policy_loss(logp, torch.zeros(1, 1), torch.tensor([[advantage]]), torch.tensor([1]))
    assert got.total.item() == pytest.approx(-1.2 * advantage)
    assert torch.autograd.grad(got.total, logp)[0].item() == 0


def test_the_report_counts_real_tokens_only():
    logp, old, advantages = rows(10, 0.3), rows(11, 0.3), rows(12)
    report = policy.policy_report(spoilt(logp), spoilt(old), spoilt(advantages), LENGTHS)
    ratios = [exp(a - b) for a, b in zip(flat(logp), flat(old), strict=True)]
    n = len(ratios)
    clipped = sum((a > 0 and r > 1.2) or (a < 0 and r < 0.8) for r, a in zip(ratios, flat(advantages), strict=True))
    assert {name: mean.n.item() for name, mean in report.items()} == {"ratio": n, "clipped": n, "approx_kl": n}
    assert report["ratio"].value.item() == pytest.approx(sum(ratios) / n)
    assert report["clipped"].total.item() == clipped > 0
    assert report["approx_kl"].value.item() == pytest.approx(sum(r - 1 - log(r) for r in ratios) / n)


@pytest.mark.parametrize("clip", [0.2, 0.5, inf])
def test_value_loss_is_half_the_larger_of_two_squares(clip):
    values, old, returns = rows(13), rows(14), rows(15)
    got = policy.value_loss(spoilt(values), spoilt(old), spoilt(returns), LENGTHS, clip)
    total = 0.0
    for v, o, r in zip(flat(values), flat(old), flat(returns), strict=True):
        near = min(max(v, o - clip), o + clip)
        total += 0.5 * max((v - r) ** 2, (near - r) ** 2)
    assert got.value.item() == pytest.approx(total / LENGTHS.sum().item(), rel=1e-12)


@pytest.mark.parametrize(
    ("value", "target", "loss", "slope"),
    [  # the old value is 1, the clip 0.2; slope: of the loss with respect to the value
        (1.1, 3.0, 0.5 * 1.9**2, -1.9),  # within the clip
        (1.5, 3.0, 0.5 * 1.8**2, 0.0),  # towards the return by more than the clip: no further
        (0.5, 3.0, 0.5 * 2.5**2, -2.5),  # away from the return: all the way back
        (0.9, -1.0, 0.5 * 1.9**2, 1.9),
        (0.5, -1.0, 0.5 * 1.8**2, 0.0),
        (1.5, -1.0, 0.5 * 2.5**2, 2.5),
    ],
)
def test_value_loss_on_the_grid_and_no_gradient_where_clipped(value, target, loss, slope):
    values = one(value).requires_grad_()
    got = policy.value_loss(values, one(1.0), one(target), torch.tensor([1]))
    assert got.value.item() == pytest.approx(loss, rel=1e-12)
    gradient = torch.autograd.grad(got.total, values)[0].item()
    assert gradient == (0 if slope == 0 else pytest.approx(slope, rel=1e-12))


def test_losses_have_the_slopes_of_their_values():
    a, b, c = rows(16).requires_grad_(), rows(17), rows(18)
    assert torch.autograd.gradcheck(lambda x: policy.policy_loss(x, b, c, LENGTHS).total, a)
    assert torch.autograd.gradcheck(lambda x: policy.value_loss(x, b, c, LENGTHS).total, a)


def losses(logp, values, logits, fixed, lengths):
    old, advantages, returns = fixed
    return {
        "policy": policy.policy_loss(logp, old, advantages, lengths),
        "value": policy.value_loss(values, old, returns, lengths),
        "entropy": policy.token_mean(policy.entropy(logits), lengths),
        "kl": policy.response_mean(policy.kl_estimate(logp, old, "k3"), lengths),
    }


def whole(part, rows_of):
    """Losses of the responses `part`, from leaves that all parts share."""
    logp, values, logits, fixed = rows_of
    return losses(logp[part], values[part], logits[part], [x[part] for x in fixed], LENGTHS[part])


def leaves():
    logits = torch.randn(B, T, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    free = [rows(19).requires_grad_(), rows(20).requires_grad_(), logits.requires_grad_()]
    return [*free, [rows(21), rows(22), rows(23)]]


@pytest.mark.parametrize("size", [1, 2, 8])
def test_micro_batches_of_any_size_give_the_losses_and_gradients_of_the_minibatch(size):
    given = leaves()
    want = whole(slice(None), given)
    parts = [whole(slice(start, start + size), given) for start in range(0, B, size)]
    for name, mean in want.items():
        got = Mean(sum(part[name].total for part in parts), sum(part[name].n for part in parts))
        assert got.n == mean.n
        torch.testing.assert_close(got.value, mean.value, **EXACT)
        leaf = given[{"policy": 0, "value": 1, "entropy": 2, "kl": 0}[name]]
        (ours,), (theirs,) = torch.autograd.grad(got.value, leaf), torch.autograd.grad(mean.value, leaf)
        torch.testing.assert_close(ours, theirs, **EXACT)


@pytest.mark.parametrize("nonsense", [nan, inf, -inf, 1e30, -3.0])
def test_whatever_stands_after_the_end_changes_no_loss_and_no_gradient(nonsense):
    logp, values, logits, fixed = leaves()
    want = losses(logp, values, logits, fixed, LENGTHS)
    worse = [spoilt(x.detach(), value=nonsense).requires_grad_() for x in (logp, values)]
    wild = logits.detach().masked_fill(~policy.token_mask(LENGTHS, T)[..., None], -3.0).requires_grad_()
    got = losses(*worse, wild, [spoilt(x, value=nonsense) for x in fixed], LENGTHS)
    for name, mean in want.items():
        assert torch.equal(got[name].total, mean.total)
    for name, before, after in (("policy", logp, worse[0]), ("value", values, worse[1]), ("entropy", logits, wild)):
        gradient = torch.autograd.grad(got[name].total, after)[0]
        assert torch.equal(gradient, torch.autograd.grad(want[name].total, before)[0])
        assert (gradient[~policy.token_mask(LENGTHS, T)] == 0).all()


def test_entropy_is_torchs_own_and_survives_impossible_tokens():
    logits = torch.randn(3, 4, 6, dtype=torch.float64)
    want = torch.distributions.Categorical(logits=logits).entropy()
    torch.testing.assert_close(policy.entropy(logits), want, **EXACT)
    some = torch.tensor([0.0, 0.0, -inf], requires_grad=True)
    got = policy.entropy(some)
    assert got.item() == pytest.approx(log(2))
    assert torch.autograd.grad(got, some)[0].isfinite().all()


def test_entropy_has_the_slope_of_its_value():
    logits = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(policy.entropy, logits)
    assert policy.entropy(torch.zeros(2, 8)).tolist() == pytest.approx([log(8)] * 2)
    assert policy.entropy(torch.zeros(2, 7).bfloat16()).tolist() == pytest.approx([log(7)] * 2)


def test_half_precision_is_widened_before_anything_is_subtracted():
    logp, old = rows(24).bfloat16(), rows(25).bfloat16()
    got = policy.policy_loss(logp, old, rows(26).bfloat16(), LENGTHS)
    want = policy.policy_loss(logp.double(), old.double(), rows(26).bfloat16().double(), LENGTHS)
    assert got.total.dtype == torch.float32
    assert got.total.item() == pytest.approx(want.total.item(), rel=1e-5)


def test_no_response_at_all_is_a_loss_of_zero():
    empty = torch.zeros(2, T, requires_grad=True)
    got = policy.policy_loss(empty, empty.detach(), empty.detach(), torch.zeros(2, dtype=torch.long))
    assert (got.total.item(), got.n.item(), got.value.item()) == (0, 0, 0)


# --- from one iteration to the next


def test_adaptive_beta_follows_the_golden_trajectory():
    """Target 6, horizon 10,000, 512 episodes at a time: e is +0.2 (clipped), 0.1, 0, -0.05, -0.2 (clipped)."""
    beta, seen = 0.2, []
    for kl in (12.0, 6.6, 6.0, 5.7, 0.0):
        beta = policy.adaptive_beta(beta, kl, target=6.0, horizon=10_000, n=512)
        seen.append(beta)
    want = [0.202048, 0.20308248576, 0.20308248576, 0.2025625945964544, 0.20048835362778671]
    assert seen == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(("kl", "moves"), [(5.0, -1), (6.0, 0), (7.0, 1)])
def test_beta_rises_where_the_kl_is_above_its_target(kl, moves):
    after = policy.adaptive_beta(0.02, kl, 6.0, 10_000, 512)
    assert (after > 0.02) - (after < 0.02) == moves


def test_the_average_of_weights_is_its_closed_form():
    weights = [torch.randn(3, 2, dtype=torch.float64) for _ in range(41)]
    moving = weights[0]
    for weight in weights[1:]:
        moving = policy.average(moving, weight)
    shares = policy.average_shares(40)
    assert shares.sum().item() == pytest.approx(1, rel=1e-12)
    assert shares[0].item() == pytest.approx(0.992**40, rel=1e-12)
    want = sum(share * weight for share, weight in zip(shares, weights, strict=True))
    torch.testing.assert_close(moving, want, **EXACT)


def test_the_average_keeps_its_own_type_and_forgets_half_in_86_updates():
    got = policy.average(torch.ones(2), torch.zeros(2, dtype=torch.bfloat16, requires_grad=True))
    assert got.dtype == torch.float32
    assert not got.requires_grad
    assert policy.average_shares(86)[0].item() == pytest.approx(0.5, abs=0.003)


# --- the whole of it, against a plain twin


def test_from_scores_to_loss_as_a_plain_twin_does_it():
    scores, logp_old, logp_ref, values = rows(30)[:, 0], rows(31), rows(32), rows(33)
    rewards = policy.shaped_rewards(scores, logp_old, logp_ref, LENGTHS, 0.02)
    advantages, returns = policy.gae(rewards, values, LENGTHS)
    white = policy.whiten(advantages, LENGTHS, policy.moments(advantages, LENGTHS))
    logp = logp_old + rows(34, 0.3)
    got = policy.policy_loss(logp, logp_old, white, LENGTHS), policy.value_loss(values, values, returns, LENGTHS)

    plain, targets = [], []
    per_response = zip(*(real_values(x) for x in (logp_old, logp_ref, values)), scores.tolist(), strict=True)
    for p, q, v, score in per_response:
        r = [-0.02 * (a - b) for a, b in zip(p, q, strict=True)]
        r[-1] += score
        a = slow_gae(r, v, 1.0, 0.95)
        plain += a
        targets += [x + y for x, y in zip(a, v, strict=True)]
    n = len(plain)
    mean = sum(plain) / n
    std = sqrt(sum((a - mean) ** 2 for a in plain) / n + 1e-8)
    total = 0.0
    for new, old, a in zip(flat(logp), flat(logp_old), plain, strict=True):
        ratio, a = exp(new - old), (a - mean) / std
        total += max(-a * ratio, -a * min(max(ratio, 0.8), 1.2))
    assert got[0].value.item() == pytest.approx(total / n, rel=1e-10)
    mse = F.mse_loss(one(*flat(values)), one(*targets)).item()
    assert got[1].value.item() == pytest.approx(mse / 2, rel=1e-10)


def test_golden_numbers_of_two_other_programs():
    """Made once, in fp64, by OpenRLHF 3c3be62 (rewards, GAE, both losses) and verl b178a3c (whitening); they agree with
    each other on the losses. verl's second clip was out of reach; its whitening divides by n - 1."""
    lengths, steps = torch.tensor([3, 1, 4, 2]), torch.arange(1, 21, dtype=torch.float64)
    new, old, ref, values, values_old = (torch.sin(k * steps).view(4, 5) for k in (1.1, 1.3, 1.7, 1.9, 2.3))
    rewards = policy.shaped_rewards(torch.sin(2.9 * steps).view(4, 5)[:, 0], old, ref, lengths, 0.1)
    advantages, returns = policy.gae(rewards, values, lengths)
    white = policy.whiten(advantages, lengths, policy.moments(advantages, lengths), unbiased=True)
    golden = torch.tensor(
        [  # advantage, return, whitened advantage of each real token
            [-0.879050277618104, 0.06724981006931052, -1.3777670475215198],
            [0.7118916194826336, 0.10003372853991466, 0.5011853700329508],
            [0.7661300194972449, 0.21544447689960655, 0.5652426263145657],
            [-0.24317265810277156, -1.162501183767448, -0.6267755797410578],
            [-0.4856032158544006, 0.4015543128379505, -0.9130936931848067],
            [1.3038170188327096, 0.5803222627884671, 1.2002678834468878],
            [0.9583992148182903, 0.5390382987450589, 0.7923185930912805],
            [-0.5659528598566402, 0.42869191402119755, -1.0079891498465339],
            [1.4675570027196476, 0.6175879568403195, 1.3936499542411498],
            [-0.1587239110349996, 0.6146039785312211, -0.5270389534371062],
        ],
        dtype=torch.float64,
    )
    got = torch.stack([x[policy.token_mask(lengths, 5)] for x in (advantages, returns, white)], 1)
    torch.testing.assert_close(got[:, :2], golden[:, :2], **EXACT)
    torch.testing.assert_close(got[:, 2], golden[:, 2], rtol=0, atol=1e-8)  # verl adds 1e-8 to the count of tokens
    assert policy.policy_loss(new, old, white, lengths).value.item() == pytest.approx(0.16347582258956997, rel=1e-8)
    assert policy.policy_report(new, old, white, lengths)["clipped"].total.item() == 6
    assert policy.value_loss(values, values_old, returns, lengths).value.item() == pytest.approx(
        0.6010012791963248, rel=1e-12
    )
