"""What users do with an exported folder: Auto classes load it, and generate the same greedy text."""

import subprocess
import sys
from dataclasses import replace
from string import ascii_lowercase

import pytest
import torch

from foretell.exchange.card import Card
from foretell.exchange.folder import load_model, save_model
from foretell.text.train import train_tokenizer
from tests.exchange.conftest import BERT, GPT1, GPT2, MARIAN, NEO, random_network

transformers = pytest.importorskip("transformers")
PROMPT = "the cat sat on"


def greedy(network, ids, n, **given):
    """The plainest loop there is: no cache, the whole row again for each token."""
    for _ in range(n):
        with torch.no_grad():
            ids = torch.cat([ids, network(ids, **given)[:, -1:].argmax(-1)], 1)
    return ids


@pytest.fixture(params=[GPT2, GPT1, NEO], ids=["GPT2", "OpenAIGPT", "GPTNeo"])
def decoder(request, tokenizer):
    return random_network(replace(request.param, n_vocab=tokenizer.n_vocab, n_ctx=48))


def test_auto_classes_generate_our_greedy_text(decoder, tokenizer, tmp_path):
    save_model(tmp_path / "m", decoder, tokenizer, Card(recipe="a test"))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "m").eval()
    read = transformers.AutoTokenizer.from_pretrained(tmp_path / "m")
    given = read(PROMPT, return_tensors="pt")
    assert given["input_ids"][0].tolist() == tokenizer.encode(PROMPT)
    found = theirs.generate(**given, do_sample=False, min_new_tokens=20, max_new_tokens=20, eos_token_id=None)
    wanted = greedy(decoder, given["input_ids"], 20)
    assert found.tolist() == wanted.tolist()
    assert read.decode(found[0]) == tokenizer.decode(wanted[0].tolist())
    assert theirs.config.eos_token_id == theirs.generation_config.eos_token_id == tokenizer.end_of_text
    assert theirs.generation_config.pad_token_id == tokenizer.pad


def test_a_translation_is_the_same_greedy_text(tokenizer, tmp_path):
    network = random_network(replace(MARIAN, n_vocab=tokenizer.n_vocab, n_ctx=48))
    save_model(tmp_path / "m", network, tokenizer, Card(recipe="a test"))
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "m").eval()
    source = torch.tensor([tokenizer.encode(text)[:4] for text in (PROMPT, "what is a cat?")])
    real = torch.tensor([[True] * 4, [True] * 3 + [False]])
    found = theirs.generate(
        input_ids=source, attention_mask=real.long(), do_sample=False, num_beams=1, max_new_tokens=12, min_new_tokens=12
    )
    start = torch.full((2, 1), tokenizer.end_of_text)
    with torch.no_grad():
        memory = network.encode(source, real)
    ids = start
    for _ in range(12):
        with torch.no_grad():
            logits = network.logits(network.hidden(ids, memory=memory, memory_attend=real)[:, -1])
        logits[:, tokenizer.end_of_text] = float("-inf")  # what min_new_tokens does
        ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], 1)
    assert found.tolist() == ids.tolist()


def test_an_encoder_pads_and_neither_starts_nor_stops(tmp_path):
    pairs = " ".join(a + b for a in ascii_lowercase for b in ascii_lowercase)
    words = train_tokenizer("wordpiece", [pairs, PROMPT] * 5, 300, quiet=True)
    network = random_network(replace(BERT, n_vocab=words.n_vocab))
    save_model(tmp_path / "m", network, words, Card(recipe="a test"))
    theirs = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "m")
    read = transformers.AutoTokenizer.from_pretrained(tmp_path / "m")
    assert theirs.config.pad_token_id == words.pad == read.pad_token_id
    assert theirs.config.eos_token_id is None
    assert not (tmp_path / "m" / "generation_config.json").exists()
    assert read(PROMPT, add_special_tokens=False)["input_ids"] == words.encode(PROMPT)


@pytest.mark.parametrize("cfg", [GPT2, GPT1, NEO, BERT, MARIAN], ids=["GPT2", "OpenAIGPT", "GPTNeo", "BERT", "Marian"])
def test_without_a_tokenizer_no_id_of_another_vocabulary_is_named(cfg, tmp_path):
    save_model(tmp_path / "m", random_network(cfg), None, Card(recipe="a test"))
    theirs = transformers.AutoConfig.from_pretrained(tmp_path / "m")
    ids = [theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id]
    assert all(i in (None, 0) for i in ids)
    assert cfg.kind != "seq2seq" or theirs.forced_eos_token_id is None


def test_a_saved_tokenizer_comes_back(tokenizer, tmp_path):
    network = random_network(replace(GPT2, n_vocab=tokenizer.n_vocab))
    save_model(tmp_path / "m", network, tokenizer, Card(recipe="a test"))
    assert load_model(tmp_path / "m").tokenizer.sha() == tokenizer.sha()


FRESH = """
import sys, torch, transformers
model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
ids = transformers.AutoTokenizer.from_pretrained(sys.argv[1])(sys.argv[2], return_tensors="pt")["input_ids"]
assert type(model).__name__ == "GPT2LMHeadModel"
assert "foretell" not in sys.modules
with torch.no_grad():
    torch.save(model(ids).logits, sys.argv[3] + "/logits.pt")
model.save_pretrained(sys.argv[3])
"""


@pytest.mark.slow
def test_a_fresh_process_without_foretell_computes_the_same(tokenizer, tmp_path):
    network = random_network(replace(GPT2, n_vocab=tokenizer.n_vocab))
    save_model(tmp_path / "m", network, tokenizer, Card(recipe="a test"))
    (tmp_path / "again").mkdir()
    command = [sys.executable, "-c", FRESH, str(tmp_path / "m"), PROMPT, str(tmp_path / "again")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    wanted = torch.load(tmp_path / "again" / "logits.pt", weights_only=True)
    with torch.no_grad():
        found = network(torch.tensor([tokenizer.encode(PROMPT)]))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    again = load_model(tmp_path / "again").network.state_dict()
    for key, value in network.state_dict().items():
        assert torch.equal(again[key], value), key
