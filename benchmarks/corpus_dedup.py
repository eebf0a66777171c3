"""Near-duplicate removal end to end beside datasketch and datatrove: same documents and permutations, processes apart.

$ python -m benchmarks.corpus_dedup                      100,000 documents, both sides in turn, three rounds
$ python -m benchmarks.corpus_dedup --datatrove PYTHON   datatrove as well, run by a Python of its own that has it
$ python -m benchmarks.corpus_dedup --small              2,000 documents, one round: whether it works
$ python -m benchmarks.corpus_dedup --growth             time and memory at 10,000, 100,000 and 1,000,000

The documents are Markov text over the words of Python's help pages; three in ten are copies of others with up to 20 %
of the words replaced, some cut short, whose Jaccard index of runs of five words is known exactly. A side reads Parquet,
and writes the documents that are left as Parquet. CPU seconds are those of all its processes, start-up included; memory
is the peak of the proportional set size of all of them. datatrove (datatrove_dedup.py) needs a virtual environment of
its own: pip install datatrove 'xxhash<4' orjson tokenizers multiprocess pyarrow.
"""

import argparse
import ctypes
import json
import os
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
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.markov_text import make_documents
from foretell.corpus.columns import column, read_columns
from foretell.corpus.minhash import expected_recall

BANDS, ROWS, NGRAM = 14, 8, 5  # and in datatrove_dedup.py, which cannot import these
BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
LIKE = 0.8  # a Jaccard index of which recall is told
SIDES = ("foretell", "datasketch")
ADOPT = 36  # of Linux's prctl: processes whose parent has ended become ours, so that their time is counted


def files_of(folder: Path) -> list[str]:
    """The files of documents, in order."""
    return [str(path) for path in sorted(folder.glob("*.parquet"))]


def foretell_side(folder: Path, out: Path, workers: int) -> None:
    """Our side."""
    from foretell.corpus.dedup import DedupConfig, duplicates
    from foretell.corpus.engine import EngineConfig

    cfg = DedupConfig(bands=BANDS, rows=ROWS, ngram=NGRAM)
    marked = duplicates(files_of(folder), out / "work", cfg, engine=EngineConfig(workers=workers), quiet=True)
    table = read_columns(marked)
    pq.write_table(table.select(["id", "cluster"]), out / "clusters.pairs")
    dropped = column(np.array([kind != "kept" for kind in table["kind"].to_pylist()], bool))
    write_left(folder, out, table["id"].filter(dropped))


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
        table = read_columns(file)
        left = table.filter(pc.invert(pc.is_in(table["id"], value_set=gone)))
        pq.write_table(left, out / Path(file).name, compression="zstd")


def command_of(side: str, folder: Path, out: Path, workers: int, python: str) -> list[str]:
    """The command of a side; `python` is datatrove's."""
    if side == "datatrove":
        return [python, str(Path(__file__).with_name("datatrove_dedup.py")), str(folder), str(out), str(workers)]
    return [sys.executable, "-m", "benchmarks.corpus_dedup", "--side", side, str(folder), str(out), str(workers)]


def measured(side: str, folder: Path, workers: int, python: str = "") -> dict[str, Any]:
    """Run a side in a process of its own: wall and CPU seconds, peak memory, and what it found."""
    out = Path(tempfile.mkdtemp(dir=folder.parent))
    ctypes.CDLL(None).prctl(ADOPT, 1, 0, 0, 0)
    before, begun, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    log = out.with_name(f"{out.name}.log")
    with (
        log.open("w") as said,
        subprocess.Popen(command_of(side, folder, out, workers, python), stdout=said, stderr=said) as process,
    ):
        while process.poll() is None:
            peak = max(peak, proportional_set(process.pid))
            time.sleep(0.05)
    wall = time.perf_counter() - begun
    if process.returncode:
        raise SystemExit(f"{side} ended with {process.returncode}: {log.read_text()[-2000:]}")
    wait_for_all()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if side == "datatrove":
        datatrove_pairs(folder, out)
    found = {"wall": wall, "cpu": seconds, "peak_mib": peak / 1024, **quality(folder, out)}
    shutil.rmtree(out)
    return found


