"""Reading tokens beside nanoGPT's random crops; what an epoch covers; exact mixtures; going on with other processes.

$ python -m benchmarks.corpus_reader             40,000 rows of 1,024 tokens, five rounds of each side in turn
$ python -m benchmarks.corpus_reader --small     2,000 rows, two rounds

Both sides read the same file of uint16 tokens, from the page cache, in batches of 8 rows, as two int64 tensors.
nanoGPT's is its get_batch: random places, a crop of each cast to int64, stacked; the memory map is kept open, which is
quicker than its own new one for every batch.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import torch

from foretell.corpus.config import TextData
from foretell.corpus.importers import import_tokens
from foretell.corpus.mixture import Stage, drawn, drawn_block, mixture_of
from foretell.corpus.rows import Mixed
from foretell.corpus.tokens import open_tokens
from foretell.corpus.windows import open_windows
from foretell.runs import processor
from foretell.text.train import train_tokenizer

LENGTH, BATCH, VOCABULARY = 1024, 8, 600
SHARES = {"web": 0.6, "books": 0.3, "papers": 0.1}
SIZES = {"web": 0.5, "books": 0.3, "papers": 0.2}  # of the rows
SAMPLES, CHANGE = 100_000, 50_003
GPT3 = {"cc": 0.60, "webtext2": 0.22, "books1": 0.08, "books2": 0.08, "wikipedia": 0.03}


def make(rows: int, folder: Path) -> tuple[Path, Path, float]:
    """Random tokens as a folder of one source and as one of three, and the MB that are imported in a CPU-second."""
    tokenizer = train_tokenizer("bpe", [topics[name] for name in sorted(topics)[:40]], VOCABULARY, quiet=True)
    files = {"all": 1.0, **SIZES}
    for number, (name, share) in enumerate(files.items()):
        ids = np.random.default_rng([7, number]).integers(0, VOCABULARY, round(rows * share) * LENGTH + 1, np.uint16)
        ids[:: LENGTH * 2 // 3] = tokenizer.end_of_text
        ids.tofile(folder / f"{name}.bin")
    (folder / "val.bin").write_bytes((folder / "all.bin").read_bytes()[: 1 << 15])
    held = {"val": [folder / "val.bin"]}
    begun = cpu()
    import_tokens({"all": [folder / "all.bin"]}, folder / "one", tokenizer, val=held, quiet=True)
    speed = (folder / "all.bin").stat().st_size / 1e6 / (cpu() - begun)
    three = {name: [folder / f"{name}.bin"] for name in SIZES}
    import_tokens(three, folder / "three", tokenizer, val=held, weights=SHARES, quiet=True)
    return folder / "one", folder / "three", speed


def cpu() -> float:
    """CPU-seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ours(folder: Path, rows: int, mixture: tuple[str, ...] = ()) -> Callable[[], None]:
    """Our reader, over so many rows."""
    opened = open_windows(TextData(folder=str(folder), length=LENGTH, mixture=mixture), seed=1)

    def read() -> None:
        for first in range(0, rows, BATCH):
            batch = opened.batch(np.arange(first, first + BATCH))
            torch.from_numpy(batch["inputs"]), torch.from_numpy(batch["targets"])

    return read


def random_crops(folder: Path, rows: int) -> Callable[[], None]:
    """nanoGPT's get_batch, over as many rows."""
    data = open_tokens(folder).train.tokens
    generator = torch.Generator().manual_seed(1)

    def read() -> None:
        for _ in range(0, rows, BATCH):
            places = torch.randint(len(data) - LENGTH, (BATCH,), generator=generator).tolist()
            torch.stack([torch.from_numpy(data[i : i + LENGTH].astype(np.int64)) for i in places])
            torch.stack([torch.from_numpy(data[i + 1 : i + 1 + LENGTH].astype(np.int64)) for i in places])

    return read


def speeds(one: Path, three: Path, rows: int, rounds: int) -> dict[str, list[float]]:
    """Million tokens in a CPU-second of each side in each round."""
    sides = {
        "foretell": ours(one, rows),
        "foretell, 3 sources": ours(three, rows, (_line(SHARES), f"{rows // 2}: web=0.2,books=0.2,papers=0.6")),
        "nanoGPT": random_crops(one, rows),
    }
    found: dict[str, list[float]] = {side: [] for side in sides}
    for read in sides.values():  # so that every round finds the file in the page cache
        read()
    for _ in range(rounds):
        for side, read in sides.items():
            begun = cpu()
            read()
            found[side].append(rows * LENGTH / 1e6 / (cpu() - begun))
    return found


def _line(weights: dict[str, float]) -> str:
    return ",".join(f"{name}={weight}" for name, weight in weights.items())


