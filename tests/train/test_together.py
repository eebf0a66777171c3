from dataclasses import replace
from pathlib import Path

import pytest

from foretell.errors import BadUse, Failed
from foretell.ranks import Ranks, from_environment
from foretell.train import together as meeting
from foretell.train.config import BatchSize, Guard, Machine, Parallel
from foretell.train.parallel import check_layout, dealt, mesh_sizes
from tests.train.in_parallel import cfg_of, train
from tests.train.processes import together


def outcome(work):
    """What became of a piece of work: its result, or its error's kind and text."""
    try:
        return work()
    except (Exception, SystemExit) as error:
        return type(error).__name__, str(error)


def fails_in(rank, kind):
    def work():
        with meeting.together(from_environment()):
            if from_environment().rank == rank:
                raise kind("a disk is full")
            meeting.wait_for_all()
        return "ended"

    return outcome(work)


def all_fail():
    def work():
        with meeting.together(from_environment()):
            raise BadUse("n_heads=5")

    return outcome(work)


def prepared(folder, fails):
    def one():
        Path(folder, "made").touch(exist_ok=False)
        if fails:
            raise BadUse("no such corpus")
        return {"rows": 3}

    def work():
        with meeting.together(from_environment()):
            return meeting.first_does(one), meeting.any_of(from_environment().rank == 1), meeting.gathered("x")

    return outcome(work)


def another(what):
    def work():
        rank = from_environment().rank
        if what == "version" and rank:
            meeting.VERSION = "0.0.1"
        with meeting.together(from_environment()):
            meeting.check_alike("config", str(rank))
        return "ended"

    return outcome(work)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_in_one_process_is_told_there_and_the_others_end_quietly(rank):
    found = together(2, fails_in, rank, Failed)
    assert found[rank] == ("Failed", "a disk is full")
    assert found[1 - rank][0] == "SystemExit"
    assert found[1 - rank][1] in ("1", "2")


@pytest.mark.slow
def test_an_error_of_all_is_told_once():
    found = sorted(together(2, all_fail))
    assert found == [("BadUse", "n_heads=5"), ("SystemExit", "2")]


@pytest.mark.slow
def test_what_the_first_does_all_have_and_its_error_ends_all(tmp_path):
    assert together(2, prepared, tmp_path, False) == [({"rows": 3}, True, ["x", "x"])] * 2
    (tmp_path / "made").unlink()
    assert together(2, prepared, tmp_path, True) == [("BadUse", "no such corpus"), ("SystemExit", "2")]


@pytest.mark.slow
def test_other_versions_and_other_configs_are_refused():
    told = [text for kind, text in together(2, another, "version") if kind == "BadUse"]
    assert len(told) == 1
    assert told[0].startswith("process 1 runs foretell 0.0.1, torch")
    told = [text for kind, text in together(2, another, "config") if kind == "BadUse"]
    assert told == ["process 1 has another config than process 0; start all with the same command"]


def test_alone_nothing_is_met():
    with meeting.together(Ranks()):
        assert meeting.first_does(lambda: 3) == 3
        assert meeting.gathered("x") == ["x"]
        assert not meeting.any_of(False)
        meeting.wait_for_all()


@pytest.mark.parametrize(
    ("parallel", "world", "sizes"),
    [
        (Parallel(), 1, (1, 1, 1)),
        (Parallel(), 8, (1, 8, 1)),
        (Parallel(tensor=2), 8, (1, 4, 2)),
        (Parallel(tensor=2, replicate=2), 8, (2, 2, 2)),
        (Parallel(shard=4, replicate=2), 8, (2, 4, 1)),
    ],
)
def test_a_mesh_takes_all_processes(parallel, world, sizes):
    assert mesh_sizes(parallel, world) == sizes


@pytest.mark.parametrize(
    ("parallel", "world", "said"),
    [
        (Parallel(shard=2), 1, r"needs 2 processes, and one was started: torchrun --nproc-per-node 2"),
        (Parallel(shard=2), 3, r"shard=2 x tensor=1 x replicate=1 does not make up the 3 processes"),
        (Parallel(tensor=2), 3, r"shard=all x tensor=2 x replicate=1 does not make up the 3 processes"),
        (Parallel(tensor=3), 3, r"parallel.tensor=3 does not divide model.n_heads=2"),
        (Parallel(), 9, r"parallel.shard=9 is above model.d_model=8"),
        (Parallel(), 8, r"batch.rows=7 for 8 processes that read rows"),
    ],
)
def test_a_mesh_that_does_not_fit_is_one_line(parallel, world, said):
    with pytest.raises(BadUse, match=said):
        check_layout(cfg_of("lm", parallel=parallel), world)


def test_a_guard_over_several_processes_is_refused_before_any_work():
    cfg = cfg_of("lm", guard=Guard(window=64))
    check_layout(cfg, 1)
    with pytest.raises(BadUse, match=r"guard.window=64 with 2 processes: the guard works in one process only; give"):
        check_layout(cfg, 2)


def test_a_feed_forward_layer_that_is_not_divided_is_told():
    cfg = cfg_of("lm", parallel=Parallel(tensor=2))
    with pytest.raises(BadUse, match=r"parallel.tensor=2 does not divide model.d_ff=15"):
        check_layout(replace(cfg, model=replace(cfg.model, d_ff=15)), 2)


def test_without_a_gpu_none_can_be_asked_for():
    with pytest.raises(BadUse, match="no GPU is visible"):
        check_layout(cfg_of("lm", machine=Machine(device="cuda")), 2)


@pytest.mark.parametrize("bad", [{"shard": -1}, {"tensor": 0}, {"replicate": 0}])
def test_sizes_below_one_are_refused(bad):
    with pytest.raises(ValueError, match="they are at least 1"):
        Parallel(**bad)


def test_one_process_refuses_a_mesh_before_it_writes_anything(tmp_path):
    with pytest.raises(BadUse, match="needs 2 processes"):
        train(cfg_of("lm", parallel=Parallel(shard=2)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("n", range(7))
@pytest.mark.parametrize("world", [1, 2, 3])
def test_batches_are_dealt_out_equally_and_each_counts_once(n, world):
    found = [list(dealt(range(n), Ranks(rank=rank, world=world))) for rank in range(world)]
    assert len({len(one) for one in found}) == 1
    assert sorted(batch for one in found for batch, counts in one if counts) == list(range(n))


def test_restarts_that_share_a_store_are_numbered(monkeypatch):
    for name, value in {"RANK": 1, "WORLD_SIZE": 2, "LOCAL_RANK": 1, "TORCHELASTIC_RESTART_COUNT": 3}.items():
        monkeypatch.setenv(name, str(value))
    assert from_environment().attempt == ""
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    assert from_environment().attempt == "3"


def test_a_batch_as_large_as_the_processes_is_enough():
    check_layout(cfg_of("lm", batch=BatchSize(rows=4)), 4)
