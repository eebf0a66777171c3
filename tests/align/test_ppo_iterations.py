"""What an iteration does, on the parts of an open run."""

import pytest
import torch

from foretell.align import ppo
from foretell.align.advantages import advantages_of
from foretell.align.episodes import Sampled, episodes_of
from foretell.align.iterations import Clock
from foretell.align.measured import explained_variance
from foretell.align.rollouts import engine
from foretell.errors import Failed
from foretell.objective import policy as rule
from foretell.objective.config import PolicyOptimization
from foretell.train.config import BatchSize, Machine, Schedule
from tests.align.made_run import RESPONSE, config, even_share, made


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return made(tmp_path_factory.mktemp("made"))


def half_ended(work):
    """Eight episodes of which every other has ended."""
    end, prompts = work.end, work.prompts[0][:8]
    answers = [
        Sampled([5, 6, end] if i % 2 else [7] * RESPONSE, [-1.0] * (3 if i % 2 else RESPONSE), bool(i % 2))
        for i in range(8)
    ]
    return episodes_of(prompts, answers)


@pytest.mark.parametrize(("mode", "amount"), [("fixed", -1.0), ("subtract", 0.5), ("mask", 0.0)])
def test_a_response_without_an_end_is_given_what_the_config_says(files, mode, amount):
    work = ppo.opened(config(files, {"missing_end": mode, "missing_end_amount": amount, "beta": 0.0, "lambda_": 1.0}))
    episodes = half_ended(work)
    scores = work.critics.scores(episodes)
    batch, told = work.judged(episodes, Clock())
    for i in range(8):
        n = int(episodes.lengths[i])
        want = (
            {"fixed": amount, "subtract": scores[i].item() - amount, "mask": None}[mode]
            if i % 2 == 0
            else scores[i].item()
        )
        if want is None:
            assert batch["lengths"][i] == 0
        else:  # lambda 1 and no KL: the return of every token is the score
            assert batch["returns"][i, :n].tolist() == pytest.approx([want] * n, abs=1e-5)
    assert told["ended"] == 0.5
    assert told["reward"] == pytest.approx(scores.mean().item(), abs=1e-6)


def test_advantages_are_white_over_the_whole_batch_and_returns_are_not(files):
    work = ppo.opened(config(files))
    batch, _ = work.judged(work.answered(work.prompts[0], 0), Clock())
    real = rule.token_mask(batch["lengths"], batch["advantages"].shape[1])
    assert batch["advantages"][real].mean().item() == pytest.approx(0, abs=1e-5)
    assert batch["advantages"][real].var(correction=0).item() == pytest.approx(1, abs=1e-3)
    rewards = torch.randn(batch["advantages"].shape)
    made_of, _ = advantages_of(work.ppo, rewards, batch["values_old"], batch["lengths"])
    plain, _ = rule.gae(rewards, batch["values_old"], batch["lengths"])
    torch.testing.assert_close(made_of["returns"][real], (plain + batch["values_old"])[real])


def test_masked_out_responses_alone_are_a_failure_in_one_line(files):
    work = ppo.opened(config(files, {"missing_end": "mask"}))
    episodes = episodes_of(work.prompts[0][:8], [Sampled([7] * RESPONSE, [-1.0] * RESPONSE, False)] * 8)
    with pytest.raises(Failed, match="no response has ended, and missing_end=mask leaves nothing to learn from"):
        work.judged(episodes, Clock())


def test_an_adaptive_beta_follows_the_kl_summed_over_a_response(files):
    work = ppo.opened(config(files, {"target_kl": 6.0, "horizon": 100.0, "beta": 0.1}))
    for kl, factor in ((0.0, 1 - 0.2 * 8 / 100), (6.3, 1 + 0.05 * 8 / 100), (60.0, 1 + 0.2 * 8 / 100)):
        before = work.memory["beta"]
        work.after(0, {"kl": kl, "shaped_reward": 0.0})
        assert work.memory["beta"] == pytest.approx(before * factor)
    assert work.step(0)["beta"] == pytest.approx(0.1 * 0.984 * 1.004 * 1.016)


def test_a_beta_without_target_stays(files):
    work = ppo.opened(config(files))
    work.after(0, {"kl": 60.0, "shaped_reward": 0.0})
    assert work.memory["beta"] == 0.02


def test_the_rate_rises_from_a_tenth_over_ten_iterations_and_stays(files):
    work = ppo.opened(config(files, schedule=Schedule(shape="constant", warmup_steps=10), steps=12))
    rates = [work.step(step)["lr"] for step in range(12)]
    assert rates == pytest.approx([1e-3 * min(n / 10, 1) for n in range(1, 13)])


