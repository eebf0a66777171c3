"""What Ouyang et al. 2022 state must be true of the recipes."""

import pytest

from foretell.model.count import parameters
from foretell.recipes import gpt3, instructgpt
from foretell.train.schedule import rate

PAPER = ("1.3B", "6B", "175B")
OURS = ("mini", "nano", "pico", "smoke")


@pytest.mark.parametrize(
    ("size", "rows", "lr", "steps"),
    [("1.3B", 32, 9.65e-6, 6363), ("6B", 32, 9.65e-6, 6363), ("175B", 8, 5.03e-6, 25450)],
)
def test_supervised_fine_tuning_is_that_of_appendix_c_1(size, rows, lr, steps):
    cfg = instructgpt.sft(size)
    assert (cfg.batch.rows, cfg.optim.lr, cfg.steps) == (rows, lr, steps)
    assert cfg.steps * rows == pytest.approx(16 * 12_725, rel=1e-3)
    assert (cfg.model.dropout.residual, cfg.optim.betas, cfg.model.n_ctx) == (0.2, (0.9, 0.95), 2048)
    assert not cfg.data.packed


@pytest.mark.parametrize("size", [*PAPER, *OURS])
def test_a_checkpoint_of_every_epoch_is_kept_to_select_among(size):
    cfg, epochs = instructgpt.sft(size), instructgpt.SIZES[size].epochs
    saved = {*range(cfg.checkpoint_every, cfg.steps + 1, cfg.checkpoint_every), cfg.steps}
    assert len(saved) == cfg.keep == epochs == (16 if size in PAPER else 4)
    assert cfg.evaluate_every == cfg.checkpoint_every
    assert instructgpt.start(size).keep == 0


@pytest.mark.parametrize(("size", "rows", "lr"), [("1.3B", 32, 5e-6), ("6B", 32, 1.04e-5), ("175B", 8, 2.45e-6)])
def test_where_ppo_begins_is_that_of_appendix_c_3(size, rows, lr):
    cfg = instructgpt.start(size)
    assert (cfg.batch.rows, cfg.optim.lr, cfg.data.text_share) == (rows, lr, 0.1)
    assert cfg.steps * rows * 0.9 == pytest.approx(2 * 12_725, rel=2e-3)
    assert cfg.start == instructgpt.sft(size).start  # from GPT-3 again, not from the SFT model


def test_the_reward_model_is_that_of_appendix_c_2():
    cfg = instructgpt.reward("6B")
    assert (cfg.batch.rows, cfg.optim.lr, cfg.steps) == (64, 9e-6, 519)
    assert (cfg.model.heads.lm, cfg.model.heads.n_outputs, cfg.model.heads.task_bias) == (False, 1, True)
    assert cfg.start == "runs/instructgpt.sft-6B"


def test_dpo_reads_the_reward_models_rankings_and_is_measured_against_sft():
    cfg, reward = instructgpt.dpo("6B"), instructgpt.reward("6B")
    assert (cfg.data, cfg.batch, cfg.steps, cfg.start) == (reward.data, reward.batch, reward.steps, reward.start)
    assert (cfg.objective.beta, cfg.optim.lr, cfg.schedule.warmup_steps) == (0.1, 1e-6, 129)
    assert cfg.model == instructgpt.network("6B")


@pytest.mark.parametrize(("size", "value_lr"), [("1.3B", 9e-6), ("6B", 9e-6), ("175B", 5e-6)])
def test_ppo_is_that_of_appendix_c_4(size, value_lr):
    cfg = instructgpt.ppo(size)
    objective = cfg.objective
    assert (cfg.batch.rows, cfg.steps, objective.minibatches, objective.epochs) == (512, 500, 8, 1)
    assert cfg.steps * objective.minibatches == 4000
    assert (objective.beta, objective.clip, objective.ptx_weight, objective.ptx_rows) == (0.02, 0.2, 27.8, 8)
    assert (objective.average, objective.value_lr, objective.gamma) == (0.992, value_lr, 1.0)
    assert objective.reward == "runs/instructgpt.reward-6B"
    assert (cfg.data.length, cfg.data.response) == (2048, 1024)
    assert [rate(cfg.schedule, step, cfg.steps) for step in (0, 4, 9, 499)] == [0.1, 0.5, 1.0, 1.0]


@pytest.mark.parametrize("make", [instructgpt.sft, instructgpt.start, instructgpt.reward])
def test_rates_fall_to_a_tenth_without_warm_up(make):
    cfg = make("6B")
    assert rate(cfg.schedule, 0, cfg.steps) == 1.0
    assert rate(cfg.schedule, cfg.steps - 1, cfg.steps) == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize(("size", "of"), [("1.3B", "1.3B"), ("6B", "6.7B"), ("175B", "175B")])
def test_the_networks_are_gpt3s(size, of):
    assert parameters(instructgpt.network(size)) == parameters(gpt3.network(of))


@pytest.mark.parametrize("size", [*PAPER, *OURS])
def test_each_stage_starts_from_a_run_of_its_own_network(size):
    pretrained, sft = instructgpt.sft(size).start, instructgpt.reward(size).start
    assert instructgpt.start(size).start == pretrained
    assert sft == f"runs/instructgpt.sft-{size}"
    assert instructgpt.ppo(size).start == f"runs/instructgpt.start-{size}"
    assert instructgpt.SIZES[size].pretrained.replace(":", "-") == pretrained.removeprefix("runs/")


@pytest.mark.parametrize("make", [instructgpt.start, instructgpt.reward, instructgpt.ppo])
def test_dropout_is_for_supervised_fine_tuning_alone(make):
    dropout = make("6B").model.dropout
    assert (dropout.embedding, dropout.attention, dropout.residual) == (0.0, 0.0, 0.0)
