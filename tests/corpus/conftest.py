"""Python's help pages as documents, small tokenizers of each kind, and folders of their tokens."""

from pathlib import Path
from pydoc_data.topics import topics

import pytest

from foretell.corpus.documents import Document
from foretell.corpus.tokens import write_tokens
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
