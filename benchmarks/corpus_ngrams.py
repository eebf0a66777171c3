"""Cutting evaluation text out of documents, beside plain Python: the same documents, both sides in turn.

$ python -m benchmarks.corpus_ngrams            17 MB, 300 planted snippets, five rounds
$ python -m benchmarks.corpus_ngrams --small    1 MB, two rounds: seconds

The documents are Markov text over the words of Python's help pages with capitals, punctuation and some letters beyond
ASCII; 300 of 2,000 evaluation items of 30 to 60 words are planted in one document each. Our side reads an Arrow array
and does both passes, counting and cleaning. The other is Janitor of lm-eval where that is installed, else the same rule
in plain Python, which scans once and remembers what it found. Its pieces must be ours; of Janitor, which has other
rules for what to cut, the documents that it finds dirty must be. Building the index is no part of the time. CPU
seconds are of all threads.
"""

import argparse
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pydoc_data.topics import topics

import numpy as np
import pyarrow as pa

from benchmarks.markov_text import chain_of, documents
from foretell.corpus.decontaminate import DecontaminateConfig, Index, build, clean, document_counts, scan, without
from foretell.corpus.evaluation_text import Item
from foretell.runs import processor

CFG = DecontaminateConfig()
WORD = re.compile(r"[^\W_]+")
ENDS = [" "] * 30 + [", ", ", ", ". ", ".\n", " \u2014 ", "; ", ": ", "\u201d "]
SPECIAL = {"function": "na\u00efve", "object": "caf\u00e9", "module": "\u00fcber"}
Result = tuple[list[str], bool]  # what is left of a document, and whether a rare n-gram was in it


def made(megabytes: float, snippets: int, items: int) -> tuple[list[str], list[Item]]:
    """Documents of so many million bytes, and evaluation items of which the first `snippets` are planted in them."""
    words, chain = chain_of(re.findall("[a-z]+", " ".join(topics.values()).lower()))
    spelled = [SPECIAL.get(word, word) for word in words.to_pylist()]
    rng = np.random.default_rng(17)
    texts = [spoken(one, spelled, rng) for one in documents(rng, chain, round(megabytes * 600))]
    size = np.cumsum([len(text.encode()) for text in texts])
    texts = texts[: int(np.searchsorted(size, megabytes * 1e6)) + 1]
    lengths = rng.integers(30, 61, items)
    asked = [
        spoken(one[:length], spelled, rng) for one, length in zip(documents(rng, chain, items), lengths, strict=True)
    ]
    for snippet, place in zip(asked, rng.choice(len(texts), snippets, replace=False).tolist(), strict=False):
        at = texts[place].find(" ", int(rng.integers(0, len(texts[place]))))
        texts[place] = f"{texts[place][:at]} {snippet} {texts[place][at:]}"
    return texts, [Item("quiz", str(i), text) for i, text in enumerate(asked)]


def spoken(codes: np.ndarray, words: list[str], rng: np.random.Generator) -> str:
    """Words as a text with punctuation, some of them with a capital."""
    ends = rng.integers(0, len(ENDS), len(codes)).tolist()
    upper = (rng.random(len(codes)) < 0.1).tolist()
    chosen = [words[code] for code in codes.tolist()]
    return "".join((w.capitalize() if up else w) + ENDS[end] for w, up, end in zip(chosen, upper, ends, strict=True))


def ours(index: Index, texts: pa.Array, ids: list[str]) -> list[Result]:
    """Both passes."""
    first = scan(index, texts)
    found = clean(index, first.counts, ids, texts, CFG, dirty=first.dirty)
    return [(one.pieces, any(not hit.ignored for hit in one.hits)) for one in found]


def plain_grams(items: list[Item]) -> set[tuple[str, ...]]:
    """The n-grams of the items."""
    return {gram for item in items for gram in grams_of(WORD.findall(item.text.lower()))}


def grams_of(words: list[str]) -> "zip[tuple[str, ...]]":
    """The runs of CFG.n words."""
    return zip(*(words[i:] for i in range(CFG.n)), strict=False)


