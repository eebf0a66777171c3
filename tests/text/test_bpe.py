"""GPT-2's vocabulary must give tiktoken's and transformers' ids; a trained one must be the greedy one."""

import json
from collections import Counter

import pytest
import tiktoken
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from tokenizers import pre_tokenizers
from transformers import GPT2Tokenizer

from foretell.errors import BadUse
from foretell.text.bpe import gpt2_from_files, train_bpe
from foretell.text.byte_level import characters
from foretell.text.specials import CHAT

OPENAI_PATTERN = (
    r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""  # as released in 2019
)


@pytest.fixture
def openai(published):
    """tiktoken's gpt2 from the two files, with the pattern of the original release."""
    ranks = data_gym_to_mergeable_bpe_ranks(str(published("gpt2_vocab.bpe")), str(published("gpt2_encoder.json")))
    specials = {"<|endoftext|>": 50256}
    return tiktoken.Encoding("gpt2", pat_str=OPENAI_PATTERN, mergeable_ranks=ranks, special_tokens=specials)


def test_gpt2_is_as_published(gpt2):
    assert (gpt2.n_vocab, gpt2.specials, gpt2.end_of_text) == (50257, {"<|endoftext|>": 50256}, 50256)
    assert gpt2.encode("hello world") == [31373, 995]
    assert gpt2._fast is not None


@pytest.mark.slow
def test_gpt2_equals_tiktoken_on_megabytes(gpt2, openai, real_texts, odd_texts):
    texts = [*real_texts, "".join(real_texts[:20000]), *odd_texts]
    assert sum(map(len, texts)) > 5_000_000
    for text, ids in zip(texts, gpt2.encode_batch(texts), strict=True):
        assert ids.tolist() == openai.encode_ordinary(text)


@pytest.mark.slow
def test_gpt2_equals_transformers_on_megabytes(gpt2, published, real_texts, odd_texts):
    vocab, merges = published("gpt2_encoder.json"), published("gpt2_vocab.bpe")
    theirs = GPT2Tokenizer(vocab=str(vocab), merges=str(merges))
    texts = [text for text in [*real_texts, *odd_texts] if "<|endoftext|>" not in text]
    assert sum(map(len, texts)) > 5_000_000
    assert [ids.tolist() for ids in gpt2.encode_batch(texts)] == theirs(texts)["input_ids"]


def test_gpt2_can_be_taught_to_chat(gpt2):
    more = gpt2.with_specials(CHAT)
    assert [more.special(name) for name in CHAT] == [50257, 50258, 50259, 50260]


def test_files_of_two_tokenizers_are_refused(published):
    with pytest.raises(BadUse, match=r"gpt1_vocab_40000\.bpe, line \d+: .* merges what the vocabulary lacks"):
        gpt2_from_files(published("gpt2_encoder.json"), published("gpt1_vocab_40000.bpe"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadUse, match=r"encoder\.json does not exist"):
        gpt2_from_files(tmp_path / "encoder.json", tmp_path / "vocab.bpe")
    (tmp_path / "encoder.json").write_text("{}")
    with pytest.raises(BadUse, match=r"cannot read merges from .*vocab\.bpe"):
        gpt2_from_files(tmp_path / "encoder.json", tmp_path / "vocab.bpe")


def greedy_merges(texts, n):
    """The slow twin: n times the most frequent pair of neighbours, of equals the older, bytes by their value."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = Counter(word for text in texts for word, _ in split.pre_tokenize_str(text))
    parts, age, merges = {word: list(word) for word in words}, {}, []
    for token in characters():
        age[token] = len(age)
    for _ in range(n):
        pairs = Counter()
        for word, times in words.items():
            for pair in zip(parts[word], parts[word][1:], strict=False):
                pairs[pair] += times
        best = min(pairs, key=lambda pair: (-pairs[pair], age[pair[0]], age[pair[1]]))
        merges.append([*best])
        age["".join(best)] = len(age)
        for word in words:
            at = 0
            while at < len(parts[word]) - 1:
                if tuple(parts[word][at : at + 2]) == best:
                    parts[word][at : at + 2] = ["".join(best)]
                at += 1
    return merges


def test_training_merges_the_most_frequent_pair_first(prose):
    texts = prose[:8]
    assert json.loads(train_bpe(texts, 256 + 5 + 60).to_json())["model"]["merges"] == greedy_merges(texts, 60)


def test_a_trained_vocabulary_has_every_byte_and_the_asked_size(bpe):
    assert bpe.n_vocab == 1000
    assert {bpe.decode([i]) for i in range(bpe.n_vocab)} >= {chr(c) for c in range(128)}
    assert sorted((i, name) for name, i in bpe.specials.items()) == [
        *enumerate(["<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"], start=995)
    ]
