"""Small trained tokenizers of each kind, text that every Python has, and the published vocabularies if at hand."""

import gzip
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from foretell.text.bpe import gpt2_from_files
from foretell.text.gpt1 import gpt1_from_files
from foretell.text.specials import KINDS
from foretell.text.tokenizer import Tokenizer
from foretell.text.train import train_tokenizer
from foretell.text.wordpiece import bert_from_file

N_VOCAB = 1000
SCRIPTS = [range(0x20, 0x250), range(0x370, 0x530), range(0x600, 0x700), range(0x900, 0xE80), range(0x3040, 0x3100)]
SCRIPTS += [range(0x4E00, 0x5000), range(0xAC00, 0xAD00), range(0x1F300, 0x1F700), range(0x2000, 0x2100), range(0x20)]


@pytest.fixture(scope="session")
def prose() -> list[str]:
    """Python's own help pages: half a megabyte of English and code."""
    return [topics[name] for name in sorted(topics)]


@pytest.fixture(scope="session")
def of_kind(prose) -> dict[str, Tokenizer]:
    return {kind: train_tokenizer(kind, prose, N_VOCAB, quiet=True) for kind in KINDS}


@pytest.fixture(params=KINDS)
def trained(request, of_kind) -> Tokenizer:
    """A tokenizer of each kind in turn."""
    return of_kind[request.param]


@pytest.fixture(params=["gpt1", "wordpiece"])
def wordwise(request, of_kind) -> Tokenizer:
    """One of each kind that cuts text into words first."""
    return of_kind[request.param]


@pytest.fixture
def bpe(of_kind) -> Tokenizer:
    return of_kind["bpe"]


@pytest.fixture
def wordpiece(of_kind) -> Tokenizer:
    return of_kind["wordpiece"]


@pytest.fixture(scope="session")
def odd_texts() -> list[str]:
    """Random text of many scripts, spaces of all sorts, marks, joined emoji, names of special tokens."""
    rng = random.Random(0)
    words = [
        "the",
        " don't",
        "  ",
        "\n\n",
        "\t",
        "\r\n",
        "\x00",
        " 2026",
        "<|endoftext|>",
        "[CLS]",
        "</w>",
        "##",
        "'S",
        "'ll",
    ]
    words += [
        " \u3000 ",
        "\u00a0",
        "\u2028",
        "\x85",
        "\ufeff",
        "e\u0301",
        "\U0001f468\u200d\U0001f469",
        "<unk>",
        "\x1c",
    ]
    letters = [chr(c) for script in SCRIPTS for c in script]
    return [
        "".join(rng.choice(words) if rng.random() < 0.4 else rng.choice(letters) for _ in range(rng.randrange(60)))
        for _ in range(2000)
    ]


@cache
def _unpacked(packed: Path, folder: Path) -> Path:
    path = folder / packed.stem
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


@pytest.fixture(scope="session")
def published_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture
def published(shared_data, published_folder):
    """The path of a published tokenizer file, unpacked, by name."""
    return lambda name: _unpacked(shared_data / "tokenizers" / f"{name}.gz", published_folder)


@cache
def _read(how: Callable[..., Tokenizer], *files: Path) -> Tokenizer:
    return how(*files)


@pytest.fixture
def gpt2(published) -> Tokenizer:
    return _read(gpt2_from_files, published("gpt2_encoder.json"), published("gpt2_vocab.bpe"))


@pytest.fixture
def gpt1(published) -> Tokenizer:
    return _read(gpt1_from_files, published("gpt1_encoder_bpe_40000.json"), published("gpt1_vocab_40000.bpe"))


@pytest.fixture
def bert(published) -> Tokenizer:
    return _read(bert_from_file, published("bert_base_uncased_vocab.txt"))


@pytest.fixture
def real_texts(shared_data) -> list[str]:
    """Megabytes of real text: English prose, German, French, code, web pages."""
    names = [
        "wikitext2/train-part-raw.txt.gz",
        "multi30k/train.de.gz",
        "multi30k/train.fr.gz",
        "code/humaneval.jsonl.gz",
    ]
    names += ["wiki-articles/wiki_articles.jsonl.gz", "c4-sample/c4.jsonl.gz"]
    return _lines(tuple(shared_data / name for name in names))


@cache
def _lines(paths: tuple[Path, ...]) -> list[str]:
    texts = [gzip.decompress(path.read_bytes()).decode() for path in paths]
    return [line for text in texts for line in text.splitlines(keepends=True)]