def plain(dirty: set[tuple[str, ...]], texts: list[str]) -> list[Result]:
    """The same rule, a document and a word at a time."""
    hits = [
        [(i, gram) for i, gram in enumerate(grams_of(WORD.findall(text.lower()))) if gram in dirty] for text in texts
    ]
    counts = Counter(gram for found in hits for gram in {gram for _, gram in found})
    return [
        plainly_cut(text, [i for i, gram in found if counts[gram] <= CFG.most_documents])
        for text, found in zip(texts, hits, strict=True)
    ]


def plainly_cut(text: str, starts: list[int]) -> Result:
    """A document without the windows around the n-grams that start at these words."""
    if not starts:
        return [text], False
    places = [word.span() for word in WORD.finditer(text)]
    pieces = without(text, [(places[i][0], places[i + CFG.n - 1][1]) for i in starts], CFG.window)
    kept = [piece for piece in pieces if len(piece) >= CFG.shortest_piece]
    return (kept if len(pieces) <= CFG.most_pieces else []), True


def other_side(items: list[Item], texts: list[str]) -> tuple[str, Callable[[], list[Result]]]:
    """The other side's name and work."""
    try:
        from lm_eval.decontamination.janitor import Janitor
    except ImportError:
        dirty = plain_grams(items)
        return "plain Python", lambda: plain(dirty, texts)
    janitor = Janitor()
    for item in items:
        janitor.register_contaminant_python(item.text)

    def work() -> list[Result]:
        left = [janitor.clean_python(text) for text in texts]
        return [(pieces, pieces != [text]) for pieces, text in zip(left, texts, strict=True)]

    return "lm-eval Janitor", work


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of some work, and what came of it."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def check(name: str, mine: list[Result], theirs: list[Result], snippets: int) -> int:
    """How many documents both sides find dirty; AssertionError unless they find the same."""
    dirty, also = ({i for i, one in enumerate(side) if one[1]} for side in (mine, theirs))
    assert dirty == also, f"{len(dirty - also)} documents only ours, {len(also - dirty)} only of {name}"
    assert len(dirty) >= snippets
    assert name != "plain Python" or mine == theirs
    return len(dirty)


def main() -> None:
    """Compare the sides and print a table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=0)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    size, snippets, items, rounds = (1, 20, 200, 2) if given.small else (17, 300, 2000, 5)
    texts, asked = made(size, snippets, items)
    megabytes, array = sum(len(text.encode()) for text in texts) / 1e6, pa.array(texts)
    ids, index = [str(i) for i in range(len(texts))], build(asked, CFG)
    name, other = other_side(asked, texts)
    found: dict[str, list[float]] = {"foretell": [], "foretell, the scan alone": [], name: []}
    for _ in range(given.rounds or rounds):
        both, mine = seconds(lambda: ours(index, array, ids))
        scan, _ = seconds(lambda: document_counts(index, array))
        took, theirs = seconds(other)
        dirty = check(name, mine, theirs, snippets)  # type: ignore[arg-type]
        for side, value in zip(found, (both, scan, took), strict=True):
            found[side].append(value)
    print(table(found, megabytes, len(texts), dirty, len(index.hashes)))


def table(found: dict[str, list[float]], megabytes: float, n: int, dirty: int, n_grams: int) -> str:
    """The figures as Markdown; the last side is the one that the others are compared with."""
    other = list(found.values())[-1]
    head = f"{megabytes:.1f} MB, {n} documents, {dirty} of them dirty on both sides, {n_grams} n-grams, {processor()}, "
    head += f"{len(other)} rounds; medians, the ratio with its lowest and highest round:\n\n"
    head += "| side | CPU s | MB / CPU s | documents / CPU s | times as fast |\n| --- | --- | --- | --- | --- |\n"
    lines = []
    for side, times in found.items():
        took, ratios = statistics.median(times), [b / a for a, b in zip(times, other, strict=True)]
        ratio = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        lines.append(f"| {side} | {took:.2f} | {megabytes / took:.1f} | {n / took:.0f} | {ratio} |")
    return head + "\n".join(lines)


if __name__ == "__main__":
    main()
