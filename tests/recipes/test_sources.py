"""What a recipe's word for its data means: whose text, whose tokenizer, which folder."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from foretell.errors import BadUse
from foretell.recipes import recipe
from foretell.recipes.sources import resolve, tokenizer_folder
from foretell.runs import read_json
from foretell.text.tokenizer import Tokenizer
from foretell.train.loop import train
from tests.prose import write_prose


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two folders of text, and a run on the first."""
    root = tmp_path_factory.mktemp("sources")
    write_prose(root / "one")
    other = write_prose(root / "other", files=8)
    for path in other.iterdir():
        path.write_text(path.read_text().replace("value", "worth").replace("kept", "held").replace("found", "seen"))
    (other / "more.txt").write_text("Quick foxes jump over lazy dogs while hens cluck beside a wooden fence. " * 40)
    cfg = replace(recipe("gpt2.pretrain:smoke"), steps=1)
    train(resolve(cfg, root / "corpora", text=str(root / "one"), quiet=True), root / "run", quiet=True)
    return root


def test_a_start_brings_its_tokenizer_to_other_text(root):
    cfg = replace(recipe("gpt2.pretrain:smoke"), start=str(root / "run"))
    found = resolve(cfg, root / "corpora", text=str(root / "other"), quiet=True)
    assert Tokenizer.load(Path(found.data.folder)).sha() == Tokenizer.load(root / "run" / "model").sha()
    alone = resolve(replace(cfg, start=""), root / "corpora", text=str(root / "other"), quiet=True)
    assert Tokenizer.load(Path(alone.data.folder)).sha() != Tokenizer.load(root / "run" / "model").sha()
    assert alone.data.folder != found.data.folder
    again = resolve(cfg, root / "corpora", text=str(root / "other"), quiet=True)
    assert again == found


def test_tokens_of_another_tokenizer_are_refused_with_the_start(root):
    cfg = recipe("gpt2.pretrain:smoke")
    foreign = resolve(cfg, root / "apart", text=str(root / "other"), quiet=True).data.folder
    cfg = replace(cfg, start=str(root / "run"), data=replace(cfg.data, folder=foreign))
    with pytest.raises(BadUse, match="was encoded by another tokenizer than that of"):
        resolve(cfg, root / "apart", quiet=True)


def test_no_start_has_no_tokenizer_wherever_the_command_is_given(root, monkeypatch):
    monkeypatch.chdir(root / "run")
    assert tokenizer_folder("") is None
    assert tokenizer_folder(".").name == "model"


def test_a_start_that_is_not_there_is_named(root):
    with pytest.raises(BadUse, match=r"nowhere does not exist, and gpt2\.pretrain:smoke starts from it"):
        resolve(replace(recipe("gpt2.pretrain:smoke"), start="nowhere"), root, quiet=True)


def test_the_card_says_what_the_tokens_were_made_of(root):
    found = resolve(recipe("gpt2.pretrain:smoke"), root / "corpora", text=str(root / "one"), quiet=True)
    assert {"source", "tokenizer_sha256", "n_vocab"} <= read_json(
        root / "corpora" / found.data.folder / "card.json"
    ).keys()


def label_recipe(stage, root, **fields):
    cfg = recipe(f"instructgpt.{stage}:smoke")
    return replace(cfg, start=str(root / "run"), **fields)


def test_prompts_and_demonstrations_are_made_once_from_the_text(root):
    for stage in ("sft", "ppo"):
        cfg = label_recipe(stage, root)
        found = resolve(cfg, root / "corpora", text=str(root / "one"), quiet=True).data
        assert found.folder == str(root / "corpora" / "one-instructions")
        assert found.tokens == str(root / "run" / "model")
    made = read_json(root / "corpora" / "one-instructions" / "card.json")
    assert made["n_demonstrations"]["train"] >= 32
    before = (root / "corpora" / "one-instructions" / "prompts.jsonl").stat().st_mtime_ns
    resolve(label_recipe("sft", root), root / "corpora", text=str(root / "one"), quiet=True)
    assert (root / "corpora" / "one-instructions" / "prompts.jsonl").stat().st_mtime_ns == before


@pytest.mark.parametrize("stage", ["start", "ppo"])
def test_the_pretraining_text_that_is_mixed_in_has_the_runs_tokenizer(root, stage):
    found = resolve(label_recipe(stage, root), root / "corpora", text=str(root / "other"), quiet=True).data
    assert Tokenizer.load(Path(found.text)).sha() == Tokenizer.load(root / "run" / "model").sha()
    foreign = resolve(recipe("gpt2.pretrain:smoke"), root / "apart2", text=str(root / "other"), quiet=True).data.folder
    cfg = label_recipe(stage, root)
    cfg = replace(cfg, data=replace(cfg.data, text=foreign))
    with pytest.raises(BadUse, match="was encoded by another tokenizer than that of"):
        resolve(cfg, root / "corpora", text=str(root / "other"), quiet=True)


def test_from_scratch_text_and_demonstrations_share_a_tokenizer(root):
    cfg = replace(recipe("instructgpt.start:smoke"), start="scratch")
    found = resolve(cfg, root / "scratch", text=str(root / "one"), quiet=True).data
    assert found.text == found.tokens == str(root / "scratch" / "one-bpe-512")


def test_rankings_are_not_embedded_and_it_is_said_what_makes_them(root):
    with pytest.raises(
        BadUse, match=r"label sample MODEL and label simulate make some in a store, then train with --lab"
    ):
        resolve(label_recipe("reward", root), root / "corpora", text=str(root / "one"), quiet=True)


def test_a_tokenizer_with_more_ids_than_the_network_is_refused(root):
    cfg = label_recipe("sft", root)
    cfg = replace(cfg, model=replace(cfg.model, n_vocab=500))
    with pytest.raises(BadUse, match=r"has 512 token ids, the network 500; add --model.n-vocab 512"):
        resolve(cfg, root / "corpora", text=str(root / "one"), quiet=True)


def test_fine_tuning_on_what_was_made_lowers_the_held_out_loss(root):
    cfg = replace(label_recipe("start", root), steps=12, evaluate_every=12, evaluate_rows=32)
    cfg = resolve(cfg, root / "corpora", text=str(root / "one"), quiet=True)
    train(cfg, root / "tuned", quiet=True)
    lines = [json.loads(line) for line in (root / "tuned" / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["val_loss"] < lines[0]["val_loss"] - 0.1
    assert lines[-1].keys() >= {"val_bits_per_byte", "epochs/demonstrations", "epochs/text"}
