"""Byte-level BPE: MB of text per CPU-second of encoding and of learning, beside tiktoken and tokenizers.

$ python -m benchmarks.corpus_bpe                     about ten minutes; writes benchmarks/corpus_bpe.md and its JSON
$ python -m benchmarks.corpus_bpe --small             seconds, to see that it runs; writes nothing
$ python -m benchmarks.corpus_bpe --text PATH         other text: a folder or a file

The text is the documentation installed on this machine and, where ../shared/data is there, its novels, articles and web
pages. The sides take turns; CPU-seconds are those of all threads of the process, as both trainers use several.

    encoding    16 MB of it, with vocabularies learnt from the text, and GPT-2's where it is there. foretell is
                encode_batch() as write_tokens() calls it; tiktoken has the pattern that it publishes. All sides must
                give the same ids.
    learning    the whole text. foretell's time ends with a Tokenizer, that of tokenizers with the trained model; both
                merge no pair that is seen once. Of equally frequent pairs they merge another first, so the table says
                how many tokens both have and how many bytes of the text a token of each holds.
"""

import argparse
import datetime
import gzip
import json
import math
import resource
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import tiktoken
import tokenizers
from tiktoken_ext.openai_public import r50k_pat_str
from tokenizers import models, pre_tokenizers, trainers

from foretell.corpus.documents import documentation, gather_folder
from foretell.corpus.tokens import BATCH
from foretell.runs import processor
from foretell.text.bpe import gpt2_from_files, train_bpe
from foretell.text.byte_level import characters, token_bytes
from foretell.text.learn import MIN_COUNT
from foretell.text.specials import BPE
from foretell.text.tokenizer import Tokenizer

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data"
DOCUMENTATION = 64_000_000  # bytes of it at most
SIZES = (8192, 50257)
ENCODED = 16_000_000  # bytes to encode, evenly chosen
SMALL = 1_000_000  # bytes of --small


def read_texts(path: Path | None, documentation_bytes: int) -> list[str]:
    """The texts of a folder or file, or the text that is there."""
    if path is not None and path.is_file():
        return [path.read_text(encoding="utf-8", errors="replace")]
    if path is not None:
        return [one.text for one in gather_folder(path).documents]
    texts = [one.text for one in documentation(documentation_bytes, quiet=True)]
    for file in sorted((DATA / "novels").glob("*.parquet")):
        texts += pq.read_table(file)["text"].to_pylist()
    for file in ("wiki-articles/wiki_articles.jsonl.gz", "c4-sample/c4.jsonl.gz"):
        if (DATA / file).exists():
            with gzip.open(DATA / file, "rt", encoding="utf-8") as lines:
                texts += [json.loads(line)["text"] for line in lines]
    return texts


def cpu_seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """The CPU time of all threads of this process while something runs, and what it gives."""
    begun = resource.getrusage(resource.RUSAGE_SELF)
    made = run()
    ended = resource.getrusage(resource.RUSAGE_SELF)
    return ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime, made


def in_turn(sides: Mapping[str, Callable[[], Any]], rounds: int, megabytes: float) -> tuple[dict[str, Any], dict]:
    """The speed of each side, foretell's as a ratio to each other one, and what the last round gave."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    made: dict[str, Any] = {}
    for _ in range(rounds):
        for name, side in sides.items():
            took, made[name] = cpu_seconds(side)
            seconds[name].append(took)
    found: dict[str, Any] = {"MB per CPU-second": {n: megabytes / statistics.median(s) for n, s in seconds.items()}}
    found["seconds"], found["ratio"] = seconds, {}
    for name in list(sides)[1:]:
        ratios = [theirs / ours for ours, theirs in zip(seconds["foretell"], seconds[name], strict=True)]
        found["ratio"][name] = [statistics.median(ratios), min(ratios), max(ratios)]
    return found, made


def encoding(tokenizer: Tokenizer, texts: Sequence[str], rounds: int) -> dict[str, Any]:
    """All encoders in turn with one vocabulary; an error where one gives other ids."""
    content = json.loads(tokenizer.to_json())
    names = set(tokenizer.specials.values())
    ranks = {token: i for i, token in enumerate(token_bytes(content)) if i not in names}
    published = tiktoken.Encoding("same", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={})
    theirs = tokenizers.Tokenizer.from_str(tokenizer.to_json())
    theirs.encode_special_tokens = True
    texts = some(texts, ENCODED)
    batches = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
    sides: dict[str, Callable[[], Any]] = {
        "foretell": lambda: [ids for batch in batches for ids in tokenizer.encode_batch(batch)],
        "tiktoken": lambda: [published.encode_ordinary(text) for text in texts],
        "tokenizers": lambda: [
            one.ids for batch in batches for one in theirs.encode_batch_fast(batch, add_special_tokens=False)
        ],
    }
    found, made = in_turn(sides, rounds, megabytes_of(texts))
    for name in ("tiktoken", "tokenizers"):
        same = all(ours.tolist() == other for ours, other in zip(made["foretell"], made[name], strict=True))
        if not same:
            raise SystemExit(f"{name} gives other ids")
    return {"n_vocab": tokenizer.n_vocab, **found}


def learning(texts: Sequence[str], n_vocab: int, rounds: int) -> tuple[dict[str, Any], Tokenizer]:
    """Both trainers in turn, how far their tokens are the same, and foretell's tokenizer."""
    sides = {"foretell": lambda: train_bpe(texts, n_vocab), "tokenizers": lambda: by_tokenizers(texts, n_vocab)}
    found, made = in_turn(sides, rounds, megabytes_of(texts))
    ours, theirs = made["foretell"], Tokenizer(made["tokenizers"])
    own, other = (set(token_bytes(json.loads(one.to_json()))) for one in (ours, theirs))
    found["in both"] = len(own & other) / len(other)
    sample = some(texts, ENCODED)
    found["bytes per token"] = {
        name: megabytes_of(sample) * 1e6 / sum(map(len, one.encode_batch(sample)))
        for name, one in (("foretell", ours), ("tokenizers", theirs))
    }
    return {"n_vocab": n_vocab, **found}, ours


