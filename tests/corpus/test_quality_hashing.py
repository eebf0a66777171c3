"""Spark's HashingTF: golden values of its documentation, scikit-learn's murmur3, and a twin written plainly."""

import re

import numpy as np
import pyarrow as pa
import pytest

from foretell.corpus.hashing_tf import FEW, N_BUCKETS, buckets, murmur3, parts, totals, words_of

ALPHABET = ["a", "Z", "\u00e4", "\u4e2d", "\U0001f600", "\x00", "-"]


def random_words(n, longest, seed):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(ALPHABET, rng.integers(0, longest + 1))) for _ in range(n)]


def plain_murmur(data, seed, spark2=False):
    """The published algorithm; with `spark2`, Spark's deviation up to version 2.4."""

    def mixed(k):
        k = k * 0xCC9E2D51 & 0xFFFFFFFF
        k = (k << 15 | k >> 17) & 0xFFFFFFFF
        return k * 0x1B873593 & 0xFFFFFFFF

    def turned(h, k):
        h ^= mixed(k)
        h = (h << 13 | h >> 19) & 0xFFFFFFFF
        return (h * 5 + 0xE6546B64) & 0xFFFFFFFF

    whole = len(data) // 4 * 4
    h = seed
    for i in range(0, whole, 4):
        h = turned(h, int.from_bytes(data[i : i + 4], "little"))
    if spark2:
        for byte in data[whole:]:
            h = turned(h, byte if byte < 128 else byte + 0xFFFFFF00)
    else:
        h ^= mixed(int.from_bytes(data[whole:], "little"))
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def signed(h):
    return h - 2**32 if h >= 2**31 else h


def test_the_examples_of_sparks_documentation_of_hashing_tf():
    """pyspark.ml.feature.HashingTF, Spark 3.0 and later: a, b, c with numFeatures 10 and 5, and indexOf of b."""
    found = murmur3(pa.array(["a", "b", "c"]), 42)
    remainders = {n: [signed(int(h)) % n for h in found] for n in (10, 5)}
    assert sorted(remainders[10]) == [5, 7, 8]
    assert remainders[10][1] == 5
    assert sorted(remainders[5]) == [0, 2, 3]


def test_the_example_of_sparks_documentation_of_feature_hasher():
    """pyspark.ml.feature.FeatureHasher, which hashes as HashingTF does, with 2^18 features."""
    names = ["real", "bool=true", "string=foo", "real=2.0"]
    assert buckets(pa.array(names)).tolist() == [174475, 247670, 257907, 171257]
    assert (murmur3(pa.array(["stringNum=1"]), 42) % np.uint32(N_BUCKETS)).tolist() == [262126]  # not in lower case


def test_spark_2_hashed_otherwise():
    """Its documentation has a, b, c in 0, 1, 2 of numFeatures 10 and of 5; a word of whole blocks is hashed alike."""
    old = [signed(plain_murmur(word, 42, spark2=True)) for word in (b"a", b"b", b"c")]
    assert sorted(h % 10 for h in old) == sorted(h % 5 for h in old) == [0, 1, 2]
    assert plain_murmur(b"abcdefgh", 42, spark2=True) == plain_murmur(b"abcdefgh", 42)


@pytest.mark.parametrize(("n", "longest"), [(0, 0), (1, 40), (FEW, 9), (FEW + 1, 9), (500, 3), (500, 12), (200, 90)])
@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
def test_murmur3_is_the_plain_twins_and_scikit_learns(n, longest, seed):
    from sklearn.utils import murmurhash3_32

    words = random_words(n, longest, n + longest)
    found = murmur3(pa.array(words, pa.string()), seed).tolist()
    assert found == [plain_murmur(word.encode(), seed) for word in words]
    assert found == [murmurhash3_32(word.encode(), seed=seed, positive=True) for word in words]


def test_a_word_of_a_megabyte_among_short_ones_is_hashed():
    words = ["a", "xyz1" * 50_000 + "\u4e2d", "", "abcd"]
    assert murmur3(pa.array(words), 42).tolist() == [plain_murmur(word.encode(), 42) for word in words]


