"""Measures of repetition against their definitions, and against texts whose repetition is known."""

import math
import sys
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.audit import repetition_measures as measures
from foretell.audit.repetition_measures import (
    distinct,
    longest_repeat,
    parts,
    repeated,
    repeated_by_part,
    self_bleu,
    seq_rep,
    zlib_ratio,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=60)


@settings(deadline=None)
@given(WORDS, st.integers(1, 5))
def test_seq_rep_is_one_minus_the_share_of_different_runs(words, n):
    runs = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    assert seq_rep(" ".join(words), n) == (1 - len(set(runs)) / len(runs) if runs else None)


def test_one_word_again_and_again_repeats_wholly_and_different_words_not_at_all():
    assert seq_rep("no " * 1000, 4) == pytest.approx(1, abs=0.002)
    assert seq_rep(" ".join(map(str, range(1000))), 4) == 0


@settings(deadline=None)
@given(WORDS, st.integers(1, 4))
def test_the_parts_add_up_to_the_whole(words, n):
    text = " ".join(words)
    flags = repeated(text, n)
    sizes = [len(flags) * (i + 1) // 10 - len(flags) * i // 10 for i in range(10)]
    shares = repeated_by_part(text, n)
    if flags:
        total = sum(size * share for size, share in zip(sizes, shares, strict=True) if size)
        assert total / len(flags) == pytest.approx(seq_rep(text, n))
    else:
        assert shares == [None] * 10


def test_what_comes_again_late_counts_late():
    words = [str(i) for i in range(90)]
    shares = repeated_by_part(" ".join([*words, *words[:14]]), 4)
    assert shares[:8] == [0] * 8
    assert shares[9] == 1


@settings(deadline=None)
@given(st.text(st.sampled_from("ab"), max_size=40))
def test_the_longest_repeat_is_found(text):
    found = [
        j - i for i in range(len(text)) for j in range(i, len(text) + 1) if text.find(text[i:j], i + 1) >= 0 and j > i
    ]
    assert longest_repeat(text) == max(found, default=0)


def test_zlib_and_distinct_are_their_definitions():
    assert zlib_ratio("abc" * 100) == len(zlib.compress(b"abc" * 100, 9)) / 300
    assert zlib_ratio("") is None
    assert distinct(["a b a b", "a b"], 2) == 2 / 4
    assert distinct(["a"], 2) is None


def test_self_bleu_is_100_for_texts_that_are_all_alike_and_low_for_those_with_nothing_in_common():
    pytest.importorskip("sacrebleu")
    same = ["the key is not in the list of all keys"] * 3
    assert self_bleu(same) == pytest.approx(100)
    assert self_bleu(["one two three four five", "six seven eight nine ten"]) < 5
    assert self_bleu(["alone"]) is None


def test_self_bleu_is_left_out_where_sacrebleu_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    assert self_bleu(["a b", "a c"]) is None


@settings(deadline=None)
@given(WORDS)
def test_parts_are_all_words_in_order(words):
    assert " ".join(parts(" ".join(words))).split() == words
    sizes = [len(one.split()) for one in parts(" ".join(words))]
    assert max(sizes) - min(sizes) <= 1


def test_the_published_values_are_told_as_they_are():
    assert measures.PUBLISHED["mean"] == 0.078
    assert math.isclose(measures.HUMAN["mean"], 0.011)
