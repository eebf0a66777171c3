"""Training text in parts that are read once each: token folders as text again, corpora, and what they are made of.

    a folder of tokens    the documents of its training split, decoded; what is held out is not looked at
    a corpus, Parquet     its column `text`, as Arrow has it
    else                  text and JSON lines, plain or packed, records of WARC and WET files (corpus/reading)

D documents of a batch   T tokens
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from foretell.corpus.documents import CARD
from foretell.corpus.ngrams import CHUNK
from foretell.corpus.reading import Broken, files_of, parts, read_part
from foretell.corpus.tokenizing import read_rows
from foretell.corpus.tokens import SIDECAR, Tokens, is_token_folder, open_tokens
from foretell.text.byte_level import token_bytes
from foretell.text.tokenizer import Tokenizer

PART_TOKENS = 1 << 25  # of a part of a token folder, so that a stopped pass loses no more


class Batch(NamedTuple):
    """Some documents: a name of each, the texts, and how many records before them could not be read."""

    names: Sequence[str]
    texts: pa.Array
    broken: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A piece of the training text: where it lies, and of a token folder its documents."""

    source: str
    documents: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Bytes on disk, to tell how far the pass is."""
        if self.documents is not None:
            index = open_tokens(Path(self.source)).train
            first, last = index.sequences[index.documents[list(self.documents)]].tolist()
            return int(last - first) * index.tokens.itemsize
        return sum(Path(file).stat().st_size for file in files_of(self.source) if Path(file).is_file())

    def key(self, plan: str) -> str:
        """A hash of the files as they are now, and of what is searched for: what was found under it still stands."""
        files = [Path(self.source) / "train.bin"] if self.documents else map(Path, files_of(self.source))
        stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.exists()]
        return hashlib.sha256(repr((plan, self.documents, stats)).encode()).hexdigest()[:24]


def training_parts(sources: Sequence[str | Path]) -> list[Part]:
    """The parts of all sources, each once; BadUse if one is not there or holds nothing."""
    found: list[Part] = []
    for source in map(str, sources):
        if is_token_folder(Path(source)):
            found += token_parts(source)
        else:
            found += [Part(source=part) for part in parts(source)]
    return list(dict.fromkeys(found))


def token_parts(folder: str) -> list[Part]:
    """The documents of a token folder in stretches of about PART_TOKENS tokens."""
    index = open_tokens(Path(folder)).train
    ends = index.sequences[index.documents]  # (D + 1,)
    cuts = np.searchsorted(ends, np.arange(PART_TOKENS, int(ends[-1]), PART_TOKENS))
    bounds = np.unique([0, *cuts.tolist(), len(ends) - 1]).tolist()
    return [Part(source=folder, documents=(a, b)) for a, b in pairwise(bounds)]


def read(part: Part) -> Iterator[Batch]:
    """The documents of a part, some megabytes at a time."""
    if part.documents is not None:
        yield from token_batches(open_tokens(Path(part.source)), *part.documents)
    elif is_corpus(part.source):
        for table in read_rows(part.source, Path(part.source).parent.name):
            for column in table["text"].cast(pa.large_string()).chunks:
                yield Batch(table["id"].to_pylist(), column, 0)
    else:
        yield from record_batches(part.source)


def is_corpus(source: str) -> bool:
    """Whether a part is a Parquet file of a corpus: with ids and texts."""
    path = Path(source)
    if path.suffix != ".parquet":
        return False
    import pyarrow.parquet as pq

    try:
        return {"id", "text"} <= set(pq.read_schema(path).names) and (path.parent / CARD).is_file()
    except (OSError, pa.ArrowInvalid):
        return False


def record_batches(source: str) -> Iterator[Batch]:
    """The records of a part of any other kind."""
    names, texts, size, broken = list[str](), list[str](), 0, 0
    for record in read_part(source):
        if isinstance(record, Broken):
            broken += 1
            continue
        content = record.content
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
        names.append(record.name)
        texts.append(text)
        size += len(text)
        if size > CHUNK:
            yield Batch(names, pa.array(texts, pa.large_string()), broken)
            names, texts, size, broken = [], [], 0, 0
    if texts or broken:
        yield Batch(names, pa.array(texts, pa.large_string()), broken)


def token_batches(tokens: Tokens, first: int, last: int) -> Iterator[Batch]:
    """Documents of a token folder as text."""
    tokenizer, index, ids = tokens.tokenizer(), tokens.train, names_of(tokens)
    ends = index.sequences[index.documents]  # (D + 1,)
    table = pa.array(spelled(tokenizer), pa.large_binary()) if tokenizer.kind == "bpe" else None
    while first < last:
        stop = max(first + 1, int(np.searchsorted(ends, ends[first] + CHUNK // 4, "right")) - 1)
        stop = min(stop, last)
        names = ids[first:stop] if ids is not None else [f"document {i}" for i in range(first, stop)]
        here = index.tokens[ends[first] : ends[stop]]
        bounds = ends[first : stop + 1] - ends[first]
        yield Batch(names, texts_of(here, bounds, table, tokenizer), 0)
        first = stop


def texts_of(ids: np.ndarray, bounds: np.ndarray, table: pa.Array | None, tokenizer: Tokenizer) -> pa.Array:
    """The texts of documents, without the token that ends each; `table` are the bytes of each id, where they are."""
    if table is not None:
        spelled_out = table.take(pa.array(ids.astype(np.int64)))
        at = np.frombuffer(spelled_out.buffers()[1], np.int64, len(ids) + 1, 8 * spelled_out.offset)
        offsets = pa.py_buffer(np.ascontiguousarray(at[bounds] - at[0]))
        content = spelled_out.buffers()[2]
        texts = pa.LargeStringArray.from_buffers(len(bounds) - 1, offsets, content)
        try:
            texts.validate(full=True)
            return texts
        except pa.ArrowInvalid:  # a document that begins or ends within a character
            return pa.array([one.decode("utf-8", "replace") for one in texts.cast(pa.large_binary()).to_pylist()])
    specials = set(tokenizer.specials.values())
    pairs = pairwise(bounds)
    rows = ([int(i) for i in ids[a:b] if int(i) not in specials] for a, b in pairs)
    return pa.array([tokenizer.decode(row) for row in rows], pa.large_string())


def spelled(tokenizer: Tokenizer) -> list[bytes]:
    """The bytes of each id of a byte-level tokenizer; none of a special one."""
    specials = set(tokenizer.specials.values())
    return [b"" if i in specials else one for i, one in enumerate(token_bytes(json.loads(tokenizer.to_json())))]


def names_of(tokens: Tokens) -> list[str] | None:
    """The ids of the training documents, in order; None where the sidecar does not tell them all."""
    import pyarrow.parquet as pq

    path = tokens.folder / SIDECAR
    if not path.is_file():
        return None
    rows = pq.read_table(path, columns=["id", "split"])
    names: list[str] = rows.filter(pa.compute.equal(rows["split"], "train"))["id"].to_pylist()
    return names if len(names) == len(tokens.train.documents) - 1 else None
