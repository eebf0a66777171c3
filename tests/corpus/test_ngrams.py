"""Words of many texts at once against a plain reading of each, and hashes of runs against the polynomial they are."""

import gzip
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from foretell.corpus import ngrams
from foretell.corpus.ngrams import STRIDE, characters_before, chunks, rolling, runs, same_words, spread, word_of, words

PUBLISHED = {
    "I\u2019m going to go out on a limb here, and say that": "i m going to go out on a limb here and say that",
    "the 16-bit one's complement of the one's complement sum of": (
        "the 16 bit one s complement of the one s complement sum of"
    ),
    "lady who's sure\nall that glitters is gold / And she's buying": (
        "lady who s sure all that glitters is gold and she s buying"
    ),
    "against you in a court of law. (You have the right to an": (
        "against you in a court of law you have the right to an"
    ),
}
SPACES = [c for c in map(chr, range(0x110000)) if c.isspace()]
STRANGE = [
    "",
    " ",
    "plain words, with (punctuation) and State-of-the-art 3.14!",
    "emoji \U0001f600\u200d\U0001f525 between\U0001f468\u200d\U0001f469 words\ufe0f",
    "cafe\u0301 caf\u00e9 CAFE\u0301 na\u00efve \u0130stanbul \u1e9e STRASSE stra\u00dfe",
    "line\r\nends\r\rof\nall \r\n\r\n kinds\x0b\x0c\x1c\x1d\x85here",
    "no\u00a0break\u202fspace \u3000wide\u2003space\u2028line\u2029end",
    "... -- !!! , only ' punctuation \u2014 \u2026 \u00ab\u00bb here \u2019",
    "\u2014\u2026\u00ab\u00bb",
    "soft\u00adhyphen zero\u200bwidth \ufeffmark nul\x00 bell\x07 del\x7f",
    "\u03a3\u03a0\u0391\u03a3 \u03a3\u03a0\u0391\u03a3-\u03a3' <\u0338 \u226e \u212a \u01c5 \uff21\uff22",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002 \u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! e-\u0301 -\u0301",
    "\xc2 \u00c2\u00a0\u00e2\u0080\u0083 \u00e3",
    "$5 + 3 < 9 = ^`|~ a$b+c<d>e=f^g`h|i~j",
]


def plain_words(text):
    """The words of a text with the characters from which and to which their tokens go."""
    made, begin = [], None
    for at, c in enumerate(text + " "):
        if not (c.isspace() or unicodedata.category(c)[0] in "PS"):
            begin = at if begin is None else begin
        elif begin is not None:
            visible = "".join(c for c in text[begin:at] if unicodedata.category(c) not in ("Cc", "Cf"))
            if any(c.isalnum() for c in visible):
                made.append((unicodedata.normalize("NFC", visible.lower()), begin, at))
            begin = None
    return made


def fast_words(texts):
    made = []
    for _, found in chunks(texts):
        vocabulary = found.vocabulary.to_pylist()
        assert len(set(vocabulary)) == len(vocabulary)
        for i in range(len(found.firsts) - 1):
            low, high = found.firsts[i : i + 2]
            content = found.content[found.offsets[i] : found.offsets[i + 1]]
            places = [characters_before(content, at[low:high] - found.offsets[i]) for at in (found.begins, found.ends)]
            codes = found.codes[low:high]
            made.append([(vocabulary[c], int(a), int(b)) for c, a, b in zip(codes, *places, strict=True)])
    return made


def random_texts(n, seed):
    """Texts of letters, signs, spaces and marks of every kind, so that every border between them occurs."""
    rng = np.random.default_rng(seed)
    letters = [*"aAbZz09.,-'<$ \n\r\t\x00\x1f\x7f", *"\u0301\u0338\u00e9\u0130\u03a3\u2014\u200b\u00ad\u00c2", *SPACES]
    letters += [*"\U0001f600\u180e\u200b\u20ac\u00a1\u3001\u037e\u1fef\u4f60"]
    return ["".join(letters[i] for i in rng.integers(0, len(letters), rng.integers(0, 60))) for _ in range(n)]


@pytest.mark.parametrize("text", STRANGE)
def test_words_and_their_places_are_those_of_a_plain_reading(text):
    assert fast_words([text]) == [plain_words(text)]


def test_random_texts_have_the_words_of_a_plain_reading():
    texts = random_texts(3000, 1)
    assert fast_words(texts) == [plain_words(text) for text in texts]


@pytest.mark.parametrize("space", SPACES, ids=lambda c: f"U+{ord(c):04X}")
def test_every_white_space_of_unicode_divides_words(space):
    assert fast_words([f"\u00e9a{space}b", f"{space}c{space}{space}d{space}"]) == [
        [("\u00e9a", 0, 2), ("b", 3, 4)],
        [("c", 1, 2), ("d", 4, 5)],
    ]


def test_no_character_beyond_the_table_divides_words():
    assert not [code for code in range(ngrams.BEYOND, 0x110000) if ngrams.divides(chr(code))]


def test_places_are_characters_of_the_original_text():
    text = "\U0001f600 \u00abCafe\u0301\u00bb,\r\n\u00a0NOIR\u2764\ufe0f!"
    (found,) = fast_words([text])
    assert [(word, text[a:b]) for word, a, b in found] == [("caf\u00e9", "Cafe\u0301"), ("noir", "NOIR")]


