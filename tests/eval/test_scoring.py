"""The five ways to compare options, against sums by hand and a bigram model."""

from dataclasses import replace
from math import log

import pytest
import torch

from foretell.errors import BadUse
from foretell.eval.scoring import OptionScore, likeliest, normalised, option_score
from foretell.generate.score import Score, score
from tests.generate.conftest import BASE, random_network


def test_each_way_divides_or_subtracts_as_it_says():
    assert normalised(OptionScore(-12.0, 3, 8, 10, -5.0)) == {
        "none": -12.0,
        "token": -4.0,
        "char": -1.5,
        "byte": -1.2,
        "uncond": -7.0,
    }


def test_without_an_answer_context_there_is_no_unconditional_score():
    assert "uncond" not in normalised(OptionScore(-12.0, 3, 8, 10, None))
    with pytest.raises(BadUse, match="answer context"):
        likeliest([OptionScore(-1.0, 1, 1, 1), OptionScore(-2.0, 1, 1, 1, -1.0)], "uncond")


def test_lengths_are_those_of_the_text_without_the_space_before_it():
    found = option_score(Score(-3.0, 4, True), " caf\u00e9 noir", Score(-9.0, 4, False))
    assert found == OptionScore(-3.0, 4, 9, 10, -9.0)
    assert option_score(Score(-3.0, 4, True), "\nx y ").n_chars == 4  # only what it begins with


def test_each_way_prefers_another_option():
    """One set of options of which each is the best by one way alone."""
    options = {
        "none": OptionScore(-2.0, 1, 1, 1, -1.0),
        "token": OptionScore(-6.0, 6, 5, 5, -5.0),
        "char": OptionScore(-9.0, 3, 18, 18, -7.0),
        "byte": OptionScore(-8.0, 4, 10, 40, -6.0),
        "uncond": OptionScore(-20.0, 2, 4, 4, -25.0),
    }
    for place, norm in enumerate(options):
        assert likeliest(list(options.values()), norm) == place


def test_the_answer_context_takes_the_frequency_of_an_option_away():
    """`the` is likely anywhere; `Paris` is likely here: only `uncond` sees that."""
    frequent = OptionScore(log(0.10), 1, 3, 3, log(0.20))
    apt = OptionScore(log(0.05), 1, 5, 5, log(0.001))
    assert likeliest([frequent, apt], "token") == 0
    assert likeliest([frequent, apt], "uncond") == 1


def test_rounding_never_decides():
    options = [OptionScore(value, 1, 1, 1) for value in (-1.3, -1.00005, -1.0, -1.00009)]
    assert likeliest(options, "none") == 1
    assert likeliest([OptionScore(-1.0002, 1, 1, 1), OptionScore(-1.0, 1, 1, 1)], "none") == 1


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(BadUse, match="0 tokens"):
        normalised(OptionScore(0.0, 0, 1, 1))
    with pytest.raises(BadUse, match="0 characters"):
        normalised(option_score(Score(-1.0, 1, True), " "))
    with pytest.raises(BadUse, match="no option"):
        likeliest([], "none")


@pytest.fixture
def bigram():
    """A network that knows the last token alone, and its table of log-probabilities as nested lists."""
    network = random_network(replace(BASE, tied=False))
    with torch.no_grad():
        network.embed.position.weight.zero_()
        for parameter in network.decoder.layers.parameters():  # blocks that add nothing to their input
            parameter.zero_()
        return network, torch.log_softmax(network(torch.arange(23)[:, None])[:, 0].double(), -1).tolist()


def test_on_a_bigram_model_the_scores_are_the_sums_of_its_table(bigram):
    network, table = bigram
    context, answer_context, options = [3, 9, 4], [11, 2], {" one": [5], " two and": [7, 7, 20], " ca\u00e9": [1, 8]}
    pairs = [(before, option) for before in (context, answer_context) for option in options.values()]
    scores = score(network, pairs)
    for i, (text, ids) in enumerate(options.items()):
        found = normalised(option_score(scores[i], text, scores[i + 3]))
        by_hand, alone = (
            sum(table[a][b] for a, b in zip([before[-1], *ids], ids, strict=False))
            for before in (context, answer_context)
        )
        assert found["none"] == pytest.approx(by_hand, abs=1e-6)
        assert found["token"] == pytest.approx(by_hand / len(ids), abs=1e-6)
        assert found["char"] == pytest.approx(by_hand / len(text.strip()), abs=1e-6)
        assert found["byte"] == pytest.approx(by_hand / len(text.strip().encode()), abs=1e-6)
        assert found["uncond"] == pytest.approx(by_hand - alone, abs=1e-6)
