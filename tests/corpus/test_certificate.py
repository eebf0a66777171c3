"""The certificate: planted copies have the index they are said to have, and the recall that theory promises."""

import numpy as np
import pytest

from foretell.corpus.certificate import _sharing, certificate, plant
from foretell.corpus.dedup import DedupConfig
from tests.corpus.test_minhash import random_texts

TEXTS = random_texts(300, words=150)


def test_what_is_planted_follows_from_the_seed_and_the_place():
    copied, plants = plant(TEXTS, 50, 0)
    assert plant(TEXTS, 50, 0) == (copied, plants)
    assert plant(TEXTS, 20, 0) == (copied[:20], plants[:20])
    assert plant(TEXTS, 50, 1)[0] != copied
    assert len(set(copied)) == 50


def test_short_texts_are_not_copied():
    assert set(plant(["a b c", "", *TEXTS[:2]], 10, 0)[0]) == {2, 3}


def test_recall_follows_the_theory_and_nothing_unlike_is_dropped():
    made = certificate(TEXTS, DedupConfig(), copies=300)
    assert made.recall >= 0.95
    assert made.precision >= 0.98
    for one in made.bins:
        noise = 4 * (one.theory * (1 - one.theory) / max(one.planted, 1)) ** 0.5 + 0.02
        assert one.planted > 5
        assert abs(one.found / one.planted - one.theory) < noise


def test_verification_makes_the_strict_precision_perfect():
    made = certificate(TEXTS[:150], DedupConfig(bands=10, rows=1, ngram=1, verify=0.8), copies=150)
    assert made.strict_precision == 1.0
    assert made.recall == 1.0


def test_a_net_too_coarse_is_told():
    assert certificate(TEXTS, DedupConfig(bands=1, rows=30), copies=200).recall < 0.9


def test_no_texts_give_no_figures():
    made = certificate([], DedupConfig())
    assert (made.documents, made.planted) == (0, 0)
    assert np.isnan(made.recall)
    assert np.isnan(made.precision)


@pytest.mark.parametrize("all_pairs", [True, False])
def test_places_that_share_a_key_equal_a_plain_search(all_pairs):
    keys = np.random.default_rng(0).integers(0, 20, 60).astype(np.uint64)
    a, b = _sharing(keys, all_pairs=all_pairs)
    every = {(i, j) for i in range(60) for j in range(i + 1, 60) if keys[i] == keys[j]}
    stars = {(i, j) for i, j in every if i == min(k for k in range(60) if keys[k] == keys[i])}
    assert set(zip(a.tolist(), b.tolist(), strict=True)) == (every if all_pairs else stars)
