"""Speed of the rules and of masking on real text, and how well masking tells planted values from what looks like them.

$ python -m benchmarks.corpus_pii                the text files of ../shared/data
$ python -m benchmarks.corpus_pii --small        one of them, one round
$ python -m benchmarks.corpus_pii --data FOLDER  files of the same names in another folder

Prints Markdown tables. Speed is MB of UTF-8 per CPU-second, the median and the range of the rounds, both steps in turn.
A planted value counts as found only where exactly it is masked, and every other mask counts against precision.
"""

import argparse
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from foretell.corpus.phones import phones
from foretell.corpus.pii import cards, emails, ips, is_card, masked
from foretell.corpus.reading.parts import parts, read_part
from foretell.corpus.reading.records import Raw
from foretell.corpus.rules import RulesConfig, reasons
from foretell.runs import processor

DATA = Path(__file__).parents[1] / "../shared/data"
FILES = (
    "c4-sample/c4.jsonl.gz",
    "wiki-articles/wiki_articles.jsonl.gz",
    "techdocs/techdocs.jsonl.zst",
    "arxiv-sample/arxiv.jsonl.gz",
    "novels/novels-00.parquet",
)
FINDERS = {"e-mail": emails, "ip": ips, "card": cards, "phone": phones}
LOOKALIKES = (
    "version 10.{a}.{b}.{c}",
    "tool-{a}.{b}.{c}.{c}.tar",
    "192.168.{a}.{b}",
    "{y}-0{d}-{a} 1{d}:{a}:{b}",
    "{a}.0{d}.{y}",
    "{y}-{y}",
    "ISBN 978-0-{c}-{n}-{d}",
    "${d},{c},{c}.{a}",
    "{n}{n}{n}",
    "{d}.{n}{n}",
    "{c} {c} {c}",
    "{c}-{a}-{y}",
    "https://example.org/{y}/0{d}/{n}{c}/",
    "photo@{d}x.png",
    "package@{d}.{a}.{b}",
    "{a}:{b}:{c}::x",
    "0{d}30 1{d}30 1{a}5",
    "{n}-{n} {d}",
)
CARDS = ("4### #### #### ###", "51##-####-####-###", "4##############", "37## ###### ####")
PHONES = (
    *(
        "+49 30 N######",
        "+44 (0)20 N### ####",
        "+33 6 2# ## ## ##",
        "+1-N##-N##-####",
        "+8613N########",
        "+354 N## ####",
    ),
    *("(N##) N##-####", "N##-N##-####", "N##.N##.####", "1-800-N##-####", "0161 496 ####", "07700 90####"),
    *("030/N#######", "02 N# ## ## ##", "03-N###-####", "0049 89 N######", "tel. N### ####", "call N##-####"),
    *("07700900###", "0171 N### ####", "98N## #####"),
)
"""ways of writing numbers: # is any digit, N one of 2 to 9; those of the last line are not found, by our choice"""


def texts_of(path: Path) -> list[str]:
    """The texts of a file of documents."""
    records = (record for part in parts(str(path)) for record in read_part(part))
    return [
        str(one.content) if isinstance(one.content, str) else one.content.decode()
        for one in records
        if isinstance(one, Raw)
    ]


def measured(texts: list[str], rounds: int) -> dict[str, tuple[list[float], Counter[str]]]:
    """Seconds of every round, and what was found, by step."""
    cfg, found = RulesConfig(), {}

    def judge() -> Counter[str]:
        return Counter(reasons(text, cfg).split(": ")[0] or "kept" for text in texts)

    def mask() -> Counter[str]:
        return sum((masked(text)[1] for text in texts), Counter())

    steps: dict[str, Callable[[], Counter[str]]] = {"rules": judge, "masking": mask}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            begun = time.process_time()
            found[name] = step()
            times[name].append(time.process_time() - begun)
    return {name: (times[name], found[name]) for name in steps}


