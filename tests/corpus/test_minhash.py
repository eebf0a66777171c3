"""MinHash against the Jaccard index it estimates, plain twins of every formula, and datasketch as a foreign oracle."""

import math

import numpy as np
import pyarrow as pa
import pytest

from foretell.corpus.minhash import (
    band_keys,
    expected_recall,
    hashes,
    jaccard,
    shingle_sets,
    signatures,
)

WORDS = [f"w{i}" for i in range(400)]


def random_texts(n, words=120, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, words)) for _ in range(n)]


def altered(text, share, seed):
    rng = np.random.default_rng(seed)
    return " ".join(word if rng.random() > share else "new" + word for word in text.split())


def plain_set(text, ngram):
    words = text.split()
    length = min(ngram, len(words))
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)} if words else set()


def plain_jaccard(a, b, ngram):
    a, b = plain_set(a, ngram), plain_set(b, ngram)
    return len(a & b) / len(a | b) if a | b else 0.0


def test_exact_copies_differ_in_case_and_white_space_alone():
    texts = ["a = b + c", "a = b - c", "1.5", "15", "+++", "((;;))", "The  Cat", "the\ncat"]
    exact = [tuple(one) for one in hashes(pa.array(texts), 2, 2, 2, 1).exact.tolist()]
    assert len(set(exact[:6])) == 6
    assert exact[6] == exact[7]


def test_composed_and_decomposed_letters_are_the_same():
    made = hashes(pa.array(["caf\u00e9 noir", "cafe\u0301 noir", "cafe noir"]), 2, 2, 2, 1)
    assert (made.exact[0] == made.exact[1]).all()
    assert (made.exact[0] != made.exact[2]).all()


@pytest.mark.parametrize("ngram", [1, 2, 5])
def test_the_jaccard_index_is_that_of_the_plain_sets(ngram):
    texts = [*random_texts(6, 40), "", "one", "one two", "one two three"]
    texts += [altered(texts[0], 0.1, 1), altered(texts[1], 0.3, 2)]
    sets = list(shingle_sets(pa.array(texts), ngram))
    for i, a in enumerate(texts):
        for j, b in enumerate(texts):
            assert jaccard(sets[i], sets[j]) == pytest.approx(plain_jaccard(a, b, ngram))


def test_signatures_agree_in_the_share_that_the_jaccard_index_says():
    texts = random_texts(60)
    others = [altered(text, 0.03 * (i % 5), i) for i, text in enumerate(texts)]
    n = 256
    a, b = (signatures(pa.array(some), n, 3, 1) for some in (texts, others))
    agree = (a == b).mean(axis=1)
    index = np.array([plain_jaccard(x, y, 3) for x, y in zip(texts, others, strict=True)])
    assert np.abs(agree - index).max() < 4 * 0.5 / math.sqrt(n)
    assert abs((agree - index).mean()) < 0.01


def test_datasketch_estimates_the_same_within_the_error_of_both():
    from datasketch import MinHash

    text = random_texts(1)[0]
    other = altered(text, 0.04, 3)
    n = 512
    theirs = []
    for one in (text, other):
        theirs.append(MinHash(num_perm=n, seed=1))
        theirs[-1].update_batch([" ".join(run).encode() for run in plain_set(one, 5)])
    ours = signatures(pa.array([text, other]), n, 5, 1)
    assert theirs[0].jaccard(theirs[1]) == pytest.approx((ours[0] == ours[1]).mean(), abs=0.1)


def test_a_signature_follows_from_the_text_and_the_seed_alone():
    texts = random_texts(50)
    whole = signatures(pa.array(texts), 16, 5, 1)
    assert (signatures(pa.array(texts[20:]), 16, 5, 1) == whole[20:]).all()
    assert (signatures(pa.chunked_array([texts[:7], texts[7:]]), 16, 5, 1) == whole).all()
    assert (signatures(pa.array(texts), 16, 5, 2) != whole).mean() > 0.99


def test_the_signatures_are_these_on_every_machine():
    found = signatures(pa.array(["the quick brown fox jumps over the lazy dog"]), 3, 5, 1)
    assert found.tolist() == [[350415810, 257299419, 851950659]]


def test_a_band_key_is_the_polynomial_of_its_rows():
    numbers = np.random.default_rng(0).integers(0, 2**32, (5, 12), dtype=np.uint32)
    keys = band_keys(numbers, 4)
    for text in range(5):
        for band in range(4):
            plain = 0
            for row in range(3):
                plain = (plain * 0x9E3779B97F4A7C15 + int(numbers[text, 3 * band + row]) + 1) % 2**64
            assert int(keys[text, band]) == plain


def test_rows_in_another_order_give_another_key():
    numbers = np.array([[1, 2], [2, 1], [1, 2]], dtype=np.uint32)
    a, b, c = band_keys(numbers, 1)[:, 0]
    assert a == c != b


def test_a_text_without_words_has_no_bands():
    made = hashes(pa.array(["", None, " \n", "!?", "a"]), 3, 2, 5, 1)
    assert made.has_words.tolist() == [False, False, False, False, True]


@pytest.mark.parametrize(("bands", "rows"), [(14, 8), (10, 1), (1, 1)])
def test_expected_recall_is_the_chance_that_not_every_band_misses(bands, rows):
    for index in (0.0, 0.3, 0.8, 1.0):
        misses = 1.0
        for _ in range(bands):
            misses *= 1 - math.prod([index] * rows)
        assert expected_recall(index, bands, rows) == pytest.approx(1 - misses)


def test_half_of_unlike_pages_share_one_of_ten_tables():
    assert expected_recall(0.075, 10, 1) == pytest.approx(0.54, abs=0.01)