def test_a_guard_goes_back_to_the_best_average_and_says_so(files):
    work, said = ppo.opened(config(files, {"most_kl": 5.0})), []
    work.say = said.append
    fine = {"kl": 1.0, "entropy": 3.0, "repetition": 0.0}
    work.step(0)
    work.after(0, {**fine, "shaped_reward": 9.0})
    best = [p.clone() for p in work.average.parameters()]
    work.step(1)
    work.after(1, {**fine, "shaped_reward": 1.0})
    assert any(not torch.equal(a, b) for a, b in zip(best, work.average.parameters(), strict=True))
    values = {**fine, "kl": 7.0, "shaped_reward": 20.0}
    work.after(2, values)
    assert values["returned"] == 1.0
    assert said == [
        "iteration 3: kl=7 nats per response is above most_kl=5.0; back to the best average, learning rate halved"
    ]
    for network in (work.policy, work.average):
        assert all(torch.equal(a, b) for a, b in zip(best, network.parameters(), strict=True))
    assert not work.policy_learner.optimizers[0].state
    assert work.memory["best"] == 9.0
    assert work.step(3)["lr"] == pytest.approx(1e-3 / 2)


def test_a_policy_that_leaves_its_bounds_again_and_again_is_given_up(files):
    work = ppo.opened(config(files, {"least_entropy": 9.0}))
    values = {"kl": 0.0, "entropy": 1.0, "repetition": 0.0, "shaped_reward": 0.0}
    for step in range(8):
        work.after(step, dict(values))
    with pytest.raises(Failed, match=r"after 8 returns to the best average; begin again with a lower --optim.lr"):
        work.after(8, dict(values))


def test_an_unguarded_run_keeps_no_best(files):
    work = ppo.opened(config(files))
    assert "best" not in work.model
    assert "best" in ppo.opened(config(files, {"most_repetition": 0.5})).model


@pytest.mark.parametrize("kind", ["leave_one_out", "group"])
def test_samples_of_a_prompt_are_compared_without_a_value_network(files, kind):
    work = ppo.opened(config(files, {"advantages": kind, "samples": 4, "minibatches": 2}))
    assert "value" not in work.model
    episodes = work.answered(work.prompts[0], 0)
    assert [row[0] for row in episodes.answers()][:4] == [episodes.answers()[0][0]] * 4
    values = work.step(0)
    assert "value_loss" not in values
    assert values["first_ratio"] == pytest.approx(1, abs=1e-5)


def test_another_programs_samples_are_scored_anew_and_weighed(files):
    real = engine(-1, RESPONSE, 1.0)

    def foreign(network, prompts, seed):
        return [one._replace(logprobs=[x - 0.1 for x in one.logprobs]) for one in real(network, prompts, seed)]

    work = ppo.opened(config(files), sampler=foreign)
    episodes = work.answered(work.prompts[0], 0)
    batch, told = work.judged(episodes, Clock())
    assert told["sampler_mismatch"] == pytest.approx(0.1, abs=1e-4)
    real_tokens = rule.token_mask(episodes.lengths, RESPONSE)
    assert batch["weights"][real_tokens].tolist() == pytest.approx([torch.tensor(0.1).exp().item()] * 64, rel=1e-3)
    values = work.step(0)
    assert values["rollout_mismatch"] == pytest.approx(0.1, abs=1e-4)
    assert values["first_ratio"] == pytest.approx(1, abs=1e-5)


def test_the_sampler_is_given_the_trainers_own_weights(files):
    seen = []

    def watching(network, prompts, seed):
        seen.append([p.clone() for p in network.parameters()])
        return engine(-1, RESPONSE, 1.0)(network, prompts, seed)

    work = ppo.opened(config(files), sampler=watching)
    for step in range(2):
        work.step(step)
        work.answered(work.prompts[0], step)
    assert all(torch.equal(a, b) for a, b in zip(seen[-1], work.policy.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(seen[0], seen[-1], strict=True))


def test_in_bf16_the_first_ratio_is_near_1_and_the_rewards_are_finite(files):
    work = ppo.opened(config(files, machine=Machine(device="cpu", threads=1, precision="bf16")))
    values = work.step(0)
    assert values["first_ratio"] == pytest.approx(1, abs=0.02)
    assert values["rollout_mismatch"] < 0.02
    assert all(p.dtype == torch.float32 for p in work.policy.parameters())


def test_explained_variance_is_1_for_perfect_values_and_0_for_a_constant():
    returns, lengths = torch.randn(3, 4), torch.tensor([4, 2, 3])
    returns[1, 2:] = float("nan")
    assert explained_variance(returns, returns, lengths) == pytest.approx(1)
    assert explained_variance(torch.full_like(returns, 7.0), returns, lengths) == pytest.approx(0, abs=1e-6)


def test_a_made_reward_and_no_average_write_the_last_weights(files):
    work = ppo.opened(config(files, {"average": 0.0, "reward": ""}), score=even_share)
    assert work.written is work.policy
    assert "average" not in work.model
    assert work.step(0)["reward"] <= 2


def test_the_clip_of_gradients_is_the_runs(files):
    work = ppo.opened(config(files, clip=1e-9, batch=BatchSize(rows=8, micro=2)))
    before = [p.clone() for p in work.policy.parameters()]
    assert work.step(0)["grad_norm"] > 1e-3
    assert work.policy_learner.clip == work.value_learner.clip == 1e-9
    assert any(not torch.equal(a, b) for a, b in zip(before, work.policy.parameters(), strict=True))


def test_defaults_are_the_papers():
    cfg = PolicyOptimization()
    assert (cfg.minibatches, cfg.epochs, cfg.clip, cfg.beta, cfg.gamma, cfg.average) == (8, 1, 0.2, 0.02, 1.0, 0.992)
