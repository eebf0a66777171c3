"""Answers of a fine-tuned run beside the network asked one example at a time, and what one answer for all scores."""

import json
from dataclasses import replace
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pytest
import torch

from foretell.corpus.config import TaskData
from foretell.corpus.examples import marks_of
from foretell.errors import BadUse
from foretell.eval.held_out import METRICS, baseline, measured, metrics_of, one_answer, predictions
from foretell.exchange.folder import load_model
from foretell.recipes import bert, gpt1
from foretell.text.train import train_tokenizer
from foretell.train.config import Machine
from foretell.train.loop import train

WORDS = ["cat", "dog", "hen", "fox", "owl", "elk", "ape", "bee", "cow", "emu"]
SHAPES = ("classification", "entailment", "number", "multiple_choice")


def texts(draw, n):
    return [" ".join(draw.choice(WORDS, draw.integers(2, 6))) for _ in range(n)]


def example(shape, draw):
    a, b, c = texts(draw, 3)
    if shape == "multiple_choice":
        return {"a": a, "choices": [b, c], "label": int(draw.integers(2))}
    if shape == "classification":
        return {"a": a, "label": int(draw.integers(3))}
    return {"a": a, "b": b, "label": float(draw.random()) if shape == "number" else int(draw.integers(3))}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    root = tmp_path_factory.mktemp("tokens")
    for kind in ("gpt1", "wordpiece"):
        train_tokenizer(kind, list(topics.values())[:40], 600, quiet=True).save(root / kind, 48)
    return root


def made(shape, folder):
    """The folder of a task with made-up labels."""
    draw = np.random.default_rng(0)
    classes = ["x", "y", "z"] if shape in ("classification", "entailment") else []
    card = {"name": shape, "shape": "similarity" if shape == "number" else shape, "classes": classes}
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(card))
    for name, n in (("train", 24), ("val", 37)):
        rows = [example(shape, draw) for _ in range(n)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def config(shape, layout, tokens, folder):
    kind = "gpt1" if layout == "gpt1" else "wordpiece"
    cfg = (gpt1 if layout == "gpt1" else bert).finetune("smoke")
    n_outputs = 3 if shape in ("classification", "entailment") else 1
    n_vocab = json.loads((tokens / kind / "tokenizer.json").read_text())
    n_vocab = len({*n_vocab["model"]["vocab"], *(token["content"] for token in n_vocab["added_tokens"])})
    heads = replace(cfg.model.heads, n_outputs=n_outputs)
    model = replace(cfg.model, heads=heads, n_vocab=n_vocab)
    data = TaskData(folder=str(folder), tokens=str(tokens / kind), length=48, layout=layout)
    return replace(cfg, model=model, data=data, start="", steps=3, evaluate_every=3, machine=Machine(threads=1))


@pytest.fixture(scope="module", params=[(shape, layout) for shape in SHAPES for layout in ("gpt1", "bert")])
def run(request, tokens, tmp_path_factory):
    """A finished run of each shape and layout, and what it came to."""
    shape, layout = request.param
    root = tmp_path_factory.mktemp("run")
    cfg = config(shape, layout, tokens, made(shape, root / "task"))
    return shape, layout, cfg, train(cfg, root / "run", quiet=True)


def asked_alone(network, tokenizer, row, shape, layout):
    """The answer to one example, laid out by hand as the papers' figures have it, without padding."""
    marks = marks_of(tokenizer, layout)
    a, b = tokenizer.encode(row["a"]), tokenizer.encode(row.get("b", ""))
    pairs = [(a, b), (b, a)] if shape == "number" and layout == "gpt1" else [(a, b)]
    if shape == "multiple_choice":
        pairs = [(a, tokenizer.encode(choice)) for choice in row["choices"]]
    read = []
    for one, two in pairs:
        ids, segments = [marks.first, *one], [0] * (1 + len(one))
        if shape != "classification":
            ids, segments = [*ids, marks.between, *two], [*segments, 0, *[1] * len(two)]
        ids, segments = [*ids, marks.last], [*segments, 0 if shape == "classification" else 1]
        hidden = network.hidden(torch.tensor([ids]), torch.tensor([segments]))
        read.append(hidden[0, -1 if layout == "gpt1" else 0])
    if shape == "multiple_choice":
        return int(np.argmax([network.task_outputs(one)[0].item() for one in read]))
    outputs = network.task_outputs(torch.stack(read).sum(0))
    return outputs[0].item() if shape == "number" else int(outputs.argmax())


def test_answers_are_those_of_the_network_asked_one_example_at_a_time(run):
    shape, layout, cfg, result = run
    found = predictions(result.folder)
    model = load_model(result.folder)
    rows = [json.loads(line) for line in (Path(cfg.data.folder) / "val.jsonl").read_text().splitlines()]
    assert [one["label"] for one in found] == pytest.approx([row["label"] for row in rows])
    with torch.no_grad():
        alone = [asked_alone(model.network, model.tokenizer, row, shape, layout) for row in rows]
    assert [one["prediction"] for one in found] == pytest.approx(alone, abs=1e-5)


def test_their_accuracy_is_what_the_run_itself_measured(run):
    _, _, _, result = run
    found = predictions(result.folder)
    labels, answers = [one["label"] for one in found], [one["prediction"] for one in found]
    if "val_accuracy" in result.metrics:
        assert measured("accuracy", labels, answers)["value"] == pytest.approx(result.metrics["val_accuracy"])
    else:
        assert METRICS["rmse"](labels, answers) ** 2 == pytest.approx(result.metrics["val_task"], rel=1e-4)


def test_a_limit_takes_examples_spread_over_all(run):
    _, _, _, result = run
    every, some = predictions(result.folder), predictions(result.folder, 5)
    want = [every[i * 37 // 5]["prediction"] for i in range(5)]
    assert [one["prediction"] for one in some] == pytest.approx(want, abs=1e-5)


def test_a_run_of_another_kind_answers_nothing(tmp_path):
    from foretell.config import dump
    from foretell.recipes import recipe

    (tmp_path / "config.json").write_text(dump(recipe("gpt2.pretrain:smoke")))
    with pytest.raises(BadUse, match="was trained on text and answers no task; give a run of a finetune recipe"):
        predictions(tmp_path)


def task(folder, card, train, val):
    folder.mkdir(exist_ok=True)
    (folder / "card.json").write_text(json.dumps(card))
    for name, labels in (("train", train), ("val", val)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"a": "x", "label": one}) + "\n" for one in labels))
    return folder


