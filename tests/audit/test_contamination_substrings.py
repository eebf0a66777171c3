"""Substrings of letters and digits are those that the rule written plainly finds, of every length and alphabet."""

import random
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.audit.contamination_substrings import (
    LENGTH,
    pattern_hits,
    patterns_of,
    plain,
    stripped,
    substrings,
)
from foretell.corpus.ngrams import words

CHARACTERS = st.sampled_from(
    "abcDE 19-_.\n\t\u2014\u00e9e\u0301\u00ad\u200b\u65e5\u672c\u0915\u093f\U0001f600\U00020bb7"
)
TEXT = st.text(CHARACTERS, max_size=90)


def slowly_plain(text):
    return "".join(c for c in text if unicodedata.category(c)[0] in "LMN")


def hits_of(wanted, texts):
    patterns, chunk = patterns_of(wanted), words(texts)
    found = pattern_hits(patterns, chunk)
    content = chunk.content.tobytes()
    return patterns, {
        (holder, text, content[begin:end].decode())
        for unit, text, begin, end in zip(*(column.tolist() for column in found), strict=True)
        for holder in patterns.holders[unit]
    }


@settings(deadline=None)
@given(TEXT)
def test_plain_text_is_its_letters_marks_and_numbers(text):
    assert plain(text) == slowly_plain(text)


@settings(deadline=None)
@given(st.lists(TEXT, max_size=5))
def test_texts_are_stripped_all_at_once_as_one_by_one(texts):
    content, offsets = stripped(words(texts))
    pieces = [content[a:b].decode() for a, b in pairwise(offsets)]
    assert pieces == [slowly_plain(text) for text in texts]


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=4), st.data())
def test_whatever_is_in_a_text_is_found_there_and_nothing_else(texts, data):
    pieces = [slowly_plain(text) for text in texts]
    inside = data.draw(st.sampled_from(pieces))
    bounds = sorted(data.draw(st.tuples(*[st.integers(0, len(inside))] * 2)))
    wanted = [one for one in [inside[slice(*bounds)], slowly_plain(data.draw(TEXT)), "1De", "zz"] if one]
    _, found = hits_of([[one] for one in wanted], texts)
    assert {(i, text) for i, text, _ in found} == {
        (i, text) for i, one in enumerate(wanted) for text, piece in enumerate(pieces) if one in piece
    }
    assert all(slowly_plain(snippet) == wanted[i] for i, _, snippet in found)


@pytest.mark.parametrize("length", [*range(1, 20), 23, 31, 46, 47, 48, 49, 50])
def test_a_pattern_is_found_wherever_it_begins(length):
    draw = random.Random(length)
    text = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=150))
    for begin in range(0, 100, 3):
        _, found = hits_of([[text[begin : begin + length]]], ["-".join(text), "another"])
        assert (0, 0) in {(holder, number) for holder, number, _ in found}


def test_a_pattern_does_not_reach_from_one_text_into_the_next():
    text = "".join(random.Random(0).choices("abcdefgh", k=LENGTH))
    _, found = hits_of([[text]], [text[:25], text[25:], ""])
    assert not found


def test_three_substrings_of_fifty_follow_from_the_name_and_the_seed():
    question = "What is " + "".join(random.Random(1).choices("abcdefghij ", k=400))
    found = substrings(question, "quiz 1", 0)
    assert [len(one) for one in found] == [50, 50, 50]
    assert all(one in slowly_plain(question) for one in found)
    assert found == substrings(question, "quiz 1", 0)
    assert found != substrings(question, "quiz 2", 0)
    assert found != substrings(question, "quiz 1", 1)


def test_a_short_question_is_whole_and_an_empty_one_is_none():
    assert substrings("48 plus 76?", "q") == ["48plus76"]
    assert substrings("?!", "q") == []


def test_the_case_of_letters_counts():
    assert hits_of([["Abcdefgh"]], ["abc defgh"])[1] == set()
    assert len(hits_of([["Abcdefgh"]], ["Abc defgh"])[1]) == 1


def test_many_patterns_with_the_same_windows_are_told_apart():
    same = "x" * 46
    wanted = [[f"{same}{i:04}"] for i in range(300)]
    _, found = hits_of(wanted, [f"a{same}0007b", same, f"{same}{same}0299"])
    assert {(i, text) for i, text, _ in found} == {(7, 0), (299, 2)}


def test_no_patterns_find_nothing():
    assert len(pattern_hits(patterns_of([[], []]), words(["abc"])).units) == 0
    assert np.array_equal(pattern_hits(patterns_of([["abc"]]), words([""])).units, [])
