"""The score of clean questions beside that of all, and how sure it is."""

import json
import math

import numpy as np
import pytest

from foretell.audit.contamination_scores import answer_files, compared, joined_rows, ln_ratio, ratio_interval
from foretell.errors import BadUse
from foretell.eval.measured import share
from foretell.tasks import registry


def records(values):
    return [{"key": f"q{i}", "value": float(value)} for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("whole", "clean", "printed"), [(44.3, 54.1, 20), (36.5, 29.5, -21), (69.8, 68.4, -2), (82.3, 79.3, -4)]
)
def test_the_papers_relative_difference_is_the_logarithm(whole, clean, printed):
    assert round(100 * math.log(clean / whole)) == printed


def test_ln_ratio_is_that_of_the_shares():
    found = ln_ratio(20, 700, 38, 7315)
    assert found["value"] == pytest.approx(math.log((20 / 38) / (720 / 7353)))
    assert found["low"] < found["value"] < found["high"]
    assert found["n"] == 7353


def test_the_paper_could_not_know_that_its_38_clean_questions_were_easier():
    """QuAC in table C.1, were each answer right or wrong: 44.3 % of 7315 dirty, 54.1 % of 38 clean."""
    found = ln_ratio(round(0.541 * 38), round(0.443 * 7315), 38, 7315)
    assert found["value"] == pytest.approx(0.2, abs=0.03)
    assert found["low"] < 0 < found["high"]


@pytest.mark.parametrize(
    ("p_clean", "p_dirty", "n_clean", "n_dirty"), [(0.6, 0.8, 60, 200), (0.3, 0.3, 400, 30), (0.9, 0.5, 40, 40)]
)
def test_the_interval_holds_the_truth_95_times_in_100(p_clean, p_dirty, n_clean, n_dirty):
    draw, w = np.random.default_rng(0), n_clean / (n_clean + n_dirty)
    truth = math.log(p_clean / (w * p_clean + (1 - w) * p_dirty))
    pairs = zip(
        draw.binomial(n_clean, p_clean, 600).tolist(), draw.binomial(n_dirty, p_dirty, 600).tolist(), strict=True
    )
    found = [ln_ratio(clean, dirty, n_clean, n_dirty) for clean, dirty in pairs]
    assert 0.92 <= np.mean([one["low"] <= truth <= one["high"] for one in found]) <= 0.99


@pytest.mark.parametrize(
    ("clean", "dirty"), [((5, 5), (0, 9)), ((5, 5), (9, 9)), ((1, 50), (2, 3)), ((50, 50), (1, 100))]
)
def test_extremes_keep_a_finite_interval_around_the_value(clean, dirty):
    found = ln_ratio(clean[0], dirty[0], clean[1], dirty[1])
    assert -math.inf < found["low"] <= found["value"] <= found["high"] < math.inf
    assert found["low"] < found["high"]


def test_the_interval_of_a_ratio_holds_it_and_shrinks():
    wide, narrow = (ratio_interval(share(3 * n, 10 * n), share(6 * n, 10 * n)) for n in (1, 40))
    assert wide[0] < narrow[0] < 0.5 < narrow[1] < wide[1]


def test_all_clean_and_dirty_are_measured_as_the_task_is():
    task = registry.task("two_digit_addition")
    found = compared(task, records([1, 1, 0, 0, 1, 0, 0, 0]), {"q0", "q1", "elsewhere"})
    assert (found["all"]["value"], found["clean"]["value"], found["dirty"]["value"]) == (3 / 8, 1 / 6, 1)
    assert (found["n_clean"], found["n_dirty"]) == (6, 2)
    assert found["lower"] == 1 / 6
    assert found["ln_clean_over_all"]["value"] == pytest.approx(math.log((1 / 6) / (3 / 8)))


def test_without_dirty_questions_nothing_changes_and_without_clean_ones_nothing_is_known():
    task = registry.task("two_digit_addition")
    same = compared(task, records([1, 0]), set())
    assert same["dirty"] is None
    assert same["ln_clean_over_all"] == {"value": 0, "low": 0, "high": 0, "n": 2}
    lost = compared(task, records([1, 0]), {"q0", "q1"})
    assert lost["clean"] is None
    assert lost["ln_clean_over_all"] is None
    assert lost["lower"] == 0.5
    assert compared(task, records([0, 0]), {"q0"})["ln_clean_over_all"] is None


def test_a_measure_that_is_no_share_is_drawn_again():
    task = next(task for task in registry.every().values() if task.metric == "f1")
    values = [0.2, 0.5, 0.9, 1, 0.3, 0.4, 0.8, 0.1] * 4
    found = compared(task, records(values), {f"q{i}" for i in range(0, 32, 4)})["ln_clean_over_all"]
    assert found["low"] < found["value"] < found["high"]


def test_answers_are_joined_by_task_and_shots(tmp_path):
    answers = tmp_path / "answers"
    answers.mkdir()
    for name in ("two_digit_addition-0", "two_digit_addition-few", "piqa-0"):
        (answers / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records([1, 0, 1])))
    rows = joined_rows(answer_files([tmp_path]), {"two_digit_addition": {"q0"}}, "gpt3")
    assert [(row["set"], row["shots"], row["clean"]["value"]) for row in rows] == [
        ("two_digit_addition", "0", 0.5),
        ("two_digit_addition", "few", 0.5),
    ]
    with pytest.raises(BadUse, match="holds no answers"):
        answer_files([tmp_path / "answers"])
