"""The fine-tuning suite: what it trains, what it finds done, what its rows say, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from foretell.config import load
from foretell.errors import BadUse
from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, load_weights_into, save_model
from foretell.model.init import build
from foretell.objective.config import Task
from foretell.recipes import bert, gpt1, gpt2, transformer
from foretell.recipes.finetuning import Plan, config, earlier, finetune_suite, name_of, nearest_size, subject
from foretell.recipes.finetuning_rows import against, compared, difference, over_examples, rows_of
from foretell.runs import read_json
from foretell.tasks.labelled import task_folder
from foretell.tasks.source import NoData, Source
from foretell.text.tokenizer import Tokenizer
from foretell.text.train import train_tokenizer
from foretell.train.config import Machine, RunConfig

PAGES = list(topics.values())[:40]
NOUNS = ["cat", "dog", "hen", "fox", "owl", "elk", "ape", "bee", "cow", "emu", "ant", "bat"]
WORDS = [f"the {a} and the {b}" for a in NOUNS for b in NOUNS]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Models without training, of each kind, and files of two tasks."""
    root = tmp_path_factory.mktemp("suite")
    known = {kind: train_tokenizer(kind, PAGES, 600, quiet=True) for kind in ("gpt1", "bpe", "wordpiece")}
    for name, network, kind in (
        ("gpt", gpt1.network("smoke"), "gpt1"),
        ("gpt2", gpt2.network("smoke"), "bpe"),
        ("bert", bert.network("smoke"), "wordpiece"),
        ("odd", gpt1.network("smoke"), "wordpiece"),
        ("translator", transformer.network("smoke"), "bpe"),
    ):
        network = replace(network, n_vocab=known[kind].n_vocab)
        save_model(root / name, build(network, 7), known[kind], Card(recipe="test"))
    save_model(root / "mute", build(replace(gpt1.network("smoke"), n_vocab=600)), None, Card(recipe="test"))
    (root / "data").mkdir()
    lines = [json.dumps({"text": text, "label": i % 2}) for i, text in enumerate(WORDS)]
    (root / "data" / "mr.jsonl").write_text("\n".join(lines))
    pairs = [
        {"sentence1": a, "sentence2": b, "score": i % 6} for i, (a, b) in enumerate(zip(WORDS, WORDS[5:], strict=False))
    ]
    for name, part in (("train", pairs[:60]), ("dev", pairs[60:])):
        (root / "data" / f"stsb.{name}.jsonl").write_text("\n".join(map(json.dumps, part)))
    return root


@pytest.fixture
def plan(root, tmp_path):
    source = Source(folders=(root / "data",))
    return Plan(
        tasks=("mr", "stsb"), seeds=1, steps=2, limit=24, source=source, out=tmp_path / "out", quiet=True,
        machine=Machine(threads=1),
    )  # fmt: skip


def ran(out):
    """Every run's folder with the time when it was finished or answered last."""
    return {path.parent: path.stat().st_mtime_ns for path in sorted(out.rglob("held_out.jsonl"))}


@pytest.mark.parametrize(("model", "lambdas"), [("gpt", (0.5, 0.0)), ("gpt2", (0.5, 0.0)), ("bert", (0.0,))])
def test_a_suite_has_a_row_for_each_task_start_and_lambda(root, plan, model, lambdas):
    found = finetune_suite(root / model, plan)
    asked = [(task, start, weight) for task in plan.tasks for start in ("pretrained", "scratch") for weight in lambdas]
    assert [(row["task"], row["start"], row["lambda"]) for row in found["rows"]] == asked
    assert {row["n"] for row in found["rows"]} == {24}
    for row in found["rows"]:
        assert [row["mean"]] == row["values"]
        assert (row["seeds"], len(row["runs"])) == ([0], 1)
        assert (row["low"], row["high"]) == (None, None)
        assert row["note"].startswith("1 seed, so no interval over seeds")
    chief = {row["task"]: (row["shape"], row["metric"], list(row["metrics"])) for row in found["rows"]}
    assert chief == {
        "mr": ("classification", "accuracy", ["accuracy"]),
        "stsb": ("similarity", "pearson", ["pearson", "spearman", "rmse"]),
    }
    (file,) = plan.out.glob("*.json")
    assert read_json(file) == json.loads(json.dumps(found))
    n_lambda = 0 if len(lambdas) == 1 else 2
    assert len(found["differences"]) == len(plan.tasks) * (len(lambdas) + n_lambda)