def test_words_are_those_of_the_ngrams_that_openai_published():
    for text, wanted in PUBLISHED.items():
        assert " ".join(word for word, _, _ in fast_words([text])[0]) == wanted
        assert len(wanted.split()) == 13


def test_the_published_ngrams_are_thirteen_words_each(shared_data):
    with gzip.open(shared_data / "gpt3-tasks" / "overlap_frequency.md.gz", "rt", encoding="utf-8") as file:
        rows = [line.removeprefix("```").split(maxsplit=1) for line in file if line.removeprefix("```")[:1].isdigit()]
    grams = [gram.strip() for _, gram in rows]
    assert len(grams) > 100
    assert set(PUBLISHED.values()) <= set(grams)
    assert [" ".join(word for word, _, _ in found) for found in fast_words(grams)] == grams
    assert {len(found) for found in fast_words(grams)} == {13}


def test_a_word_of_punctuation_only_is_none_and_its_neighbours_are_adjacent():
    assert [word for word, _, _ in fast_words(["one \u2014 two ... \U0001f600\ufe0f three"])[0]] == [
        "one",
        "two",
        "three",
    ]


def test_words_end_where_a_text_ends():
    assert fast_words(["one", "two", "", "\u00e9", "x"]) == [
        [("one", 0, 3)],
        [("two", 0, 3)],
        [],
        [("\u00e9", 0, 1)],
        [("x", 0, 1)],
    ]


@pytest.mark.parametrize("size", [1, 7, 100, 10**6])
def test_chunks_of_any_size_give_the_same_words(size, monkeypatch):
    texts = STRANGE + random_texts(100, 2)
    monkeypatch.setattr(ngrams, "CHUNK", size)
    assert fast_words(texts) == [plain_words(text) for text in texts]
    firsts = [first for first, _ in chunks(texts)]
    assert firsts[0] == 0
    assert firsts == sorted(set(firsts))


def test_arrow_arrays_of_any_kind_are_read():
    texts = [*STRANGE, "one two"]
    wanted = [plain_words(text) for text in texts]
    assert fast_words(pa.array(texts)) == wanted
    assert fast_words(pa.array(texts, pa.large_string())[3:]) == wanted[3:]
    assert fast_words(pa.chunked_array([texts[:2], [], texts[2:]], pa.string())) == wanted
    assert (
        fast_words(pa.chunked_array([], pa.string())) == fast_words(pa.array([], pa.string())) == fast_words([]) == []
    )
    assert fast_words(pa.array(["a", None, "b"])) == [[("a", 0, 1)], [], [("b", 0, 1)]]
    assert fast_words(pa.array([None, None], pa.string())) == fast_words(["", ""]) == [[], []]


def test_one_word_alone_is_normalised_as_in_a_text():
    for text in STRANGE + random_texts(300, 3):
        for _, begin, end in plain_words(text):
            token = text[begin:end]
            assert [word_of(token)] == [word for word, _, _ in plain_words(token)]
    assert word_of("\ufe0f") == word_of("\u0301") == word_of("\u200b") == word_of("") == ""


@pytest.mark.parametrize("n", range(1, 18))
@pytest.mark.parametrize("size", [0, 1, 12, 13, 14, 60])
def test_a_hash_is_the_polynomial_of_its_run(n, size):
    values = np.random.default_rng(size).integers(0, 2**64, size, dtype=np.uint64)
    plain = []
    for i in range(size - n + 1):
        plain.append(0)
        for value in values[i : i + n].tolist():
            plain[-1] = (plain[-1] * STRIDE + value) % 2**64
    assert rolling(values, n).tolist() == plain


def test_numbers_are_spread_without_two_alike_and_otherwise_for_another_salt():
    numbers = np.arange(-1, 100_000)
    made = [spread(numbers, salt) for salt in range(8)]
    assert len(np.unique(np.concatenate(made))) == 8 * len(numbers)
    for bit in range(64):
        share = ((made[0] >> np.uint64(bit)) & np.uint64(1)).mean()
        assert share == pytest.approx(0.5, abs=0.01)


def test_runs_are_of_known_words_of_one_text():
    rng = np.random.default_rng(5)
    for _ in range(200):
        lengths = rng.integers(0, 9, rng.integers(0, 8))
        firsts = np.append(0, np.cumsum(lengths))
        known = rng.random(firsts[-1]) < 0.8
        n = int(rng.integers(1, 6))
        plain = [i for low, high in pairwise(firsts) for i in range(low, high - n + 1) if known[i : i + n].all()]
        assert runs(known, firsts, n).tolist() == plain


def test_the_same_words_are_the_same_in_every_place():
    a, b = np.array([1, 2, 3, 4, 2, 3]), np.array([9, 2, 3, 4])
    assert same_words(a, np.array([1, 4 - 2, 0]), b, np.array([1, 1, 0]), 3).tolist() == [True, False, False]


def test_texts_are_words_of_a_chunk_too():
    made = words(pa.array(["a b", "b"]))
    assert made.vocabulary.to_pylist() == ["a", "b"]
    assert made.codes.tolist() == [0, 1, 1]
    assert made.firsts.tolist() == [0, 2, 3]