def test_the_one_answer_is_chosen_on_what_is_trained_on_and_scored_on_what_is_held_out(tmp_path):
    card = {"name": "t", "shape": "classification", "classes": ["no", "yes"], "metrics": ["f1", "accuracy", "matthews"]}
    folder = task(tmp_path / "classes", card, [1, 1, 0], [0, 0, 0, 1])
    assert one_answer(folder) == 1
    assert baseline(folder, [0, 0, 0, 1]) == {"f1": pytest.approx(0.4), "accuracy": 0.25, "matthews": 0.0}
    folder = task(tmp_path / "numbers", {"name": "t", "shape": "similarity"}, [1.0, 2.0], [1.0, 3.0])
    assert metrics_of(folder) == ["pearson", "spearman", "rmse"]
    error = np.sqrt((0.5**2 + 1.5**2) / 2)
    assert baseline(folder, [1.0, 3.0]) == {"pearson": 0, "spearman": 0, "rmse": pytest.approx(error)}


@pytest.mark.parametrize("metric", list(METRICS))
def test_every_metric_lies_in_its_interval_which_narrows_with_the_number_of_examples(metric):
    draw = np.random.default_rng(0)
    number = metric in ("pearson", "spearman", "rmse")
    widths = []
    for n in (60, 960):
        labels = draw.normal(size=n) if number else draw.integers(0, 2, n)
        answers = labels + draw.normal(size=n) if number else np.where(draw.random(n) < 0.8, labels, 1 - labels)
        found = measured(metric, labels.tolist(), answers.tolist())
        assert found["low"] < found["value"] < found["high"]
        assert found["value"] == pytest.approx(METRICS[metric](labels, answers))
        assert found["n"] == n
        widths.append(found["high"] - found["low"])
    assert 2.5 < widths[0] / widths[1] < 6  # a quarter with 16 times as many
