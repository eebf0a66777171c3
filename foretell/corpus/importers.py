"""From other programs' token files (foreign.py) to a folder of tokens, without a detour over text.

Every document ends with <|endoftext|> in the folder, as tokens.py has it, added where the file has none there; how many
were added is in the card. Documents are held out by split.py's rule in each source, unless held-out files are given.

D documents   V n_vocab
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus.foreign import Foreign, Layout, open_foreign
from foretell.corpus.joining import TOKENIZER, Card, mixture_card
from foretell.corpus.megatron import token_type, write_index
from foretell.corpus.shares import shares_of
from foretell.corpus.split import HELD_OUT, held_out, place
from foretell.corpus.tokenizing import TRACED
from foretell.corpus.tokens import CARD, SIDECAR, SPLITS
from foretell.errors import BadUse
from foretell.progress import Bar, bar
from foretell.runs import whole_folder
from foretell.text.tokenizer import Tokenizer

Files = Mapping[str, Sequence[Path]]
AT_ONCE = 1 << 17  # tokens copied at a time: what stays in a cache


class Pieces(NamedTuple):
    """Documents of a file, or pieces of them, that go into a split: their ids, and where each begins and ends."""

    file: Foreign
    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def import_tokens(
    train: Files,
    folder: Path,
    tokenizer: Tokenizer,
    *,
    val: Files | None = None,
    layout: Layout | None = None,
    weights: Mapping[str, float] | None = None,
    epochs: Mapping[str, float] | None = None,
    budget: float = 0,
    quiet: bool = False,
) -> Card:
    """The card of a folder of tokens, written whole from the token files of each source; `val` are held-out ones.

    The layout is told by the files' names where none is given. BadUse that names a file that is cut off, is of another
    layout, or has an id that the tokenizer lacks.
    """
    names = list(dict.fromkeys([*train, *(val or {})]))
    sides: dict[str, dict[str, list[Pieces]]] = {split: {} for split in SPLITS}
    n_documents = 0
    for name in names:
        files = [open_foreign(path, tokenizer, layout) for path in train.get(name, ())]
        held = [open_foreign(path, tokenizer, layout) for path in (val or {}).get(name, ())]
        parted = {"train": whole(files), "val": whole(held)} if val else parted_by_rule(files)
        n_documents += sum(int((np.diff(one.sequences[one.documents]) > 0).sum()) for one in (*files, *held))
        for split, pieces in parted.items():
            sides[split][name] = pieces
    if not any(len(one.ids) for pieces in sides["train"].values() for one in pieces):
        raise BadUse(f"the files given for {', '.join(names) or 'no source'} have no tokens; give others")
    weigh = partial(shares_of, weights=weights, epochs=epochs, budget=budget)
    n_pieces = sum(len(one.ids) for split in SPLITS for pieces in sides[split].values() for one in pieces)
    with whole_folder(folder) as aside, bar("importing tokens", n_pieces, quiet=quiet) as progress:
        (aside / TOKENIZER).write_text(tokenizer.to_json(), encoding="utf-8")
        told: dict[str, dict[str, Card]] = {name: {} for name in names}
        with pq.ParquetWriter(aside / SIDECAR, TRACED, compression="zstd") as traced:
            for split in SPLITS:
                counts = write_split(aside / split, split, sides[split], tokenizer, traced, progress)
                for name in names:
                    told[name][split] = counts[name]
        card = mixture_card(aside, tokenizer, told, n_documents, weigh)
        (aside / CARD).write_text(json.dumps(card, indent=2) + "\n")
    return card


def whole(files: Sequence[Foreign]) -> list[Pieces]:
    """All documents of files that are not empty; their ids are those of the file, else its name and their numbers."""
    pieces = []
    for file in files:
        ends = file.sequences[file.documents]
        name = file.path.name
        ids = np.array(file.names or [f"{name}:{i}" for i in range(len(ends) - 1)], dtype=object)
        pieces.append(_taken(Pieces(file, ids, ends[:-1], ends[1:]), ends[1:] > ends[:-1]))
    return pieces


def parted_by_rule(files: Sequence[Foreign]) -> dict[str, list[Pieces]]:
    """The documents of a source's files by split: whole ones, or the last twentieth of each where they are too few."""
    pieces = whole(files)
    lengths = np.concatenate([one.ends - one.starts for one in pieces] or [np.empty(0, np.int64)])
    held = held_out(np.array([place(one) for piece in pieces for one in piece.ids]), lengths)
    found: dict[str, list[Pieces]] = {split: [] for split in SPLITS}
    first = 0
    for one in pieces:
        if held is None:
            cut = one.starts + np.round((one.ends - one.starts) * (1 - HELD_OUT)).astype(np.int64)
            parts = {"train": one._replace(ends=cut), "val": one._replace(starts=cut)}
        else:
            out = held[first : first + len(one.ids)]
            parts = {"train": _taken(one, ~out), "val": _taken(one, out)}
        first += len(one.ids)
        for split, part in parts.items():
            found[split].append(_taken(part, part.ends > part.starts))
    return found


def _taken(pieces: Pieces, kept: np.ndarray) -> Pieces:
    return Pieces(pieces.file, *(column[kept] for column in pieces[1:]))


