"""The Python face of a model: text in, text out, saved and loaded."""

from dataclasses import replace

import pytest
import torch

import foretell
from foretell.errors import BadUse
from foretell.generate.model import Model
from foretell.recipes import bert, gpt2
from foretell.text.train import train_tokenizer
from tests.generate.conftest import random_network

TEXT = ["Return the value of the key, or the default if the key is not there. " * 3, "Raise an error " * 9] * 4


@pytest.fixture(scope="module")
def model():
    tokenizer = train_tokenizer("bpe", TEXT, 300, quiet=True)
    return Model(random_network(replace(gpt2.network("smoke"), n_vocab=300)), tokenizer)


def test_it_is_saved_and_loaded_with_the_same_words_and_numbers(model, tmp_path):
    assert "GPT2LMHeadModel" in model.save(tmp_path / "m")
    again = foretell.load(tmp_path / "m")
    ids = torch.tensor([again.tokenizer.encode("Return the key")])
    assert torch.equal(again.logits(ids), model.logits(ids))
    texts = [m.generate("Return", max_new_tokens=8, seed=3)[0].text for m in (again, model)]
    assert texts[0] == texts[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_transformers_generates_the_same_greedy_text(model, tmp_path):
    transformers = pytest.importorskip("transformers")
    model.save(tmp_path / "m")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "m")
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "m")
    given = words("Return the value", return_tensors="pt")
    said = theirs.generate(given.input_ids, attention_mask=given.attention_mask, max_new_tokens=20, do_sample=False)
    ours = model.generate("Return the value", max_new_tokens=20, temperature=0)[0]
    assert words.decode(said[0][given.input_ids.shape[1] :], skip_special_tokens=True) == ours.text


def test_a_score_is_of_the_joint_tokens_and_spaces_belong_to_the_completion(model):
    plain, spaced = model.score([("Return the", " value"), ("Return the ", "value")])
    assert plain == spaced
    whole = model.score([("", "Return the value")])[0]
    assert whole.n == len(model.tokenizer.encode("Return the value"))


def test_a_context_is_encoded_once_for_all_its_completions(model, monkeypatch):
    encoded, encode = [], model.tokenizer.encode
    pairs = [("Return the ", f"{word}") for word in ("value", "key", "default")]
    apart = [model.score([pair])[0] for pair in pairs]
    monkeypatch.setattr(model.tokenizer, "encode", lambda text: encoded.append(text) or encode(text))
    together = model.score(pairs)
    assert encoded.count("Return the") == 1
    assert len(encoded) == 4
    assert [one.n for one in together] == [one.n for one in apart]
    assert [one.logprob for one in together] == pytest.approx([one.logprob for one in apart], abs=1e-4)


def test_an_encoder_does_not_generate(model):
    encoder = Model(random_network(replace(bert.network("smoke"), n_vocab=300)), model.tokenizer)
    with pytest.raises(BadUse, match="of kind encoder and cannot generate"):
        encoder.generate("Return")


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(BadUse, match="holds no config"):
        foretell.load(tmp_path)


def test_a_token_that_spans_the_border_belongs_to_the_completion(model):
    whole, cut = "the value of the key", len("the val")
    context, completion = model.encoded(whole[:cut], whole[cut:])
    assert [*context, *completion] == model.tokenizer.encode(whole)
    assert completion
    assert whole.startswith(model.tokenizer.decode(context))
    assert len(model.tokenizer.decode(context)) <= cut


def test_a_searched_completion_ends_before_a_stop_text(model):
    (free,) = model.generate("The", beam=3, max_new_tokens=8)
    stop = free.text[len(free.text) // 2]
    (cut,) = model.generate("The", beam=3, max_new_tokens=8, stop=(stop,))
    assert cut.finish == "stop"
    assert model.tokenizer.decode(cut.ids).startswith(cut.text + stop)
    assert stop not in cut.text


@pytest.mark.parametrize("drawn", [{"temperature": 0.5}, {"top_k": 3}, {"top_p": 0.5}])
def test_a_search_draws_nothing(model, drawn):
    with pytest.raises(BadUse, match="beam=2 searches and draws nothing"):
        model.generate("The", beam=2, **drawn)
