"""A point is a finished run's cost and loss; what is not finished, or of other data, is refused in one line."""

from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from foretell.errors import BadUse
from foretell.model.count import flops_per_token, matrix_parameters
from foretell.model.init import build
from foretell.objective.lm import language_model
from foretell.recipes import modern
from foretell.recipes.ladder import Ladder, network
from foretell.scaling.points import cost, read_point, read_points
from foretell.train.config import Schedule
from tests.scaling.runs import config, ladder, law, written

NETWORKS = {
    "ladder": network(Ladder(n_vocab=32, n_ctx=16), 16),
    "tied": replace(network(Ladder(n_vocab=32, n_ctx=16), 16), tied=True),
    "wide heads": replace(network(Ladder(n_vocab=32, n_ctx=16, n_layers=3), 12), d_head=10, bias=True),
    "banded": replace(modern.network("smoke"), n_ctx=16, attention=("dense", "banded"), window=4),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_flops_are_those_that_torch_counts(name):
    """torch counts matrix products as they are made, with all of the attention's square; ours what may be seen."""
    cfg, rows, length = NETWORKS[name], 3, 16
    model, objective = build(cfg), language_model()
    ids = torch.randint(0, cfg.n_vocab, (rows, length))
    added = {torch.ops.aten.addmm_: lambda into, a, b, **how: 2 * a[0] * a[1] * b[1]}  # in place: torch leaves it out
    with FlopCounterMode(display=False, custom_mapping=added) as counted, sdpa_kernel(SDPBackend.MATH):
        objective.terms(model, {"inputs": ids, "targets": ids})["lm"].total.backward()
    seen = flops_per_token(cfg, length) - 6 * matrix_parameters(cfg)
    square = 12 * cfg.n_heads * cfg.d_head * length * cfg.n_layers
    assert counted.get_total_flops() == rows * length * (6 * matrix_parameters(cfg) + square)
    assert 0 < seen < square


def test_parameters_in_matrix_products_are_blocks_and_output():
    cfg = NETWORKS["ladder"]
    assert matrix_parameters(cfg) == 2 * 12 * 16**2 + 32 * 16
    assert matrix_parameters(NETWORKS["tied"]) == matrix_parameters(cfg)


def test_a_run_costs_its_tokens_times_the_flops_of_each():
    cfg = config(8)
    parameters, tokens, flops = cost(cfg)
    assert tokens == cfg.steps * 4 * 8
    assert (parameters, flops) == (matrix_parameters(cfg.model), tokens * flops_per_token(cfg.model, 8))


def test_points_come_cheapest_first(tmp_path):
    folders = ladder(tmp_path, shares=(0.5, 1.0))
    points = read_points(folders[::-1])
    assert [p.flops for p in points] == sorted(p.flops for p in points)
    assert {p.name for p in points} == {folder.name for folder in folders}
    assert [p.loss for p in points] == pytest.approx([law(p.flops) for p in points], rel=0.01)


def test_another_measure_can_be_asked_for(tmp_path):
    assert read_point(written(tmp_path / "a", config()), "val_loss").loss == 3.0
    with pytest.raises(BadUse, match="has no val_x, it has val_loss, val_bits_per_byte"):
        read_point(tmp_path / "a", "val_x")


def test_a_run_that_is_not_at_its_end_is_refused(tmp_path):
    cfg = config(16)
    run = written(tmp_path / "a", cfg, ended=False)
    with pytest.raises(BadUse, match=f"at step {cfg.steps // 2} of {cfg.steps}: its schedule is unfinished"):
        read_point(run)


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(shape="constant"),
        Schedule(shape="inverse_sqrt", warmup_steps=4),
        Schedule(shape="cosine", floor=0.5),
    ],
    ids=lambda schedule: schedule.shape,
)
def test_a_rate_that_has_not_come_down_is_refused(tmp_path, schedule):
    with pytest.raises(BadUse, match=r"has a .* schedule with floor (1|0.5), whose loss would still fall"):
        read_point(written(tmp_path / "a", config(16, schedule=schedule)))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("schedule.floor", {"schedule": Schedule(shape="linear", decay_from=0.8, floor=0.1)}),
        ("evaluate_rows", {"evaluate_rows": 7}),
        ("model.activation", {"model": replace(config().model, activation="gelu")}),
        ("data.rows", {"data": replace(config().data, rows="documents")}),
        ("data.folder", {"data": replace(config().data, folder="elsewhere")}),
    ],
)
def test_runs_of_other_settings_are_refused(tmp_path, name, changes):
    one, other = written(tmp_path / "a", config()), written(tmp_path / "b", config(**changes))
    with pytest.raises(BadUse, match=f"^{name} is .* in .*a and .* in .*b; runs of one law share"):
        read_points([one, other])


def test_no_run_is_refused():
    with pytest.raises(BadUse, match="no run is named"):
        read_points([])


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(BadUse, match=r"config\.json does not exist"):
        read_points([tmp_path])