def by_tokenizers(texts: Sequence[str], n_vocab: int) -> tokenizers.Tokenizer:
    """The model that BpeTrainer learns, without special tokens."""
    inner = tokenizers.Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab - len(BPE),
        min_frequency=MIN_COUNT,
        initial_alphabet=list(characters()),
        show_progress=False,
    )
    inner.train_from_iterator(iter(texts), trainer)
    return inner


def some(texts: Sequence[str], n_bytes: int) -> Sequence[str]:
    """About so many bytes of the texts, evenly chosen."""
    return texts[:: math.ceil(megabytes_of(texts) * 1e6 / n_bytes)]


def megabytes_of(texts: Sequence[str]) -> float:
    """Millions of bytes."""
    return sum(len(text.encode()) for text in texts) / 1e6


def gpt2() -> Tokenizer | None:
    """GPT-2's vocabulary, where it is there."""
    names = ("gpt2_encoder.json", "gpt2_vocab.bpe")
    if not (DATA / "tokenizers" / f"{names[0]}.gz").exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in names]
        for path in paths:
            path.write_bytes(gzip.decompress((DATA / "tokenizers" / f"{path.name}.gz").read_bytes()))
        return gpt2_from_files(*paths)


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    head = (
        f"Byte-level BPE on {found['megabytes']:.1f} MB in {found['texts']} texts, {found['processor']}, "
        f"{', '.join(f'{name} {number}' for name, number in found['versions'].items())};\n"
        f"made by benchmarks/corpus_bpe.py: {found['rounds']} rounds, sides in turn, medians; "
        "MB per CPU-second of all threads; ratios from the lowest to the highest round.\n\n"
    )
    lines = ["| encoding with | foretell | tiktoken | tokenizers | to tiktoken | to tokenizers | ids |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for one in found["encoding"]:
        speed = " | ".join(f"{rate:.1f}" for rate in one["MB per CPU-second"].values())
        ratios = " | ".join(shown(ratio) for ratio in one["ratio"].values())
        lines.append(f"| {one['vocabulary']}, {one['n_vocab']} tokens | {speed} | {ratios} | equal |")
    lines += ["", "| learning | foretell | tokenizers | ratio | tokens in both | bytes per token |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for one in found["learning"]:
        speed = " | ".join(f"{rate:.1f}" for rate in one["MB per CPU-second"].values())
        held = ", ".join(f"{held:.3f}" for held in one["bytes per token"].values())
        ratio = shown(one["ratio"]["tokenizers"])
        lines.append(f"| {one['n_vocab']} tokens | {speed} | {ratio} | {one['in both']:.2%} | {held} |")
    return head + "\n".join(lines) + "\n"


def shown(ratio: list[float]) -> str:
    """A ratio with its range."""
    return f"{ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})"


def main() -> None:
    """Measure all and write the tables, or as little as shows that it runs."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--small", action="store_true", help="seconds, to see that it runs")
    flags.add_argument("--text", type=Path, help="a folder or a file of text")
    flags.add_argument("--rounds", type=int, default=5)
    given = flags.parse_args()
    rounds = 2 if given.small else given.rounds
    texts = read_texts(given.text, SMALL if given.small else DOCUMENTATION)
    if given.small:
        texts = some([text[:SMALL] for text in texts], SMALL)
    found: dict[str, Any] = {"megabytes": megabytes_of(texts), "texts": len(texts), "rounds": rounds}
    versions = {name: version(name) for name in ("rustbpe", "tiktoken", "tokenizers")}
    found |= {"processor": processor(), "versions": versions, "encoding": [], "learning": []}
    known = [("GPT-2's", made)] if (made := gpt2()) else []
    for n_vocab in SIZES[:1] if given.small else SIZES:
        learnt, tokenizer = learning(texts, n_vocab, rounds)
        found["learning"].append(learnt)
        known.append(("learnt here", tokenizer))
    for name, tokenizer in known:
        found["encoding"].append({"vocabulary": name, **encoding(tokenizer, texts, rounds)})
    print(table(found), end="")
    if not given.small:
        month = datetime.date.today().strftime("%Y-%m")
        (HERE / f"corpus_bpe_{month}.json").write_text(json.dumps(found, indent=1) + "\n")
        (HERE / "corpus_bpe.md").write_text(table(found))


if __name__ == "__main__":
    main()
