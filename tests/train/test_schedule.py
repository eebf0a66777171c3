from math import cos, pi

import pytest
import torch

from foretell.train.config import BatchSize, Schedule
from foretell.train.schedule import rate, rows_after, rows_before


def test_inverse_sqrt_is_equation_3_of_the_transformer():
    d_model, warmup = 512, 40
    cfg, peak = Schedule(shape="inverse_sqrt", warmup_steps=warmup), d_model**-0.5 * warmup**-0.5
    for step in range(1, 400):
        want = d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)
        assert peak * rate(cfg, step - 1, 400) == pytest.approx(want, rel=1e-9)


def test_cosine_falls_from_the_end_of_the_warm_up_to_its_floor():
    cfg = Schedule(shape="cosine", warmup_steps=10, floor=0.1)
    for step in range(100):
        want = (step + 1) / 10 if step < 10 else 0.1 + 0.9 * (1 + cos(pi * (step - 10) / 90)) / 2
        assert rate(cfg, step, 100) == pytest.approx(want, abs=1e-12)
    assert 0.1 < rate(cfg, 99, 100) < 0.101  # the last step still moves
    assert rate(cfg, 100, 100) == pytest.approx(0.1)


def test_linear_from_half_the_run_is_warm_up_stable_decay():
    cfg = Schedule(shape="linear", warmup_steps=10, decay_from=0.5)
    for step in range(100):
        want = (step + 1) / 10 if step < 10 else 1.0 if step <= 50 else (100 - step) / 50
        assert rate(cfg, step, 100) == pytest.approx(want, abs=1e-12)


def test_decay_may_end_before_the_run_does():
    cfg = Schedule(shape="cosine", decay_to=0.5, floor=0.1)
    assert rate(cfg, 25, 100) == pytest.approx(0.55)
    assert [rate(cfg, step, 100) for step in (50, 51, 99)] == pytest.approx([0.1] * 3)


def test_constant_warms_up_and_stays():
    cfg = Schedule(shape="constant", warmup_steps=4)
    assert [rate(cfg, step, 10) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert rate(Schedule(shape="constant"), 0, 10) == 1


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_shapes_are_those_of_transformers(shape):
    from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

    theirs = get_linear_schedule_with_warmup if shape == "linear" else get_cosine_schedule_with_warmup
    plan = theirs(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0), 7, 50)
    cfg = Schedule(shape=shape, warmup_steps=7)
    for step in range(50):  # in the warm-up theirs begins with a step at rate 0, ours at 1/warmup
        theirs = plan.lr_lambdas[0](step + 1 if step < 7 else step)
        assert rate(cfg, step, 50) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("shape", ["constant", "linear", "cosine", "inverse_sqrt"])
def test_a_rate_is_a_share_and_never_rises_after_the_warm_up(shape):
    cfg = Schedule(shape=shape, warmup_steps=5, decay_from=0.2, decay_to=0.9, floor=0.05)
    rates = [rate(cfg, step, 60) for step in range(60)]
    assert all(0 < r <= 1 for r in rates)
    assert rates[:5] == sorted(rates[:5])
    assert rates[4:] == sorted(rates[4:], reverse=True)


@pytest.mark.parametrize("shape", ["constant", "linear", "cosine", "inverse_sqrt"])
def test_a_run_shorter_than_its_warm_up_only_warms_up(shape):
    cfg = Schedule(shape=shape, warmup_steps=50)
    assert [rate(cfg, step, 5) for step in range(5)] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])


RAMPS = [
    BatchSize(rows=64, ramp_from=4, ramp_rows=500),
    BatchSize(rows=5, ramp_from=5, ramp_rows=50),
    BatchSize(rows=9, ramp_from=1, ramp_rows=7),
]


@pytest.mark.parametrize("cfg", RAMPS)
def test_the_ramp_is_linear_in_the_rows_seen(cfg):
    seen = 0
    for step in range(80):
        assert rows_before(cfg, step) == seen
        share = min(seen / cfg.ramp_rows, 1)
        want = round(cfg.ramp_from + (cfg.rows - cfg.ramp_from) * share)
        assert rows_after(cfg, seen) == want
        seen += want


@pytest.mark.parametrize("cfg", RAMPS)
def test_the_ramp_begins_small_grows_and_ends_full(cfg):
    sizes = [rows_before(cfg, step + 1) - rows_before(cfg, step) for step in range(100)]
    assert sizes[0] == cfg.ramp_from
    assert sizes == sorted(sizes)
    assert sizes[-1] == cfg.rows


def test_without_a_ramp_every_step_is_full():
    cfg = BatchSize(rows=6)
    assert [rows_before(cfg, step) for step in range(4)] == [0, 6, 12, 18]
    assert rows_after(cfg, 0) == rows_after(cfg, 10**9) == 6


def test_the_place_in_the_data_is_found_at_once_late_in_a_run():
    cfg = BatchSize(rows=64, ramp_from=4, ramp_rows=500)
    assert rows_before(cfg, 10**9) == rows_before(cfg, 100) + (10**9 - 100) * 64
