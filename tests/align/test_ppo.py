import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from foretell.align import iterations, ppo
from foretell.align.ppo import train_ppo
from foretell.errors import BadUse, Failed
from foretell.exchange.folder import load_model
from foretell.recipes.trainers import policy, trainer
from foretell.runs import sha256
from foretell.train import checkpoint
from foretell.train.config import BatchSize
from foretell.train.metrics import read_metrics
from tests.align.made_run import config, made

TIMES = ("seconds", "cpu_seconds", "tokens_per_second")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return made(tmp_path_factory.mktemp("made"))


def lines(out):
    """All that a run measured but its times."""
    return [{k: v for k, v in line.items() if not k.startswith(TIMES)} for line in read_metrics(out / "metrics.jsonl")]


def tensors(out):
    """The model and the last checkpoint."""
    last = checkpoint.every(out / "checkpoints")[-1]
    paths = (out / "model" / "model.safetensors", last / "model.safetensors", last / "optimizer.safetensors")
    return [load_file(path) for path in paths]


def assert_same(one, other):
    assert lines(one) == lines(other)
    for a, b in zip(tensors(one), tensors(other), strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_writes_its_average_as_its_model_and_measures_what_it_should(files, tmp_path):
    result = train_ppo(config(files, {"ptx_weight": 1.0, "ptx_rows": 1}), tmp_path, quiet=True)
    assert {"val_reward", "val_kl", "val_lm", "val_response_length", "val_ended"} == result.metrics.keys()
    first = lines(tmp_path)[1]
    named = (
        "reward shaped_reward kl kl_per_token entropy ratio clipped approx_kl policy_loss value_loss ended beta lr "
        "explained_variance response_length repetition ptx_loss grad_norm value_grad_norm ptx_ratio rollout_mismatch"
    )
    assert set(named.split()) <= first.keys()
    assert any(name.startswith("seconds/") for name in read_metrics(tmp_path / "metrics.jsonl")[1])
    kept = load_file(checkpoint.every(tmp_path / "checkpoints")[-1] / "model.safetensors")
    written = load_model(tmp_path).network.state_dict()
    assert all(torch.equal(kept[f"average.{name}"], value) for name, value in written.items())
    assert any(not torch.equal(kept[f"policy.{name}"], value) for name, value in written.items())


def test_the_first_ratio_is_1_and_the_first_kl_0_with_dropout_in_the_config(files, tmp_path):
    train_ppo(config(files, steps=1), tmp_path, quiet=True)
    first = lines(tmp_path)[1]
    assert abs(first["first_ratio"] - 1) <= 1e-5
    assert first["rollout_mismatch"] <= 1e-5
    assert abs(first["kl"]) <= 1e-5


def test_a_run_of_another_temperature_has_ratio_1_and_kl_0_at_its_start(files, tmp_path):
    train_ppo(config(files, {"temperature": 0.7}, steps=1), tmp_path, quiet=True)
    first = lines(tmp_path)[1]
    assert abs(first["first_ratio"] - 1) <= 1e-5
    assert first["rollout_mismatch"] <= 1e-5
    assert abs(first["kl"]) <= 1e-5


def test_the_same_config_gives_the_same_run_and_another_seed_another(files, tmp_path):
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        train_ppo(config(files, steps=2, seed=seed), tmp_path / name, quiet=True)
    assert_same(tmp_path / "one", tmp_path / "two")
    assert lines(tmp_path / "one") != lines(tmp_path / "three")


class Killed(BaseException):
    """Stands for a kill: nothing in the package may catch it."""


def test_a_run_that_ends_within_an_iteration_goes_on_bit_for_bit_with_an_adaptive_beta(files, tmp_path, monkeypatch):
    cfg = config(files, {"target_kl": 1.0, "horizon": 50.0, "most_kl": 50.0}, steps=6)
    train_ppo(cfg, tmp_path / "whole", quiet=True)
    real, taken = iterations.update, []

    def update(*given):
        taken.append(0)
        if len(taken) == 5:
            raise Killed
        return real(*given)

    monkeypatch.setattr(iterations, "update", update)
    with pytest.raises(Killed):
        train_ppo(cfg, tmp_path / "broken", quiet=True)
    monkeypatch.undo()
    train_ppo(cfg, tmp_path / "broken", quiet=True)
    assert_same(tmp_path / "whole", tmp_path / "broken")
    betas = [line["beta"] for line in lines(tmp_path / "whole")[1:]]
    assert len(set(betas)) == 6


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_killed_or_stopped_in_its_7th_iteration_goes_on_bit_for_bit(files, tmp_path, number):
    cfg = config(files, {"ptx_weight": 1.0, "ptx_rows": 1})
    train_ppo(cfg, tmp_path / "whole", quiet=True)
    program = Path(__file__).parent / "made_run.py"
    given = [sys.executable, "-m", "tests.align.made_run", str(files), str(tmp_path / "broken"), "7", str(int(number))]
    ended = subprocess.run(given, cwd=program.parents[2], capture_output=True)
    assert ended.returncode
    assert not (tmp_path / "broken" / "model").exists()
    train_ppo(cfg, tmp_path / "broken", quiet=True)
    assert_same(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.parametrize(("epochs", "minibatches"), [(1, 4), (2, 2), (3, 1)])
def test_optimizer_steps_are_epochs_times_minibatches(files, monkeypatch, epochs, minibatches):
    work = ppo.opened(config(files, {"epochs": epochs, "minibatches": minibatches}))
    taken = {"policy": 0, "value": 0}
    for name, learner in (("policy", work.policy_learner), ("value", work.value_learner)):
        learner.optimizers[0].register_step_post_hook(lambda *_, name=name: taken.update({name: taken[name] + 1}))
    work.step(0)
    assert taken == {"policy": epochs * minibatches, "value": epochs * minibatches}


@pytest.mark.parametrize("micro", [1, 2, 3, 8])
def test_micro_batches_change_no_gradient(files, micro):
    found = {}
    for size in (0, micro):
        batch = BatchSize(rows=8, micro=size)
        work = ppo.opened(config(files, {"minibatches": 1, "ptx_weight": 2.0, "ptx_rows": 2}, batch=batch))
        found[size] = grads = []
        for optimizer in work.optimizers:
            optimizer.register_step_pre_hook(
                lambda one, *_, grads=grads: grads.extend(p.grad.clone() for g in one.param_groups for p in g["params"])
            )
        found[size, "told"] = {k: v for k, v in work.step(0).items() if "seconds" not in k}
    assert found[0, "told"] == pytest.approx(found[micro, "told"], rel=1e-4, abs=1e-6)
    for one, other in zip(found[0], found[micro], strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_the_reference_never_moves_and_no_step_of_one_network_moves_the_other(files):
    work = ppo.opened(config(files, {"minibatches": 1}))
    before = {name: value.clone() for name, value in work.reference.state_dict().items()}
    work.step(0)
    assert all(torch.equal(before[name], value) for name, value in work.reference.state_dict().items())
    assert any(not torch.equal(before[name], value) for name, value in work.policy.state_dict().items())
    owned = [{id(p) for group in optimizer.param_groups for p in group["params"]} for optimizer in work.optimizers]
    assert owned[0] == {id(p) for p in work.policy.parameters()}
    assert owned[1] == {id(p) for p in work.critics.value.parameters()}
    assert work.optimizers[1].param_groups[0]["lr"] == pytest.approx(1e-3 / 3)


def test_no_network_is_ever_in_training_mode(files):
    work = ppo.opened(config(files, {"ptx_weight": 1.0}, steps=1))
    work.step(0)
    networks = (work.policy, work.reference, work.critics.value, work.critics.network, work.average)
    assert not any(module.training for network in networks for module in network.modules())


def test_a_reward_that_is_no_number_is_one_line(files, tmp_path):
    with pytest.raises(
        Failed, match=r"the reward of response 1 is nan, which is no number; the reward model is broken"
    ):
        train_ppo(config(files), tmp_path, quiet=True, score=lambda prompts, answers: [float("nan")] * len(prompts))


@pytest.mark.parametrize(
    ("objective", "changes", "said"),
    [
        ({"minibatches": 3}, {}, r"batch.rows=8 episodes do not split into objective.minibatches=3 equal parts"),
        ({"reward": ""}, {}, r"no reward model is named; train one, and give it with --objective.reward"),
        ({"samples": 3}, {}, r"batch.rows=8 episodes do not split into objective.samples=3"),
        ({}, {"batch": BatchSize(rows=8, ramp_from=4, ramp_rows=8)}, r"a ppo run has no batch ramp"),
    ],
)
def test_a_config_that_cannot_be_is_one_line(files, tmp_path, objective, changes, said):
    with pytest.raises(BadUse, match=said) as error:
        train_ppo(config(files, objective, **changes), tmp_path, quiet=True)
    assert "\n" not in str(error.value)


def test_a_run_remembers_the_reward_model_that_it_was_made_with_and_knows_its_folder_by_another_name(files, tmp_path):
    cfg = config(files, steps=1)
    train_ppo(cfg, tmp_path, quiet=True)
    parents = json.loads((tmp_path / "lineage.json").read_text())["parents"]
    assert parents["reward"] == sha256(files / "reward" / "model.safetensors")
    assert parents["start"] == sha256(files / "start" / "model.safetensors")
    spelt = replace(cfg, objective=replace(cfg.objective, reward=str(files / "start" / ".." / "reward")))
    assert train_ppo(spelt, tmp_path, quiet=True).folder == tmp_path


def test_what_needs_more_than_rows_is_trained_by_its_own_function():
    assert trainer("ppo") is policy
    assert trainer("lm") is not train_ppo
