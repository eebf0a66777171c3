"""The mean ln pass rate of problems that all models solve, by difficulty that the foretold model does not decide."""

import json
from math import exp, log

import numpy as np
import pytest

from foretell.errors import BadUse
from foretell.scaling.capability import Passes, at, buckets, foretell_passes, read_passes

COMPUTES = (1e15, 1e16, 1e17, 1e18)


def rate(flops, hardness):
    """A pass rate whose logarithm falls as a power of compute."""
    return exp(-hardness * (flops / 1e15) ** -0.1)


def made(hardness=(0.5, 1.0, 2.0, 4.0), computes=COMPUTES):
    rates = np.array([[rate(c, h) for h in hardness] for c in computes])
    return Passes(flops=np.array(computes), rates=rates, problems=tuple(map(str, hardness)), dropped=0)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows(computes=COMPUTES, problems="abc", passes=5):
    return [{"flops": c, "problem": p, "passes": passes, "tries": 10} for c in computes for p in problems]


def test_an_exact_law_is_foretold_exactly():
    (found,) = foretell_passes(made(), 1e20, draws=20)
    mean = np.mean([log(rate(1e20, h)) for h in (0.5, 1.0, 2.0, 4.0)])
    assert found["value"] == pytest.approx(mean, rel=1e-4)
    assert found["rate"] == pytest.approx(exp(mean), rel=1e-4)
    assert found["low"] < found["value"] < found["high"]
    assert found["n"] == 4


def test_every_bucket_has_its_own_law():
    hard, easy = foretell_passes(made(), 1e20, 2, draws=20)
    assert hard["value"] == pytest.approx(np.mean([log(rate(1e20, h)) for h in (4.0, 2.0)]), rel=1e-4)
    assert easy["value"] == pytest.approx(np.mean([log(rate(1e20, h)) for h in (1.0, 0.5)]), rel=1e-4)


def test_the_largest_model_does_not_say_what_is_hard():
    passes = made()
    turned = passes.rates.copy()
    turned[-1] = turned[-1, ::-1]
    other = Passes(flops=passes.flops, rates=turned, problems=passes.problems, dropped=0)
    assert [list(b) for b in buckets(other, 4)] == [list(b) for b in buckets(passes, 4)] == [[3], [2], [1], [0]]


def test_the_law_is_a_power_of_compute():
    means = np.array([-2.0 * (c / 1e15) ** -0.2 for c in COMPUTES])
    assert at(np.array(COMPUTES), means, 1e21) == pytest.approx(-2.0 * 1e6**-0.2, rel=1e-4)


def test_models_that_solve_all_are_no_error():
    assert at(np.array(COMPUTES), np.zeros(4), 1e20) == pytest.approx(0, abs=1e-6)


def test_problems_that_a_model_never_solved_are_left_out_and_counted(tmp_path):
    table = [*rows(), *({**row, "passes": int(row["flops"] > 1e15)} for row in rows(problems="z"))]
    found = read_passes(write(tmp_path / "p.jsonl", table))
    assert (found.problems, found.dropped) == (("a", "b", "c"), 1)
    assert found.rates == pytest.approx(np.full((4, 3), 0.5))


def test_models_come_cheapest_first(tmp_path):
    found = read_passes(write(tmp_path / "p.jsonl", rows()[::-1]))
    assert list(found.flops) == list(COMPUTES)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([], "is empty"),
        (rows()[:-1], "was not asked 'c'"),
        (rows(passes=0), "no problem was solved by every model"),
        ([{"flops": 1e15, "problem": "a", "passes": 1}], "line 1 is no JSON with flops, problem, passes, tries"),
        ([{"flops": 1e15, "problem": "a", "passes": 3, "tries": 2}], "passes a count of 0 to tries"),
        ([{"flops": -1, "problem": "a", "passes": 1, "tries": 2}], "flops must be positive"),
        ([{"flops": float("inf"), "problem": "a", "passes": 1, "tries": 2}], "flops must be positive"),
        ([*rows(), rows()[0]], "'a' of 1e[+]15 FLOPs is there twice"),
    ],
)
def test_bad_files_are_refused(tmp_path, table, said):
    with pytest.raises(BadUse, match=said):
        read_passes(write(tmp_path / "p.jsonl", table))


def test_three_models_are_too_few():
    with pytest.raises(BadUse, match="3 models say nothing"):
        foretell_passes(made(computes=COMPUTES[:3]), 1e20)


@pytest.mark.parametrize("n", [0, 5])
def test_buckets_are_as_many_as_there_are_problems_at_most(n):
    with pytest.raises(BadUse, match=f"{n} buckets of 4 problems"):
        buckets(made(), n)
