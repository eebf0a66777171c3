from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file

from foretell.train.config import Parallel
from foretell.train.metrics import read_metrics
from tests.train.in_parallel import cfg_of, train
from tests.train.processes import together

TIMES = {"seconds", "cpu_seconds", "tokens_per_second"}


def named(given):
    if not isinstance(given, Parallel):
        return str(given)
    return "-".join(f"{name}={value}" for name, value in asdict(given).items() if value != asdict(Parallel())[name])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folders of the runs of one process, made when first asked for."""
    done = {}

    def folder(cfg):
        cfg = replace(cfg, parallel=Parallel())
        if cfg not in done:
            done[cfg] = tmp_path_factory.mktemp("alone")
            train(cfg, done[cfg])
        return done[cfg]

    return folder


def assert_near(one, other):
    """Every step measured the same, but for times and rounding, and so did every weight end."""
    lines, others = (read_metrics(folder / "metrics.jsonl") for folder in (one, other))
    assert len(lines) == len(others)
    for a, b in zip(lines, others, strict=True):
        assert a.keys() == b.keys()
        for name in a.keys() - TIMES:
            assert b[name] == pytest.approx(a[name], rel=1e-6), name
    a, b = (load_file(folder / "model" / "model.safetensors") for folder in (one, other))
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(b[name], a[name], rtol=1e-4, atol=2e-6)


EVERY = [
    ("lm", 2, Parallel()),
    ("lm", 4, Parallel()),
    ("lm", 4, Parallel(replicate=2)),
    ("lm", 2, Parallel(checkpoint_activations=True)),
    ("lm", 2, Parallel(tensor=2)),
    ("lm", 4, Parallel(tensor=2, checkpoint_activations=True)),
    ("mlm", 2, Parallel()),
    ("mlm", 4, Parallel()),
    ("mlm", 2, Parallel(tensor=2)),
    ("translation", 2, Parallel()),
    ("translation", 4, Parallel()),
    ("translation", 2, Parallel(tensor=2)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "n", "parallel"), EVERY, ids=named)
def test_every_step_over_processes_is_that_of_one(kind, n, parallel, alone, tmp_path):
    cfg = cfg_of(kind, parallel=parallel)
    found = together(n, train, cfg, tmp_path)
    assert all(one == found[0] for one in found)
    assert_near(alone(cfg), tmp_path)
