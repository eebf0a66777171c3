import statistics

import pytest
import torch

from foretell.align.advantages import group, leave_one_out

LENGTHS = torch.tensor([3, 1, 4, 2, 2, 3])
REWARDS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).double()


def whole():
    return [REWARDS[i, :n].sum().item() for i, n in enumerate(LENGTHS.tolist())]


def at_tokens(each):
    return [[each[i] if t < n else 0.0 for t in range(4)] for i, n in enumerate(LENGTHS.tolist())]


@pytest.mark.parametrize("samples", [2, 3, 6])
def test_leave_one_out_is_the_reward_less_the_mean_of_the_others(samples):
    rewards, want = whole(), []
    for i, reward in enumerate(rewards):
        first = i // samples * samples
        others = [rewards[j] for j in range(first, first + samples) if j != i]
        want.append(reward - sum(others) / len(others))
    torch.testing.assert_close(leave_one_out(REWARDS, LENGTHS, samples), torch.tensor(at_tokens(want)).double())


@pytest.mark.parametrize("samples", [2, 3, 6])
def test_group_is_the_reward_standardised_among_its_prompts(samples):
    rewards, want = whole(), []
    for i, reward in enumerate(rewards):
        first = i // samples * samples
        mine = rewards[first : first + samples]
        want.append((reward - statistics.mean(mine)) / statistics.pstdev(mine))
    torch.testing.assert_close(
        group(REWARDS, LENGTHS, samples), torch.tensor(at_tokens(want)).double(), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("compared", [leave_one_out, group])
def test_equal_rewards_give_no_advantage_and_a_groups_advantages_add_up_to_0(compared):
    same = torch.ones(4, 1)
    assert not compared(same, torch.ones(4, dtype=torch.int64), 2).any()
    first = compared(REWARDS, LENGTHS, 3)[:, 0]
    assert first[:3].sum().item() == pytest.approx(0, abs=1e-6)
    assert first[3:].sum().item() == pytest.approx(0, abs=1e-6)


def test_a_response_that_is_masked_is_no_other_to_anybody():
    lengths = torch.tensor([3, 0, 4, 0, 2, 0])
    rewards = [REWARDS[i, :n].sum().item() for i, n in enumerate(lengths.tolist())]
    alone = leave_one_out(REWARDS, lengths, 3)[:, 0].tolist()
    assert alone == pytest.approx([rewards[0] - rewards[2], 0, rewards[2] - rewards[0], 0, 0, 0])
    two = [rewards[0], rewards[2]]
    want = [(reward - statistics.mean(two)) / statistics.pstdev(two) for reward in two]
    assert group(REWARDS, lengths, 3)[:, 0].tolist() == pytest.approx([want[0], 0, want[1], 0, 0, 0], abs=1e-6)
    assert not leave_one_out(REWARDS, torch.zeros(6, dtype=torch.int64), 3).any()
    assert not group(REWARDS, torch.zeros(6, dtype=torch.int64), 3).any()
