"""The audit of calibration on the exam that is always there."""

import json
from dataclasses import replace

import pytest

from foretell.audit import calibration
from foretell.audit.asked import Asked
from foretell.errors import BadUse
from foretell.generate.model import Model
from tests.generate.conftest import random_network


@pytest.fixture
def asked(tiny, monkeypatch, tmp_path):
    """A function that audits a model whose context holds a question."""
    long = Model(random_network(replace(tiny.network.cfg, n_ctx=600), spread=0.1), tiny.tokenizer)

    def ask(**given):
        monkeypatch.setattr(Asked, "loaded", lambda self: long)
        monkeypatch.setattr(calibration, "load", lambda model: long)
        options = {"shots": 0, **given.pop("options", {})}
        return calibration.audit(Asked(model="m", out=tmp_path, quiet=True, options=options, **given))

    return ask


def test_answers_by_letter_become_a_reliability_diagram(asked, tmp_path):
    found = asked(limit=20)
    n = found["figures"]["accuracy"]["n"]
    assert 0 < n <= 20
    assert sum(row["n"] for row in found["rows"] if row["bins"] == "equal mass") == n
    kept = [json.loads(line) for path in tmp_path.rglob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(kept) == n
    right = sum(record["value"] for record in kept)
    assert found["figures"]["accuracy"]["value"] == pytest.approx(right / n)


def test_a_model_against_itself_is_no_better(asked):
    found = asked(limit=12, options={"against": "same"})
    assert found["figures"]["ECE less the other's"]["value"] == 0.0
    assert found["tables"]["reliability of the other"] == found["rows"]


def test_an_exam_without_data_is_told(asked):
    with pytest.raises(BadUse, match="no exam is called 'mad'"):
        asked(options={"exams": ["mad"]})
    with pytest.raises(BadUse, match="mmlu"):
        asked(options={"exams": ["mmlu"]})
