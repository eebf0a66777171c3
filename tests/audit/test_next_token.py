"""Calibration of the next token: what the network says, and windows drawn again."""

import numpy as np
import pytest
import torch

from foretell.audit.next_token import confidences, error, next_token
from foretell.audit.reliability import confidence, ece
from foretell.errors import BadUse
from tests.audit.conftest import TEXT
from tests.audit.test_reliability import calibrated, too_sure


def test_confidences_are_the_networks_own(tiny):
    text = " ".join(TEXT * 4)
    told, right = confidences(tiny, text)
    ids, length = tiny.tokenizer.encode(text), tiny.network.cfg.n_ctx
    assert told.shape == ((len(ids) - 1) // length, length)
    chances = tiny.logits(torch.tensor([ids[length : 2 * length]]))[0].softmax(-1)
    assert told[1] == pytest.approx(chances.max(-1).values.numpy(), abs=1e-5)
    assert right[1].tolist() == [int(p.argmax()) == ids[length + i + 1] for i, p in enumerate(chances)]
    assert len(confidences(tiny, text, limit=2)[0]) == 2


def test_a_short_text_is_told(tiny):
    with pytest.raises(BadUse, match="must fill two contexts of 96"):
        confidences(tiny, "He was very tall.")


def test_the_error_is_that_of_answers(tiny):
    given = too_sure(calibrated(400), 2.0)
    for kind in ("equal width", "equal mass"):
        assert error(*confidence(given), kind) == ece(given, kind)


def test_windows_that_are_all_right_or_all_wrong_leave_more_doubt_than_their_tokens():
    draw = np.random.default_rng(0)
    told = np.full((40, 50), 0.5)
    alike = np.repeat(draw.random(40) < 0.5, 50).reshape(40, 50)
    apart = draw.random((40, 50)) < 0.5
    wide, narrow = (next_token(told, right)[0]["next token, accuracy"] for right in (alike, apart))
    assert wide["high"] - wide["low"] > 4 * (narrow["high"] - narrow["low"])
    assert wide["n"] == 2000


def test_every_figure_has_its_interval_and_the_diagram_all_tokens():
    draw = np.random.default_rng(1)
    told = draw.random((20, 30))
    figures, rows = next_token(told, draw.random((20, 30)) < told)
    assert all(one["low"] <= one["value"] <= one["high"] for one in figures.values())
    assert figures["next token, ECE, equal width"]["value"] < 0.08
    assert sum(row["n"] for row in rows if row["bins"] == "equal width") == 600
