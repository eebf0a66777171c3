"""GPT-1's vocabulary must give transformers' ids."""

import json
from dataclasses import replace

import pytest
from transformers import OpenAIGPTTokenizer

from foretell.errors import BadUse
from foretell.generate.model import Model, load
from foretell.text.gpt1 import for_tasks, train_gpt1
from foretell.text.specials import GPT1_ADDED
from tests.generate.conftest import CONFIGS, random_network
from tests.text.unmarked import unmarked_gpt1


def test_gpt1_is_as_published(gpt1):
    assert (gpt1.kind, gpt1.n_vocab, gpt1.specials) == ("gpt1", 40478, {"<unk>": 0})
    more = gpt1.with_specials(GPT1_ADDED)
    assert (more.special("<start>"), more.special("<extract>"), more.n_vocab) == (40478, 40480, 40482)


def test_words_are_lower_cased_and_bounded(gpt1):
    assert gpt1.decode(gpt1.encode("The  Cat\nsat, didn't it?")) == "the cat sat , didn ' t it ?"
    assert gpt1.encode("THE CAT") == gpt1.encode("the cat")


@pytest.mark.slow
def test_gpt1_equals_transformers_on_megabytes(gpt1, published, real_texts, odd_texts):
    vocab, merges = published("gpt1_encoder_bpe_40000.json"), published("gpt1_vocab_40000.bpe")
    theirs = OpenAIGPTTokenizer(vocab=str(vocab), merges=str(merges))
    texts = [text for text in [*real_texts, *odd_texts] if "<unk>" not in text]
    assert sum(map(len, texts)) > 5_000_000
    assert [ids.tolist() for ids in gpt1.encode_batch(texts)] == theirs(texts)["input_ids"]


def test_a_rare_character_is_unknown_and_a_frequent_one_is_not(prose):
    tokenizer = train_gpt1([*prose, "\u2603"], 1000)  # one snowman
    assert tokenizer.encode("\u2603") == [tokenizer.special("<unk>")]
    assert tokenizer.special("<unk>") not in tokenizer.encode("the quick brown fox, 1984")


def test_characters_take_at_most_a_tenth(prose):
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))  # two thousand ideographs
    vocab = json.loads(train_gpt1([*prose, many * 2], 3000).to_json())["model"]["vocab"]
    assert sum(len(token.removesuffix("</w>")) == 1 for token in vocab) == 300


def test_a_model_with_the_published_vocabulary_generates_until_its_length(gpt1, tmp_path):
    network = random_network(replace(CONFIGS["post-norm"], n_vocab=gpt1.n_vocab))
    model = Model(network, gpt1)
    (made,) = model.generate("the value", max_new_tokens=5, temperature=0)
    assert (len(made.ids), made.finish) == (5, "length")
    with pytest.raises(BadUse, match="a prompt is empty and the vocabulary has no end-of-text token"):
        model.generate("", max_new_tokens=5)
    model.save(tmp_path / "saved")
    assert load(tmp_path / "saved").generate("the value", max_new_tokens=5, temperature=0) == [made]


def test_fine_tuning_adds_its_tokens_behind_all_others():
    unmarked = unmarked_gpt1()
    grown = for_tasks(unmarked)
    assert {i: name for name, i in grown.specials.items() if i >= unmarked.n_vocab} == dict(
        enumerate(("<start>", "<delim>", "<extract>", "<|endoftext|>"), unmarked.n_vocab)
    )
    assert grown.encode("Return the value") == unmarked.encode("Return the value")
    assert for_tasks(grown) is grown