def epoch(one: Path, rows: int) -> dict[str, tuple[float, float]]:
    """Of each side the share of all tokens that an epoch reads, and how far apart rows read in succession lie.

    A last piece that fills no row is not read, and counts as that.
    """
    n = open_windows(TextData(folder=str(one), length=LENGTH), seed=1).n_rows
    read = open_windows(TextData(folder=str(one), length=LENGTH), seed=1).order.rows(np.arange(n))
    total = len(open_tokens(one).train.tokens)
    crops = np.random.default_rng(1).integers(0, total - LENGTH, n)
    covered = np.zeros(total + 1, np.int32)
    np.add.at(covered, crops, 1)
    np.add.at(covered, crops + LENGTH, -1)
    return {
        "foretell": ((len(np.unique(read)) * LENGTH + 1) / total, float(np.abs(np.diff(read)).mean() / n)),
        "nanoGPT": (float((np.cumsum(covered)[:-1] > 0).mean()), float(np.abs(np.diff(crops)).mean() / total)),
    }


def mixtures(samples: int) -> dict[str, float]:
    """Samples drawn in a CPU-second, with and without their rows, and the largest deviation from the shares so far."""
    changed = {**GPT3, "cc": 0.3, "books1": 0.38}
    mixture = mixture_of(list(GPT3), [Stage(0, GPT3), Stage(CHANGE, changed)])
    order = Mixed(mixture=mixture, sizes=(4_000_000, 190_000, 120_000, 550_000, 30_000), seed=1)
    numbers = np.arange(samples)
    begun = cpu()
    sources, places = drawn(mixture, numbers)
    drew = cpu()
    drawn_block.cache_clear()
    order.rows(numbers)
    found = cpu()
    read = np.cumsum(sources[:, None] == np.arange(len(GPT3)), axis=0)  # (B, S)
    share, other = (np.array(list(one.values())) / sum(one.values()) for one in (GPT3, changed))
    count = numbers[:, None] + 1
    due = np.where(count <= CHANGE, count * share, CHANGE * share + (count - CHANGE) * other)
    chance = np.random.default_rng(1)
    independent = np.cumsum(chance.choice(len(GPT3), samples, p=share)[:, None] == np.arange(len(GPT3)), axis=0)
    gaps = sum(int((np.diff(places[sources == i]) != 1).sum()) for i in range(len(GPT3)))
    return {
        "million samples drawn per CPU-second": samples / 1e6 / (drew - begun),
        "million rows found per CPU-second": samples / 1e6 / (found - drew),
        "largest deviation from the shares, samples": float(np.abs(read - due).max()),
        "the same of independent draws": float(np.abs(independent - count * share).max()),
        "gaps and repeats in any source": gaps,
    }


def goes_on_anywhere(three: Path, rows: int) -> bool:
    """Whether any number of processes with any batch, begun anew in the middle, reads what one process reads."""
    data = TextData(folder=str(three), length=LENGTH, mixture=(_line(SHARES), f"{rows // 3}: web=0.5,papers=0.5"))
    whole = open_windows(data, seed=1).order.rows(np.arange(rows))
    same = True
    for processes, batch, first in ((1, 8, rows // 2), (2, 3, 77), (3, 64, 0), (8, 1, rows // 4)):
        order, found = open_windows(data, seed=1).order, np.full(rows, -1)
        for begin in range(first, rows - processes * batch, processes * batch):
            for rank in range(processes):
                mine = np.arange(begin + rank * batch, begin + rank * batch + batch)
                found[mine] = order.rows(mine)
        read = found >= 0
        same &= bool((found[read] == whole[read]).all() and read[first : rows - processes * batch].all())
    return same


def main() -> None:
    """Print the tables."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--small", action="store_true", help="finish in seconds")
    small = flags.parse_args().small
    rows, rounds, samples = (2_000, 2, SAMPLES) if small else (40_000, 5, 20 * SAMPLES)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        begun = time.perf_counter()
        one, three, imported = make(rows, Path(scratch))
        found = speeds(one, three, rows, rounds)
        covered = epoch(one, rows)
        print(f"{processor()}, {rows:,} rows of {LENGTH:,} tokens in batches of {BATCH}, {rounds} rounds\n")
        print(
            "| reader | million tokens per CPU-second | times nanoGPT (range) | tokens read in an epoch | adjacency |"
        )
        print("| --- | --- | --- | --- | --- |")
        for side, speed in found.items():
            ratios = sorted(a / b for a, b in zip(speed, found["nanoGPT"], strict=True))
            said = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            seen = [f"{number:.3f}" for number in covered.get(side, ())] or ["", ""]
            print(f"| {side} | {statistics.median(speed):.0f} | {said} | {' | '.join(seen)} |")
        print("\n| mixture of GPT-3's five sources, weights changed in mid-run | |\n| --- | --- |")
        told = mixtures(samples)
        told |= {"goes on with other processes and batches": goes_on_anywhere(three, rows)}
        told |= {"MB of tokens imported per CPU-second": imported}
        for name, number in told.items():
            print(f"| {name} | {number:.3g} |" if not isinstance(number, bool) else f"| {name} | {number} |")
        print(json.dumps({"speeds": found, "epoch": covered, "told": told, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
