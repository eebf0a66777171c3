"""Documents to measure with: Markov text over the words of Python's help pages, copies of some of them among them."""

import re
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FILE_DOCUMENTS = 10_000
COPIES, REPLACED, CUT, MOST_CUT = 0.3, 0.2, 0.3, 0.15
NGRAM = 5  # words of the runs that the Jaccard index is of


def make_documents(n: int, folder: Path) -> None:
    """Write n documents in files of FILE_DOCUMENTS, and the pairs that were planted with their Jaccard index."""
    words, chain = chain_of(re.findall("[a-z]+", " ".join(topics.values()).lower()))
    folder.mkdir(parents=True)
    planted: dict[str, list] = {"original": [], "copy": [], "jaccard": []}
    for number, begin in enumerate(range(0, n, FILE_DOCUMENTS)):
        rng = np.random.default_rng([7, number])
        size = min(FILE_DOCUMENTS, n - begin)
        made = documents(rng, chain, round(size * (1 - COPIES)))
        for _ in range(size - len(made)):
            original = int(rng.integers(round(size * (1 - COPIES))))
            made.append(copy_of(made[original], rng, chain[0]))
            planted["original"].append(name(begin + original))
            planted["copy"].append(name(begin + len(made) - 1))
            planted["jaccard"].append(jaccard(made[original], made[-1]))
        ends = np.concatenate([[0], np.cumsum([len(one) for one in made])])
        lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), words.take(pa.array(np.concatenate(made))))
        ids = [name(begin + place) for place in range(size)]
        table = pa.table({"id": ids, "text": pc.binary_join(lists, " ")})
        order = np.random.default_rng([8, number]).permutation(size)
        pq.write_table(table.take(pa.array(order)), folder / f"{number:05}.parquet", compression="zstd")
    pq.write_table(pa.table(planted), folder / "planted.pairs")


def name(place: int) -> str:
    """A document's id, spread over all 64 bits."""
    return f"{(place + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}"


def chain_of(text: list[str]) -> tuple[pa.Array, tuple[np.ndarray, ...]]:
    """The words of a text, and of each the words that follow it."""
    words, ids = np.unique(text, return_inverse=True)
    after = ids[1:][np.argsort(ids[:-1], kind="stable")]
    counts = np.bincount(ids[:-1], minlength=len(words))
    return pa.array(words.tolist()), (ids, after, np.cumsum(counts) - counts, counts)


def documents(rng: np.random.Generator, chain: tuple[np.ndarray, ...], n: int) -> list[np.ndarray]:
    """Markov documents of 60 to 900 words; three in ten words come from anywhere."""
    ids, after, starts, counts = chain
    lengths = np.clip(np.exp(rng.normal(5.4, 0.5, n)), 60, 900).astype(int)
    word = ids[rng.integers(0, len(ids), n)]
    text = np.empty((lengths.max(), n), dtype=np.int32)
    for place in range(len(text)):
        text[place] = word
        following = after[np.minimum(starts[word] + (rng.random(n) * counts[word]).astype(int), len(after) - 1)]
        word = np.where(rng.random(n) < 0.3, ids[rng.integers(0, len(ids), n)], following)
    return [text[:length, column] for column, length in enumerate(lengths)]


def copy_of(words: np.ndarray, rng: np.random.Generator, ids: np.ndarray) -> np.ndarray:
    """A copy with some words replaced, sometimes cut short."""
    replaced = rng.random(len(words)) < rng.random() * REPLACED
    made = np.where(replaced, ids[rng.integers(0, len(ids), len(words))], words).astype(np.int32)
    return made[: len(made) - int(rng.random() * MOST_CUT * len(made))] if rng.random() < CUT else made


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """The Jaccard index of the runs of NGRAM words."""
    one, other = ({run.tobytes() for run in np.lib.stride_tricks.sliding_window_view(x, NGRAM)} for x in (a, b))
    return len(one & other) / len(one | other)
