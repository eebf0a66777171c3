"""The demo's chapter on alignment: who is compared how, what is counted, and the whole of it at a size of seconds."""

import json
from dataclasses import replace

import pytest

from foretell import recipes
from foretell.corpus.config import EMBEDDED
from foretell.recipes.lineage import aligned, aligned_measures
from foretell.recipes.lineage.plan import SCALES, Climb
from foretell.recipes.lineage.plan import run as train_run
from tests.prose import write_prose


def test_the_average_forgets_as_much_of_a_short_run_as_the_paper_does_of_its_500_iterations():
    assert aligned.average_over(500) == pytest.approx(0.992)
    assert aligned.average_over(20) ** 20 == pytest.approx(0.992**500)
    assert recipes.recipe("instructgpt.ppo:nano").objective.average == 0.992


def test_every_scale_has_its_amounts_and_every_size_its_recipes():
    assert aligned.AMOUNTS.keys() == SCALES.keys()
    for scale, sizes in SCALES.items():
        n = aligned.AMOUNTS[scale]
        for size in sizes:
            for stage in ("sft", "start", "reward", "ppo"):
                assert recipes.recipe(f"instructgpt.{stage}:{size}").model.n_vocab
            assert n.episodes % recipes.recipe(f"instructgpt.ppo:{size}").objective.minibatches == 0


def test_with_and_without_the_mix_all_else_is_the_same(tmp_path):
    for name, data in (("instructgpt.sft-smoke", "labels"), ("gpt2.pretrain-smoke", "tokens")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({"data": {"folder": data}}))
    plan = Climb(out=tmp_path, text=EMBEDDED, scale="smoke")
    mixed, alone = (aligned.policy(plan, "smoke", mixed=one) for one in (True, False))
    assert (mixed.objective.ptx_weight, alone.objective.ptx_weight) == (0.5, 0.0)
    assert replace(alone, objective=mixed.objective) == mixed
    assert (mixed.data.folder, mixed.data.text) == ("labels", "tokens")
    assert mixed.start == str(tmp_path / "instructgpt.start-smoke")


def test_labellers_who_are_held_out_are_the_last_and_told_apart():
    people = aligned.labellers()
    assert [one.group for one in people] == ["train"] * aligned.LABELLERS + ["held_out"] * aligned.HELD_OUT


@pytest.mark.parametrize(("ranks", "n"), [([1, 2, 3], 0), ([1, 1, 2], 1), ([1, 1, 1, 1], 6), ([1, 1, 2, 2], 2)])
def test_tied_pairs_are_counted(ranks, n):
    assert aligned_measures.tied(ranks) == n


def test_a_model_has_a_row_for_each_group_of_labellers():
    told = [
        {"labeller_group": group, "preference": value, "prompt_id": f"p{i}", "labeller": f"{group}{i % 2}"}
        for group, value in (("train", 1.0), ("held_out", 0.0))
        for i in range(6)
    ]
    results = {"words": {"a": 3.0, "b": 4.0}, "like_lengths": None}
    rows = aligned_measures.rate_rows("PPO", "nano", 10, results, told)
    assert [(row["group"], row["rate"]["value"], row["rate"]["n"]) for row in rows] == [
        ("train", 1.0, 6),
        ("held_out", 0.0, 6),
    ]
    assert all(row["words"] == 3.0 and row["baseline_words"] == 4.0 for row in rows)


def climbed(plan):
    """Every stage of the chapter, one after another."""
    for stage in aligned.stages(plan):
        stage.do(plan)


@pytest.mark.slow
def test_the_chapter_runs_whole_and_is_found_done_the_second_time(tmp_path):
    text = write_prose(tmp_path / "text")
    plan = Climb(out=tmp_path / "demo", text=str(text), scale="smoke", quiet=True)
    train_run(plan, recipes.recipe("gpt2.pretrain:smoke"), "gpt2.pretrain-smoke")
    climbed(plan)
    path = plan.out / "results" / "aligned.json"
    found = json.loads(path.read_text())
    assert {row["role"] for row in found["win_rates"]} >= {"GPT", "SFT", "PPO", "PPO-ptx"}
    assert {row["model"] for row in found["tax"]} == {"GPT", "SFT", "start", "PPO", "PPO-ptx"}
    assert found["labellers"]["simulated"]
    before = {file: file.stat().st_mtime_ns for file in plan.out.rglob("*") if file.suffix in (".safetensors", ".json")}
    climbed(plan)
    assert all(file.stat().st_mtime_ns == time for file, time in before.items() if file.suffix == ".safetensors")
    assert json.loads(path.read_text()) == found
