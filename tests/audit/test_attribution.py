"""The audit of attribution: everything of a sentence, and sentences that have no last word."""

import pytest

from foretell.audit import attribution
from foretell.audit.asked import Asked
from foretell.errors import BadUse

TEXT = "Return the value of the key"


def test_a_sentence_is_explained_by_every_method(tiny):
    found = attribution.explained(tiny, TEXT)
    n = len(found["tokens"])
    assert found["word"] == "key"
    assert found["tokens"][0] == "<|endoftext|>"
    assert "".join(found["tokens"][1:]) == "Return the value of the"
    assert [len(found[name]) for name in ("integrated", "left out", "rollout")] == [n] * 3
    assert found["completeness error"] <= 0.01
    assert sum(found["integrated"]) == pytest.approx(found["logprob"] - found["baseline logprob"], rel=0.011)
    assert sum(found["rollout"]) == pytest.approx(1)
    cfg = tiny.network.cfg
    assert (len(found["heads"]), len(found["heads"][0])) == (cfg.n_layers, cfg.n_heads)
    assert [one["layer"] for one in found["lens"]] == list(range(1, cfg.n_layers + 1))
    last = found["lens"][-1]
    assert 0 < last["right"] <= last["probability"] <= 1
    assert (last["rank"] == 1) == (last["right"] == last["probability"])


def test_the_audit_has_a_row_for_each_token_and_figures_with_intervals(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(Asked, "loaded", lambda self: tiny)
    found = attribution.audit(Asked(model="m", out=tmp_path, quiet=True, options={"sentences": [TEXT, "A man"]}))
    assert len(found["rows"]) == sum(len(one["tokens"]) for one in found["sentences"])
    error = found["figures"]["completeness error of integrated gradients"]
    assert error["value"] <= 0.01
    assert error["n"] == 2


def test_a_sentence_of_one_word_is_told(tiny):
    with pytest.raises(BadUse, match="has one word"):
        attribution.explained(tiny, " key ")


def test_agreement_is_the_rank_correlation():
    one = {"integrated": [0.1, 5.0, 2.0, 9.0], "left out": [1.0, 3.0, 2.0, 4.0]}
    assert attribution.agreement(one) == pytest.approx(1.0)
    assert attribution.agreement({**one, "left out": [4.0, 2.0, 3.0, 1.0]}) == pytest.approx(-1.0)
