"""What Vaswani et al. 2017 state must be true of the recipe."""

import pytest

from foretell.model.count import parameters
from foretell.recipes import transformer
from foretell.train.schedule import rate


@pytest.mark.parametrize(("size", "millions", "printed"), [("base", 63.1, 65), ("big", 214.2, 213)])
def test_sizes_of_table_3(size, millions, printed):
    n = sum(parameters(transformer.network(size)).values()) / 1e6
    assert n == pytest.approx(millions, abs=0.05)
    assert n == pytest.approx(printed, rel=0.03)


@pytest.mark.parametrize("step", [1, 10, 3999, 4000, 4001, 100_000])
def test_learning_rate_is_eq_3(step):
    cfg = transformer.translate("base")
    wanted = 512**-0.5 * min(step**-0.5, step * 4000**-1.5)
    assert cfg.optim.lr * rate(cfg.schedule, step - 1, cfg.steps) == pytest.approx(wanted)


def test_numbers_of_section_5():
    cfg = transformer.translate("base")
    assert (cfg.optim.betas, cfg.optim.eps) == ((0.9, 0.98), 1e-9)
    assert cfg.objective.label_smoothing == 0.1
    assert cfg.data.tokens_per_bucket == 25_000
    assert (cfg.model.dropout.residual, transformer.network("big").dropout.residual) == (0.1, 0.3)
    assert (cfg.average, transformer.translate("big").average) == (5, 20)
    assert (cfg.model.norm_place, cfg.model.tied, cfg.model.embedding_scale) == ("post", True, True)
