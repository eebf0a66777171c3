"""What Radford et al. 2019 state must be true of the recipe."""

import pytest

from foretell.model.count import parameters
from foretell.recipes import gpt2

TRUE = {"124M": 124_439_808, "355M": 354_823_168, "774M": 774_030_080, "1558M": 1_557_611_200}


@pytest.mark.parametrize("size", TRUE)
def test_the_four_sizes_of_table_2(size):
    assert sum(parameters(gpt2.network(size)).values()) == TRUE[size]


@pytest.mark.parametrize(("printed", "true"), gpt2.PRINTED.items())
def test_the_printed_names_mean_the_same_models(printed, true):
    assert gpt2.network(printed) == gpt2.network(true)
    assert gpt2.pretrain(printed).recipe == f"gpt2.pretrain:{printed}"


def test_numbers_of_section_2_3():
    cfg = gpt2.pretrain()
    assert (cfg.batch.rows, cfg.model.n_ctx, cfg.model.n_vocab) == (512, 1024, 50_257)
    assert (cfg.model.norm_place, cfg.model.init.scale_residual) == ("pre", True)
    assert {gpt2.network(size).d_head for size in TRUE} == {64}