def report_speed(files: list[Path], rounds: int) -> None:
    """Print a row for each file and step."""
    print(f"MB per CPU-second, {processor()}, {rounds} rounds, made by benchmarks/corpus_pii.py\n")
    print("| text | MB | documents | step | MB/s (lowest to highest round) | found |")
    print("| --- | --- | --- | --- | --- | --- |")
    for path in files:
        texts = texts_of(path)
        size = sum(len(text.encode()) for text in texts) / 1e6
        for step, (times, found) in measured(texts, rounds).items():
            speeds = sorted(size / max(seconds, 1e-9) for seconds in times)
            shown = ", ".join(f"{name} {n}" for name, n in found.most_common()) or "nothing"
            speed = f"{statistics.median(speeds):.1f} ({speeds[0]:.1f} to {speeds[-1]:.1f})"
            print(f"| {path.parent.name} | {size:.1f} | {len(texts)} | {step} | {speed} | {shown} |", flush=True)


def planted(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Kinds and values of made-up people, in many ways of writing."""

    def digits(form: str) -> str:
        return "".join(rng.choice({"#": "0123456789", "N": "23456789"}.get(c, c)) for c in form)

    name = rng.choice(("ann", "bo.li", "c_day", "d'arc", "eve+news", "f.x-y"))
    yield "e-mail", f"{name}@{rng.choice(('mail', 'post-1', 'a.b'))}.{rng.choice(('org', 'co.uk', 'museum'))}"
    yield "ip", f"{rng.randint(11, 99)}.{rng.randint(70, 99)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}"
    yield "ip", f"2a0{rng.randint(1, 9)}:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}::{rng.randint(1, 9999):x}"
    body = digits(rng.choice(CARDS))
    yield "card", next(c for last in "0123456789" if is_card("".join(filter(str.isdigit, c := body + last))))
    yield "phone", digits(rng.choice(PHONES))


def report_planted(pages: int) -> None:
    """Print precision and recall by kind on pages of planted values between lookalikes."""
    rng = random.Random(17)
    hits, misses, wrong = Counter(), Counter(), Counter()
    for _ in range(pages):
        text, places = "", set()
        for kind, value in planted(rng):
            before = [lookalike(rng) + rng.choice((",", ".", " of")) for _ in range(3)]
            text += " ".join(["so it was said", *before, ""])
            cue = len(value) - len(value.removeprefix("tel. ").removeprefix("call "))
            places.add((kind, len(text) + cue, len(text) + len(value)))
            text += value + rng.choice((".", ",", ")", " and")) + "\n"
        found = {(kind, start, end) for kind, finder in FINDERS.items() for start, end in finder(text)}
        found -= {one for one in found if one[0] == "phone" and any(overlap(one, o) for o in found if o[0] != "phone")}
        for wanted in places:
            (hits if wanted in found else misses)[wanted[0]] += 1
        wrong.update(one[0] for one in found - places)
    print(f"\n| kind | planted | precision | recall | ({pages} pages, {len(LOOKALIKES)} kinds of lookalikes)")
    print("| --- | --- | --- | --- |")
    for kind in FINDERS:
        precision = hits[kind] / max(hits[kind] + wrong[kind], 1)
        recall = hits[kind] / (hits[kind] + misses[kind])
        print(f"| {kind} | {hits[kind] + misses[kind]} | {precision:.4f} | {recall:.4f} |")


def lookalike(rng: random.Random) -> str:
    """Something with digits that is none of these kinds."""
    sizes = {"a": (10, 28), "b": (10, 59), "c": (100, 254), "d": (1, 9), "n": (10_000, 99_999), "y": (1900, 2029)}
    return rng.choice(LOOKALIKES).format(**{name: rng.randint(*size) for name, size in sizes.items()})


def overlap(a: tuple[str, int, int], b: tuple[str, int, int]) -> bool:
    """Whether two finds share a character: the later kind is not looked for in a mask."""
    return a[1] < b[2] and b[1] < a[2]


def main() -> None:
    """Print both tables."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--data", type=Path, default=DATA)
    flags.add_argument("--rounds", type=int, default=5)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    files = [given.data / name for name in FILES if (given.data / name).is_file()][: 1 if given.small else None]
    report_speed(files, 1 if given.small else given.rounds)
    report_planted(200 if given.small else 5000)


if __name__ == "__main__":
    main()
