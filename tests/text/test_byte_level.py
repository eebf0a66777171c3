"""tiktoken's encoding must equal Hugging Face's for every vocabulary that it is trusted with, on every character."""

import json
import random
import unicodedata

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from foretell.text.bpe import train_bpe
from foretell.text.byte_level import characters, fast_encoding, token_bytes
from foretell.text.specials import BPE
from foretell.text.tokenizer import Tokenizer


def byte_bpe(merges, dropout=None):
    """A byte-level BPE with these merges (pairs of strings), ids in order."""
    vocab = {c: i for i, c in enumerate(characters())}
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    inner = tokenizers.Tokenizer(models.BPE(vocab, merges, dropout=dropout))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return inner


def test_the_stand_ins_are_those_of_the_published_files():
    assert sorted(characters()) == sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = tokenizers.Tokenizer(models.BPE({c: i for i, c in enumerate(characters())}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    text = "".join(map(chr, range(0x800)))  # holds every byte that UTF-8 uses up to two bytes
    assert bytes(inner.encode(text).ids) == text.encode()


def test_the_bytes_of_every_token(bpe):
    table = token_bytes(json.loads(bpe.to_json()))
    assert table[bpe.special("<|user|>")] == b"<|user|>"
    assert [table[i] for i in bpe.encode("\u20ac the")] == [
        bpe._fast.decode_single_token_bytes(i) for i in bpe.encode("\u20ac the")
    ]
    assert len(set(table)) == bpe.n_vocab


@pytest.mark.slow
def test_every_character_is_cut_as_hugging_face_cuts_it(bpe):
    known = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn"]
    texts = [f"a{c}1 {c} {c}{c}'s\n{c}  " for c in known]
    theirs = tokenizers.Tokenizer.from_str(bpe.to_json()).encode_batch_fast(texts)
    ours = bpe.encode_batch(texts)
    wrong = [c for c, mine, other in zip(known, ours, theirs, strict=True) if mine.tolist() != other.ids]
    assert not wrong


def test_a_trained_vocabulary_is_trusted_and_equal(bpe, odd_texts, prose):
    assert bpe._fast is not None
    theirs = tokenizers.Tokenizer.from_str(bpe.to_json())
    theirs.encode_special_tokens = True
    for text in [*odd_texts, *prose]:
        assert bpe._fast.encode_ordinary(text) == theirs.encode(text).ids


@pytest.mark.parametrize(
    ("letters", "n_merges"), [("a", 20), ("ab", 150), ("ab ", 120), ("aA1 .", 60), ("abc\u00e9\u00e8\u4e2d", 150)]
)
def test_vocabularies_of_few_letters_are_trusted_and_equal(letters, n_merges):
    """Few letters make the tokens overlap as much as tokens can."""
    rng = random.Random(letters)
    texts = ["".join(rng.choices(letters, k=rng.randrange(1, 80))) for _ in range(600)]
    tokenizer = train_bpe(texts[:300], 256 + len(BPE) + n_merges)
    theirs = tokenizers.Tokenizer.from_str(tokenizer.to_json())
    assert tokenizer._fast is not None
    assert [tokenizer.encode(text) for text in texts] == [theirs.encode(text).ids for text in texts]


def merged_in_order(text, merges):
    """The slow twin for one word: every merge in turn, over the whole word, from the left."""
    parts = [characters()[byte] for byte in text.encode()]
    for left, right in merges:
        at = 0
        while at < len(parts) - 1:
            if parts[at : at + 2] == [left, right]:
                parts[at : at + 2] = [left + right]
            at += 1
    return parts


@pytest.mark.parametrize("word", ["aaaaaaa", "abcabcab", "bcabca", "cabbage", "aab", "baaa"])
@pytest.mark.parametrize(
    "merges",
    [
        [("a", "a"), ("aa", "a"), ("b", "c")],
        [("a", "b"), ("ab", "c"), ("c", "ab"), ("a", "aa")],
        [("b", "c"), ("a", "bc"), ("a", "a"), ("aa", "aa")],
    ],
)
def test_merges_are_done_in_order(word, merges):
    merges = [pair for pair in merges if pair != ("a", "aa")]
    tokenizer = Tokenizer(byte_bpe(merges))
    names = {i: token for token, i in tokenizer._inner.get_vocab().items()}
    assert [names[i] for i in tokenizer.encode(word)] == merged_in_order(word, merges)


def test_a_token_that_its_own_text_never_gives_is_not_left_to_tiktoken():
    inner = byte_bpe([("a", "b"), ("b", "c"), ("a", "bc")])  # abc is ab c: the third merge cannot happen
    assert fast_encoding(json.loads(inner.to_str())) is None
    tokenizer = Tokenizer(inner)
    assert tokenizer.encode("abc") == byte_bpe([("a", "b"), ("b", "c"), ("a", "bc")]).encode("abc").ids
    assert tokenizer.decode(tokenizer.encode("abc")) == "abc"
    assert tokenizer.encode_batch(["abc"])[0].tolist() == tokenizer.encode("abc")


def swapped():
    """Two merges in one order, their ids in the other."""
    vocab = {c: i for i, c in enumerate(characters())} | {"cd": 256, "ab": 257}
    inner = tokenizers.Tokenizer(models.BPE(vocab, [("a", "b"), ("c", "d")]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return inner


def with_normalizer():
    inner = byte_bpe([("a", "b")])
    inner.normalizer = tokenizers.normalizers.NFC()
    return inner


def with_added_word():
    inner = byte_bpe([("a", "b")])
    inner.add_tokens(["hello"])
    return inner


def with_prefix_space():
    inner = byte_bpe([("a", "b")])
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return inner


@pytest.mark.parametrize("make", [swapped, with_normalizer, with_added_word, with_prefix_space])
def test_what_tiktoken_cannot_say_is_left_to_hugging_face(make):
    tokenizer = Tokenizer(make())
    assert tokenizer._fast is None
    for text in ["ab hello cd", "e\u0301 hello", "abcd"]:
        assert tokenizer.encode(text) == make().encode(text).ids
