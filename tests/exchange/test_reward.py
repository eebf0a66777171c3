"""A reward's head in the stock layout: what transformers makes of it, and what comes back."""

import json
from dataclasses import replace
from pydoc_data.topics import topics

import pytest
import torch
from safetensors.torch import load_file

from foretell.errors import BadUse
from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, load_weights_into, save_model
from foretell.model.config import Heads
from foretell.model.init import build
from foretell.text.chat import has_chat
from foretell.text.specials import CHAT
from foretell.text.train import train_tokenizer
from tests.exchange.conftest import GPT1, GPT2, random_network

REWARD = Heads(lm=False, n_outputs=1, task_bias=True)
SIZES = {"GPT2ForSequenceClassification": GPT2, "OpenAIGPTForSequenceClassification": GPT1}


@pytest.fixture(params=SIZES)
def reward(request):
    return request.param, random_network(replace(SIZES[request.param], heads=REWARD, n_vocab=300))


def saved(folder, network, tokenizer=None):
    assert "transformers loads it" in save_model(folder, network, tokenizer, Card(recipe="a test"))
    return folder


def test_comes_back_to_the_bit_and_strictly(reward, tmp_path):
    name, network = reward
    folder = saved(tmp_path / "m", network)
    assert json.loads((folder / "config.json").read_text())["architectures"] == [name]
    for own in (True, False):  # with our config beside it, and from theirs alone
        again = load_model(folder).network
        assert again.cfg.heads == REWARD
        for key, value in network.state_dict().items():
            assert torch.equal(again.state_dict()[key], value), (key, own)
        (folder / "foretell.json").unlink(missing_ok=True)


def test_another_bias_than_the_config_speaks_of_is_refused(tmp_path):
    folder = saved(tmp_path / "m", random_network(replace(GPT2, heads=replace(REWARD, task_bias=False))))
    own = json.loads((folder / "foretell.json").read_text())
    own["heads"]["task_bias"] = True
    (folder / "foretell.json").write_text(json.dumps(own))
    with pytest.raises(BadUse, match=r"the weights lack score\.bias"):
        load_model(folder)


def test_transformers_scores_are_ours_less_the_bias_with_and_without_padding(reward, tokenizer, tmp_path):
    transformers = pytest.importorskip("transformers")
    name, network = reward
    chat = tokenizer if has_chat(tokenizer) else tokenizer.with_specials(CHAT)
    folder = saved(tmp_path / "m", network, chat)
    assert list(load_file(folder / "model.safetensors")).count("score.bias") == 1
    theirs, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["mismatched_keys"]
    assert list(info["unexpected_keys"]) == ["score.bias"]
    ids = torch.randint(0, 250, (3, 20))
    lengths = torch.tensor([20, 13, 6])
    ids[torch.arange(3), lengths - 1] = chat.special("<|end|>")  # an answer's end, which no padding is
    padded = ids.where(torch.arange(20) < lengths[:, None], chat.pad)
    with torch.no_grad():
        there = theirs.eval()(input_ids=padded).logits[:, 0]
        ours = network.task_outputs(network.hidden(padded)[torch.arange(3), lengths - 1])[:, 0]
        alone = [
            network.task_outputs(network.hidden(row[None, :n])[0, -1])[0] for row, n in zip(ids, lengths, strict=True)
        ]
    torch.testing.assert_close(there + network.task_head.output.bias, ours, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours, torch.stack(alone), rtol=0, atol=5e-6)


def test_an_end_that_is_the_padding_too_is_not_taken_for_it(tmp_path):
    transformers = pytest.importorskip("transformers")
    network = random_network(replace(GPT2, heads=REWARD, n_vocab=300))
    plain = train_tokenizer("gpt1", list(topics.values())[:20], 300, quiet=True)
    folder = saved(tmp_path / "m", network, plain)
    assert json.loads((folder / "config.json").read_text())["pad_token_id"] is None
    theirs = transformers.GPT2ForSequenceClassification.from_pretrained(folder).eval()
    ids = torch.tensor([[5, 6, 7, plain.end_of_text]])
    with torch.no_grad():
        there = theirs(input_ids=ids).logits[0, 0] + network.task_head.output.bias
        ours = network.task_outputs(network.hidden(ids)[:, -1])[0]
    torch.testing.assert_close(there, ours, rtol=0, atol=1e-5)


def test_the_card_says_that_stock_scores_lack_the_bias(reward, tmp_path):
    text = (saved(tmp_path / "m", reward[1]) / "README.md").read_text()
    assert "`score.bias`" in text
    assert "differ by that constant" in text


def test_a_reward_starts_from_a_language_model_and_a_value_from_the_reward(tmp_path):
    folder = saved(tmp_path / "lm", random_network(GPT2))
    network = build(replace(GPT2, heads=REWARD), seed=5)
    head = network.task_head.output.weight.clone()
    assert load_weights_into(network, folder) == ["task_head.output.bias", "task_head.output.weight"]
    assert torch.equal(network.task_head.output.weight, head)
    value = build(replace(GPT2, heads=REWARD), seed=6)
    assert load_weights_into(value, saved(tmp_path / "reward", network)) == []
    assert torch.equal(value.task_head.output.weight, head)
