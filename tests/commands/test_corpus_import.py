"""`foretell corpus import`: token files of other tools, and what is refused."""

import json

import numpy as np
import pytest

from foretell.cli import main
from foretell.corpus.tokens import open_tokens


@pytest.fixture
def files(tmp_path, monkeypatch, trained_tokenizer):
    """Two token files of nanoGPT's layout and a tokenizer beside them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokenizer.json").write_text(trained_tokenizer.to_json())
    for name in ("web", "books"):
        ids = np.random.default_rng(len(name)).integers(0, 300, 4000).astype(np.uint16)
        ids[99::100] = trained_tokenizer.end_of_text
        ids.tofile(tmp_path / f"{name}.bin")


@pytest.fixture(scope="module")
def trained_tokenizer():
    from pydoc_data.topics import topics

    from foretell.text.train import train_tokenizer

    return train_tokenizer("bpe", [topics[name] for name in sorted(topics)[:20]], 400, quiet=True)


def test_files_become_a_folder_that_training_reads(files, tmp_path, capsys):
    assert main(["corpus", "import", "web.bin", "--tokenizer", "tokenizer.json", "--out", "x"]) == 0
    assert f"the tokens are {tmp_path / 'x'}" in capsys.readouterr().out
    assert sum(open_tokens(tmp_path / "x").card["n_tokens"].values()) == 4000


def test_sources_are_weighted(files, tmp_path, capsys):
    words = "corpus import web=web.bin books=books.bin --weight web=0.7 --tokenizer . --out x --json"
    assert main(words.split()) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["mixture"][0]["weights"] == {"web": pytest.approx(0.7), "books": pytest.approx(0.3)}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("nope.bin --tokenizer . --out x", "nope.bin does not exist"),
        ("web.bin --tokenizer nowhere --out x", "nowhere"),
        ("web.bin --tokenizer .", "no folder is named to write to; add --out corpora/NAME"),
        ("web.bin --tokenizer . --out .", ". is there already; give another --out"),
        ("web.bin --weight web=much --tokenizer . --out x", "--weight web=much: 'much' is no number"),
        ("web.bin --weight bks=1 --tokenizer . --out x", "the mixture names 'bks', which is no source"),
        ("web.bin --layout megatron --tokenizer . --out x", "web.idx"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(files, words, why, capsys):
    assert main(["corpus", "import", *words.split()]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
