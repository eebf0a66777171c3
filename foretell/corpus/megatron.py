"""Token files in Megatron's layout: `.bin` is the flat tokens, `.idx` (MMIDIDX, version 1) says where sequences end.

    9 bytes "MMIDIDX" 0 0 | u64 version = 1 | u8 type of a token | u64 S | u64 D + 1
    i32 tokens of each sequence (S) | i64 first byte of each (S) | i64 first sequence of each document, and S (D + 1)

A document is one sequence or, for sentence pairs, one sequence per sentence. `.bin` is nanoGPT's file as well.

S sequences   D documents
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from foretell.errors import BadUse

MAGIC = b"MMIDIDX\0\0"
HEADER = struct.Struct("<9sQBQQ")
TYPES: dict[int, np.dtype] = {4: np.dtype("<i4"), 8: np.dtype("<u2")}
LONGEST = 2**31 - 1  # tokens of a sequence
WIDE = 65500  # vocabularies from this size on take four bytes a token


class Index(NamedTuple):
    """The type of a token; where each sequence begins, and their end; the first sequence of each document, and S."""

    dtype: np.dtype
    sequences: np.ndarray
    documents: np.ndarray


class TokenFile(NamedTuple):
    """The tokens, memory-mapped; where each sequence begins, and their end; the first sequence of each document."""

    tokens: np.ndarray
    sequences: np.ndarray
    documents: np.ndarray


def token_type(n_vocab: int) -> np.dtype:
    """The type of a token on disk, by Megatron's rule: 16 bits without a sign below 65 500, else 32 bits."""
    return TYPES[4 if n_vocab >= WIDE else 8]


def write_index(path: Path, dtype: np.dtype, lengths: np.ndarray, documents: np.ndarray) -> None:  # (S,), (D+1,)
    """Write an .idx file from the length of each sequence and the first sequence of each document.

    BadUse if a sequence is longer than the 32 bits of its length hold.
    """
    if lengths.max(initial=0) > LONGEST:
        rule = f"an .idx file holds at most {LONGEST:,} of each"
        raise BadUse(f"{path.name}: a document has {lengths.max():,} tokens, {rule}; cut it into several documents")
    code = next(code for code, known in TYPES.items() if known == dtype)
    starts = (np.cumsum(lengths, dtype=np.int64) - lengths) * dtype.itemsize  # (S,)
    with path.open("wb") as file:
        file.write(HEADER.pack(MAGIC, 1, code, len(lengths), len(documents)))
        file.write(lengths.astype("<i4").tobytes() + starts.astype("<i8").tobytes())
        file.write(documents.astype("<i8").tobytes())


def read_index(path: Path, known: Mapping[int, np.dtype], remedy: str) -> Index:
    """What an .idx file says; BadUse that names it if it is cut off, or says what cannot be.

    `known` are the types of a token that will do, by their codes. Multimodal indexes end in a byte of each sequence.
    """
    content = np.memmap(path, np.uint8, mode="r") if path.stat().st_size else np.empty(0, np.uint8)
    if len(content) < HEADER.size or content[: len(MAGIC)].tobytes() != MAGIC:
        raise BadUse(f"{path} is no MMIDIDX file; {remedy}")
    _, version, code, n_sequences, n_documents = HEADER.unpack(content[: HEADER.size].tobytes())
    if version != 1 or code not in known:
        said = ", ".join(f"{code} ({dtype.str[1:]})" for code, dtype in known.items())
        raise BadUse(f"{path} has version {version} and token type {code}; known are version 1 and types {said}")
    size = HEADER.size + 12 * n_sequences + 8 * n_documents
    if not n_documents or len(content) not in (size, size + n_sequences):
        raise BadUse(f"{path} has {len(content)} bytes, not those of {n_sequences} sequences; {remedy}")
    lengths = np.frombuffer(content, "<i4", n_sequences, HEADER.size)  # (S,)
    starts = np.frombuffer(content, "<i8", n_sequences, HEADER.size + 4 * n_sequences)  # (S,)
    documents = np.frombuffer(content, "<i8", n_documents, HEADER.size + 12 * n_sequences)  # (D+1,)
    sequences = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])  # (S+1,)
    if (lengths < 0).any() or (starts != sequences[:-1] * known[code].itemsize).any():
        raise BadUse(f"{path} has sequences that do not lie end to end; {remedy}")
    if documents[0] != 0 or documents[-1] != n_sequences or (np.diff(documents) < 0).any():
        raise BadUse(f"{path} has documents that do not hold every sequence; {remedy}")
    return Index(known[code], sequences, documents.astype(np.int64))


def open_file(stem: Path) -> TokenFile:
    """The tokens of STEM.bin and STEM.idx; BadUse that names the file where one is absent, cut off or foreign."""
    index, flat = stem.with_suffix(".idx"), stem.with_suffix(".bin")
    for path in (index, flat):
        if not path.is_file():
            raise BadUse(f"{path} does not exist; give a folder of tokens, or a folder of text to make them from")
    dtype, sequences, documents = read_index(index, TYPES, "it was cut off or is something else: make the folder again")
    there, due = flat.stat().st_size, int(sequences[-1]) * dtype.itemsize
    if there != due:
        raise BadUse(f"{flat} has {there} bytes and its .idx speaks of {due}; it was cut off: make the folder again")
    tokens = np.memmap(flat, dtype, mode="r") if due else np.empty(0, dtype)
    return TokenFile(np.asarray(tokens), sequences, documents)
