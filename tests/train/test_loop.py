import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from foretell.errors import BadUse, Failed
from foretell.objective.mean import Mean
from foretell.ranks import Ranks
from foretell.train import checkpoint, loop, run
from foretell.train.config import AdamW, BatchSize, Machine, Schedule
from foretell.train.loop import train
from foretell.train.metrics import read_metrics
from foretell.train.parallel import Spread
from foretell.train.run import MOST_SKIPPED, Stopped
from tests.train.in_memory import Rows, config, network


@pytest.fixture(autouse=True)
def _rows_in_memory(monkeypatch):
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))


def lines(folder):
    return read_metrics(folder / "metrics.jsonl")


def weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def test_a_run_leaves_what_the_contract_names(tmp_path):
    result = train(config(), tmp_path / "run", quiet=True)
    assert {"config.json", "lineage.json", "metrics.jsonl", "checkpoints", "model"} <= set(os.listdir(tmp_path / "run"))
    assert result.folder == tmp_path / "run"
    lineage = json.loads((tmp_path / "run" / "lineage.json").read_text())
    assert lineage["result"] == result.metrics
    assert lineage["finished"] >= lineage["begun"]
    assert {"val_loss", "val_lm", "val_bits_per_byte"} == set(result.metrics)


def test_the_lines_are_one_a_step_with_evaluations_where_they_are_due(tmp_path):
    train(config(), tmp_path, quiet=True)
    found = lines(tmp_path)
    assert [line["step"] for line in found] == list(range(13))
    assert [line["step"] for line in found if "val_loss" in line] == [0, 5, 10, 12]
    assert all({"loss", "lm", "grad_norm", "lr", "tokens", "seconds", "cpu_seconds"} <= set(line) for line in found[1:])
    assert [path.name for path in checkpoint.every(tmp_path / "checkpoints")] == ["step-00000008", "step-00000012"]


def test_epochs_are_told_with_evaluations_by_source_where_there_are_several(tmp_path, monkeypatch):
    train(config(), tmp_path / "one", quiet=True)
    told = {line["step"]: line["epochs"] for line in lines(tmp_path / "one") if "epochs" in line}
    assert list(told) == [5, 10, 12]
    rows = sum(line["tokens"] for line in lines(tmp_path / "one")[-1:]) // 8
    assert told[12] == rows / 1000
    monkeypatch.setattr(Rows, "epochs", lambda self, n: {"web": n / 500, "books": n / 2000})
    train(config(), tmp_path / "two", quiet=True)
    last = lines(tmp_path / "two")[-1]
    assert last["epochs/web"] == 4 * last["epochs/books"] == rows / 500


def test_rates_and_tokens_are_those_of_the_schedule_and_the_ramp(tmp_path):
    cfg = config()
    train(cfg, tmp_path, quiet=True)
    seen, tokens = 0, 0
    for line in lines(tmp_path)[1:]:
        rows = 7 if seen >= 30 else round(2 + 5 * seen / 30)
        seen, tokens = seen + rows, tokens + rows * 8
        assert line["tokens"] == tokens
    assert [line["lr"] for line in lines(tmp_path)[1:4]] == pytest.approx([0.01 / 3, 0.02 / 3, 0.01])
    assert 0 < lines(tmp_path)[-1]["lr"] < 0.05 * 0.01  # the last step still moves


def test_the_optimizers_are_given_the_rate_that_is_logged(tmp_path, monkeypatch):
    real, rates = loop.train_step, []

    def spy(model, objective, parts, optimizers, clip):
        rates.append(optimizers[0].param_groups[0]["lr"])
        return real(model, objective, parts, optimizers, clip)

    monkeypatch.setattr(loop, "train_step", spy)
    train(config(), tmp_path, quiet=True)
    assert rates == [line["lr"] for line in lines(tmp_path)[1:]]
    assert len(set(rates)) > 9


def test_the_network_learns_to_count(tmp_path):
    cfg = config(
        model=network(d_model=32, n_heads=4, d_head=8, d_ff=64),
        batch=BatchSize(rows=32),
        steps=60,
        optim=AdamW(lr=2e-2),
        evaluate_every=60,
        checkpoint_every=60,
    )
    train(cfg, tmp_path, quiet=True)
    found = [line["val_loss"] for line in lines(tmp_path) if "val_loss" in line]
    assert found[0] == pytest.approx(torch.tensor(11.0).log().item(), abs=0.1), "at first every token is as likely"
    assert found[1] < found[0] - 0.4


def test_micro_batches_change_nothing_but_rounding(tmp_path):
    no_dropout = config(model=replace(network(), dropout=type(network().dropout)()))
    for micro in (0, 1, 3):
        train(replace(no_dropout, batch=replace(no_dropout.batch, micro=micro)), tmp_path / str(micro), quiet=True)
    whole = [line["loss"] for line in lines(tmp_path / "0")[1:]]
    for micro in ("1", "3"):
        assert [line["loss"] for line in lines(tmp_path / micro)[1:]] == pytest.approx(whole, rel=1e-5)


