from itertools import combinations
from math import exp, log, log1p

import pytest
import torch
import torch.nn.functional as F

from foretell.objective.ranking import ranking_loss, ranking_pairs, ranking_report


def log_sigmoid(x):
    return -log1p(exp(-x)) if x > 0 else x - log1p(exp(x))


def slow_pairs(ranks, prompts):
    """prompt -> its (better, worse), from every two outputs of the batch."""
    found = {}
    for i, j in combinations(range(len(ranks)), 2):
        if prompts[i] == prompts[j] and ranks[i] != ranks[j]:
            found.setdefault(prompts[i], []).append((i, j) if ranks[i] < ranks[j] else (j, i))
    return found


def slow_loss(rewards, ranks, prompts):
    """Eq. 1, prompt by prompt, in plain Python numbers: the sum and the number of prompts."""
    pairs = slow_pairs(ranks, prompts)
    means = [sum(-log_sigmoid(rewards[w] - rewards[l]) for w, l in two) / len(two) for two in pairs.values()]
    return sum(means), len(means)


def batch(seed=0, sizes=(4, 9, 2, 1, 3), shuffled=True):
    """Random rewards (fp64), ranks with ties, and prompts of the given sizes with gaps between their indices."""
    generator = torch.Generator().manual_seed(seed)
    prompts = torch.cat([torch.full((k,), 7 * i - 5) for i, k in enumerate(sizes)])
    n = len(prompts)
    if shuffled:
        prompts = prompts[torch.randperm(n, generator=generator)]
    rewards = torch.randn(n, generator=generator, dtype=torch.float64).requires_grad_()
    return rewards, torch.randint(1, 5, (n,), generator=generator), prompts


def gradient(total, rewards):
    return torch.autograd.grad(total, rewards)[0]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("shuffled", [True, False])
def test_is_the_formula_for_any_sizes_ties_and_order(seed, shuffled):
    rewards, ranks, prompts = batch(seed, shuffled=shuffled)
    total, n = slow_loss(rewards.tolist(), ranks.tolist(), prompts.tolist())
    got = ranking_loss(rewards, ranks, prompts)
    assert got.total.item() == pytest.approx(total, rel=1e-12)
    assert got.n.item() == n


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_those_of_the_slow_twin(seed):
    _, ranks, prompts = batch(seed, sizes=(5, 1, 9, 2, 2, 6))
    pairs = ranking_pairs(ranks, prompts)
    want = slow_pairs(ranks.tolist(), prompts.tolist())
    weights = {pair: 1 / len(two) for two in want.values() for pair in two}
    found = zip(pairs.better.tolist(), pairs.worse.tolist(), pairs.weight.tolist(), strict=True)
    assert {(better, worse): weight for better, worse, weight in found} == weights
    assert len(pairs.better) == len(weights)


def test_equals_the_expanded_weighted_pairs_in_value_and_gradients():
    rewards, ranks, prompts = batch(3, sizes=(4, 9, 2))
    better, worse, weight = [], [], []
    for two in slow_pairs(ranks.tolist(), prompts.tolist()).values():
        better += [w for w, _ in two]
        worse += [l for _, l in two]
        weight += [1 / len(two)] * len(two)
    labels = torch.ones(len(better), dtype=torch.float64)
    margin = rewards[better] - rewards[worse]
    weights = torch.tensor(weight, dtype=torch.float64)
    want = F.binary_cross_entropy_with_logits(margin, labels, weights, reduction="sum")
    got = ranking_loss(rewards, ranks, prompts).total
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient(got, rewards), gradient(want, rewards), rtol=1e-12, atol=1e-12)


def test_nine_outputs_with_one_tie_make_35_pairs():
    ranks = torch.tensor([1, 2, 3, 4, 4, 6, 7, 8, 9])
    pairs = ranking_pairs(ranks, torch.zeros(9, dtype=torch.long))
    assert len(pairs.better) == 35
    assert pairs.weight.tolist() == [1 / 35] * 35
    assert (ranks[pairs.better] < ranks[pairs.worse]).all()


def test_a_golden_value_worked_by_hand():
    rewards = torch.tensor([2.0, 0.0, 0.0, 5.0, 5.0], dtype=torch.float64)
    got = ranking_loss(rewards, torch.tensor([1, 2, 2, 2, 1]), torch.tensor([0, 0, 0, 1, 1]))
    assert got.n.item() == 2  # prompt 0: two pairs with margin 2 each; prompt 1: one pair with margin 0
    assert got.total.item() == pytest.approx(log(1 + exp(-2)) + log(2), rel=1e-14)


