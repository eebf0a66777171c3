"""A folder of tokens: text as a model reads it, with what is needed to trace each token back to its document.

    train.bin train.idx  val.bin val.idx    Megatron's layout (megatron.py)
    documents.parquet                       id, source, split, offset (tokens), n_tokens, n_bytes of each document
    tokenizer.json  card.json               how it was encoded; counts, sizes and hashes

A folder of several sources (mixing.py) holds them one after the other, documents never mixed; its card says where each
begins, and how they are weighted:

    "sources": {NAME: {"train": {"first": 0, "n_tokens": 9, "n_documents": 2}, "val": {...}}}
    "mixture": [{"first": 0, "weights": {NAME: 0.6}}]

bpe and gpt1 put <|endoftext|> after every document, and a document is one sequence. In wordpiece a document is a list
of sentences, each one a sequence: [CLS] and [SEP] are set when a row is made, so none is stored.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from foretell.corpus.documents import Document, n_bytes, source_hash
from foretell.corpus.megatron import TokenFile, open_file, token_type, write_index
from foretell.corpus.sentences import sentences
from foretell.corpus.split import split
from foretell.errors import BadUse
from foretell.progress import Bar, bar
from foretell.runs import read_json, sha256, whole_folder
from foretell.text.tokenizer import Tokenizer

CARD, SIDECAR = "card.json", "documents.parquet"
SPLITS = ("train", "val")
BATCH = 256  # documents encoded at a time
PART = 1 << 24  # tokens looked through at a time
CARD_FIELDS = {"tokenizer": str, "n_vocab": int, "n_tokens": dict}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """An open folder of tokens."""

    folder: Path
    card: dict[str, Any]
    train: TokenFile
    val: TokenFile

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that encoded it."""
        return Tokenizer.load(self.folder)

    def source_ends(self, name: str) -> dict[str, tuple[int, int]]:
        """First token and end of each source in a split, in order; empty where the folder is of one source."""
        places = {source: of[name] for source, of in self.card.get("sources", {}).items()}
        return {source: (place["first"], place["first"] + place["n_tokens"]) for source, place in places.items()}


def write_tokens(
    documents: Sequence[Document],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    source: str = "",
    dropped: dict[str, int] | None = None,
    quiet: bool = False,
) -> Path:
    """The folder, written whole: `source` names the text (its hash where nothing is given)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    with whole_folder(folder) as aside:
        sides = split(documents)
        with bar("encoding text", len(sides["train"]) + len(sides["val"]), quiet=quiet) as progress:
            for name in SPLITS:
                rows += write_split(aside / name, name, sides[name], tokenizer, progress)
        (aside / "tokenizer.json").write_text(tokenizer.to_json(), encoding="utf-8")
        pq.write_table(pa.Table.from_pylist(rows), aside / SIDECAR, compression="zstd")
        card = {
            **card_of(tokenizer),
            "n_documents": len(documents),
            "n_tokens": {name: sum(row["n_tokens"] for row in rows if row["split"] == name) for name in SPLITS},
            "n_bytes": {name: sum(row["n_bytes"] for row in rows if row["split"] == name) for name in SPLITS},
            "largest_id": {name: largest_id(open_file(aside / name).tokens) for name in SPLITS},
            "dropped": dropped or {},
            "source": source or source_hash(documents),
            "sha256": {path.name: sha256(path) for path in sorted(aside.iterdir())},
        }
        (aside / CARD).write_text(json.dumps(card, indent=2) + "\n")
    return folder


def card_of(tokenizer: Tokenizer) -> dict[str, Any]:
    """The part of a card that follows from the tokenizer."""
    return {
        "kind": "tokens",
        "tokenizer": tokenizer.kind,
        "n_vocab": tokenizer.n_vocab,
        "between_documents": "sentences by the .idx" if tokenizer.kind == "wordpiece" else "<|endoftext|>",
        "tokenizer_sha256": tokenizer.sha(),
    }


def write_split(
    stem: Path, name: str, documents: Iterable[Document], tokenizer: Tokenizer, progress: Bar
) -> list[dict[str, Any]]:
    """The sidecar's rows, after the .bin and the .idx of one split are written."""
    lengths, firsts, rows, offset = [], [0], [], 0
    with stem.with_suffix(".bin").open("wb") as file:
        for one, sizes, _ in appended(file, documents, tokenizer):
            lengths += sizes
            firsts.append(len(lengths))
            n = sum(sizes)
            rows.append({"id": one.id, "source": one.source, "split": name, "offset": offset, "n_tokens": n})
            rows[-1]["n_bytes"] = n_bytes(one.text)
            offset += n
            progress.advance()
    dtype = token_type(tokenizer.n_vocab)
    write_index(stem.with_suffix(".idx"), dtype, np.array(lengths, dtype=np.int64), np.array(firsts))
    return rows


