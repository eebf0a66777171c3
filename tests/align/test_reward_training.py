import json
from dataclasses import replace

import pytest

from foretell.align.reward import asked, load_reward, scores
from foretell.align.reward_training import too_often, train_reward
from foretell.errors import BadUse
from foretell.train.config import BatchSize
from foretell.train.loop import train
from tests.align import reward_folders as made


@pytest.fixture(scope="module")
def words():
    return made.tokenizer()


def demonstration_mean(folder):
    reward = load_reward(folder)
    pairs = [asked(reward, row["prompt"], row["completion"]) for row in made.demonstrations(12)]
    return sum(scores(reward, pairs)) / len(pairs)


def test_a_run_learns_the_order_and_its_demonstrations_have_mean_zero(words, tmp_path):
    folder = made.labels(tmp_path / "labels", rankings=made.rankings(90), demonstrations=made.demonstrations(12))
    result = train_reward(made.config(folder, words), tmp_path / "run", quiet=True)
    assert result.metrics["val_accuracy"] > 0.9
    assert result.metrics["val_ranking"] < 0.6
    assert abs(demonstration_mean(tmp_path / "run")) < 1e-6
    lineage = json.loads((tmp_path / "run" / "lineage.json").read_text())
    assert (lineage["calibration"]["by"], lineage["calibration"]["n"]) == ("demonstrations", 12)
    weights = (tmp_path / "run" / "model" / "model.safetensors").read_bytes()
    again = train_reward(made.config(folder, words), tmp_path / "run", quiet=True)
    assert again.metrics == result.metrics
    assert (tmp_path / "run" / "model" / "model.safetensors").read_bytes() == weights


def test_a_run_that_was_killed_before_its_zero_was_set_gets_it_later(words, tmp_path):
    folder = made.labels(tmp_path / "labels", rankings=made.rankings(20), demonstrations=made.demonstrations(12))
    cfg, out = made.config(folder, words, steps=1), tmp_path / "run"
    train(cfg, out, quiet=True)  # all that train_reward() does before
    before = demonstration_mean(out)
    assert abs(before) > 1e-3
    train_reward(cfg, out, quiet=True)
    assert abs(demonstration_mean(out)) < 1e-6
    told = json.loads((out / "lineage.json").read_text())["calibration"]
    assert told["mean"] == pytest.approx(before, abs=1e-6)


def test_without_demonstrations_the_outputs_set_the_zero(words, tmp_path):
    rows = made.rankings(20)
    folder = made.labels(tmp_path / "labels", rankings=rows)
    train_reward(made.config(folder, words, steps=1), tmp_path / "run", quiet=True)
    assert json.loads((tmp_path / "run" / "lineage.json").read_text())["calibration"]["by"] == "outputs"
    reward = load_reward(tmp_path / "run")
    train = [row for row in rows if row["split"] == "train"]
    found = scores(reward, [asked(reward, row["prompt"], one["text"]) for row in train for one in row["outputs"]])
    assert abs(sum(found) / len(found)) < 1e-6


def test_more_than_one_epoch_is_warned_of(words, tmp_path, capsys):
    folder = made.labels(tmp_path / "labels", rankings=made.rankings(20))
    cfg = made.config(folder, words, steps=4)
    train_reward(cfg, tmp_path / "run")
    said = capsys.readouterr().err
    assert "1.8 epochs of rankings: reward models overfit soon, the paper takes one; --steps 3 is one" in said
    assert "18 rankings to train on" in said
    assert too_often(replace(cfg, steps=3), 18) == ""
    assert too_often(replace(cfg, steps=2), 18) == ""
    assert too_often(replace(cfg, batch=BatchSize(rows=9), steps=2), 18) == ""


def test_an_empty_store_of_rankings_is_one_line(words, tmp_path):
    folder = made.labels(tmp_path / "labels", rankings=[])
    with pytest.raises(BadUse, match="holds no example"):
        train_reward(made.config(folder, words), tmp_path / "run", quiet=True)
