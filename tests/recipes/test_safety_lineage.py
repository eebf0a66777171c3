"""The climb's chapters on safety and on inverse scaling, at the smallest scale."""

import json
from dataclasses import replace

import pytest

from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.model.init import build
from foretell.recipes import gpt2
from foretell.recipes.lineage.hindsight import measure_hindsight, slopes
from foretell.recipes.lineage.plan import Climb
from foretell.recipes.lineage.safety import measure_calibration, measure_safety, measure_system, safety
from foretell.report.read import read_result
from foretell.report.safety import chat
from foretell.report.safety_file import Calibration, Hindsight, Safety, System
from foretell.text.train import train_tokenizer


def plan_of(folder):
    return Climb(out=folder, text="embedded", scale="smoke", quiet=True)


@pytest.mark.slow
def test_the_chapter_is_trained_measured_once_and_drawn(tmp_path):
    plan = plan_of(tmp_path)
    safety(plan)
    files = {name: (tmp_path / "results" / f"{name}.json") for name in ("safety", "system", "calibration")}
    before = {name: path.read_bytes() for name, path in files.items()}
    for measure in (measure_safety, measure_system, measure_calibration):
        measure(plan)
    assert {name: path.read_bytes() for name, path in files.items()} == before
    found = json.loads(before["safety"])
    assert found["figures"]["before"]["disallowed"]["n"] == found["figures"]["after"]["disallowed"]["n"] > 5
    want = zip((Safety, System, Calibration), files.values(), strict=True)
    parts = chat(*(read_result(kind, path) for kind, path in want), None, "foretell demo")
    assert [part.kind for part in parts].count("missing") == 1


@pytest.mark.slow
def test_bets_are_asked_of_every_size(tmp_path):
    words = train_tokenizer(
        "bpe", ["Question: In a bet, Anna can win 5 dollars. Answer: Yes No " * 9] * 4, 280, quiet=True
    )
    cfg = replace(gpt2.network("smoke"), n_vocab=280, n_ctx=256)
    folder = tmp_path / "gpt2.pretrain-smoke" / "model"
    save_model(folder, build(cfg, 0), words, Card(recipe="x"))
    found = measure_hindsight(plan_of(tmp_path))
    assert {row["task"] for row in found["rows"]} == {"hindsight_neglect", "hindsight_control"}
    assert found["slopes"] == []
    assert read_result(Hindsight, tmp_path / "results" / "hindsight.json").rows


def test_a_fall_beyond_chance_has_an_interval_below_0_and_noise_has_not():
    def rows(low, high):
        values = zip((10**5, 10**7), (low, high), strict=True)
        return [
            {"task": "hindsight_neglect", "parameters": size, "accuracy": {"value": value, "n": 400}}
            for size, value in values
        ]

    falls, flat = slopes(rows(0.6, 0.3))[0]["slope"], slopes(rows(0.5, 0.51))[0]["slope"]
    assert falls["low"] <= falls["value"] <= falls["high"] < 0
    assert flat["low"] < 0 < flat["high"]
