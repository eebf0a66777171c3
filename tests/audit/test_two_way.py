"""Which of two texts is likelier: scores of a tiny network by hand, the entropy, and the paired comparison."""

import random
from dataclasses import replace
from math import exp, log2

import pytest
import torch

from foretell.audit.two_way import compared, entropy, metric_of, tabled, two_way
from foretell.errors import BadUse
from foretell.eval.measured import bootstrap
from foretell.generate.model import Model
from foretell.recipes import bert
from foretell.text.train import train_tokenizer
from tests.audit.conftest import TEXT
from tests.generate.conftest import random_network


@pytest.fixture(scope="module")
def masked():
    draw = random.Random(0)
    more = ["".join(draw.choices("abcdefghij", k=6)) for _ in range(200)]
    tokenizer = train_tokenizer("wordpiece", TEXT + more * 2, 300, quiet=True)
    return Model(random_network(replace(bert.network("smoke"), n_vocab=300, n_ctx=48), spread=0.1), tokenizer)


@pytest.mark.parametrize(("a", "b"), [(-3.0, -3.0), (-3.0, -4.0), (-10.0, -2.0), (-50.0, -51.5)])
def test_entropy_is_that_of_the_two_probabilities(a, b):
    p = exp(a) / (exp(a) + exp(b))
    assert entropy(a, b) == pytest.approx(-p * log2(p) - (1 - p) * log2(1 - p))
    assert entropy(a, b) == entropy(b, a)


def test_entropy_is_a_bit_for_who_is_undecided_and_nothing_for_who_is_sure():
    assert entropy(-1000.0, -1000.0) == 1.0
    assert entropy(-10.0, -5000.0) == 0.0


def test_a_decoder_scores_the_whole_sentence(tiny):
    pair = ("He was very tall.", "She was very kind.")
    (found,) = two_way(tiny, [pair])
    for text, logprob in zip(pair, found, strict=True):
        ids = torch.tensor([[tiny.tokenizer.end_of_text, *tiny.tokenizer.encode(text)]])
        chances = tiny.logits(ids)[0, :-1].log_softmax(-1)
        assert logprob == pytest.approx(float(chances.gather(1, ids[0, 1:, None]).sum()), abs=1e-3)
    assert metric_of(tiny) == "sentence"


def test_an_encoder_scores_what_both_share_each_masked_in_turn(masked):
    pair = ("He was very kind", "She was very kind")
    (found,) = two_way(masked, [pair])
    special, encode = masked.tokenizer.special, masked.tokenizer.encode
    same = encode("was very kind")
    for text, logprob in zip(pair, found, strict=True):
        ids = [special("[CLS]"), *encode(text), special("[SEP]")]
        total = 0.0
        for place in range(len(ids) - 1 - len(same), len(ids) - 1):
            row = [*ids[:place], special("[MASK]"), *ids[place + 1 :]]
            total += float(masked.logits(torch.tensor([row]))[0, place].log_softmax(-1)[ids[place]])
        assert logprob == pytest.approx(total, abs=1e-3)
    assert metric_of(masked) == "shared"


def test_a_pair_that_does_not_fit_is_none(tiny, masked):
    long = "value " * 120
    assert two_way(tiny, [("He", long), ("He was", "A man")])[0] is None
    assert two_way(tiny, [("He", long), ("He was", "A man")])[1] is not None
    assert two_way(masked, [("He", long)]) == [None]
    assert two_way(masked, [("he", "value")]) == [None]  # nothing is shared


def test_a_translator_is_refused(translator_model):
    with pytest.raises(BadUse, match="kind seq2seq"):
        metric_of(translator_model)


@pytest.fixture
def translator_model(made):
    model = made()
    model.network.cfg.kind = "seq2seq"
    return model


def test_a_paired_comparison_is_surer_than_two_means():
    draw = random.Random(0)
    hard = [draw.random() for _ in range(200)]
    mine = [value + 0.05 + 0.01 * draw.random() for value in hard]
    found = compared(mine, hard)
    assert 0.05 < found["low"] < found["value"] < found["high"] < 0.06
    alone = bootstrap(mine, lambda some: sum(some) / len(some))
    assert alone["high"] - alone["low"] > 10 * (found["high"] - found["low"])


def test_a_table_has_the_mean_of_each_kind():
    rows = [{"kind": "a", "x": 0.25}, {"kind": "b", "x": 0.5}, {"kind": "a", "x": 0.75}]
    found = tabled(rows, "kind", "x")
    assert {kind: (one["value"], one["n"]) for kind, one in found.items()} == {"a": (0.5, 2), "b": (0.5, 1)}
    assert found["b"] == {"value": 0.5, "low": 0.0, "high": 1.0, "n": 1}
