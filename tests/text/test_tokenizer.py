"""What every kind of tokenizer promises: no special token from text, ids as other tools have them, exact bytes."""

import gzip
import hashlib
import json
import re

import numpy as np
import pytest
import tokenizers
from tokenizers import models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from foretell.errors import BadUse
from foretell.text.specials import CHAT, IN_TRANSFORMERS
from foretell.text.tokenizer import Tokenizer, _wide_gap
from foretell.text.train import train_tokenizer

UNKNOWN = {"<unk>", "[UNK]"}


def saved(tokenizer, folder):
    tokenizer.save(folder, 512)
    return folder


def test_no_text_makes_a_special_token(trained, odd_texts):
    forbidden = {i for name, i in trained.specials.items() if name not in UNKNOWN}
    spelt = [f"a{name}b {name}\n{name}{name}" for name in trained.specials]
    assert len(forbidden) >= 4
    for text in [*spelt, *odd_texts]:
        assert not forbidden & set(trained.encode(text))
    for ids in trained.encode_batch([*spelt, *odd_texts]):
        assert not forbidden & set(ids.tolist())


def test_a_special_token_decodes_to_its_name(trained):
    assert all(trained.decode([i]).strip() == name for name, i in trained.specials.items())


def test_a_batch_gives_the_ids_of_each_text(trained, odd_texts):
    batch = trained.encode_batch(odd_texts)
    assert {ids.dtype for ids in batch} == {np.dtype(np.uint16)} == {trained.dtype}
    assert [ids.tolist() for ids in batch] == [trained.encode(text) for text in odd_texts]


def test_bpe_gives_every_text_back(bpe, odd_texts, prose):
    for text in [*odd_texts, *prose, "", "\x00", "\r\n \r"]:
        assert bpe.decode(bpe.encode(text)) == text
        assert bpe.decode(bpe.encode_batch([text])[0]) == text


def test_half_a_surrogate_pair_becomes_the_replacement_character(trained):
    assert trained.encode("a\ud800b") == trained.encode("a\ufffdb")
    assert trained.encode("\ud83d\ude00") == trained.encode("\U0001f600")  # a whole pair is what it stands for
    assert trained.encode_batch(["a\udfffb"])[0].tolist() == trained.encode("a\ufffdb")


def test_a_million_spaces_are_encoded(bpe):
    text = " " * 1_200_000 + "x"  # on which tiktoken's regular expressions run out of stack
    assert bpe.decode(bpe.encode(text)) == text
    assert bpe.encode_batch([text])[0].tolist() == bpe.encode(text)


@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_wide_gap_changes_no_id(bpe, space):
    before, after = space * 99_999 + "x", space * 100_001 + "x"  # either side of the limit
    assert bpe._fast.encode_ordinary(after) == bpe.encode(after)
    assert bpe._inner.encode(before).ids == bpe.encode(before)


