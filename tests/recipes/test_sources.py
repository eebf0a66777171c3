"""What a recipe's word for its data means: whose text, whose tokenizer, which folder."""

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
