"""The certificate as a step: a sample of a corpus's own documents, with copies planted in it (certificate.py).

The sample is that of the least numbers drawn for the documents' ids, so that it is the same in whatever files they lie.
It is read in two passes: ids of all documents first, then the groups of rows that hold a document of the sample.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus.certificate import LEAST, Certificate, certificate
from foretell.corpus.clusters import nodes_of
from foretell.corpus.dedup import DedupConfig
from foretell.corpus.minhash import hashes
from foretell.corpus.order import stream

COPIES = 1000
LONGEST = 5_000  # characters of a document; one that is longer counts by its beginning
MOST_PAIRS = 200_000  # candidates of a sample that are compared one by one
DRAWN = 3  # purpose of the random numbers


def certify(inputs: tuple[str, ...], folder: Path, *, cfg: DedupConfig, most: int, seed: int) -> Mapping[str, Any]:
    """The certificate of a sample of `most` documents of some files, as JSON can hold it; nothing is written."""
    texts = sample(inputs, most, seed)
    return as_json(certificate(texts[: affordable(texts, cfg)], cfg, copies=COPIES, seed=seed))


def sample(files: Sequence[str], most: int, seed: int) -> list[str]:
    """The texts of `most` documents, each cut to LONGEST characters, in the order of the numbers drawn for them."""
    chosen = _drawn(files, most, seed)
    place = {int(node): i for i, node in enumerate(chosen)}
    texts = [""] * len(chosen)
    for file in files:
        with pq.ParquetFile(file) as opened:
            for group in range(opened.num_row_groups):
                nodes = nodes_of(opened.read_row_group(group, ["id"])["id"])
                inside = np.flatnonzero(np.isin(nodes, chosen))
                if len(inside):
                    found = opened.read_row_group(group, ["text"])["text"].take(pa.array(inside)).to_pylist()
                    for node, text in zip(nodes[inside], found, strict=True):
                        texts[place[int(node)]] = text[:LONGEST]
    return texts


def _drawn(files: Sequence[str], most: int, seed: int) -> np.ndarray:
    """The nodes of the documents with the least numbers, in their order."""
    nodes, numbers = np.zeros(0, np.uint64), np.zeros(0)
    for file in files:
        found = nodes_of(pq.read_table(file, columns=["id"])["id"])
        nodes = np.concatenate([nodes, found])
        numbers = np.concatenate([numbers, stream(seed, found.astype(np.int64), 1, DRAWN)[:, 0]])
        least = np.lexsort((nodes, numbers))[:most]
        nodes, numbers = nodes[least], numbers[least]
    return nodes


def affordable(texts: Sequence[str], cfg: DedupConfig) -> int:
    """How many of the texts, from the first, have few enough candidates where each pair is compared."""
    n = len(texts)
    if not cfg.verify or not n:
        return n
    keys = hashes(pa.array(texts, pa.large_string()), cfg.bands, cfg.rows, cfg.ngram, cfg.seed).bands
    while _pairs(keys[:n]) > MOST_PAIRS:
        n //= 2
    return n


def _pairs(keys: np.ndarray) -> int:  # (N, B) -> ()
    sizes = [np.unique(band, return_counts=True)[1] for band in keys.T]
    return sum(int((size * (size - 1) // 2).sum()) for size in sizes)


def as_json(made: Certificate) -> dict[str, Any]:
    """A certificate as the card tells it: null for what was not measured, and the numbers that a share is of."""
    bins = [{**one._asdict(), "theory": _number(one.theory)} for one in made.bins]
    return {
        "documents": made.documents,
        "planted": made.planted,
        "at_least": LEAST,
        "sought": sum(one["planted"] for one in bins if one["low"] >= LEAST),
        "recall": _number(made.recall),
        "dropped": made.dropped,
        "precision": _number(made.precision),
        "strict_precision": _number(made.strict_precision),
        "bins": bins,
    }


def _number(of: float) -> float | None:
    return None if math.isnan(of) else of
