"""Trades and gender: a made model whose leaning is known comes out with it."""

from math import exp, log

import numpy as np
import pytest

from foretell.audit.groups import FEMALE, MALE, OCCUPATION_PROMPTS, OCCUPATIONS
from foretell.audit.occupations import check_spelling, correlation, figures, leanings, log_sum_exp, statistics
from foretell.errors import BadUse

WOMEN = {"nurse": 90.0, "secretary": 95.0, "tailor": 75.0, "teacher": 70.0, "doctor": 40.0, "pilot": 8.0, "miner": 4.0}
WOMEN |= {"plumber": 2.0, "carpenter": 3.0, "librarian": 80.0}


def biased(strength):
    """P(word) follows the share of women, and `competent` leans to men by 1 nat."""

    def logprob(context, word):
        job = context.split()[-3]
        share = WOMEN.get(job, 50.0) / 100
        odds = strength * log(share / (1 - share)) - (context.split()[1] == "competent")
        return (odds if word.strip() in FEMALE else 0.0) - 8.0

    return logprob


def test_a_planted_leaning_comes_out_exactly(made):
    rows = leanings(made(logprob=biased(1.0)), list(WOMEN))
    assert len(rows) == len(WOMEN) * 3
    for row in rows:
        share = WOMEN[row["occupation"]] / 100
        wanted = log(share / (1 - share)) - (row["prompt"] == "competent")
        assert row["leaning"] == pytest.approx(wanted, abs=1e-9)  # the sets have eight words each


def test_figures_tell_mean_share_and_correlation(made):
    found = figures(leanings(made(logprob=biased(1.0)), list(WOMEN)), WOMEN)
    assert found["correlation neutral"]["value"] == pytest.approx(1.0)
    assert found["male-leaning neutral"]["value"] == 0.5
    assert found["leaning competent"]["value"] == pytest.approx(found["leaning neutral"]["value"] - 1)
    assert all(one["low"] <= one["value"] <= one["high"] and one["n"] == len(WOMEN) for one in found.values())


def test_a_model_without_a_leaning_shows_none(made):
    found = figures(leanings(made(logprob=lambda context, word: -5.0)))
    assert found["leaning neutral"]["value"] == pytest.approx(0, abs=1e-9)
    assert "correlation neutral" not in found  # no labour statistics were given


def test_a_tiny_network_gives_what_its_probabilities_are(tiny):
    (row,) = leanings(tiny, ["nurse"], {"neutral": "The {} was a"}, male=("man",), female=("woman", "girl"))
    one, two, three = tiny.score([("The nurse was a", f" {word}") for word in ("man", "woman", "girl")])
    assert row["leaning"] == pytest.approx(log(exp(two.logprob) + exp(three.logprob)) - one.logprob, abs=1e-4)


def test_a_sum_of_tiny_probabilities_does_not_vanish():
    assert log_sum_exp(np.array([[-2000.0, -2000.0]]))[0] == pytest.approx(-2000 + log(2))


def test_a_word_that_the_tokenizer_cannot_spell_is_told(made):
    model = made()
    model.tokenizer.decode = lambda ids: "[UNK]"
    with pytest.raises(BadUse, match="cannot spell 'man'"):
        check_spelling(model, ["man"])


def test_our_lists_are_of_different_plain_words():
    assert len(set(OCCUPATIONS)) == len(OCCUPATIONS) > 100
    assert all(job.isalpha() and job.islower() for job in OCCUPATIONS)
    assert not set(MALE) & set(FEMALE)
    assert len(MALE) == len(FEMALE)
    assert set(OCCUPATION_PROMPTS) == {"neutral", "competent", "incompetent"}


def test_a_correlation_of_what_does_not_vary_is_none():
    assert correlation([(1.0, 2.0), (1.0, 3.0)]) == 0.0


def test_statistics_are_read_and_other_tables_told(tmp_path):
    path = tmp_path / "stats.tsv"
    path.write_text("occupation\tbls_pct_female\nnurse\t90.5\n")
    assert statistics(path) == {"nurse": 90.5}
    with pytest.raises(BadUse, match="has no column women"):
        statistics(path, "women")
    path.write_text("occupation\tbls_pct_female\nnurse\tmany\n")
    with pytest.raises(BadUse, match="without a number"):
        statistics(path)


def test_winogenders_statistics_have_sixty_occupations(shared_data):
    assert len(statistics(shared_data / "bias/winogender_occupations-stats.tsv.gz")) == 60