@pytest.mark.parametrize(("margin", "loss", "slope"), [(-1000.0, 1000.0, 1.0), (1000.0, 0.0, 0.0), (0.0, log(2), 0.5)])
def test_far_margins_neither_overflow_nor_lose_their_gradient(margin, loss, slope):
    rewards = torch.tensor([margin, 0.0], requires_grad=True)
    got = ranking_loss(rewards, torch.tensor([1, 2]), torch.tensor([0, 0]))
    assert got.total.item() == pytest.approx(loss, rel=1e-6)
    assert gradient(got.total, rewards).tolist() == [-slope, slope]


def test_a_prompt_of_ties_only_counts_for_nothing():
    rewards, ranks, prompts = batch(1, sizes=(4, 3), shuffled=False)
    ranks = torch.tensor([1, 2, 3, 3, 2, 2, 2])
    got = ranking_loss(rewards, ranks, prompts)
    alone = ranking_loss(rewards[:4], ranks[:4], prompts[:4])
    assert (got.total.item(), got.n.item()) == (alone.total.item(), 1)
    assert (gradient(got.total, rewards)[4:] == 0).all()


@pytest.mark.parametrize(("ranks", "prompts"), [([], []), ([1], [0]), ([1, 1], [0, 0]), ([1, 2], [0, 1])])
def test_without_comparisons_loss_and_gradient_are_zero(ranks, prompts):
    rewards = torch.randn(len(ranks), requires_grad=True)
    got = ranking_loss(rewards, torch.tensor(ranks, dtype=torch.long), torch.tensor(prompts, dtype=torch.long))
    assert (got.total.item(), got.n.item(), got.value.item()) == (0, 0, 0)
    assert (gradient(got.total, rewards) == 0).all()


def test_a_shift_of_a_prompts_rewards_changes_nothing():
    rewards, ranks, prompts = batch(2)
    before = ranking_loss(rewards, ranks, prompts).total
    after = ranking_loss(rewards + 3.0 * prompts, ranks, prompts).total
    torch.testing.assert_close(after, before, rtol=1e-12, atol=1e-12)
    assert gradient(before, rewards).sum().item() == pytest.approx(0, abs=1e-12)


def test_only_the_order_of_the_ranks_counts():
    rewards, ranks, prompts = batch(4)
    got, same = ranking_loss(rewards, ranks, prompts), ranking_loss(rewards, ranks**2 + 0.5, prompts - 100)
    assert got.total.item() == same.total.item()
    assert got.total.item() != ranking_loss(rewards, -ranks, prompts).total.item()


def test_parts_of_a_batch_add_up_to_the_batch():
    rewards, ranks, prompts = batch(5, sizes=(4, 9, 2, 5, 7))
    whole = ranking_loss(rewards, ranks, prompts)
    parts = [ranking_loss(rewards[prompts == x], ranks[prompts == x], prompts[prompts == x]) for x in prompts.unique()]
    total = sum(part.total for part in parts)
    assert sum(part.n.item() for part in parts) == whole.n.item()
    torch.testing.assert_close(total, whole.total, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient(total, rewards), gradient(whole.total, rewards), rtol=1e-12, atol=1e-12)


def test_the_gradient_is_the_slope():
    rewards, ranks, prompts = batch(6)
    assert torch.autograd.gradcheck(lambda r: ranking_loss(r, ranks, prompts).total, rewards)


def test_rewards_in_bf16_are_compared_in_fp32():
    rewards, ranks, prompts = batch(7)
    narrow = rewards.detach().bfloat16()
    got = ranking_loss(narrow, ranks, prompts).total
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(ranking_loss(narrow.double(), ranks, prompts).total.item(), rel=1e-6)


def test_accuracy_and_log_loss_count_every_pair_once():
    rewards, ranks, prompts = batch(8)
    two = [pair for pairs in slow_pairs(ranks.tolist(), prompts.tolist()).values() for pair in pairs]
    r = rewards.tolist()
    report = ranking_report(rewards, ranks, prompts)
    assert report["accuracy"].n.item() == report["log_loss"].n.item() == len(two)
    assert not report["log_loss"].total.requires_grad
    assert report["accuracy"].total.item() == sum(r[w] > r[l] for w, l in two)
    assert report["log_loss"].total.item() == pytest.approx(-sum(log_sigmoid(r[w] - r[l]) for w, l in two), rel=1e-12)


def test_equal_rewards_are_half_right():
    _, ranks, prompts = batch(9)
    report = ranking_report(torch.full((len(ranks),), 2.5), ranks, prompts)
    assert report["accuracy"].value.item() == 0.5
    assert report["log_loss"].value.item() == pytest.approx(log(2))


def test_a_perfect_reward_model_is_always_right():
    _, ranks, prompts = batch(10)
    assert ranking_report(-ranks.double(), ranks, prompts)["accuracy"].value.item() == 1
    assert ranking_report(ranks.double(), ranks, prompts)["accuracy"].value.item() == 0
