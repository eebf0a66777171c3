"""Sentence pairs as text: a file of JSON lines a split, or two line-aligned files as translation corpora come.

train.jsonl                       {"source": "A dog runs.", "target": "Ein Hund rennt."}, one a line
train.en[.gz]  train.de[.gz]      line n of one is the translation of line n of the other
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

from foretell.corpus.config import TokenizerKind
from foretell.corpus.jsonl import read_lines, text_field
from foretell.corpus.split import place, up_to
from foretell.errors import BadUse, nearest
from foretell.runs import read_json, whole_folder
from foretell.text.tokenizer import FILE
from foretell.text.train import train_tokenizer

TextPair = tuple[str, str]
SAMPLE_CHARACTERS = 10_000_000  # of both languages, what a shared vocabulary learns from
CARD = "card.json"


def read_pairs(folder: Path, split: str, source: str = "", target: str = "") -> list[TextPair]:
    """The sources and targets of a split in the order of its file; without languages those of `split`.jsonl.

    With them, of `split.source` and `split.target`, each plain or packed as .gz; the plain file where both are there.
    BadUse if a file is absent, is no text, holds nothing, or has more lines than the other.
    """
    if not folder.is_dir():
        raise BadUse(f"{folder} is no folder; give one with train.jsonl and val.jsonl, or train.en and train.de")
    if not source and not target:
        return _from_json_lines(folder, split)
    paths = [_aligned_file(folder, split, language) for language in (source, target)]
    sides = [_lines(path) for path in paths]
    sizes = [len(side) for side in sides]
    if sizes[0] != sizes[1]:
        said = f"{paths[0]} has {sizes[0]} lines and {paths[1].name} has {sizes[1]}"
        raise BadUse(f"{said}; line n of one must be the translation of line n of the other: give aligned files")
    if not sizes[0]:
        raise BadUse(f"{paths[0]} holds no line; give a file with at least one sentence")
    return list(zip(*sides, strict=True))


def _from_json_lines(folder: Path, split: str) -> list[TextPair]:
    path, there = folder / f"{split}.jsonl", languages(folder, split)
    if not path.exists() and there:
        names = f"--data.source {there[0]} --data.target {there[-1]}"
        remedy = f"add {names}" if len(there) > 1 else "its other language is missing"
        raise BadUse(f"{path} does not exist, but {split} is there in {', '.join(there)}; {remedy}")
    sides = ("source", "target")
    return [tuple(text_field(row, side, path, i) for side in sides) for i, row in enumerate(read_lines(path), 1)]  # type: ignore[misc]


def languages(folder: Path, split: str) -> list[str]:
    """The languages in which a folder has line-aligned files of a split: what stands between its name and .gz."""
    names = {path.name.removesuffix(".gz") for path in folder.glob(f"{split}.*") if path.is_file()}
    return sorted(name.removeprefix(f"{split}.") for name in names if not name.endswith((".jsonl", ".json")))


def splits(folder: Path, language: str) -> list[str]:
    """The names of the splits that a folder holds in a language."""
    names = {path.name.removesuffix(".gz") for path in folder.iterdir() if path.is_file()}
    return sorted(name.removesuffix(f".{language}") for name in names if name.endswith(f".{language}"))


def split_named(folder: Path, language: str, split: str = "") -> str:
    """The split to test on: the given one, else `test`, else the only one with test in its name; BadUse if none is."""
    if not folder.is_dir():
        raise BadUse(f"{folder} is no folder; give one with test.{language or 'jsonl'}")
    there = splits(folder, language or "jsonl")
    tests = ["test"] if "test" in there else [name for name in there if "test" in name]
    if split or len(tests) == 1:
        return split or tests[0]
    if tests:
        raise BadUse(f"{folder} holds more than one test split: {', '.join(tests)}; name one")
    said = f"{folder} holds no test split in {language or 'JSON lines'}; it holds {', '.join(there) or 'nothing'}"
    raise BadUse(f"{said}; put test.{language or 'jsonl'} there, or name a split{'' if language else ' and languages'}")


def _aligned_file(folder: Path, split: str, language: str) -> Path:
    """The file of a split in a language; BadUse that tells what is there instead."""
    for path in (folder / f"{split}.{language}", folder / f"{split}.{language}.gz"):
        if path.is_file():
            return path
    if there := languages(folder, split):
        remedy = f"{split} is there in {', '.join(there)}{nearest(language, there)}"
    elif others := splits(folder, language):
        remedy = f"{language} is there for {', '.join(others)}{nearest(split, others)}"
    else:
        remedy = f"put {split}.{language} there, one sentence a line"
    raise BadUse(f"{folder} holds neither {split}.{language} nor {split}.{language}.gz; {remedy}")


def _lines(path: Path) -> list[str]:
    """The lines of a text file, packed or not; only a newline ends one, so that both files are cut alike."""
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadUse(f"{path} is no UTF-8 text ({error.reason}); convert it") from error
    except (OSError, EOFError, zlib.error) as error:
        raise BadUse(f"{path} cannot be read ({error}); copy it again from its source") from error
    lines = text.split("\n")
    return [line.strip() for line in (lines if lines[-1] else lines[:-1])]


def shared_tokenizer(
    pairs: Sequence[TextPair], name: str, kind: TokenizerKind, n_vocab: int, into: Path, *, quiet: bool = False
) -> Path:
    """The folder of the one tokenizer of both languages, learnt from the pairs, found or made in `into`.

    Vaswani et al. 2017, section 5.1: a source-target vocabulary. Of more than SAMPLE_CHARACTERS it is learnt from pairs
    in the order of a hash; both sides of a pair are taken, so that both languages have their share. Other pairs of the
    same name get a folder with the beginning of their hash in its name, as runs may read the first.
    """
    source = hashlib.sha256(json.dumps(list(pairs)).encode()).hexdigest()
    plain = into / f"{name}-{kind}-{n_vocab}"
    apart = plain.with_name(f"{plain.name}-{source[:8]}")
    for folder in (plain, apart):
        if (folder / CARD).exists() and read_json(folder / CARD).get("source") == source:
            return folder
    order = sorted(range(len(pairs)), key=lambda i: place(f"pair {i}"))
    texts = up_to((text for i in order for text in pairs[i]), SAMPLE_CHARACTERS)
    tokenizer = train_tokenizer(kind, texts, n_vocab, quiet=quiet)
    card = {
        "kind": "tokenizer",
        "tokenizer": kind,
        "n_vocab": tokenizer.n_vocab,
        "n_pairs": len(pairs),
        "source": source,
        "tokenizer_sha256": tokenizer.sha(),
    }
    made = apart if plain.exists() else plain
    with whole_folder(made) as aside:
        (aside / FILE).write_text(tokenizer.to_json(), encoding="utf-8")
        (aside / CARD).write_text(json.dumps(card, indent=2) + "\n")
    return made