@pytest.mark.parametrize("at", [0, 1, 12_499, 12_500, 70_001])
def test_a_gap_is_wide_wherever_it_stands(at):
    for gap in (99_999, 100_000):
        text = "x" * at + " \n" * (gap // 2) + " " * (gap % 2) + "y z" * 9
        assert _wide_gap(text) == (gap == 100_000)


@pytest.mark.parametrize("wrong", [-1, 1000, 10**12])
def test_an_id_outside_the_vocabulary_is_named(trained, wrong):
    with pytest.raises(BadUse, match=rf"^token id {wrong}: .* 0 to 999; decode with"):
        trained.decode([5, wrong])


def test_decode_takes_arrays_and_nothing(trained):
    ids = trained.encode("so it is")
    assert trained.decode(np.array(ids, dtype=np.uint16)) == trained.decode(ids) == "so it is"
    assert trained.decode([]) == trained.decode(np.array([], dtype=np.int64)) == ""


def test_broken_utf8_decodes_to_replacement_characters(bpe):
    ids = bpe.encode("\u20ac")
    assert bpe.decode(ids[:1]) == "\ufffd"


def test_an_unknown_special_name_lists_the_known(bpe):
    assert bpe.special("<|user|>") == bpe.specials["<|user|>"]
    with pytest.raises(BadUse, match=r"bpe tokenizer has no special token '<\|usr\|>'; did you mean '<\|user\|>'"):
        bpe.special("<|usr|>")


def test_pad_and_end_of_text(of_kind):
    found = {kind: tokenizer.decode([tokenizer.end_of_text, tokenizer.pad]) for kind, tokenizer in of_kind.items()}
    assert found == {"bpe": "<|endoftext|>" * 2, "gpt1": "<|endoftext|>" * 2, "wordpiece": "[SEP] [PAD]"}


def test_more_specials_come_after_all_other_ids(trained):
    more = trained.with_specials(["<extra>", "<other>"])
    assert (more.special("<extra>"), more.special("<other>"), more.n_vocab) == (1000, 1001, 1002)
    assert trained.n_vocab == 1000
    assert more.encode("what <extra> is") == trained.encode("what <extra> is")
    assert more.with_specials(["<extra>"]).n_vocab == 1002


# bytes


def test_byte_lengths_of_bpe_add_up_to_the_text(bpe, odd_texts):
    lengths = bpe.byte_lengths()
    assert lengths.shape == (bpe.n_vocab,)
    for text in odd_texts:
        assert lengths[bpe.encode(text)].sum() == len(text.encode())


def test_special_tokens_stand_for_no_bytes(trained):
    assert not trained.byte_lengths()[list(trained.specials.values())].any()


@pytest.mark.parametrize("text", ["it, too", "one two three", "tokenisation", "what? this! so; it."])
def test_a_word_counts_the_space_that_bounds_it(wordwise, text):
    assert wordwise.byte_lengths()[wordwise.encode(text)].sum() == len(text.encode()) + 1  # the first word's too


def test_a_mark_counts_no_space(wordwise):
    lengths = wordwise.byte_lengths()
    assert lengths[wordwise.encode("(x)")].tolist() == [1, 2, 1]
    assert lengths[wordwise.encode("x.y")].sum() == len("x.y") + 2  # one too many, as the docstring says


def test_an_ideograph_counts_no_space(wordwise, prose):
    tokenizer = train_tokenizer(wordwise.kind, [*prose, "\u4e2d\u56fd" * 50], 1000, quiet=True)
    assert tokenizer.byte_lengths()[tokenizer.encode("\u4e2d\u56fd")].tolist() == [3, 3]


def test_byte_lengths_are_those_of_the_words(wordwise, prose):
    """The slow twin: words found by a regular expression, each with a space unless it is a mark."""
    lengths = wordwise.byte_lengths()
    plain = [text.lower() for text in prose if text.isascii()]
    assert len(plain) >= 30
    for text in plain:
        words = re.findall(r"[a-z0-9]+|[^a-z0-9\s]", text)
        assert lengths[wordwise.encode(text)].sum() == sum(len(word) + word.isalnum() for word in words)


def test_byte_lengths_of_words_follow_prose(wordwise, shared_data):
    text = gzip.decompress((shared_data / "tinyshakespeare" / "input.txt.gz").read_bytes()).decode()
    plain = " ".join(text.lower().split())  # runs of spaces count as one
    total = wordwise.byte_lengths()[wordwise.encode(text)].sum()
    assert total == pytest.approx(len(plain), rel=0.02)


# files


def test_a_saved_tokenizer_is_the_same(trained, tmp_path, odd_texts):
    again = Tokenizer.load(saved(trained, tmp_path))
    assert (again.kind, again.n_vocab, again.specials) == (trained.kind, trained.n_vocab, trained.specials)
    assert again.sha() == trained.sha() == hashlib.sha256((tmp_path / "tokenizer.json").read_bytes()).hexdigest()
    assert [again.encode(text) for text in odd_texts] == [trained.encode(text) for text in odd_texts]


def test_another_vocabulary_has_another_sha(bpe):
    assert bpe.with_specials(["<extra>"]).sha() != bpe.sha()


@pytest.mark.parametrize("model_named", [False, True])
def test_transformers_agrees(trained, tmp_path, odd_texts, prose, model_named):
    folder = saved(trained, tmp_path)
    if model_named:  # then transformers may prefer the model's own tokenizer class
        model_type = {"bpe": "gpt2", "gpt1": "openai-gpt", "wordpiece": "bert"}[trained.kind]
        (folder / "config.json").write_text(json.dumps({"model_type": model_type, "vocab_size": trained.n_vocab}))
    for theirs in (AutoTokenizer.from_pretrained(folder), PreTrainedTokenizerFast.from_pretrained(folder)):
        assert len(theirs) == trained.n_vocab
        assert theirs.model_max_length == 512
        assert theirs.convert_tokens_to_ids(list(trained.specials)) == list(trained.specials.values())
        for role, name in IN_TRANSFORMERS[trained.kind].items():
            assert getattr(theirs, role) == name
        plain = [text for text in [*odd_texts, *prose] if not any(name in text for name in trained.specials)]
        found = theirs(plain, add_special_tokens=False)
        assert found["input_ids"] == [trained.encode(text) for text in plain]
        assert ("token_type_ids" in found) == (trained.kind == "wordpiece")
        ids = trained.encode("So it is, too.")
        assert theirs.decode(ids) == trained.decode(ids)


def test_transformers_finds_the_special_tokens_where_we_do_not(trained, tmp_path):
    theirs = AutoTokenizer.from_pretrained(saved(trained, tmp_path))
    for name, i in trained.specials.items():
        if name not in UNKNOWN:
            assert theirs(f"so{name}it", add_special_tokens=False)["input_ids"] == [
                *trained.encode("so"),
                i,
                *trained.encode("it"),
            ]


def test_transformers_frames_a_pair_as_bert_does(wordpiece, tmp_path):
    found = AutoTokenizer.from_pretrained(saved(wordpiece, tmp_path))("so", "it is")
    cls, sep, a, b = (*map(wordpiece.special, ("[CLS]", "[SEP]")), *map(wordpiece.encode, ("so", "it is")))
    assert found["input_ids"] == [cls, *a, sep, *b, sep]
    assert found["token_type_ids"] == [0] * (len(a) + 2) + [1] * (len(b) + 1)


def test_no_chat_template_without_chat_tokens(trained, tmp_path):
    saved(trained, tmp_path)
    assert (tmp_path / "chat_template.jinja").exists() == (trained.kind == "bpe")


def test_a_foreign_file_that_truncates_and_pads_does_neither_here(bpe, tmp_path):
    content = tokenizers.Tokenizer.from_str(bpe.to_json())
    content.enable_truncation(3)
    content.enable_padding(length=50)
    content.save(str(tmp_path / "tokenizer.json"))
    again = Tokenizer.load(tmp_path)
    assert again._inner.encode("one two three four five").ids == again.encode("one two three four five")
    assert again.encode("one two three four five") == bpe.encode("one two three four five")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadUse, match=r"tokenizer\.json does not exist; give a folder"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"model": 3}', b"\xff\xfe", None])