def wait_for_all() -> None:
    """Wait for the processes that a side has left behind."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def datatrove_pairs(folder: Path, out: Path) -> None:
    """Write the clusters that datatrove found, which it tells by file and place; this is no part of its time."""
    ids, labels = [], []
    for number, file in enumerate(files_of(folder)):
        told = out / "clusters" / f"{number:06}.clusters"
        if told.exists():
            places, clusters = np.fromfile(told, "<u4").reshape(-1, 2).T
            ids += pq.read_table(file, columns=["id"])["id"].take(pa.array(places)).to_pylist()
            labels += [str(one) for one in clusters]
    pq.write_table(pa.table({"id": ids, "cluster": labels}), out / "clusters.pairs")


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
    unlike, like = float(found[index < BINS[0]].mean()), round(float(found[index >= LIKE].mean()), 4)
    dropped = len(label) - len(set(label.values()))
    return {"dropped": dropped, "recall": like, "recall_of": bins, "merged_below_half": round(unlike, 4)}


def main() -> None:
    """Compare the sides, or measure how ours grows."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--documents", type=int, default=100_000)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--workers", type=int, default=2)
    flags.add_argument("--small", action="store_true")
    flags.add_argument("--growth", action="store_true")
    flags.add_argument("--datatrove", metavar="PYTHON", default="", help="a Python that has datatrove")
    flags.add_argument("--json", action="store_true", help="every round, with recall by Jaccard index beside theory")
    flags.add_argument("--side", nargs=4, metavar=("SIDE", "FOLDER", "OUT", "WORKERS"), help=argparse.SUPPRESS)
    given = flags.parse_args()
    if given.side:
        side, folder, out, workers = given.side
        {"foretell": foretell_side, "datasketch": datasketch_side}[side](Path(folder), Path(out), int(workers))
        return
    sizes = (10_000, 100_000, 1_000_000) if given.growth else (2_000 if given.small else given.documents,)
    sides = SIDES[:1] if given.growth else (*SIDES, *(["datatrove"] if given.datatrove else []))
    for n in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            make_documents(n, Path(scratch) / "documents")
            report(n, Path(scratch) / "documents", sides, given)


def report(n: int, folder: Path, sides: tuple[str, ...], given: argparse.Namespace) -> None:
    """Print what each side came to as a table: medians of the rounds; ratios of CPU time, and their range."""
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for _ in range(1 if given.small else given.rounds):
        for side in sides:
            found[side].append(measured(side, folder, given.workers, given.datatrove))
            if given.json:
                print(json.dumps({"documents": n, "side": side, **found[side][-1]}), file=sys.stderr, flush=True)
    print(f"\n{n:,} documents, {given.workers} workers, {len(found[sides[0]])} rounds\n")
    print("| side | CPU s | documents per CPU s | foretell is faster by | peak MiB | removed | recall | below half |")
    print("| --- " * 8 + "|")
    for side, runs in found.items():
        cpu, peak = (statistics.median(run[key] for run in runs) for key in ("cpu", "peak_mib"))
        ratios = [b["cpu"] / a["cpu"] for a, b in zip(found[sides[0]], runs, strict=True)]
        said = "" if side == sides[0] else f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        cells = [side, f"{cpu:.1f}", f"{n / cpu:,.0f}", said, f"{peak:.0f}", f"{runs[0]['dropped']:,}"]
        print("| " + " | ".join([*cells, f"{runs[0]['recall']:.4f}", f"{runs[0]['merged_below_half']:.4f}"]) + " |")
    print(
        f"\nRecall is of planted copies of a Jaccard index of {LIKE} or more; below half: the share merged under 0.5."
    )


if __name__ == "__main__":
    main()
