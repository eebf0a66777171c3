"""Every rung by one rule, and rates that suit its width."""

from dataclasses import replace
from itertools import pairwise

import pytest

from foretell.model.count import matrix_parameters
from foretell.recipes import every
from foretell.recipes.ladder import FALL, Ladder, families, n_steps, network, rung
from foretell.scaling.branches import shared_steps
from foretell.train.schedule import rate, rows_before

RULE = Ladder(widths=(16, 32, 64), shares=(0.25, 0.5, 1.0), seeds=(0, 1))
LONGEST = [rung(RULE, width) for width in RULE.widths]


def test_the_networks_differ_in_width_alone():
    one, other = (replace(network(RULE, width), d_model=2, d_head=2, d_ff=2) for width in (16, 64))
    assert one == other
    assert [(cfg.model.d_ff, cfg.model.d_head) for cfg in LONGEST] == [(64, 8), (128, 16), (256, 32)]


@pytest.mark.parametrize("cfg", LONGEST, ids=lambda cfg: cfg.recipe)
def test_every_width_reads_twenty_tokens_a_parameter(cfg):
    tokens = rows_before(cfg.batch, cfg.steps) * cfg.data.length
    assert tokens / matrix_parameters(cfg.model) == pytest.approx(20, rel=0.02)


def test_a_share_reads_that_share():
    half, whole = (n_steps(RULE, network(RULE, 64), share) for share in (0.5, 1.0))
    assert half / whole == pytest.approx(0.5, rel=0.01)


def test_rates_of_embeddings_fall_as_the_root_of_the_width_and_of_matrices_not_at_all():
    one, other = LONGEST[0].optim, LONGEST[2].optim
    assert one.lr / other.lr == pytest.approx(2)
    assert one.muon_lr == other.muon_lr
    assert LONGEST[1].optim.lr == RULE.lr


@pytest.mark.parametrize("cfg", [cfg for family in families(RULE) for cfg in family], ids=lambda cfg: cfg.recipe)
def test_the_rate_stands_until_the_last_fifth_and_ends_near_nothing(cfg):
    begin = cfg.steps - cfg.steps // FALL
    assert cfg.steps % FALL == 0
    rates = [rate(cfg.schedule, step, cfg.steps) for step in range(cfg.steps)]
    assert set(rates[cfg.schedule.warmup_steps : begin]) == {1.0}
    assert rates[-1] == pytest.approx(FALL / cfg.steps)
    assert begin % cfg.checkpoint_every == 0  # so that a longer run can be branched off


def test_a_longer_run_shares_all_steps_before_the_shorters_fall():
    for family in families(RULE):
        for shorter, longer in pairwise(family):
            assert shared_steps(shorter, longer) >= shorter.steps - shorter.steps // FALL
            assert shorter.seed == longer.seed


def test_families_are_each_width_and_seed_shortest_first():
    found = families(RULE)
    assert [(f[0].model.d_model, f[0].seed) for f in found] == [(16, 0), (16, 1), (32, 0), (32, 1), (64, 0)]
    assert all([cfg.steps for cfg in f] == sorted(cfg.steps for cfg in f) for f in found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"widths": ()}, "needs widths that are multiples of 4"),
        ({"widths": (18,)}, "needs widths that are multiples of 4"),
        ({"shares": (0.5,)}, r"with 1 among them"),
        ({"shares": (0.5, 2.0, 1.0)}, r"are not in \(0, 1\]"),
        ({"tokens_per_parameter": 0.0}, "is not positive"),
        ({"seeds": ()}, "seeds is empty"),
    ],
)
def test_a_rule_that_makes_no_ladder_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        Ladder(**changes)


def test_a_ladder_is_no_rung_of_the_lineage():
    assert not [name for name in every() if name.startswith("ladder")]
