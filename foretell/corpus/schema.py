"""The columns of a document and of a dropped record, the same in every step.

documents   id url text source language language_score quality cluster
dropped     id url source step reason excerpt
"""

import hashlib

import pyarrow as pa

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("language", pa.string()),
        ("language_score", pa.float32()),
        ("quality", pa.float32()),
        ("cluster", pa.string()),
    ]
)
DROPPED = pa.schema([(name, pa.string()) for name in ("id", "url", "source", "step", "reason", "excerpt")])
EXCERPT = 200  # characters of a dropped record that are kept to look at


def document_id(source: str, name: str) -> str:
    """The id of a record: 16 hexadecimal digits that follow from its source and its name there alone."""
    return hashlib.sha256(f"{source}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