def appended(
    flat: BinaryIO, documents: Iterable[Document], tokenizer: Tokenizer
) -> Iterator[tuple[Document, list[int], int]]:
    """Each document after its tokens are written to a .bin: the length of each of its sequences, its largest id."""
    dtype = token_type(tokenizer.n_vocab)
    for one, sequences in encoded(documents, tokenizer):
        flat.write(b"".join(ids.astype(dtype).tobytes() for ids in sequences))
        yield one, [len(ids) for ids in sequences], max((int(ids.max()) for ids in sequences), default=0)


def encoded(documents: Iterable[Document], tokenizer: Tokenizer) -> Iterator[tuple[Document, list[np.ndarray]]]:
    """Each document with its sequences: one with its end, or its sentences."""
    whole = tokenizer.kind != "wordpiece"
    ahead = iter(documents)
    while batch := list(islice(ahead, BATCH)):
        parts = [[one.text] if whole else sentences(one.text) for one in batch]
        ids = tokenizer.encode_batch([part for text in parts for part in text])
        ends = np.cumsum([0, *map(len, parts)])
        for one, (first, last) in zip(batch, pairwise(ends), strict=True):
            found = ids[first:last]
            yield one, [np.append(found[0], tokenizer.end_of_text)] if whole else [s for s in found if len(s)]


def is_token_folder(folder: Path) -> bool:
    """Whether a folder claims to hold tokens."""
    return (folder / "train.idx").exists()


def open_tokens(folder: Path) -> Tokens:
    """The tokens of a folder, memory-mapped; BadUse that names the file where one is absent, cut off or foreign."""
    train, val = (open_file(folder / name) for name in SPLITS)
    path = folder / CARD
    card = read_json(path)
    if not isinstance(card, dict) or card.get("kind") != "tokens":
        raise BadUse(f"{path} is no card of a token folder; make the folder again from its text")
    if wrong := [name for name, kind in CARD_FIELDS.items() if not isinstance(card.get(name), kind)]:
        said = f"{wrong[0]} is {card.get(wrong[0])!r}" if wrong[0] in card else f"{wrong[0]!r} is missing"
        raise BadUse(f"{path}: {said}; make the folder again from its text")
    for name, file in zip(SPLITS, (train, val), strict=True):
        n = card["n_tokens"].get(name)
        if n != len(file.tokens):
            raise BadUse(f"{folder / name}.bin has {len(file.tokens)} tokens, its card says {n}: make the folder again")
        check_ids(folder / f"{name}.bin", file, card)
    tokens = Tokens(folder=folder, card=card, train=train, val=val)
    _check_sources(tokens)
    return tokens


def _check_sources(tokens: Tokens) -> None:
    """BadUse if the sources of a card do not lie end to end in the files."""
    path, remedy = tokens.folder / CARD, "make the folder again"
    for name, file in zip(SPLITS, (tokens.train, tokens.val), strict=True):
        try:
            ends = list(tokens.source_ends(name).values())
        except (KeyError, TypeError, AttributeError) as error:
            raise BadUse(f"{path} does not say where its sources lie ({error}); {remedy}") from error
        joints = [0, *(end for _, end in ends)]
        if ends and (joints[:-1] != [first for first, _ in ends] or joints[-1] != len(file.tokens)):
            raise BadUse(f"{path} has sources that do not fill {name}.bin end to end; {remedy}")


def largest_id(tokens: np.ndarray) -> int:
    """The largest id of a split, 0 if it is empty; every token is read."""
    return max((int(tokens[i : i + PART].max()) for i in range(0, len(tokens), PART)), default=0)


def check_ids(path: Path, file: TokenFile, card: Mapping[str, Any]) -> None:
    """BadUse if a token is no id of the vocabulary: the network would have no embedding for it.

    The card tells the largest id since the tokens were written; only where it does not are all of them looked through.
    """
    told, n_vocab = card.get("largest_id"), card["n_vocab"]
    largest = told.get(path.stem) if isinstance(told, dict) else None
    if not isinstance(largest, int):
        largest = largest_id(file.tokens)
    if largest >= n_vocab:
        rule = f"its card has n_vocab={n_vocab}, ids 0 to {n_vocab - 1}"
        raise BadUse(f"{path} holds token id {largest}, but {rule}; make the folder again from its text")


def check_length(tokens: Tokens, needed: int) -> None:
    """BadUse if a split has fewer tokens than one row needs."""
    for name, file in zip(SPLITS, (tokens.train, tokens.val), strict=True):
        n, held = len(file.tokens), " (a twentieth of the text is held out)" if name == "val" else ""
        if n < needed:
            raise BadUse(
                f"{tokens.folder / name}.bin has {n} tokens{held}, a row needs {needed}; "
                "give more text, or lower --data.length"
            )


def check_kind(tokens: Tokens, kind: str) -> None:
    """BadUse if the folder was encoded by a tokenizer of another kind."""
    there = tokens.card["tokenizer"]
    if there != kind:
        raise BadUse(f"{tokens.folder} holds {there} tokens, not {kind}; give text, or set --data.tokenizer {there}")