def test_a_damaged_file_is_one_line(trained, tmp_path, damage):
    whole = trained.to_json().encode()
    (tmp_path / "tokenizer.json").write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(BadUse, match=r"is no tokenizer\.json \(.*\); copy it again") as caught:
        Tokenizer.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_tokenizer_of_another_kind_is_refused(tmp_path):
    words = tokenizers.Tokenizer(models.Unigram([("a", -1.0)]))
    words.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(BadUse, match="a Unigram tokenizer on None words is none of bpe, gpt1, wordpiece"):
        Tokenizer.load(tmp_path)


def test_ids_with_a_hole_are_refused():
    inner = tokenizers.Tokenizer(models.BPE({"a": 0, "b": 2}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    with pytest.raises(BadUse, match="2 tokens have ids up to 2; ids must be 0 to 1"):
        Tokenizer(inner)


def test_special_tokens_come_last_but_berts_first(of_kind):
    last = {"bpe": ["<|endoftext|>", *CHAT], "gpt1": ["<start>", "<delim>", "<extract>", "<|endoftext|>"]}
    for kind, names in last.items():
        assert [of_kind[kind].special(name) for name in names] == [*range(1000 - len(names), 1000)]
    assert of_kind["gpt1"].special("<unk>") == 0
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert [of_kind["wordpiece"].special(name) for name in names] == [0, 1, 2, 3, 4]
