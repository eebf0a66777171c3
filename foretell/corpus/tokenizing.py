"""The steps from the files of a corpus to its tokens, each a function of its inputs alone (partitions.py).

    listed    of a file       listed.parquet: source, place, turn in a tokenizer's sample, characters of each document
    sided     of all listed   00000.npy ...: which side each document of a file is on, by split.py's rule in its source
    encoded   of a file       I-train.bin I-train.parquet I-val.bin ...: the tokens of its I-th source, and where each
                              document begins in them

A file may hold several sources in any order. D documents of a file
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretell.corpus.documents import COLUMNS, Document, check_columns, n_bytes, shown
from foretell.corpus.partition import tables_of
from foretell.corpus.split import cut_at, held_out, place
from foretell.corpus.tokens import SPLITS, appended
from foretell.errors import BadUse, first_line
from foretell.text.tokenizer import Tokenizer

LISTED, SAMPLED = "listed.parquet", "sample "
TRAIN, VAL, CUT = 0, 1, 2  # the side of a document; CUT is the beginning in one split and the end in the other
TRACED = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("split", pa.string()),
        ("offset", pa.int64()),
        ("n_tokens", pa.int64()),
        ("n_bytes", pa.int64()),
    ]
)
EXTRA = pa.schema(
    [("url", pa.string()), ("language", pa.string()), ("quality", pa.float32()), ("cluster", pa.string())]
)
LENGTHS = pa.schema([("lengths", pa.list_(pa.int32()))])


def read_rows(file: str, name: str, extra: Sequence[str] = ()) -> Iterator[pa.Table]:
    """id, text and source of a corpus file, and of the extra columns those that it has, some documents at a time.

    `name` is the source where the file names none. BadUse if the file is no corpus.
    """
    first, wanted = 0, [*COLUMNS, *extra]
    for table in _tables(file, wanted):
        if "source" not in table.column_names:
            table = table.append_column("source", pa.array([shown(Path(name))] * len(table), pa.string()))
        check_columns(Path(file), table, first)
        first += len(table)
        names = [one for one in wanted if one in table.column_names]
        text = [pa.field(one, pa.string()) for one in COLUMNS]
        yield table.select(names).cast(pa.schema([*text, *(EXTRA.field(one) for one in names[len(COLUMNS) :])]))


def _tables(file: str, wanted: Sequence[str]) -> Iterator[pa.Table]:
    """The wanted columns of a Parquet file, as far as it has them; BadUse if it is none, or ends too soon."""
    try:
        with pq.ParquetFile(file) as opened:
            yield from tables_of(opened, [one for one in wanted if one in opened.schema_arrow.names])
    except (OSError, pa.ArrowInvalid) as error:
        raise BadUse(f"{file} is no Parquet file ({first_line(error)}); it was cut off or is something else") from error


def listed(inputs: tuple[str, ...], folder: Path, *, name: str) -> dict[str, Any]:
    """Write listed.parquet of a file of the corpus; how many documents it has."""
    schema = [("source", pa.string()), ("place", pa.float64()), ("turn", pa.float64()), ("characters", pa.int64())]
    n = 0
    with pq.ParquetWriter(folder / LISTED, pa.schema(schema), compression="zstd") as writer:
        for table in read_rows(inputs[0], name):
            ids = table["id"].to_pylist()
            columns = {
                "source": table["source"],
                "place": [place(one) for one in ids],
                "turn": [place(SAMPLED + one) for one in ids],
                "characters": pc.utf8_length(table["text"]),
            }
            writer.write_table(pa.table(columns).cast(writer.schema))
            n += len(ids)
    return {"n_documents": n}


def sided(inputs: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Write the side of every document, a file for each listed one; the sources in the order of their first ones."""
    tables = [pq.read_table(file) for file in inputs]
    whole = pa.concat_tables(tables)
    coded = whole["source"].dictionary_encode().combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    names, of = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    places, lengths = whole["place"].to_numpy(), whole["characters"].to_numpy()
    sides = np.empty(len(of), np.uint8)
    for i in range(len(names)):
        mine = np.flatnonzero(of == i)
        held = held_out(places[mine], lengths[mine])
        sides[mine] = CUT if held is None else np.where(held, VAL, TRAIN)
    ends = np.cumsum([0, *map(len, tables)])
    for i in range(len(tables)):
        np.save(folder / f"{i:05}.npy", sides[ends[i] : ends[i + 1]])
    return {"sources": names}