def write_split(
    stem: Path,
    split: str,
    sources: Mapping[str, Sequence[Pieces]],
    tokenizer: Tokenizer,
    traced: pq.ParquetWriter,
    progress: Bar,
) -> dict[str, Card]:
    """What was written of each source, after the .bin, the .idx and the sidecar's rows of a split are."""
    told: dict[str, Card] = {}
    lengths, firsts, offset = [np.empty(0, np.int64)], [np.zeros(1, np.int64)], 0
    with stem.with_suffix(".bin").open("wb") as flat:
        for name, files in sources.items():
            counts = {"first": offset, "n_tokens": 0, "n_documents": 0, "n_bytes": 0, "largest_id": 0, "ends_added": 0}
            for pieces in files:
                of_sequences, n_sequences, added = sequences_of(pieces, tokenizer)
                n_bytes, largest = copied(flat, pieces, added, tokenizer, progress)
                n_tokens = pieces.ends - pieces.starts + added
                traced.write_table(_rows(pieces, name, split, offset, n_tokens, n_bytes))
                lengths.append(of_sequences)
                firsts.append(n_sequences)
                offset += int(n_tokens.sum())
                counts["n_tokens"] += int(n_tokens.sum())
                counts["n_documents"] += len(n_tokens)
                counts["n_bytes"] += int(n_bytes.sum())
                counts["ends_added"] += int(added.sum())
                counts["largest_id"] = max(counts["largest_id"], largest)
            told[name] = counts
    dtype = token_type(tokenizer.n_vocab)
    write_index(stem.with_suffix(".idx"), dtype, np.concatenate(lengths), np.cumsum(np.concatenate(firsts)))
    return told


def _rows(
    pieces: Pieces, name: str, split: str, offset: int, n_tokens: np.ndarray, n_bytes: np.ndarray
) -> pa.Table:  # (D,), (D,)
    """The sidecar's rows of a file's documents."""
    columns = {
        "id": pa.array(pieces.ids.tolist(), pa.string()),
        "source": [name] * len(n_tokens),
        "split": [split] * len(n_tokens),
        "offset": offset + np.cumsum(n_tokens) - n_tokens,
        "n_tokens": n_tokens,
        "n_bytes": n_bytes,
    }
    return pa.table(columns).cast(TRACED)


def sequences_of(pieces: Pieces, tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # (S,), (D,), (D,)
    """The length of each sequence and the sequences of each document as they are written; which get an end of text.

    A document is one sequence, but with wordpiece, which has no end of text, it keeps those of the file.
    """
    if tokenizer.kind == "wordpiece":
        bounds = pieces.file.sequences
        first, end = np.searchsorted(bounds, pieces.starts, "right"), np.searchsorted(bounds, pieces.ends, "left")
        each = zip(pieces.starts, first, end, pieces.ends, strict=True)
        cuts = [np.diff(np.concatenate([[start], bounds[i:j], [stop]])) for start, i, j, stop in each]
        n_sequences = np.array([len(one) for one in cuts], np.int64)
        return np.concatenate([np.empty(0, np.int64), *cuts]), n_sequences, np.zeros(len(cuts), bool)
    last = pieces.file.tokens[pieces.ends - 1] if len(pieces.ends) else pieces.ends
    added = last != tokenizer.end_of_text  # (D,)
    return pieces.ends - pieces.starts + added, np.ones(len(added), np.int64), added


def copied(
    flat: Any, pieces: Pieces, added: np.ndarray, tokenizer: Tokenizer, progress: Bar
) -> tuple[np.ndarray, int]:  # (D,) -> (D,)
    """The bytes of text of each document and the largest id, after the tokens are written."""
    dtype, lengths = token_type(tokenizer.n_vocab), tokenizer.byte_lengths()
    n_bytes, largest = np.zeros(len(added), np.int64), 0
    for first, end in runs(pieces, added):
        totals = np.zeros(end - first, np.int64)
        stops, total = pieces.ends[first:end], 0
        for low in range(int(pieces.starts[first]), int(stops[-1]), AT_ONCE):
            part = pieces.file.tokens[low : min(low + AT_ONCE, int(stops[-1]))]
            largest = max(largest, check_part(part, pieces.file.path, tokenizer))
            flat.write(part.astype(dtype).tobytes())
            sums = total + np.cumsum(lengths[part])
            inside = slice(*np.searchsorted(stops, [low, low + len(part)], side="right").tolist())
            totals[inside] = sums[stops[inside] - low - 1]
            total = int(sums[-1])
        if added[end - 1]:
            flat.write(np.array(tokenizer.end_of_text, dtype).tobytes())
            largest = max(largest, tokenizer.end_of_text)
        n_bytes[first:end] = np.diff(totals, prepend=0)
        progress.advance(end - first)
    return n_bytes, largest


def runs(pieces: Pieces, added: np.ndarray) -> Iterator[tuple[int, int]]:  # (D,)
    """Documents that lie end to end in the file with nothing to put between them: first and end of each run."""
    apart = np.flatnonzero((pieces.starts[1:] != pieces.ends[:-1]) | added[:-1]) + 1
    bounds = np.concatenate([[0], apart, [len(added)]]) if len(added) else np.zeros(1, np.int64)
    yield from zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)


def check_part(part: np.ndarray, path: Path, tokenizer: Tokenizer) -> int:
    """The largest id of some tokens; BadUse if one is none of the tokenizer's."""
    low, high = int(part.min()), int(part.max())
    if low < 0 or high >= tokenizer.n_vocab:
        rule = f"this {tokenizer.kind} tokenizer has ids 0 to {tokenizer.n_vocab - 1}"
        raise BadUse(f"{path} holds token id {low if low < 0 else high}, but {rule}; give the one that encoded it")
    return high