def test_a_slice_of_an_array_is_hashed_as_its_own_words():
    words = random_words(50, 9, 3)
    for kind in (pa.string(), pa.large_string()):
        array = pa.array(words, kind)
        assert (murmur3(array.slice(17, 20), 42) == murmur3(array, 42)[17:37]).all()


def test_the_bucket_is_the_signed_hash_modulo_the_number_of_buckets():
    words = random_words(300, 8, 4)
    plain = [signed(plain_murmur(word.lower().encode(), 42)) % 2**18 for word in words]
    assert buckets(pa.array(words)).tolist() == plain


def test_words_are_cut_at_white_space_alone():
    words = words_of(pa.array(["a  b\t\nc\x0b\x0cd\re", None, "", "\u00a0x\u2003y z\u00a0", " a "]))
    assert words.n.tolist() == [5, 0, 0, 2, 1]
    found = [words.spelled[int(i)].as_py() for i in words.each]
    assert found == ["a", "b", "c", "d", "e", "\u00a0x\u2003y", "z\u00a0", "a"]
    assert words.text.tolist() == [0] * 5 + [3] * 2 + [4]


@pytest.mark.parametrize("seed", range(6))
def test_words_are_those_of_a_regular_expression(seed):
    rng = np.random.default_rng(seed)
    signs = [*map(chr, range(1, 36)), "\x7f", "\x85", "\u00a0", "\u2003", "\u3000", *ALPHABET, *" \n\t" * 6]
    texts = ["".join(rng.choice(signs, rng.integers(0, 40))) for _ in range(200)]
    words = words_of(pa.array(texts))
    plain = [[word for word in re.split("[ \t\n\x0b\x0c\r]+", text) if word] for text in texts]
    found = words.spelled.take(pa.array(words.each)).to_pylist()
    assert found == [word for one in plain for word in one]
    assert words.n.tolist() == [len(one) for one in plain]
    assert words.text.tolist() == [i for i, one in enumerate(plain) for _ in one]


def test_bytes_under_a_null_are_no_words():
    validity, offsets = pa.py_buffer(b"\x05"), pa.py_buffer(np.array([0, 3, 9, 12], np.int32))
    texts = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"a bhiddenc d"), validity)
    assert texts.to_pylist() == ["a b", None, "c d"]
    assert words_of(texts).n.tolist() == [2, 0, 2]


def test_a_texts_total_is_the_sum_of_its_words_weights():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=N_BUCKETS)
    texts = [" ".join(random_words(30, 5, seed)) for seed in range(20)]
    sums, n = totals(texts, weights)
    for text, total, count in zip(texts, sums, n, strict=True):
        words = [word for word in text.split(" ") if word]
        assert count == len(words)
        expected = sum(weights[plain_murmur(word.lower().encode(), 42) % 2**18] for word in words)
        assert total == pytest.approx(expected, abs=1e-9)


def test_totals_with_another_layout_are_those_of_scikit_learns_vectorizer():
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.utils import murmurhash3_32

    def its_buckets(words):
        return np.abs([murmurhash3_32(word.lower().encode(), seed=0) for word in words.to_pylist()]) % N_BUCKETS

    texts = [" ".join(random_words(40, 5, seed)) for seed in range(20)]
    weights = np.random.default_rng(0).normal(size=N_BUCKETS)
    made = HashingVectorizer(
        n_features=N_BUCKETS,
        alternate_sign=False,
        norm=None,
        tokenizer=lambda text: text.split(" "),
        token_pattern=None,
    )
    theirs = made.transform([" ".join(text.split()) for text in texts]) @ weights
    sums, _ = totals([" ".join(text.split()) for text in texts], weights, its_buckets)
    assert np.abs(sums - theirs).max() < 1e-9


@pytest.mark.parametrize("held", [1, 10, 1000])
def test_parts_are_all_texts_in_their_order(held):
    texts = [*random_words(40, 8, 5), None, "", "x" * 100]
    for given in (texts, pa.array(texts), pa.chunked_array([texts[:5], [], texts[5:]])):
        cut = list(parts(given, held))
        assert [text for part in cut for text in part.to_pylist()] == texts
        assert all(len(part) == 1 or sum(len((one or "").encode()) for one in part.to_pylist()) <= held for part in cut)