def on_side(text: str, side: int, split: str) -> str:
    """What of a document is in a split; nothing where it is in the other."""
    if side != CUT:
        return text if side == SPLITS.index(split) else ""
    at = cut_at(text)
    return text[:at] if split == "train" else text[at:]


@cache
def tokenizer_of(file: str) -> Tokenizer:
    """The tokenizer of a file, read once in a process."""
    return Tokenizer.load(Path(file).parent)


def encode(inputs: tuple[str, ...], folder: Path, *, name: str) -> dict[str, Any]:
    """Write the tokens of a file of the corpus, by source and split; what was written of each, and its extra columns.

    Inputs: the file, the sides of its documents, the tokenizer.
    """
    file, sides, tokenizer = inputs[0], np.load(inputs[1]), tokenizer_of(inputs[2])
    begun, parts = 0, Parts(folder, tokenizer)
    extra: list[str] = []
    with parts.open_files:
        for table in read_rows(file, name, EXTRA.names):
            extra = [one for one in EXTRA.names if one in table.column_names]
            here = sides[begun : begun + len(table)]
            begun += len(table)
            for source in dict.fromkeys(table["source"].to_pylist()):
                mine = pc.equal(table["source"], source)
                parts.add(source, table.filter(mine), here[mine.to_numpy()])
    return {"parts": parts.told, "extra": extra, "n_documents": begun}


class Parts:
    """The tokens of a file in the making: for each source and split a .bin, and a table of its documents."""

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        self.folder, self.tokenizer, self.open_files = folder, tokenizer, ExitStack()
        self.told: list[dict[str, Any]] = []
        self.writers: dict[tuple[str, str], tuple[Any, pq.ParquetWriter, dict[str, Any]]] = {}

    def opened(self, source: str, split: str) -> tuple[Any, pq.ParquetWriter, dict[str, Any]]:
        """The two files of a source's split and what is told of them."""
        if (source, split) not in self.writers:
            stem = f"{len(self.told):03}-{split}"
            counts = {"n_documents": 0, "n_sequences": 0, "n_tokens": 0, "n_bytes": 0, "largest_id": 0}
            self.told.append({"source": source, "split": split, "stem": stem, **counts})
            flat = self.open_files.enter_context((self.folder / f"{stem}.bin").open("wb"))
            schema = pa.schema([*TRACED, *EXTRA, *LENGTHS])
            writer = pq.ParquetWriter(self.folder / f"{stem}.parquet", schema, compression="zstd")
            self.writers[source, split] = (flat, self.open_files.enter_context(writer), self.told[-1])
        return self.writers[source, split]

    def add(self, source: str, table: pa.Table, sides: np.ndarray) -> None:
        """Encode documents of one source and write each to its side."""
        for split in SPLITS:
            texts = [on_side(text, side, split) for text, side in zip(table["text"].to_pylist(), sides, strict=True)]
            some = [i for i, text in enumerate(texts) if text or (sides[i] == SPLITS.index(split))]
            if some:
                self.write(source, split, table.take(some), [texts[i] for i in some])

    def write(self, source: str, split: str, table: pa.Table, texts: Sequence[str]) -> None:
        """Encode these texts and append them to a source's split."""
        flat, writer, told = self.opened(source, split)
        columns: dict[str, list[Any]] = {one: [] for one in ("offset", "n_tokens", "n_bytes", "lengths")}
        for one, lengths, largest in appended(flat, (Document("", text, source) for text in texts), self.tokenizer):
            columns["lengths"].append(lengths)
            columns["offset"].append(told["n_tokens"])
            columns["n_tokens"].append(sum(lengths))
            columns["n_bytes"].append(n_bytes(one.text))
            told["largest_id"] = max(told["largest_id"], largest)
            told["n_sequences"] += len(lengths)
            told["n_tokens"] += columns["n_tokens"][-1]
            told["n_bytes"] += columns["n_bytes"][-1]
        told["n_documents"] += len(texts)
        extra = {one.name: table[one.name] if one.name in table.column_names else None for one in EXTRA}
        rows = {"id": table["id"], "source": [source] * len(texts), "split": [split] * len(texts), **columns}
        rows |= {k: v if v is not None else pa.nulls(len(texts), EXTRA.field(k).type) for k, v in extra.items()}
        writer.write_table(pa.table({one: rows[one] for one in writer.schema.names}).cast(writer.schema))
