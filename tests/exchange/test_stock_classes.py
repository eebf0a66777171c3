"""transformers computes what we compute, from our folders, and we what it computes, from its own."""

import pytest
import torch

from foretell.errors import BadUse
from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, save_model, stock_layout
from foretell.model.config import Heads
from tests.exchange.conftest import CONFIGS, random_network

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
IDS = torch.tensor([[1, 5, 7, 30, 2, 9], [4, 4, 11, 0, 39, 3]])
REAL = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
SEGMENTS = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0]])


def our_logits(name, network):
    with torch.no_grad():
        if name == "MarianMTModel":
            return {"tokens": network(IDS[:, :4], source=IDS, source_attend=REAL)}
        if name == "BertForPreTraining":
            hidden = network.hidden(IDS, SEGMENTS, REAL)
            return {"tokens": network.logits(hidden), "next": network.next_sentence_logits(hidden).flip(-1)}
        return {"tokens": network(IDS)}


def their_logits(name, model):
    with torch.no_grad():
        if name == "MarianMTModel":
            return {"tokens": model(input_ids=IDS, attention_mask=REAL.long(), decoder_input_ids=IDS[:, :4]).logits}
        if name == "BertForPreTraining":
            found = model(input_ids=IDS, token_type_ids=SEGMENTS, attention_mask=REAL.long())
            return {"tokens": found.prediction_logits, "next": found.seq_relationship_logits}
        return {"tokens": model(input_ids=IDS).logits}


def assert_equal(name, ours, theirs):
    for part, wanted in their_logits(name, theirs).items():
        found = our_logits(name, ours)[part]
        real = REAL if part == "tokens" and name == "BertForPreTraining" else torch.ones(found.shape[:-1], dtype=bool)
        torch.testing.assert_close(found[real], wanted[real], rtol=0, atol=2e-5)


def test_our_folder_is_loaded_by_the_stock_class_with_equal_logits(stock, tmp_path):
    name, network = stock
    said = save_model(tmp_path / "model", network, None, Card(recipe="a test"))
    assert said == f"transformers loads it as {name}"
    theirs = getattr(transformers, name).from_pretrained(tmp_path / "model").eval()
    assert_equal(name, network, theirs)


def test_their_folder_is_loaded_by_us_with_equal_logits_and_weights(stock, tmp_path):
    name, network = stock
    save_model(tmp_path / "ours", network, None, Card(recipe="a test"))
    theirs = getattr(transformers, name).from_pretrained(tmp_path / "ours").eval()
    theirs.save_pretrained(tmp_path / "theirs")
    again = load_model(tmp_path / "theirs").network
    assert_equal(name, again, theirs)
    for key, value in network.state_dict().items():
        if name == "GPTNeoForCausalLM" and "query" in key:
            torch.testing.assert_close(again.state_dict()[key], value)  # times and by sqrt(d_head)
        else:
            assert torch.equal(again.state_dict()[key], value), key


def test_what_they_made_themselves_comes_over(tmp_path):
    config = transformers.GPT2Config(vocab_size=40, n_positions=24, n_embd=16, n_layer=2, n_head=2)
    theirs = transformers.GPT2LMHeadModel(config).eval()
    theirs.save_pretrained(tmp_path / "theirs")
    assert_equal("GPT2LMHeadModel", load_model(tmp_path / "theirs").network, theirs)


def test_a_fine_tuned_encoder_is_a_sequence_classifier(tmp_path):
    from dataclasses import replace

    heads = Heads(lm=False, task_pooler=True, n_outputs=3, task_dropout=0.1)
    network = random_network(replace(CONFIGS["BertForPreTraining"], heads=heads))
    save_model(tmp_path / "model", network, None, Card(recipe="a test"))
    theirs = transformers.BertForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    with torch.no_grad():
        wanted = theirs(input_ids=IDS, token_type_ids=SEGMENTS, attention_mask=REAL.long()).logits
        found = network.task_outputs(network.hidden(IDS, SEGMENTS, REAL)[:, 0])
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)
    assert torch.equal(load_model(tmp_path / "model").network.task_head.output.weight, network.task_head.output.weight)


@pytest.mark.parametrize(
    ("field", "value"), [("scale_attn_by_inverse_layer_idx", True), ("tie_word_embeddings", False)]
)
def test_a_foreign_field_that_changes_the_mathematics_is_refused(tmp_path, field, value):
    config = transformers.GPT2Config(vocab_size=40, n_positions=24, n_embd=16, n_layer=2, n_head=2, **{field: value})
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "theirs")
    with pytest.raises(BadUse, match=field):
        load_model(tmp_path / "theirs")


def test_a_network_without_a_stock_class_says_so(tmp_path):
    from foretell.recipes import modern

    network = random_network(modern.network("smoke"))
    assert stock_layout(network.cfg)[0] is None
    assert "no class of transformers" in save_model(tmp_path / "m", network, None, Card(recipe="a test"))
    again = load_model(tmp_path / "m").network
    assert torch.equal(again(IDS), network(IDS))
