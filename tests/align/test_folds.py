"""Reward models without each group of labellers in turn: who is trained on, who is asked, and what is told."""

import json
from itertools import combinations

import pytest

from foretell.align.folds import asked_of, dealt, groups_of, reward_folds
from foretell.align.reward import asked, load_reward, scores
from foretell.corpus.config import RankingData
from foretell.corpus.labels import label_rows
from foretell.corpus.rankings import sides_of
from foretell.errors import BadUse
from tests.align import reward_folders as made


@pytest.fixture(scope="module")
def words():
    return made.tokenizer()


def data(folder, group=""):
    return RankingData(folder=str(folder), tokens="", length=64, without_group=group)


def test_nobody_is_asked_about_a_prompt_that_was_trained_on(tmp_path):
    rows = made.rankings(60, labellers=6)
    rows += [{**row, "labeller_group": "g2"} for row in rows[:20]]  # prompts that two groups have labelled
    folder = made.labels(tmp_path / "labels", rankings=rows)
    for group in ("g0", "g1", "g2"):
        train, _ = sides_of(data(folder, group))
        seen, held_out = asked_of(data(folder, group))
        assert {row["labeller_group"] for row in held_out} == {group}
        assert group not in {row["labeller_group"] for row in [*train, *seen]}
        assert {row["split"] for row in seen} == {"valid"}
        assert not {row["prompt"] for row in train} & {row["prompt"] for row in [*seen, *held_out]}
        assert seen
        assert held_out


def test_labellers_are_dealt_into_groups_of_like_size_and_every_label_stays(tmp_path):
    rows = made.rankings(70, labellers=7)
    folder = made.labels(tmp_path / "labels", rankings=rows, demonstrations=made.demonstrations(2))
    new = dealt(data(folder), tmp_path / "new", 3)
    found = [row for side in label_rows(new, "rankings") for row in side]
    of = {row["labeller"]: row["labeller_group"] for row in found}
    sizes = [sum(row["labeller_group"] == group for row in found) for group in groups_of(data(new))]
    assert (groups_of(data(new)), sizes) == (["fold-1", "fold-2", "fold-3"], [30, 20, 20])
    assert all(of[row["labeller"]] == row["labeller_group"] for row in found)
    assert sorted(row["prompt"] for row in found) == sorted(row["prompt"] for row in rows)
    assert (new / "demonstrations.jsonl").read_bytes() == (folder / "demonstrations.jsonl").read_bytes()
    assert dealt(data(folder), tmp_path / "same", 0) == folder
    assert dealt(data(folder), tmp_path / "new", 3) == new
    assert dealt(data(folder), tmp_path / "new", 2) != new  # a run of one deal would be found finished by the other


@pytest.mark.parametrize(("folds", "said"), [(1, "1 folds of 2 labellers; give 2 to 2"), (3, "3 folds of 2")])
def test_folds_that_cannot_be_are_refused(folds, said, tmp_path):
    folder = made.labels(tmp_path / "labels", rankings=made.rankings(20, labellers=2))
    with pytest.raises(BadUse, match=said):
        dealt(data(folder), tmp_path / "new", folds)


def test_labels_without_labellers_or_groups_are_refused(tmp_path):
    rows = [{**row, "labeller": "", "labeller_group": ""} for row in made.rankings(20)]
    folder = made.labels(tmp_path / "labels", rankings=rows)
    with pytest.raises(BadUse, match="20 rankings name no labeller"):
        dealt(data(folder), tmp_path / "new", 2)
    with pytest.raises(BadUse, match="has 0 groups of labellers; give --folds N"):
        groups_of(data(folder))


def test_a_fold_that_leaves_nothing_to_ask_about_is_refused_before_it_is_trained(words, tmp_path):
    rows = [{**row, "split": "train" if row["labeller"] == "l0" else row["split"]} for row in made.rankings(40, 2)]
    folder = made.labels(tmp_path / "labels", rankings=rows)
    with pytest.raises(BadUse, match="without fold-2, no held-out ranking of the others is left"):
        reward_folds(made.config(folder, words, steps=1), tmp_path / "out", folds=2, seeds=1, quiet=True)
    assert not (tmp_path / "out" / "without-fold-2-seed-0").exists()


@pytest.mark.slow
def test_accuracy_is_that_of_all_folds_and_seeds(words, tmp_path):
    folder = made.labels(tmp_path / "labels", rankings=made.rankings(60, labellers=2))
    cfg = made.config(folder, words, steps=4)
    found = reward_folds(cfg, tmp_path / "out", folds=2, seeds=2, quiet=True)
    assert json.loads((tmp_path / "out" / "folds.json").read_text()) == found
    right = {"seen": [], "held_out": []}
    for group in found["groups"]:
        for seed in range(2):
            reward = load_reward(tmp_path / "out" / f"without-{group}-seed-{seed}")
            sides = asked_of(data(next((tmp_path / "out").glob("labels-*")), group))
            for side, rows in zip(("seen", "held_out"), sides, strict=True):
                for row in rows:
                    got = scores(reward, [asked(reward, row["prompt"], one["text"]) for one in row["outputs"]])
                    ranked = sorted(zip(row["ranks"], got, strict=True))
                    right[side] += [float(better[1] > worse[1]) for better, worse in combinations(ranked, 2)]
    for side, values in right.items():
        assert found[side]["accuracy"]["value"] == pytest.approx(sum(values) / len(values))
        assert found[side]["accuracy"]["n"] == len(values)
        assert found[side]["over_seeds"]["n"] == 2
        assert set(found[side]["by_group"]) == {"fold-1", "fold-2"}
    before = (tmp_path / "out" / "folds.json").read_bytes()
    assert reward_folds(cfg, tmp_path / "out", folds=2, seeds=2, quiet=True) == found
    assert (tmp_path / "out" / "folds.json").read_bytes() == before