def test_from_scratch_is_the_same_run_without_the_weights(root, plan):
    one = subject(root / "gpt2", plan.out)
    folder = task_folder("mr", plan.source, plan.out / "tasks")
    pretrained, scratch = (config(one, plan, folder, start, 0.5, 3) for start in ("pretrained", "scratch"))
    assert replace(pretrained, start="") == scratch
    assert Path(pretrained.start) == root / "gpt2"
    assert (scratch.seed, scratch.objective) == (3, Task(lm_weight=0.5))


def test_the_network_is_the_model_s_and_the_optimizer_the_recipe_s(root, plan):
    for name, rung in (("gpt", gpt1), ("gpt2", gpt1), ("bert", bert)):
        one = subject(root / name, plan.out)
        own, recipe = load_model(root / name).network.cfg, rung.finetune("smoke")
        grown = {"gpt2": 3}.get(name, 0)
        want = replace(own, n_vocab=own.n_vocab + grown, heads=recipe.model.heads, dropout=recipe.model.dropout)
        assert one.recipe.model == want
        assert (one.recipe.optim, one.recipe.batch) == (recipe.optim, recipe.batch)
        assert one.recipe.data.layout == ("bert" if name == "bert" else "gpt1")


def test_steps_are_three_epochs_unless_a_bound_is_given(root, plan):
    one = subject(root / "gpt", plan.out)
    folder = task_folder("mr", plan.source, plan.out / "tasks")
    n, rows = read_json(folder / "card.json")["n_examples"]["train"], one.recipe.batch.rows
    every = config(one, replace(plan, steps=0, limit=0), folder, "scratch", 0.0, 0)
    assert every.steps == -(-3 * n // rows)
    assert config(one, replace(plan, steps=0, limit=16), folder, "scratch", 0.0, 0).steps == 6
    assert config(one, replace(plan, steps=5, limit=0), folder, "scratch", 0.0, 0).steps == 5
    long = config(one, replace(plan, steps=0, limit=0, epochs=300), folder, "scratch", 0.0, 0)
    assert long.schedule.warmup_steps == round(0.002 * long.steps) > 1
    assert config(subject(root / "bert", plan.out), plan, folder, "scratch", 0.0, 0).schedule.warmup_steps == 1


def test_the_nearest_size_is_told_by_the_blocks():
    assert nearest_size(gpt1, 12 * 768**2) == "117M"
    assert nearest_size(gpt1, 48 * 1600**2) == "117M"
    assert nearest_size(bert, 24 * 1024**2) == "large"
    assert nearest_size(gpt1, 4 * 128**2) == "nano"
    assert nearest_size(gpt1, 1) == "smoke"


def test_a_model_has_the_name_of_its_run_or_of_the_hub():
    assert name_of("runs/one", Path("runs/one/model")) == "one"
    assert name_of("runs/one/model", Path("runs/one/model")) == "one"
    assert name_of("theirs", Path("theirs")) == "theirs"
    assert name_of("hf:openai/small", Path("cache/0123abcd")) == "small"
    assert name_of("hf:gpt2", Path("cache/0123abcd")) == "gpt2"


def test_another_task_keeps_the_rows_of_the_first(root, plan):
    finetune_suite(root / "bert", replace(plan, tasks=("mr",)))
    found = finetune_suite(root / "bert", replace(plan, tasks=("stsb",)))
    (file,) = plan.out.glob("*.json")
    assert {row["task"] for row in found["rows"]} == {"stsb"}
    assert [row["task"] for row in read_json(file)["rows"]] == ["mr", "mr", "stsb", "stsb"]
    assert [row["task"] for row in read_json(file)["differences"]] == ["mr", "stsb"]
    finetune_suite(root / "bert", replace(plan, tasks=("stsb",)))
    assert [row["task"] for row in read_json(file)["rows"]] == ["mr", "mr", "stsb", "stsb"]
    assert earlier(file, replace(plan, tasks=("stsb",), steps=1)) == {}


def test_a_run_that_is_there_is_not_done_again_and_one_that_is_lost_comes_back_the_same(root, plan):
    plan = replace(plan, tasks=("mr",), seeds=2, lambdas=(0.5,))
    first = finetune_suite(root / "gpt", plan)
    before = ran(plan.out)
    assert len(before) == 4
    assert finetune_suite(root / "gpt", plan) == first
    assert ran(plan.out) == before
    lost = Path(first["rows"][0]["runs"][1])
    answers = (lost / "held_out.jsonl").read_text()
    for path in lost.iterdir():
        path.unlink()
    assert finetune_suite(root / "gpt", plan) == first
    assert (lost / "held_out.jsonl").read_text() == answers
    assert [path for path, time in ran(plan.out).items() if before[path] != time] == [lost]


def test_weights_go_unless_they_are_to_be_kept(root, plan):
    plan = replace(plan, tasks=("mr",), lambdas=(0.0,))
    found = finetune_suite(root / "gpt", plan)
    assert not any(
        (Path(run) / name).exists() for row in found["rows"] for run in row["runs"] for name in ("model", "checkpoints")
    )
    kept = finetune_suite(root / "gpt", replace(plan, out=plan.out / "kept", keep=True))
    assert load_model(kept["rows"][0]["runs"][0]).network.cfg.heads.n_outputs == 2
    assert [row["values"] for row in kept["rows"]] == [row["values"] for row in found["rows"]]


def test_another_setting_in_the_same_folder_is_refused(root, plan):
    plan = replace(plan, tasks=("mr",), lambdas=(0.0,))
    finetune_suite(root / "gpt", plan)
    with pytest.raises(BadUse, match=r"holds another run \(data\.limit is 24 there and 16 here\); give another --out"):
        finetune_suite(root / "gpt", replace(plan, limit=16))


def test_byte_level_vocabularies_grow_by_the_delimiters_and_keep_all_other_rows(root, plan):
    one = subject(root / "gpt2", plan.out)
    network = build(one.recipe.model, 1)
    load_weights_into(network, root / "gpt2")
    own, here = load_model(root / "gpt2").network.embed.token.weight, network.embed.token.weight
    assert here.shape[0] == own.shape[0] + 3
    assert here[: len(own)].equal(own)
    fresh = build(one.recipe.model, 1).embed.token.weight
    assert here[len(own) :].equal(fresh[len(own) :])


@pytest.mark.slow
def test_a_folder_of_transformers_is_fine_tuned_too(root, plan, tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizer = Tokenizer.load(root / "gpt2")
    sizes = {"n_positions": 48, "n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": tokenizer.n_vocab}
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes))
    theirs.save_pretrained(tmp_path / "theirs")
    tokenizer.save(tmp_path / "theirs", 48)
    found = finetune_suite(tmp_path / "theirs", replace(plan, tasks=("mr",), lambdas=(0.0,)))
    cfg = load(RunConfig, (Path(found["rows"][0]["runs"][0]) / "config.json").read_text(), "config.json")
    assert (cfg.model.norm_place, cfg.model.d_model, cfg.model.n_vocab) == ("pre", 32, tokenizer.n_vocab + 3)


