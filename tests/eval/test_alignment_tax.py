"""The cost of alignment: rows of text one by one give the same figures, and a mix that undoes all recovers 1."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch

from foretell.corpus.batches import IGNORED
from foretell.errors import BadUse
from foretell.eval.alignment_tax import TextLoss, bits_per_byte, recovered, rise, tax, text_loss
from foretell.eval.asking import Asking
from foretell.generate.model import Model
from foretell.recipes import gpt2
from foretell.tasks.source import Source
from tests.eval.made_tasks import ADD, PICK
from tests.generate.conftest import random_network


def batches(n=3, size=2, length=12):
    draw = np.random.default_rng(0)
    for _ in range(n):
        targets = draw.integers(0, 300, (size, length))
        targets[0, -3:] = IGNORED
        inputs = draw.integers(0, 300, (size, length))
        yield {"inputs": inputs, "targets": targets, "n_bytes": draw.integers(20, 50, size).astype(float)}


def loss(*nats, n_bytes=10.0):
    return TextLoss(np.asarray(nats, dtype=float), np.full(len(nats), n_bytes))


def test_nats_are_those_of_each_token_alone(tiny):
    found = text_loss(tiny, batches())
    slow = []
    for batch in batches():
        for inputs, targets in zip(batch["inputs"], batch["targets"], strict=True):
            logprobs = torch.log_softmax(tiny.logits(torch.tensor(inputs)[None])[0].float(), -1)
            slow.append(-sum(float(logprobs[i, t]) for i, t in enumerate(targets) if t != IGNORED))
    assert found.nats == pytest.approx(slow, rel=1e-5)
    rate = bits_per_byte(found)
    assert rate["value"] == pytest.approx(sum(slow) / (found.n_bytes.sum() * log(2)), rel=1e-5)
    assert rate["low"] < rate["value"] < rate["high"]
    assert rate["n"] == 6


def test_no_text_is_refused(tiny):
    with pytest.raises(BadUse, match="no held-out text"):
        text_loss(tiny, [])
    with pytest.raises(BadUse, match="not the same text"):
        rise(loss(1.0), loss(1.0, 2.0))


def test_a_rise_is_of_the_same_rows_and_narrower_than_either_loss():
    draw = np.random.default_rng(1)
    base = draw.uniform(20, 60, 50)
    before, after = loss(*base), loss(*(base + 2 + draw.uniform(0, 0.5, 50)))
    found = rise(before, after)
    assert found["value"] == pytest.approx(bits_per_byte(after)["value"] - bits_per_byte(before)["value"])
    assert found["high"] - found["low"] < 0.1 * (bits_per_byte(before)["high"] - bits_per_byte(before)["low"])


@pytest.mark.parametrize(("mixed", "share"), [(0.0, 1.0), (1.0, 0.8), (5.0, 0.0), (-1.0, 1.2), (6.0, -0.2)])
def test_what_is_recovered_is_the_share_of_the_rise_that_is_not_there(mixed, share):
    base = np.linspace(20, 60, 40)
    found = recovered(loss(*base), loss(*(base + 5)), loss(*(base + mixed)))
    assert found["value"] == pytest.approx(share)
    assert found["low"] == pytest.approx(share)


def test_without_a_rise_nothing_is_recovered():
    base = np.linspace(20, 60, 40)
    noise = np.where(np.arange(40) % 2, 1.0, -1.0)
    assert recovered(loss(*base), loss(*(base + noise)), loss(*base)) is None
    assert recovered(loss(*base), loss(*(base - 1)), loss(*base)) is None


def test_each_model_has_a_row_with_its_tasks_and_answers_of_its_own(tiny, tmp_path):
    other = Model(random_network(replace(gpt2.network("smoke"), n_vocab=300, n_ctx=96), seed=5), tiny.tokenizer)
    models = {"base": tiny, "PPO mix": other}
    text = {name: text_loss(model, batches()) for name, model in models.items()}
    rows = tax(models, text, [PICK, ADD], Source(), [Asking(shots=0)], tmp_path, quiet=True)
    assert [row["model"] for row in rows] == ["base", "PPO mix"]
    assert rows[0]["rise"] is None
    assert rows[1]["rise"]["value"] == rise(text["base"], text["PPO mix"])["value"]
    for row in rows:
        assert [(one["task"], one["n"]) for one in row["tasks"]] == [("pick", 8), ("add", 5)]
        assert all(one["low"] <= one["value"] <= one["high"] for one in row["tasks"])
    assert sorted(path.name.rsplit("-", 1)[0] for path in tmp_path.iterdir()) == ["base", "ppo-mix"]
    assert tax(models, text, [], Source(), [], tmp_path, quiet=True)[0]["tasks"] == []
