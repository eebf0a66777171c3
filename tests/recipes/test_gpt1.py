"""What Radford et al. 2018 state must be true of the recipe."""

import pytest

from foretell.config import dump, load, override
from foretell.model.count import parameters
from foretell.recipes import gpt1
from foretell.train.config import RunConfig
from foretell.train.schedule import rate


def test_the_paper_model_has_117m_parameters():
    assert round(sum(parameters(gpt1.network("117M")).values()) / 1e6) == 117


def test_numbers_of_section_4_1():
    cfg = gpt1.pretrain()
    assert (cfg.optim.lr, cfg.optim.weight_decay, cfg.schedule.warmup_steps) == (2.5e-4, 0.01, 2000)
    assert (cfg.batch.rows, cfg.data.length, cfg.model.n_vocab) == (64, 512, 40_478)
    assert (cfg.model.norm_place, cfg.model.d_ff, cfg.model.init.std) == ("post", 3072, 0.02)
    assert rate(cfg.schedule, cfg.steps - 1, cfg.steps) == pytest.approx(0, abs=1e-9)


def test_finetuning_is_section_4_1():
    cfg = gpt1.finetune()
    assert (cfg.optim.lr, cfg.batch.rows, cfg.objective.lm_weight) == (6.25e-5, 32, 0.5)
    assert (cfg.schedule.shape, cfg.schedule.warmup_steps / cfg.steps) == ("linear", pytest.approx(0.002))
    assert cfg.model.heads.task_dropout == 0.1


def test_a_run_is_reproduced_from_its_saved_config():
    cfg = override(gpt1.finetune("nano"), ["--optim.lr", "1e-3", "--model.n-layers", "2"])
    assert (cfg.optim.lr, cfg.model.n_layers) == (1e-3, 2)
    assert load(RunConfig, dump(cfg)) == cfg
