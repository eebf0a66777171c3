"""Token files that other programs have written, opened as flat tokens with the ends of their documents.

    nanogpt    NAME.bin                tokens alone; a document ends at <|endoftext|>. llm.c's header is known as well
    megatron   NAME.bin NAME.idx       MMIDIDX version 1 (megatron.py), tokens of any whole-number type
    datatrove  NAME.ds NAME.ds.index   tokens; the end of each document as u64, counted in tokens
    dolma      NAME.npy NAME.csv.gz    tokens without numpy's header; lines start,end,id,src,loc without a first one

Laid out as nanoGPT's data/openwebtext/prepare.py, Megatron-LM's IndexedDatasetBuilder, datatrove's TokenizedFile and
dolma's MemmapWriter write them. A token has 2 or 4 bytes, which follows from the number of tokens where that is told,
and from the vocabulary in nanoGPT's.

S sequences   D documents
"""

import csv
import gzip
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from foretell.corpus.megatron import read_index
from foretell.errors import BadUse, first_line
from foretell.text.tokenizer import Tokenizer

Layout = Literal["nanogpt", "megatron", "datatrove", "dolma"]
MEGATRON_TYPES: dict[int, np.dtype] = {
    code: np.dtype(kind) for code, kind in {1: "<u1", 2: "<i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}.items()
}
LLM_C, LLM_C_HEADER = 20240520, 1024  # first number and bytes of the header of llm.c's files
WHOLE = "it was cut off, or is of another layout"
PART = 1 << 24  # tokens looked through at a time


class Foreign(NamedTuple):
    """Flat tokens; where each sequence ends, from 0 on; the first sequence of each document, and S; their names."""

    path: Path
    tokens: np.ndarray
    sequences: np.ndarray
    documents: np.ndarray
    names: Sequence[str] | None


def layout_of(path: Path) -> Layout:
    """Which layout a file is of, by its name and what lies beside it; BadUse where that tells nothing."""
    if path.suffix == ".bin":
        return "megatron" if path.with_suffix(".idx").exists() else "nanogpt"
    found: dict[str, Layout] = {".ds": "datatrove", ".npy": "dolma", ".idx": "megatron"}
    if path.suffix not in found:
        raise BadUse(f"{path} is of no known layout; give a .bin, a .ds or a .npy of tokens")
    return found[path.suffix]


def open_foreign(path: Path, tokenizer: Tokenizer, layout: Layout | None = None) -> Foreign:
    """A token file, memory-mapped; BadUse that names it if it is absent, cut off, or not as its layout says."""
    opened: dict[Layout, Callable[[Path, Tokenizer], Foreign]] = {
        "nanogpt": open_nanogpt,
        "megatron": open_megatron,
        "datatrove": open_datatrove,
        "dolma": open_dolma,
    }
    return opened[layout or layout_of(path)](path, tokenizer)


def present(*paths: Path) -> None:
    """BadUse if one of the files is absent."""
    for path in paths:
        if not path.is_file():
            raise BadUse(f"{path} does not exist; a token file needs what its program wrote beside it")


def mapped(path: Path, dtype: np.dtype, offset: int = 0) -> np.ndarray:
    """The tokens of a file; BadUse if its bytes are no whole tokens."""
    size = path.stat().st_size - offset
    if size < 0 or size % dtype.itemsize:
        raise BadUse(f"{path} has {size + offset} bytes, no whole number of {dtype.itemsize}-byte tokens; {WHOLE}")
    return np.asarray(np.memmap(path, dtype, mode="r", offset=offset)) if size else np.empty(0, dtype)


def of_size(path: Path, n_tokens: int) -> np.ndarray:
    """The tokens of a file that are so many; BadUse unless that makes 2 or 4 bytes of each."""
    size = path.stat().st_size
    width = size // n_tokens if n_tokens > 0 else 0
    if (width not in (2, 4) or width * n_tokens != size) and (size or n_tokens):
        raise BadUse(f"{path} has {size} bytes for {n_tokens} tokens, which is neither 2 nor 4 bytes of each; {WHOLE}")
    return mapped(path, np.dtype("<u4" if width == 4 else "<u2"))


def open_nanogpt(path: Path, tokenizer: Tokenizer) -> Foreign:
    """Tokens alone: a document ends with each <|endoftext|>, and the last one with the file."""
    present(path)
    with path.open("rb") as file:
        begin = file.read(12)
    told = struct.unpack("<iii", begin) if len(begin) == 12 else (0, 0, 0)
    known = told[0] == LLM_C and path.stat().st_size >= LLM_C_HEADER
    wide = np.dtype("<u2" if tokenizer.n_vocab <= 1 << 16 else "<u4")
    tokens = mapped(path, wide, LLM_C_HEADER if known else 0)
    if known and len(tokens) != told[2]:
        raise BadUse(f"{path} has {len(tokens)} tokens, its header says {told[2]}; {WHOLE}")
    end = tokenizer.end_of_text
    found = [np.flatnonzero(tokens[i : i + PART] == end) + i + 1 for i in range(0, len(tokens), PART)]
    ends = np.concatenate([[0], *found]).astype(np.int64)  # (D+1,)
    ends = ends if ends[-1] == len(tokens) else np.append(ends, len(tokens))
    return Foreign(path, tokens, ends, np.arange(len(ends)), None)


def open_megatron(path: Path, tokenizer: Tokenizer) -> Foreign:
    """Megatron's two files, named by either or by what their names have in common."""
    stem = path.with_suffix("") if path.suffix in (".bin", ".idx") else path
    index, flat = (stem.with_name(f"{stem.name}.{end}") for end in ("idx", "bin"))
    present(index, flat)
    dtype, sequences, documents = read_index(index, MEGATRON_TYPES, WHOLE)
    tokens = mapped(flat, dtype)
    if len(tokens) != sequences[-1]:
        raise BadUse(f"{flat} has {len(tokens)} tokens and its .idx speaks of {sequences[-1]}; {WHOLE}")
    return Foreign(flat, tokens, sequences, documents, None)


def open_datatrove(path: Path, tokenizer: Tokenizer) -> Foreign:
    """datatrove's tokens and the ends of its documents."""
    index = path.with_name(f"{path.name}.index")
    present(path, index)
    ends = np.concatenate([[0], mapped(index, np.dtype("<i8"))])  # (D+1,)
    if (np.diff(ends) < 0).any():
        raise BadUse(f"{index} has ends of documents that do not rise; {WHOLE}")
    return Foreign(path, of_size(path, int(ends[-1])), ends, np.arange(len(ends)), None)


def open_dolma(path: Path, tokenizer: Tokenizer) -> Foreign:
    """dolma's tokens, with the ids of its documents."""
    table = path.with_name(f"{path.stem}.csv.gz")
    present(path, table)
    with path.open("rb") as file:
        if file.read(6) == b"\x93NUMPY":
            raise BadUse(
                f"{path} is an array as numpy saves it; dolma's files are tokens alone: write it with tofile()"
            )
    ends, names = [0], []
    try:
        with gzip.open(table, "rt", encoding="utf-8", newline="") as lines:
            for number, line in enumerate(csv.reader(lines), 1):
                start, end = int(line[0]), int(line[1])
                if start != ends[-1] or end < start:
                    raise BadUse(f"{table}, line {number}: {start} to {end} does not follow {ends[-1]}; {WHOLE}")
                ends.append(end)
                names.append(line[2])
    except (OSError, EOFError, ValueError, IndexError, zlib.error, csv.Error) as error:
        raise BadUse(f"{table} has no lines start,end,id ({first_line(error)}); {WHOLE}") from error
    return Foreign(path, of_size(path, ends[-1]), np.array(ends), np.arange(len(ends)), names)
