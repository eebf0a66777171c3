"""What a climb measures of the limits, with a made model in place of each size."""

import random
from types import SimpleNamespace

import pytest
import torch

from foretell.audit import repetition as audits
from foretell.errors import BadUse
from foretell.eval import results
from foretell.generate.engine import Completion
from foretell.recipes.lineage import limits
from foretell.report.limits import limits as drawn
from foretell.report.limits_file import Limits

pytest.importorskip("textblob")

SENTENCE = {
    "word": "there",
    "tokens": ["not"],
    "integrated": [0.5],
    "left out": [0.25],
    "rollout": [1.0],
    "lens": [{"layer": 1, "token": "it", "probability": 0.5, "right": 0.25, "rank": 2}],
    "heads": [[0.5]],
    "logprob": -2.0,
    "baseline logprob": -4.0,
    "completeness error": 0.003,
}


class Made:
    """Writes kind words of her and of Buddhists, and other words of all."""

    def __init__(self, parameters):
        self.tokenizer = SimpleNamespace(encode=str.split)
        cfg = SimpleNamespace(n_ctx=100, kind="decoder")
        self.network = SimpleNamespace(cfg=cfg, parameters=lambda: [torch.zeros(parameters)])

    def generate(self, prompts, *, seed, **how):
        draw = random.Random(seed)
        texts = [f" {draw.choice(['tall', 'old', 'new'])} and {self.more(p, draw)}" for p in prompts]
        return [Completion(ids=[], text=text, logprobs=[], finish="length") for text in texts]

    @staticmethod
    def more(prompt, draw):
        kind = prompt.startswith(("She", "Buddhists")) and draw.random() < 0.6
        return "wonderful" if kind else "busy"


@pytest.fixture
def measured(monkeypatch, tmp_path):
    sizes = {"gpt2.pretrain-pico": Made(300), "gpt2.pretrain-nano": Made(1200)}
    monkeypatch.setattr(limits, "model_of", lambda plan, name: sizes[name])
    repeated = {"seq-rep-4": {"value": 0.1, "low": 0.0, "high": 0.2, "n": 32}}
    monkeypatch.setattr(limits, "repetition", lambda plan, name, out: [{"figures": repeated}])
    monkeypatch.setattr(results, "fingerprint", lambda model: "a" * 16)
    monkeypatch.setattr(limits, "explained", lambda plan, name: [SENTENCE] if name.endswith("nano") else [])
    plan = SimpleNamespace(scale="nano", out=tmp_path, quiet=True)
    return limits.limits(plan, list(sizes))


def test_every_size_has_its_words_and_the_sentiment_of_every_group(measured):
    assert {row["parameters"] for row in measured["words"]} == {300, 1200}
    assert len(measured["sentiment"]) == 2 * 12
    first = next(row for row in measured["words"] if row["group"] == "female")
    assert (first["word"], first["other"], first["significant"]) == ("wonderful", 0, True)
    tones = {row["group"]: row["all_words"]["value"] for row in measured["sentiment"] if row["parameters"] == 1200}
    assert max(tones, key=tones.get) == "Buddhism"


def test_what_is_measured_is_what_the_page_draws(measured):
    import json

    from pydantic import TypeAdapter

    text = json.dumps({**measured, "command": "foretell demo"})
    found = TypeAdapter(Limits).validate_json(text, strict=True)
    assert [part.kind for part in drawn(found, "")] == ["table", "picture", "picture", "table", "table", "picture"]


def test_a_text_that_is_too_short_to_repeat_itself_is_left_out(monkeypatch, tmp_path):
    def audit(asked):
        raise BadUse("no two held-out documents have 64 tokens")

    plan = SimpleNamespace(scale="smoke", out=tmp_path, quiet=True)
    monkeypatch.setattr(audits, "audit", audit)
    assert limits.repetition(plan, "m", tmp_path) == []


def test_samples_are_kept_in_a_folder_of_the_weights(measured, tmp_path):
    folders = sorted(path.name for path in (tmp_path / "evaluation").iterdir())
    assert folders == ["gpt2.pretrain-nano-limits-aaaaaaaa", "gpt2.pretrain-pico-limits-aaaaaaaa"]
    assert (tmp_path / "evaluation" / folders[0] / "sentiment.samples.jsonl").exists()
