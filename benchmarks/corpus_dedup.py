"""Near-duplicate removal end to end beside datasketch: same documents, same permutations, each side in its own process.

$ python -m benchmarks.corpus_dedup                     100,000 documents, both sides in turn, three rounds
$ python -m benchmarks.corpus_dedup --growth            time and memory at 10,000, 100,000 and 1,000,000

The documents are Markov text over the words of Python's help pages; three in ten are copies of others with up to 20 %
of the words replaced, some cut short, whose Jaccard index of runs of five words is known exactly. A side reads Parquet,
and writes the documents that are left as Parquet. CPU seconds are those of all its processes, start-up included; memory
is the peak of the proportional set size of all of them.
"""

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretell.corpus.minhash import expected_recall

BANDS, ROWS, NGRAM = 14, 8, 5
FILE_DOCUMENTS = 10_000
COPIES, REPLACED, CUT, MOST_CUT = 0.3, 0.2, 0.3, 0.15
BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SIDES = ("foretell", "datasketch")


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


def files_of(folder: Path) -> list[str]:
    """The files of documents, in order."""
    return [str(path) for path in sorted(folder.glob("*.parquet"))]


def foretell_side(folder: Path, out: Path, workers: int) -> None:
    """Our side."""
    from foretell.corpus.dedup import DedupConfig, duplicates
    from foretell.corpus.engine import EngineConfig

    cfg = DedupConfig(bands=BANDS, rows=ROWS, ngram=NGRAM)
    marked = duplicates(files_of(folder), out / "work", cfg, engine=EngineConfig(workers=workers), quiet=True)
    table = pq.read_table(marked)
    pq.write_table(table.select(["id", "cluster"]), out / "clusters.pairs")
    write_left(folder, out, table.filter(pc.field("kind") != "kept")["id"])


def datasketch_side(folder: Path, out: Path, workers: int) -> None:
    """datasketch's: MinHash in bulk, MinHashLSH with the same bands and rows, union-find; one process."""
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    parent: dict[str, str] = {}

    def root(one: str) -> str:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for ids, texts in batches(folder):
        shingles = [
            [" ".join(run).encode() for run in set(zip(*(t[i:] for i in range(NGRAM)), strict=False))] for t in texts
        ]
        for one, made in zip(ids, MinHash.bulk(shingles, num_perm=BANDS * ROWS), strict=True):
            for other in lsh.query(made):
                low, high = sorted((root(one), root(other)))
                parent[high] = low
            lsh.insert(one, made, check_duplication=False)
    labels = {one: root(one) for one in parent}
    sizes: dict[str, int] = {}
    for label in labels.values():
        sizes[label] = sizes.get(label, 0) + 1
    pairs = [(one, label) for one, label in labels.items() if sizes[label] > 1]
    pq.write_table(pa.table({"id": [a for a, _ in pairs], "cluster": [b for _, b in pairs]}), out / "clusters.pairs")
    write_left(folder, out, pa.array([a for a, b in pairs if a != b], pa.string()))


def batches(folder: Path) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Ids and words of some documents at a time."""
    for file in files_of(folder):
        for batch in pq.ParquetFile(file).iter_batches(2000):
            yield batch["id"].to_pylist(), [text.split(" ") for text in batch["text"].to_pylist()]


def write_left(folder: Path, out: Path, dropped: Any) -> None:
    """Write the documents that are left."""
    gone = dropped.combine_chunks() if isinstance(dropped, pa.ChunkedArray) else dropped
    for file in files_of(folder):
        table = pq.read_table(file)
        left = table.filter(pc.invert(pc.is_in(table["id"], value_set=gone)))
        pq.write_table(left, out / Path(file).name, compression="zstd")


def measured(side: str, folder: Path, workers: int) -> dict[str, Any]:
    """Run a side in a process of its own: wall and CPU seconds, peak memory, and what it found."""
    out = Path(tempfile.mkdtemp(dir=folder.parent))
    command = [sys.executable, "-m", "benchmarks.corpus_dedup", "--side", side, str(folder), str(out), str(workers)]
    before, begun, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            peak = max(peak, proportional_set(process.pid))
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{side} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = {"wall": time.perf_counter() - begun, "cpu": seconds, "peak_mib": peak / 1024, **quality(folder, out)}
    shutil.rmtree(out)
    return found


def proportional_set(process: int) -> int:
    """KiB of a process and its children, shared pages by halves."""
    total = 0
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            total += int(line.split()[1]) if line.startswith("Pss:") else 0
        for task in os.listdir(f"/proc/{process}/task"):  # any thread may have started the children
            children = Path(f"/proc/{process}/task/{task}/children").read_text().split()
            total += sum(proportional_set(int(child)) for child in children)
    except OSError:
        pass  # it has ended meanwhile
    return total


def quality(folder: Path, out: Path) -> dict[str, Any]:
    """Recall by Jaccard index beside the theory, and the documents dropped."""
    pairs = pq.read_table(folder / "planted.pairs")
    clusters = pq.read_table(out / "clusters.pairs")
    label = dict(zip(clusters["id"].to_pylist(), clusters["cluster"].to_pylist(), strict=True))
    both = zip(pairs["original"].to_pylist(), pairs["copy"].to_pylist(), strict=True)
    found = np.array([a in label and label[a] == label.get(b) for a, b in both])
    index = pairs["jaccard"].to_numpy()
    bins = {}
    for low, high in pairwise(BINS):
        inside = (index >= low) & ((index < high) | (high == BINS[-1]))
        theory = float(expected_recall(index[inside], BANDS, ROWS).mean())
        bins[f"{low}-{high}"] = [round(float(found[inside].mean()), 4), round(theory, 4), int(inside.sum())]
    unlike = float(found[index < BINS[0]].mean())
    return {"dropped": len(label) - len(set(label.values())), "recall": bins, "merged_below_half": round(unlike, 4)}


def main() -> None:
    """Compare the sides, or measure how ours grows."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--documents", type=int, default=100_000)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--workers", type=int, default=2)
    flags.add_argument("--growth", action="store_true")
    flags.add_argument("--side", nargs=4, metavar=("SIDE", "FOLDER", "OUT", "WORKERS"), help=argparse.SUPPRESS)
    given = flags.parse_args()
    if given.side:
        side, folder, out, workers = given.side
        {"foretell": foretell_side, "datasketch": datasketch_side}[side](Path(folder), Path(out), int(workers))
        return
    sizes = (10_000, 100_000, 1_000_000) if given.growth else (given.documents,)
    for n in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            make_documents(n, Path(scratch) / "documents")
            report(n, Path(scratch) / "documents", given.rounds, given.workers, SIDES[:1] if given.growth else SIDES)


def report(n: int, folder: Path, rounds: int, workers: int, sides: tuple[str, ...]) -> None:
    """Print what each side came to, as JSON lines: medians of the rounds, and the ratio of each round."""
    found: dict[str, list] = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            found[side].append(measured(side, folder, workers))
    for side, runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "peak_mib")}
        speed = {"documents_per_cpu_second": n / middle["cpu"]}
        print(json.dumps({"documents": n, "side": side, "workers": workers, **runs[0], **middle, **speed}), flush=True)
    if len(sides) > 1:
        ratios = [b["cpu"] / a["cpu"] for a, b in zip(*found.values(), strict=True)]
        print(json.dumps({"ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}), flush=True)


if __name__ == "__main__":
    main()
