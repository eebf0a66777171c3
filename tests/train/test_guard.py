import math
import os
import random
import statistics
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from foretell.errors import Failed
from foretell.train import checkpoint, loop
from foretell.train.config import Guard
from foretell.train.events import read_events
from foretell.train.guard import Seen, look, move_past, place_of, reach, rise
from foretell.train.loop import train
from foretell.train.metrics import read_metrics
from tests.train.planted import TIMES, guarded, plant

CFG = Guard(window=128)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The folder of a run in which nothing goes wrong."""
    folder = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        train(guarded(), folder, quiet=True)
    return folder


def rollbacks(folder):
    return [event for event in read_events(folder) if event["what"] == "rollback"]


def measured(folder):
    lines = read_metrics(folder / "metrics.jsonl")
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines]


def held_out(folder):
    return measured(folder)[-1]["val_loss"]


def fed(losses, cfg=CFG):
    """The steps at which a run of these losses would be found."""
    seen, found = Seen(), []
    for step, loss in enumerate(losses):
        if look(cfg, seen, step, {"loss": loss, "grad_norm": 1.0}):
            found.append(step)
    return found


def test_the_measure_is_the_distance_from_the_median_in_units_of_the_mad():
    rng = random.Random(0)
    for _ in range(50):
        values = [rng.gauss(3, 1) for _ in range(rng.randint(2, 60))]
        middle = statistics.median(values)
        mad = statistics.median(abs(value - middle) for value in values)
        value = rng.gauss(5, 3)
        want = (value - middle) / max(1.4826 * mad, 0.05, 0.01 * middle)
        assert rise("loss", values, value, 2) == pytest.approx((want, middle))


def test_a_gradients_norm_is_measured_by_its_logarithm_and_must_lie_four_times_as_far():
    logs = [math.log(value) for value in (1.0, 2.0, 0.5, 1.0, 1.5)]
    z, usual = rise("grad_norm", logs, 100.0, 5)
    assert usual == pytest.approx(1.0)
    assert z == pytest.approx(math.log(100) / max(1.4826 * math.log(1.5), 0.2) / 4)


def test_inside_a_burst_the_median_still_sees_where_mean_and_deviation_go_blind():
    rng = np.random.default_rng(0)
    history = list(rng.normal(3, 0.04, 128))
    mean_sees = median_sees = 0
    for value in rng.normal(4, 0.04, 20):
        window = history[-128:]
        median_sees += rise("loss", window, value, 64)[0] > 6
        mean_sees += (value - statistics.mean(window)) / statistics.stdev(window) > 6
        history.append(value)
    assert median_sees == 20
    assert mean_sees < 10


def test_noise_and_a_falling_loss_and_heavy_tails_are_no_spikes():
    rng = np.random.default_rng(1)
    for noise in (rng.normal(0, 0.05, 3000), 0.04 * rng.standard_t(10, 3000)):
        assert fed(3 + 4 * np.exp(-np.arange(3000) / 300) + noise) == []


def test_what_is_not_finite_is_a_spike_from_the_first_step_on():
    for bad in (math.nan, math.inf):
        assert look(CFG, Seen(), 0, {"loss": bad, "grad_norm": 1.0}).why == f"loss {bad} at step 1"
        assert look(CFG, Seen(), 0, {"loss": 1.0, "grad_norm": bad}) is not None
    assert look(Guard(), Seen(), 0, {"loss": math.nan}) is None


def test_a_find_leaves_no_trace_in_what_is_usual():
    seen = Seen()
    for step in range(100):
        look(CFG, seen, step, {"loss": 3.0 + step % 7 / 100})
    before = list(seen.recent["loss"])
    assert look(CFG, seen, 100, {"loss": 9.0}).usual == pytest.approx(3.03)
    assert seen.recent["loss"] == before


def test_a_rise_that_comes_slowly_is_followed_back_to_where_it_began():
    seen = Seen()
    for step, loss in enumerate([3.0] * 100 + [3.0 + 0.2, 3.0 + 0.25, 9.0]):  # the least spread is 0.05
        find = look(CFG, seen, step, {"loss": loss})
        assert (find is not None) == (step == 102)
    assert (find.step, find.began) == (102, 100)
    assert reach(CFG) == 16


def test_the_window_is_as_long_as_asked():
    seen = Seen()
    for step in range(60):
        look(Guard(window=16), seen, step, {"loss": 3.0 + step / 1000, "grad_norm": 2.0})
    assert seen.recent["loss"] == [3.0 + step / 1000 for step in range(44, 60)]
    assert len(seen.recent["grad_norm"]) == 16


def test_the_batch_of_a_step_is_that_of_those_that_are_left():
    rng = random.Random(2)
    for _ in range(30):
        passed = sorted(rng.sample(range(60), rng.randint(0, 25)))
        left = [number for number in range(200) if number not in passed]
        assert [place_of(step, passed) for step in range(100)] == left[:100]


def test_each_try_at_a_place_moves_past_more_and_another_place_begins_anew():
    seen, moved = Seen(), []
    for step in (100, 100, 101, 99, 400):
        seen.rising = 0
        find = replace(look(CFG, Seen(), 0, {"loss": math.nan}), step=step, began=step)
        moved.append((seen.tries, *move_past(CFG, seen, find)))
    assert [first for _, first, _ in moved] == [100, 99, 99, 95, 400]
    assert moved[0][2] == [100]
    assert moved[1][2] == [99, 101, 102]
    assert seen.tries == 1
    assert sorted({number for _, _, some in moved for number in some}) == seen.passed
    assert sum(len(some) for _, _, some in moved) == len(seen.passed)


def test_a_clean_run_is_the_same_with_a_guard_and_leaves_nothing_of_it_behind(clean, tmp_path, monkeypatch):
    plant(monkeypatch)
    train(guarded(guard=Guard()), tmp_path, quiet=True)
    assert measured(tmp_path) == measured(clean)
    assert rollbacks(clean) == []
    assert not (clean / "start").exists()
    assert [event["what"] for event in read_events(clean)] == ["start", "end"]
    assert read_events(clean)[-1]["peak_memory"] > 2**26


FAULTS = {"corrupt": {"bad": [100]}, "gradient": {"blow_up": [101]}, "nan": {"poison": [77]}}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_goes_back_moves_past_the_batch_and_ends_as_good_as_clean(tmp_path, monkeypatch, clean, fault):
    [bad] = next(iter(FAULTS[fault].values()))
    plant(monkeypatch, **FAULTS[fault])
    train(guarded(), tmp_path, quiet=True)
    [event] = rollbacks(tmp_path)
    assert event["moved_past"] == [bad]
    assert event["back_to"] == bad // 10 * 10
    assert event["step"] == bad + 1
    assert "at step" in event["why"]
    steps = [line["step"] for line in measured(tmp_path)]
    assert steps == list(range(161))
    back = event["back_to"] + 1
    assert measured(tmp_path)[:back] == measured(clean)[:back]
    assert held_out(tmp_path) == pytest.approx(held_out(clean), rel=0.005)


@pytest.mark.slow
def test_without_a_guard_the_same_fault_is_the_end_of_a_run(tmp_path, monkeypatch):
    plant(monkeypatch, poison=[77])
    with pytest.raises(Failed, match="not a number"):
        train(guarded(guard=Guard()), tmp_path, quiet=True)


@pytest.mark.slow
def test_a_burst_is_moved_past_in_few_tries(tmp_path, monkeypatch, clean):
    plant(monkeypatch, bad=range(90, 97))
    train(guarded(), tmp_path, quiet=True)
    events = rollbacks(tmp_path)
    assert [event["tries"] for event in events] == [1, 2, 3]
    passed = {number for event in events for number in event["moved_past"]}
    assert set(range(90, 97)) <= passed
    assert len(passed) < 14
    assert held_out(tmp_path) < 1.005 * held_out(clean)


@pytest.mark.slow
def test_a_fault_before_the_first_checkpoint_goes_back_to_the_start(tmp_path, monkeypatch):
    made = plant(monkeypatch, poison=[3])
    train(guarded(steps=20), tmp_path / "one", quiet=True)
    [event] = rollbacks(tmp_path / "one")
    assert (event["back_to"], event["moved_past"]) == (0, [3])
    assert [line["step"] for line in measured(tmp_path / "one")] == list(range(21))
    trained = [number for number in made[-1].read if number < 1000]
    assert trained == [0, 1, 2, 3, 0, 1, 2, *range(4, 21)]


def test_who_finds_the_same_again_and_again_is_given_up(tmp_path, monkeypatch):
    plant(monkeypatch, poison=range(5, 1000))
    cfg = guarded(guard=Guard(window=16, tries=3), steps=20, checkpoint_every=5)
    said = r"^loss nan at step \d+.*, again after 3 rollbacks that moved past \d+ batches in all; look at the data, or"
    with pytest.raises(Failed, match=said) as error:
        train(cfg, tmp_path, quiet=True)
    assert "\n" not in str(error.value)
    assert [event["what"] for event in read_events(tmp_path)] == ["start", *["rollback"] * 3, "gave up"]
    assert checkpoint.every(tmp_path / "checkpoints") or (tmp_path / "start").exists()


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["restored", "save", "forget_after", "later"])
def test_a_kill_on_the_way_back_or_later_changes_nothing(tmp_path, monkeypatch, where):
    from foretell.train.run import Run

    plant(monkeypatch, bad=[50])
    train(guarded(steps=70), tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        if where == "later":
            real, calls = loop.train_step, []

            def train_step(*given):
                calls.append(0)
                if len(calls) == 56:  # four steps after the rollback, none of them saved
                    raise Killed
                return real(*given)

            patch.setattr(loop, "train_step", train_step)
        else:
            back, real = [], getattr(Run, where)

            def last(self, *given):
                if back:
                    raise Killed
                return real(self, *given)

            def go_back(self, *given):
                back.append(0)
                return real_back(self, *given)

            real_back = Run.go_back
            patch.setattr(Run, where, last)
            patch.setattr(Run, "go_back", go_back)
        with pytest.raises(Killed):
            train(guarded(steps=70), tmp_path / "killed", quiet=True)
    train(guarded(steps=70), tmp_path / "killed", quiet=True)
    assert measured(tmp_path / "killed") == measured(tmp_path / "whole")
    one, other = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_where_the_only_checkpoint_is_damaged_the_run_goes_on_from_its_start(tmp_path, monkeypatch):
    plant(monkeypatch)
    cfg = guarded(steps=16)
    train(cfg, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", dying(loop.train_step, 13))
        with pytest.raises(Killed):
            train(cfg, tmp_path / "killed", quiet=True)
    [only] = checkpoint.every(tmp_path / "killed" / "checkpoints")
    (only / "optimizer.safetensors").write_bytes(b"")
    train(cfg, tmp_path / "killed", quiet=True)
    assert measured(tmp_path / "killed") == measured(tmp_path / "whole")
    events = [(event["what"], event["step"]) for event in read_events(tmp_path / "killed")]
    assert events == [("start", 0), ("damaged", 0), ("start", 0), ("end", 16)]


def dying(real, count):
    """A function whose call of that number is the last thing that happens."""
    calls = []

    def last(*given):
        calls.append(0)
        if len(calls) == count:
            raise Killed
        return real(*given)

    return last


def test_going_back_past_a_damaged_checkpoint_is_told(tmp_path, monkeypatch):
    plant(monkeypatch, poison=[23])
    real = loop.train_step

    def train_step(*given):
        last = tmp_path / "checkpoints" / "step-00000020" / "optimizer.safetensors"
        if last.exists():
            last.write_bytes(b"")
        return real(*given)

    monkeypatch.setattr(loop, "train_step", train_step)
    train(guarded(steps=26), tmp_path, quiet=True)
    told = [(event["what"], event.get("back_to"), event.get("why", "")) for event in read_events(tmp_path)]
    assert [one[:2] for one in told] == [("start", None), ("damaged", None), ("rollback", 10), ("end", None)]
    assert told[1][2] == "step-00000020: optimizer.safetensors is not what was written"


def test_the_checkpoint_that_the_guard_may_need_stays(tmp_path, monkeypatch):
    plant(monkeypatch)
    cfg = guarded(steps=20, checkpoint_every=2, guard=Guard(window=64), keep=1)
    train(cfg, tmp_path, quiet=True)
    steps = [checkpoint.step_of(path) for path in checkpoint.every(tmp_path / "checkpoints")]
    assert steps == [10, 12, 14, 16, 18, 20]  # a rise may have begun 8 steps ago
    assert "start" not in os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"window": 3}, "window=3 is too few for a median; give at least 16, or 0 for no guard"),
        ({"window": 64, "threshold": 1.0}, "threshold=1.0 is below 3: noise alone would reach it; 6 is usual"),
        ({"threshold": math.nan}, "threshold=nan is below 3"),
        ({"tries": 0}, "tries=0 is not in"),
    ],
)
def test_a_guard_that_cannot_work_is_refused(fields, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        Guard(**fields)