def test_models_without_a_layout_are_refused_in_one_line(root, plan):
    for model, said in (
        ("translator", "is an encoder-decoder, which no layout of tasks fits; give a decoder or an encoder"),
        ("mute", r"has no tokenizer\.json, so its tasks cannot be read"),
        ("odd", "layout 'gpt1' needs <start>, which a wordpiece tokenizer lacks"),
    ):
        with pytest.raises(BadUse, match=said) as refused:
            finetune_suite(root / model, plan)
        assert "\n" not in str(refused.value)


def test_plans_that_cannot_be_are_refused_before_anything_is_trained(root, plan):
    for changed, said in (
        ({"seeds": 0}, "seeds=0 is not positive"),
        ({"epochs": 0.0}, "epochs=0.0 is not positive"),
        ({"steps": -1}, "neither may be negative"),
        ({"lambdas": (0.5, -0.1)}, "a weight of L1 is not below 0"),
        ({"tasks": ()}, "no task or no lambda is named"),
        ({"tasks": ("sst3",)}, "no task to fine-tune on is called 'sst3'"),
    ):
        with pytest.raises(BadUse, match=said):
            replace(plan, **changed)
    with pytest.raises(NoData, match=r"rte\.train\.jsonl"):
        finetune_suite(root / "gpt", replace(plan, tasks=("mr", "rte")))
    assert not ran(plan.out)


