"""Python's help pages as documents, small tokenizers of each kind, and folders of their tokens."""

import json
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from foretell.corpus.documents import Document
from foretell.corpus.megatron import open_file
from foretell.corpus.split import split
from foretell.corpus.tokens import SPLITS, write_split, write_tokens
from foretell.progress import bar
from foretell.text.tokenizer import Tokenizer
from foretell.text.train import train_tokenizer

KINDS = ("bpe", "gpt1", "wordpiece")


@pytest.fixture(scope="session")
def pages() -> list[Document]:
    """Sixty documents of Python's own help."""
    return [Document(f"help/{name}", topics[name], "python") for name in sorted(topics)[:60]]


@pytest.fixture(scope="session")
def tokenizers(pages) -> dict[str, Tokenizer]:
    return {kind: train_tokenizer(kind, [page.text for page in pages], 600, quiet=True) for kind in KINDS}


@pytest.fixture(scope="session")
def token_folders(pages, tokenizers, tmp_path_factory) -> dict[str, Path]:
    """A folder of tokens of each kind; tests leave them as they are."""
    root = tmp_path_factory.mktemp("tokens")
    return {kind: write_tokens(pages, tokenizers[kind], root / kind, quiet=True) for kind in KINDS}


@pytest.fixture(scope="session")
def long_and_short(pages, tokenizers, tmp_path_factory) -> dict[str, Path]:
    """Folders of tokens of two kinds with a source of long documents and one of short ones, of equal weight."""
    long = [Document(f"long{i}", " ".join(page.text for page in pages[i : i + 3]), "long") for i in range(0, 60, 3)]
    lines = [line.strip() for page in pages for line in page.text.split("\n")]
    some = [line for line in lines if len(line) > 30]
    short = [Document(f"short{i}", line, "short") for i, line in enumerate(some)]
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("bpe", "wordpiece")}
    parts, weights = {"long": long, "short": short}, {"long": 0.5, "short": 0.5}
    return {kind: write_sources(parts, tokenizers[kind], folder, weights) for kind, folder in folders.items()}


@pytest.fixture(scope="session")
def three_sources(pages, tokenizers, tmp_path_factory) -> Path:
    """A folder of tokens with the sources a, b and c, each with text of its own; tests leave it as it is."""
    parts = {"a": pages[:30], "b": pages[30:50], "c": pages[50:]}
    return write_sources(parts, tokenizers["bpe"], tmp_path_factory.mktemp("three"), {"a": 0.2, "b": 0.5, "c": 0.3})


def write_sources(
    documents_of: dict[str, list[Document]], tokenizer: Tokenizer, folder: Path, weights: dict[str, float]
) -> Path:
    """A folder of tokens with these sources and weights."""
    parts = {name: split(documents) for name, documents in documents_of.items()}
    sources: dict[str, dict[str, dict[str, int]]] = {name: {} for name in parts}
    with bar("encoding text", 1, quiet=True) as progress:
        for side in SPLITS:
            documents = [one for part in parts.values() for one in part[side]]
            write_split(folder / side, side, documents, tokenizer, progress)
            file, first = open_file(folder / side), 0
            ends = file.sequences[file.documents]
            for name, part in parts.items():
                last = first + len(part[side])
                place = {"first": int(ends[first]), "n_tokens": int(ends[last] - ends[first])}
                sources[name][side], first = place | {"n_documents": len(part[side])}, last
    n_tokens = {side: sum(places[side]["n_tokens"] for places in sources.values()) for side in SPLITS}
    card = {"kind": "tokens", "tokenizer": tokenizer.kind, "n_vocab": tokenizer.n_vocab, "n_tokens": n_tokens}
    mixture = [{"first": 0, "weights": weights}]
    (folder / "card.json").write_text(json.dumps(card | {"sources": sources, "mixture": mixture}))
    (folder / "tokenizer.json").write_text(tokenizer.to_json(), encoding="utf-8")
    return folder