def test_the_seed_decides_the_run(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(config(seed=seed, steps=3), tmp_path / name, quiet=True)
    losses = [[line["loss"] for line in lines(tmp_path / name)[1:]] for name in "abc"]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_finished_run_is_not_done_again(tmp_path, monkeypatch):
    first = train(config(), tmp_path, quiet=True)
    monkeypatch.setattr(loop, "build", lambda *_: pytest.fail("a finished run was begun again"))
    assert train(config(), tmp_path, quiet=True) == first


def test_another_config_in_the_same_folder_is_refused_and_the_run_stays(tmp_path):
    train(config(), tmp_path, quiet=True)
    before = lines(tmp_path)
    with pytest.raises(BadUse, match="steps is 12 there and 13 here"):
        train(config(steps=13), tmp_path, quiet=True)
    assert lines(tmp_path) == before


def test_a_run_may_start_from_another_runs_weights(tmp_path):
    train(config(steps=4), tmp_path / "first", quiet=True)
    frozen = config(steps=1, start=str(tmp_path / "first"), optim=AdamW(lr=1e-30))
    train(frozen, tmp_path / "second", quiet=True)
    first, second = weights(tmp_path / "first"), weights(tmp_path / "second")
    assert all(torch.allclose(first[name], second[name], atol=1e-12) for name in first)


def test_the_model_is_the_mean_of_the_last_checkpoints_if_asked_for(tmp_path):
    train(config(average=2), tmp_path, quiet=True)
    saved = [load_file(path / "model.safetensors") for path in checkpoint.every(tmp_path / "checkpoints")]
    token = "embed.token.weight"
    mean = (saved[0][token] + saved[1][token]) / 2
    found = [value for value in weights(tmp_path).values() if value.shape == mean.shape]
    assert any(torch.allclose(value, mean, atol=1e-6) for value in found)


def test_bf16_trains_with_weights_in_fp32_and_nearly_the_same_losses(tmp_path):
    train(config(), tmp_path / "fp32", quiet=True)
    train(config(machine=Machine(device="cpu", threads=1, precision="bf16")), tmp_path / "bf16", quiet=True)
    one, other = ([line["loss"] for line in lines(tmp_path / name)[1:]] for name in ("fp32", "bf16"))
    assert one != other
    assert one == pytest.approx(other, rel=0.03)
    assert all(value.dtype == torch.float32 for value in weights(tmp_path / "bf16").values())


def test_tensorboard_is_written_if_asked_for_and_else_not(tmp_path):
    for name, on in (("with", True), ("without", False)):
        train(config(steps=2, tensorboard=on), tmp_path / name, quiet=True)
        assert (tmp_path / name / "events").exists() is on


def test_every_block_is_compiled_if_asked_for_and_else_none(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(type(self).__name__))
    train(config(steps=1, model=network(n_layers=3)), tmp_path / "plain", quiet=True)
    assert compiled == []
    machine = Machine(device="cpu", threads=1, compile=True)
    train(config(steps=1, model=network(n_layers=3), machine=machine), tmp_path / "compiled", quiet=True)
    assert compiled == ["Block"] * 3


def test_ranks_share_a_steps_rows_without_gap_or_overlap(tmp_path, monkeypatch):
    counted = []
    monkeypatch.setattr(Rows, "batch", lambda self, samples: {"rows": list(samples)})
    cfg = config(batch=BatchSize(rows=7, micro=2))
    for rank in range(3):
        work = object.__new__(loop.Steps)
        work.cfg, work.data, work.spread = cfg, Rows(0), Spread(data=Ranks(rank=rank, world=3))
        found = list(work.micro_batches(5))
        assert len(found) == 2, "all processes compute equally often"
        counted += [part["rows"] for part, counts in found if counts]
    assert sorted(row for part in counted for row in part) == list(range(35, 42))
    assert max(map(len, counted)) == 2


def test_a_loss_that_stays_nan_ends_the_run_with_a_remedy(tmp_path, monkeypatch):
    real = loop.build_objective

    def broken(cfg, reference):
        objective = real(cfg, reference)
        return objective._replace(
            terms=lambda model, batch: {
                name: Mean(term.total * (float("nan") if model.training else 1), term.n)
                for name, term in objective.terms(model, batch).items()
            }
        )

    monkeypatch.setattr(loop, "build_objective", broken)
    with pytest.raises(
        Failed, match=rf"not a number for {MOST_SKIPPED} steps up to step 20; .* with a lower --optim.lr"
    ) as error:
        train(config(steps=50), tmp_path, quiet=True)
    assert "\n" not in str(error.value)


def test_a_run_that_diverges_writes_no_model(tmp_path):
    with pytest.raises(Failed, match=r"not a number after step 12, so no model was written; .* lower --optim.lr"):
        train(config(steps=12, optim=AdamW(lr=1e30), clip=0.0), tmp_path, quiet=True)
    assert not (tmp_path / "model").exists()
    assert "finished" not in json.loads((tmp_path / "lineage.json").read_text())


def test_a_few_bad_steps_in_a_row_are_borne_and_counted_anew(tmp_path, monkeypatch):
    real, taken = loop.train_step, []

    def sometimes(*given):
        taken.append(0)
        values = real(*given)
        return {**values, "skipped": float(len(taken) % MOST_SKIPPED != 0)}

    monkeypatch.setattr(loop, "train_step", sometimes)
    train(config(steps=50), tmp_path, quiet=True)
    assert len(lines(tmp_path)) == 51


def test_a_learning_rate_far_too_high_ends_in_one_line(tmp_path):
    cfg = config(steps=60, optim=AdamW(lr=1e30), schedule=Schedule(shape="constant"), clip=0.0)
    with pytest.raises(Failed, match=r"lower --optim\.lr \(now 1e\+30\)"):
        train(cfg, tmp_path, quiet=True)


def test_a_disk_that_is_full_at_a_checkpoint_leaves_a_run_that_goes_on(tmp_path, monkeypatch):
    train(config(), tmp_path / "whole", quiet=True)
    real, written = checkpoint.save_file, []

    def full(tensors, path):
        written.append(path)
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        real(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(Failed, match=r"cannot write .*step-00000008: No space left on device"):
        train(config(), tmp_path / "full", quiet=True)
    assert os.listdir(tmp_path / "full" / "checkpoints") == ["step-00000004"]
    monkeypatch.setattr(checkpoint, "save_file", real)
    train(config(), tmp_path / "full", quiet=True)
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "full")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_gpu_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadUse, match="device cuda: no GPU is visible to torch; give cpu"):
        train(config(machine=Machine(device="cuda")), tmp_path, quiet=True)