def fake_runs(tmp_path, values, labels=(0, 1) * 10):
    """Runs of one task whose answers are right in the first so many examples."""
    folder = tmp_path / "task"
    folder.mkdir(exist_ok=True)
    (folder / "card.json").write_text(json.dumps({"name": "t", "shape": "classification", "classes": ["no", "yes"]}))
    (folder / "train.jsonl").write_text('{"a": "x", "label": 1}\n')
    runs = []
    for (start, weight), rights in values.items():
        for seed, right in enumerate(rights):
            out = tmp_path / f"{start}-{weight}-{seed}"
            out.mkdir(exist_ok=True)
            answers = [{"label": y, "prediction": y if i < right else 1 - y} for i, y in enumerate(labels)]
            (out / "held_out.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers))
            runs.append({"task": "t", "folder": folder, "start": start, "lambda": weight, "seed": seed, "run": out,
                         "model": "m", "answers": answers})  # fmt: skip
    return runs


def test_rows_and_differences_say_what_the_answers_say(tmp_path):
    runs = fake_runs(
        tmp_path, {("pretrained", 0.5): (18, 17, 19), ("scratch", 0.5): (12, 13, 11), ("pretrained", 0.0): (18, 18, 18)}
    )
    rows = rows_of(runs)
    assert [row["values"] for row in rows] == [[0.9, 0.85, 0.95], [0.6, 0.65, 0.55], [0.9, 0.9, 0.9]]
    assert [row["majority"] for row in rows] == [0.5, 0.5, 0.5]
    assert rows[0]["mean"] == pytest.approx(0.9)
    assert (rows[0]["low"], rows[0]["high"]) == pytest.approx(
        (0.9 - 4.3026527 * 0.05 / 3**0.5, 0.9 + 4.3026527 * 0.05 / 3**0.5)
    )
    assert rows[0]["note"] == ""
    found = {one["what"]: one for one in compared(rows)}
    assert list(found) == ["pretrained - scratch, lambda 0.5", "lambda 0.5 - 0, pretrained"]
    gain = found["pretrained - scratch, lambda 0.5"]
    assert (gain["mean"], gain["n_seeds"]) == (pytest.approx(0.3), 3)
    assert (gain["low"], gain["high"]) == pytest.approx(
        (0.3 - 4.3026527 * 0.1 / 3**0.5, 0.3 + 4.3026527 * 0.1 / 3**0.5)
    )
    assert 0.05 < gain["over_examples"]["low"] < 0.3 < gain["over_examples"]["high"] < 0.55


def test_examples_are_drawn_alike_for_both_sides(tmp_path):
    runs = fake_runs(tmp_path, {("pretrained", 0.5): (15,), ("scratch", 0.5): (15,)})
    same = over_examples("accuracy", [runs[0]["answers"]], [runs[1]["answers"]])
    assert (same["value"], same["low"], same["high"], same["n"]) == (0, 0, 0, 20)
    other = [{"label": 0, "prediction": 0}] * 20
    assert over_examples("accuracy", [runs[0]["answers"]], [other]) is None


def test_two_models_are_set_side_by_side_and_unequal_sizes_are_told(tmp_path):
    rows = rows_of(fake_runs(tmp_path, {("pretrained", 0.5): (18, 17, 19), ("pretrained", 0.0): (10, 10, 10)}))
    other = [{**row, "model": "o"} for row in rows[1:]]
    found = against({"model": "m", "parameters": 100, "rows": rows}, {"model": "o", "parameters": 105, "rows": other})
    assert found == [difference(rows[0], rows[1], "m - o, pretrained")]
    told = against({"model": "m", "parameters": 100, "rows": rows}, {"model": "o", "parameters": 200, "rows": other})
    assert told[0]["note"] == "100 and 200 parameters, so no comparison at the same size"


@pytest.mark.slow
def test_a_task_that_can_be_learnt_is_learnt(root, tmp_path):
    (tmp_path / "data").mkdir()
    rows = [{"text": f"{('bad', 'good')[i % 2]} {text}", "label": i % 2} for i, text in enumerate(WORDS)]
    (tmp_path / "data" / "mr.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = Source(folders=(tmp_path / "data",))
    plan = Plan(
        tasks=("mr",), seeds=1, lambdas=(0.0,), epochs=8, source=source, out=tmp_path, quiet=True,
        machine=Machine(threads=1),
    )  # fmt: skip
    for model in ("gpt", "bert"):
        for row in finetune_suite(root / model, plan)["rows"]:
            assert row["mean"] > row["majority"] + 0.15
