"""Texts as copies are compared, beside a plain twin and the engine's own normalisation."""

import random
import string
import unicodedata

import pyarrow as pa
import pytest

from foretell.corpus import folding
from foretell.corpus.folding import folded, normalised

SPACES = "\t\n\x0b\x0c\r "
LETTERS = [*map(chr, range(128)), *"  \n\t--..,,abcABC"]
WIDE = [*"\u00e9\u0130\u00df\u00a0\u2003\u201cq\u201d\u00bf\u4e2d\ud55c\U0001f642\u0301", *"aB c-. \n"]


def of(function, texts):
    return function(pa.array(texts, pa.string()))["text"].to_pylist()


def twin(text, remove_punct):
    """By the definition, of ASCII alone."""
    kept = "".join(c for c in text.lower() if not (remove_punct and c in string.punctuation))
    return " ".join(word for word in "".join(" " if c in SPACES else c for c in kept).split(" ") if word)


def made_up(letters, n, seed):
    rng = random.Random(seed)
    return ["".join(rng.choices(letters, k=rng.randrange(12))) for _ in range(n)]


def test_texts_are_compared_without_case_punctuation_and_spaces():
    assert of(normalised, ["  It's\tA\n\nTEST. ", "its a test", None]) == ["its a test", "its a test", ""]
    assert of(folded, ["  It's\tA\n\nTEST. ", "it's a test.", None]) == ["it's a test.", "it's a test.", ""]


@pytest.mark.parametrize(("function", "remove_punct"), [(folded, False), (normalised, True)])
def test_ascii_texts_are_what_the_definition_says_and_what_the_engine_makes_of_them(function, remove_punct):
    texts = ["", " ", "-", " - ", "a -", "- a", "a - b", *LETTERS, *made_up(LETTERS, 4000, 0)]
    found = of(function, texts)
    assert found == [twin(text, remove_punct) for text in texts]
    assert found == folding._by_engine(pa.array(texts), remove_punct).to_pylist()


@pytest.mark.parametrize(("function", "remove_punct"), [(folded, False), (normalised, True)])
def test_texts_with_other_letters_keep_their_places_among_the_ascii_ones(function, remove_punct):
    texts = [text for pair in zip(made_up(LETTERS, 500, 1), made_up(WIDE, 500, 2), strict=True) for text in pair]
    assert of(function, texts) == folding._by_engine(pa.array(texts), remove_punct).to_pylist()
    assert of(function, texts[1::2]) == of(function, texts)[1::2]


def test_letters_beyond_ascii_are_lowered_and_decomposed_and_their_spaces_are_spaces():
    assert of(normalised, ["Caf\u00c9,\u00a0\u2003noir -"]) == [unicodedata.normalize("NFD", "caf\u00e9 noir")]


@pytest.mark.parametrize("function", [folded, normalised])
def test_a_part_of_an_array_chunks_and_wide_offsets_give_the_same(function):
    texts = ["", "A  b", None, " c ", "\u00c9 d", "-", "E f.", ""]
    plain = of(function, texts)
    whole = pa.array(texts, pa.string())
    assert function(whole.slice(2, 5))["text"].to_pylist() == plain[2:7]
    assert function(pa.chunked_array([whole[:3], whole[3:3], whole[3:]]))["text"].to_pylist() == plain
    assert function(pa.array(texts, pa.large_string()).slice(1))["text"].to_pylist() == plain[1:]
    assert function(whole.slice(0, 0))["text"].to_pylist() == []
    assert function(pa.nulls(2, pa.string()))["text"].to_pylist() == ["", ""]


def test_a_long_run_of_blanks_is_one_and_none_at_the_end():
    run = " " * 1_000_000
    assert of(folded, [f"{run}a{run}b{run}", run, "c"]) == ["a b", "", "c"]
