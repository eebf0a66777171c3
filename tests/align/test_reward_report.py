"""Accuracy, log-loss and calibration beside sums written plainly, and the baselines."""

from itertools import combinations
from math import exp, log1p

import pytest

from foretell.align import reward_report as module
from foretell.align.reward import load_reward
from foretell.align.reward_report import Pair, calibration, compared, most_won, reward_report, summary
from foretell.errors import BadUse
from tests.align import reward_folders as made


@pytest.fixture(scope="module")
def words():
    return made.tokenizer()


@pytest.fixture
def reward(words, tmp_path):
    return load_reward(made.reward_folder(tmp_path / "reward", words))


def judged_by(monkeypatch, reward, table):
    """Let the rewards be those of a table of texts."""

    def scores(_, pairs):
        return [table[reward.tokenizer.decode(answer[:-1])] for _, answer in pairs]

    monkeypatch.setattr(module, "scores", scores)


def test_figures_are_those_of_all_pairs(monkeypatch, reward):
    table = {"a": 1.0, "b b": 0.5, "c c c": 2.0, "d": 0.5}
    rows = [
        {"prompt": "one", "outputs": [{"text": text} for text in table], "ranks": [1, 2, 3, 3]},
        {"prompt": "two", "outputs": ["a", "b b"], "ranks": [2, 1]},
    ]
    judged_by(monkeypatch, reward, table)
    right, losses, longer = [], [], []
    for row, texts in zip(rows, (list(table), ["a", "b b"]), strict=True):
        for i, j in combinations(range(len(texts)), 2):
            if row["ranks"][i] == row["ranks"][j]:
                continue
            w, l = (i, j) if row["ranks"][i] < row["ranks"][j] else (j, i)
            margin = table[texts[w]] - table[texts[l]]
            right.append(1.0 if margin > 0 else 0.5 if margin == 0 else 0.0)
            losses.append(log1p(exp(-margin)))
            sizes = [len(reward.tokenizer.encode(texts[k])) for k in (w, l)]
            longer.append(1.0 if sizes[0] > sizes[1] else 0.5 if sizes[0] == sizes[1] else 0.0)
    found = reward_report(reward, rows)
    assert found["accuracy"]["n"] == len(right) == 6
    assert found["accuracy"]["prompts"] == found["rankings"] == 2
    assert found["accuracy"]["value"] == pytest.approx(sum(right) / 6)
    assert found["log_loss"]["value"] == pytest.approx(sum(losses) / 6)
    assert found["baselines"]["length"]["value"] == pytest.approx(sum(longer) / 6)
    assert found["baselines"]["most_won"] is None
    assert (found["ties"], found["too_long"], found["out_of_turn"]) == (1, 0, 0)
    assert sum(one["n"] for one in found["calibration"]) == 6


def test_a_calibrated_model_says_what_is_right():
    margins = [0.1, 0.4, 0.8, 1.2, 2.0, 3.0]
    pairs = []
    for margin in margins:
        right = round(1000 / (1 + exp(-margin)))
        signs = [1] * right + [-1] * (1000 - right)
        pairs += [Pair(f"{margin} {i}", sign * margin, 0, ("", "")) for i, sign in enumerate(signs)]
    for one in calibration(pairs):
        assert one["said"] == pytest.approx(one["right"]["value"], abs=1e-3)
        assert one["from"] <= one["said"] <= one["from"] + 0.05 + 1e-12
    assert summary(pairs)["calibration_error"] < 1e-3
    sure = [pair._replace(margin=10 * pair.margin) for pair in pairs]
    assert summary(sure)["calibration_error"] > 0.1
    assert summary(sure)["log_loss"]["value"] > summary(pairs)["log_loss"]["value"]


def test_far_margins_have_finite_figures():
    found = summary([Pair("a", 2000.0, 1, ("", "")), Pair("b", -2000.0, 1, ("", ""))])
    assert found["log_loss"]["value"] == 1000
    assert found["accuracy"]["value"] == 0.5


def test_the_model_that_wins_most_is_a_baseline():
    pairs = [Pair("a", 0.0, 0, ("big", "small"))] * 3 + [Pair("b", 0.0, 0, ("small", "big"))]
    pairs += [Pair("b", 0.0, 0, ("big", "big"))] * 2
    assert most_won(pairs)["value"] == pytest.approx((3 + 0 + 2 * 0.5) / 6)


def test_what_does_not_fit_is_counted_and_left_out(reward):
    rows = made.rankings(4)
    rows[0]["outputs"][1]["text"] = "word " * 90
    rows[1]["prompt"] = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    pairs, left = compared(reward, rows)
    assert (len(pairs), left) == (6, {"too_long": 1, "out_of_turn": 1, "ties": 0})
    with pytest.raises(BadUse, match="1 rankings compare nothing"):
        reward_report(reward, [{"prompt": "a", "outputs": ["x", "y"], "ranks": [1, 1]}])
