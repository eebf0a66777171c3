"""`foretell eval --suite rankings` and `foretell train ... --folds`, as typed."""

import json
from pathlib import Path

import pytest

from foretell.cli import main
from tests.align import reward_folders as made


@pytest.fixture(scope="module", autouse=True)
def _here(tmp_path_factory):
    """A reward model `reward`, a small language model `lm`, and labels of four labellers."""
    here, words = tmp_path_factory.mktemp("here"), made.tokenizer()
    made.reward_folder(here / "reward", words)
    made.reward_folder(here / "lm", words, made.Heads())
    made.labels(here / "labels", rankings=made.rankings(40, labellers=4))
    made.labels(here / "plain", rankings=[{k: v for k, v in row.items() if k != "split"} for row in made.rankings(3)])
    made.labels(here / "training", rankings=[{**row, "split": "train"} for row in made.rankings(3)])
    made.config(here / "labels", words)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        yield


def test_rankings_are_told_with_intervals_and_baselines(capsys):
    assert main(["eval", "reward", "--suite", "rankings", "--data", "labels/rankings.jsonl", "--out", "e"]) == 0
    said = capsys.readouterr().out
    assert "reward model" in said
    assert "the longer output" in said
    assert "the model that wins most" in said
    assert "log-loss" in said
    found = json.loads(Path("e/results.json").read_text())
    assert (found["rankings"], found["accuracy"]["n"]) == (5, 15)  # the held-out side alone


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reward"], "give --data rankings.jsonl"),
        (["lm", "--data", "labels"], "with 0 outputs; a reward model is a decoder with one output"),
        (["reward", "--data", "training"], "holds no rankings that training leaves out"),
        (["reward", "--data", "plain"], "holds no rankings that training leaves out"),
        (["reward", "--data", "nothing"], "holds no rankings.jsonl"),
    ],
)
def test_what_cannot_be_measured_is_one_line(words, said, capsys):
    assert main(["eval", words[0], "--suite", "rankings", "--out", "g", *words[1:]]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


SIZES = [
    "n-vocab",
    "400",
    "n-ctx",
    "64",
    "n-layers",
    "2",
    "d-model",
    "32",
    "n-heads",
    "2",
    "d-head",
    "16",
    "d-ff",
    "64",
]


def typed(stage, *words):
    sizes = [word if i % 2 else f"--model.{word}" for i, word in enumerate(SIZES)]
    common = ["--data", "labels", "--start", "lm", "--steps", "1", "--threads", "1", "--quiet"]
    run = [f"instructgpt.{stage}:smoke", *sizes, "--data.length", "48", *common]
    return main(["train", *run, *words])


def folds(*words):
    return typed("reward", *words)


def test_a_reward_run_and_a_preference_run_are_trained_as_typed(capsys):
    assert typed("reward", "--out", "one") == 0
    assert json.loads(Path("one/lineage.json").read_text())["calibration"]["by"] == "outputs"
    assert "val_ranking" in capsys.readouterr().out
    assert typed("dpo", "--out", "dpo") == 0
    assert "val_preference" in capsys.readouterr().out


def test_folds_are_trained_and_told(capsys):
    assert folds("--folds", "2", "--seeds", "1", "--out", "two") == 0
    said = capsys.readouterr().out
    assert "held out" in said
    assert "fold-2" in said
    assert "2 groups x 1 seeds" in said
    assert json.loads(Path("two/folds.json").read_text())["groups"] == ["fold-1", "fold-2"]


@pytest.mark.parametrize("words", ["1", "some"])
def test_wrong_folds_are_refused(words, capsys):
    assert folds("--folds", words) == 2
    assert f"--folds {words} is neither a whole number of at least 2 nor groups" in capsys.readouterr().err


def test_only_a_reward_model_has_folds(capsys):
    assert main(["train", "gpt2.pretrain:smoke", "--folds", "2"]) == 2
    assert "--folds with objective=lm" in capsys.readouterr().err


def test_folds_have_no_checkpoint_to_select(capsys):
    assert folds("--folds", "2", "--select-by", "one") == 2
    assert "--folds trains reward models, --select-by chooses a checkpoint" in capsys.readouterr().err


def test_show_says_which_networks_it_could_only_take_to_be_as_large_as_the_policy(capsys):
    assert main(["show", "instructgpt.ppo:175B"]) == 0
    said = capsys.readouterr().out
    assert "is not there: counted as large as the policy" in said
    assert "objective.reward=" in said
