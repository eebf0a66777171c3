"""What Devlin et al. 2018 state must be true of the recipe."""

import pytest

from foretell.model.count import parameters
from foretell.recipes import bert


@pytest.mark.parametrize(("size", "printed"), [("base", 110), ("large", 340)])
def test_sizes_of_section_3(size, printed):
    assert sum(parameters(bert.network(size)).values()) / 1e6 == pytest.approx(printed, rel=0.015)


def test_numbers_of_appendix_a_2():
    short, long = bert.pretrain(), bert.pretrain_long()
    assert (short.data.length, long.data.length) == (128, 512)
    assert (short.steps, long.steps) == (900_000, 100_000)
    assert (short.batch.rows, short.data.mask_share, short.optim.lr) == (256, 0.15, 1e-4)
    assert (short.optim.betas, short.optim.weight_decay, short.schedule.warmup_steps) == ((0.9, 0.999), 0.01, 10_000)
    assert short.model.n_vocab == 30_522


def test_finetuning_reads_the_pooler():
    heads = bert.finetune().model.heads
    assert heads.task_pooler
    assert not heads.lm