def test_threads_are_measured_once_and_remembered(tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(loop, "choose_threads", lambda work: measured.append(work()) or 1)
    cfg = config(machine=Machine(device="cpu"))
    monkeypatch.setattr(run, "MOST_SKIPPED", 0)
    with pytest.raises(Failed):
        train(cfg, tmp_path, quiet=True)
    monkeypatch.undo()
    monkeypatch.setattr(loop, "open_batches", lambda data, seed: Rows(seed))
    monkeypatch.setattr(loop, "choose_threads", lambda work: pytest.fail("measured again"))
    train(cfg, tmp_path, quiet=True)
    assert len(measured) == 1
    assert json.loads((tmp_path / "lineage.json").read_text())["threads"] == 1


def test_measuring_the_threads_moves_nothing(tmp_path, monkeypatch):
    train(config(), tmp_path / "given", quiet=True)
    monkeypatch.setattr(loop, "choose_threads", lambda work: [work() for _ in range(3)] and 1)
    train(config(machine=Machine(device="cpu")), tmp_path / "measured", quiet=True)
    one, other = weights(tmp_path / "given"), weights(tmp_path / "measured")
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_step_saves_and_says_how_to_go_on(tmp_path, monkeypatch, number):
    real = loop.train_step

    def interrupted(*given):
        os.kill(os.getpid(), number)
        return real(*given)

    before = signal.getsignal(number)
    monkeypatch.setattr(loop, "train_step", interrupted)
    with pytest.raises(Stopped, match="stopped after step 1 of 12; the same command continues"):
        train(config(), tmp_path, quiet=True)
    assert [path.name for path in checkpoint.every(tmp_path / "checkpoints")] == ["step-00000001"]
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_does_not_wait_for_the_step(tmp_path, monkeypatch):
    def stuck(*given):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the second Ctrl-C was not heard")

    monkeypatch.setattr(loop, "train_step", stuck)
    with pytest.raises(KeyboardInterrupt):
        train(config(), tmp_path, quiet=True)


def test_ctrl_c_in_the_last_step_finishes_the_run(tmp_path, monkeypatch):
    real = loop.train_step

    def interrupted(*given):
        os.kill(os.getpid(), signal.SIGINT)
        return real(*given)

    monkeypatch.setattr(loop, "train_step", interrupted)
    train(config(steps=1), tmp_path, quiet=True)
    assert (tmp_path / "model").exists()


def test_filling_is_no_token_where_a_batch_tells_it():
    text = {"inputs": torch.zeros(2, 5, dtype=torch.int64)}
    assert loop.n_tokens(text) == 10
    attend = torch.tensor([[True, True, False], [True, False, False]])
    assert loop.n_tokens({"inputs": torch.zeros(2, 3), "attend": attend}) == 3
    positions = torch.tensor([[0, 1, 0, 1, 0], [0, 1, 2, 0, 0]])  # two texts of two; one of three
    ends = torch.tensor([[2, 2, 4, 4, 5], [3, 3, 3, 4, 5]])
    assert loop.n_tokens({"inputs": torch.zeros(2, 5), "positions": positions, "ends": ends}) == 4 + 3
