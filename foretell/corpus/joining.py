"""The tokens of a corpus's files put together: a folder of tokens, source after source, and its mixture.

The parts are those of tokenizing.encode(), in the order of the files; a document of any token is told by the sidecar.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretell.corpus.megatron import token_type, write_index
from foretell.corpus.partitions import Finished
from foretell.corpus.shares import Share
from foretell.corpus.tokenizing import EXTRA, TRACED
from foretell.corpus.tokens import CARD, SIDECAR, SPLITS, card_of
from foretell.runs import sha256, whole_folder
from foretell.text.tokenizer import Tokenizer

Card = dict[str, Any]
Part = tuple[Path, Card]
Sources = dict[str, dict[str, Card]]
"""of each source and split: first, n_tokens, n_documents, n_bytes"""
Weigh = Callable[[Mapping[str, int]], Sequence[Share]]
TOKENIZER = "tokenizer.json"


def put_together(
    folder: Path,
    tokenizer: Tokenizer,
    done: Sequence[Finished],
    names: Sequence[str],
    weigh: Weigh,
    *,
    source: str = "",
) -> Card:
    """The card of the folder, written whole. `weigh` gives the shares of the sources from their training tokens."""
    with whole_folder(folder) as aside:
        sources = write_sides(aside, tokenizer, done, names)
        (aside / TOKENIZER).write_text(tokenizer.to_json(), encoding="utf-8")
        n_documents = sum(one.result["n_documents"] for one in done)
        card = mixture_card(aside, tokenizer, sources, n_documents, weigh) | {"source": source}
        (aside / CARD).write_text(json.dumps(card, indent=2) + "\n")
    return card


def mixture_card(aside: Path, tokenizer: Tokenizer, sources: Sources, n_documents: int, weigh: Weigh) -> Card:
    """The card of a folder that is written but for it. `weigh` gives the sources' shares from their training tokens.

    The largest id of each source is in the counts that are given, and in the card that of each split. `n_documents` is
    given because one that is cut is in both splits.
    """
    largest = {split: max((of[split].pop("largest_id") for of in sources.values()), default=0) for split in SPLITS}
    shares = weigh({name: of["train"]["n_tokens"] for name, of in sources.items()})
    return {
        **card_of(tokenizer),
        "n_documents": n_documents,
        "n_tokens": {split: sum(of[split]["n_tokens"] for of in sources.values()) for split in SPLITS},
        "n_bytes": {split: sum(of[split]["n_bytes"] for of in sources.values()) for split in SPLITS},
        "largest_id": largest,
        "dropped": {},
        "source": "",
        "sources": sources,
        "mixture": [{"first": 0, "weights": {share.source: share.weight for share in shares}}],
        "shares": [share._asdict() for share in shares],
        "sha256": {path.name: sha256(path) for path in sorted(aside.iterdir())},
    }


def write_sides(aside: Path, tokenizer: Tokenizer, done: Sequence[Finished], names: Sequence[str]) -> Sources:
    """Where each source lies in each split, after both splits and the sidecar are written."""
    extra = [one.name for one in EXTRA if any(one.name in file.result["extra"] for file in done)]
    schema = pa.schema([*TRACED, *map(EXTRA.field, extra)])
    sources: Sources = {name: {} for name in names}
    with pq.ParquetWriter(aside / SIDECAR, schema, compression="zstd") as traced:
        for split in SPLITS:
            parts = [(one.folder, part) for one in done for part in one.result["parts"] if part["split"] == split]
            mine = {name: [one for one in parts if one[1]["source"] == name] for name in names}
            write_side(aside / split, tokenizer, [one for name in names for one in mine[name]], traced)
            first = 0
            for name in names:
                sources[name][split] = {"first": first, **_counted([part for _, part in mine[name]])}
                first += sources[name][split]["n_tokens"]
    return sources


def _counted(parts: Sequence[Card]) -> Card:
    """What the parts of a source's split come to."""
    sums = {what: sum(part[what] for part in parts) for what in ("n_tokens", "n_documents", "n_bytes")}
    return sums | {"largest_id": max((part["largest_id"] for part in parts), default=0)}


def write_side(stem: Path, tokenizer: Tokenizer, parts: Sequence[Part], traced: pq.ParquetWriter) -> None:
    """Write the .bin and the .idx of a split from parts in order, and trace their documents."""
    lengths, sequences, begun = [np.empty(0, np.int64)], [np.zeros(1, np.int64)], 0
    with stem.with_suffix(".bin").open("wb") as flat:
        for folder, part in parts:
            with (folder / f"{part['stem']}.bin").open("rb") as file:
                shutil.copyfileobj(file, flat, 1 << 24)
            table = pq.read_table(folder / f"{part['stem']}.parquet")
            lists = table["lengths"].combine_chunks()
            lengths.append(pc.list_flatten(lists).to_numpy().astype(np.int64))
            sequences.append(pc.list_value_length(lists).to_numpy().astype(np.int64))
            table = table.set_column(table.column_names.index("offset"), "offset", pc.add(table["offset"], begun))
            traced.write_table(table.select(traced.schema.names))
            begun += part["n_tokens"]
    dtype = token_type(tokenizer.n_vocab)
    write_index(stem.with_suffix(".idx"), dtype, np.concatenate(lengths), np.cumsum(np.concatenate(sequences)))
