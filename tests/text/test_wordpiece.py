"""BERT's vocabulary must give transformers' ids; pieces are the longest from the left."""

import json

import pytest
from transformers import BertTokenizer

from foretell.errors import BadUse
from foretell.text.wordpiece import bert_from_file


def test_bert_is_as_published(bert):
    ids = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
    assert (bert.kind, bert.n_vocab, bert.specials) == ("wordpiece", 30522, ids)
    assert bert.encode("Hello World") == [7592, 2088]
    assert bert.decode(bert.encode("M\u00fcller, UNBELIEVABLY")) == "muller, unbelievably"


@pytest.mark.slow
def test_bert_equals_transformers_on_megabytes(bert, published, real_texts, odd_texts):
    theirs = BertTokenizer(vocab=str(published("bert_base_uncased_vocab.txt")))
    texts = [text for text in [*real_texts, *odd_texts] if not any(name in text for name in bert.specials)]
    assert sum(map(len, texts)) > 5_000_000
    assert [ids.tolist() for ids in bert.encode_batch(texts)] == theirs(texts, add_special_tokens=False)["input_ids"]


def longest_first(word, vocab):
    """The slow twin for one word of letters."""
    pieces, start = [], 0
    while start < len(word):
        ends = range(len(word), start, -1)
        end = next((e for e in ends if ("##" if start else "") + word[start:e] in vocab), None)
        if end is None:
            return ["[UNK]"]
        pieces.append(("##" if start else "") + word[start:end])
        start = end
    return pieces


def test_a_word_is_its_longest_pieces_from_the_left(wordpiece, prose):
    vocab = json.loads(wordpiece.to_json())["model"]["vocab"]
    words = sorted({word.lower() for text in prose for word in text.split() if word.isascii() and word.isalpha()})
    words += ["zz\u00df", "x\u2603"]
    assert len(words) > 2000
    for word in words:
        assert wordpiece.encode(word) == [vocab[piece] for piece in longest_first(word, vocab)]


@pytest.mark.parametrize("content", [b"", b"a\nb\n", b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n", b"\xff"])
def test_what_is_no_vocabulary_is_refused(tmp_path, content):
    (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(BadUse, match=r"give (the vocab\.txt of a BERT model|BERT's vocab\.txt)"):
        bert_from_file(tmp_path / "vocab.txt")
