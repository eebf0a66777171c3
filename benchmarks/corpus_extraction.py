"""Main texts and languages of web pages, beside what others take: pages a CPU second, and how right they are.

$ python -m benchmarks.corpus_extraction            all pages of ../shared/data/webpages, sides in turn, three rounds
$ python -m benchmarks.corpus_extraction --small    twelve pages, one round

A page is a string when its time begins: reading, unpacking and decoding are outside, and decoding has a table of its
own. One process, one thread, CPU seconds of that process. The score is by shingles of 4 tokens, as the
article-extraction-benchmark of scrapinghub has it; its pages here are the 118 of 181 that the data set keeps (up to
350 kB each), so no figure compares with those of all 181.
"""

import argparse
import gzip
import importlib.metadata
import io
import json
import logging
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from foretell.corpus.encoding import decoded
from foretell.corpus.extract import exact_text, fast_text, mean_prf, token_prf
from foretell.corpus.language import identify
from foretell.corpus.reading import Raw, read_part

DATA = Path(__file__).parents[1] / "../shared/data"
SETS = ("article-extraction-benchmark", "readability")
LANG = re.compile(r"""<html[^>]*?\slang\s*=\s*["']?([a-zA-Z]{2})\b""")
SMALL = 12
OURS = "foretell"
Side = Callable[[Sequence[Any]], list[Any]]


def main() -> None:
    """Measure, and print the tables."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--small", action="store_true")
    given = flags.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"the pages of {DATA} are not here")
    logging.disable(logging.CRITICAL)
    pages, rounds = (web_pages()[:: 20 if given.small else 1], 1 if given.small else given.rounds)
    print(f"{versions()}; CPU seconds of one thread, medians of {rounds} rounds, lowest to highest in brackets.\n")
    for name in SETS:
        extraction(name, [page for page in pages if page["source"] == name], rounds)
    decoding([page["html"] for page in pages], rounds)
    crawled = [] if given.small else crawl_pages()
    languages([page["html"] for page in pages] + crawled, rounds, repeats=1 if given.small else 20)
    sentences(SMALL if given.small else 1000, rounds)


def web_pages() -> list[dict[str, Any]]:
    """The pages with what should be extracted of them."""
    import zstandard

    with (DATA / "webpages" / "webpages.jsonl.zst").open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [json.loads(line) for line in lines]


def crawl_pages() -> list[str]:
    """The HTML pages of the web archives."""
    archives = sorted((DATA / "warc").glob("*.warc.gz"))
    records = [record for path in archives for record in read_part(str(path))]
    return [decoded(one.content) for one in records if isinstance(one, Raw) and one.kind == "html"]


def versions() -> str:
    """The libraries measured, with their versions."""
    named = []
    for name in ("resiliparse", "trafilatura", "justext", "py3langid"):
        try:
            named.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            named.append(f"no {name}")
    return ", ".join(named)


def each(one: Callable[[Any], Any]) -> Side:
    """A side that takes its items one by one."""
    return lambda items: [one(item) for item in items]


def timed(sides: dict[str, Side], items: Sequence[Any], rounds: int) -> tuple[dict[str, list[float]], dict[str, list]]:
    """CPU seconds of each side in each round, sides in turn, and what each gives; a first, short run is not counted.

    Each side gets copies of its own: Python keeps the UTF-8 of a string once a library has asked for it.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    given = {}
    for side in sides.values():
        side(items[:2])
    for _ in range(rounds):
        for name, side in sides.items():
            copies = [item[:1] + item[1:] for item in items]
            begun = time.process_time()
            given[name] = side(copies)
            seconds[name].append(max(time.process_time() - begun, 1e-9))
    return seconds, given


def table(
    title: str,
    n: int,
    unit: str,
    seconds: dict[str, list[float]],
    beside: str,
    scores: dict[str, Sequence[float]],
    heads: Sequence[str],
) -> None:
    """Print one table: speed, ratio to one side in each round, scores."""
    print(f"{title}\n\n| side | {unit} a CPU second | times {beside} | {' | '.join(heads)} |")
    print("|" + " --- |" * (3 + len(heads)))
    for name, times in seconds.items():
        speeds = [n / one for one in times]
        ratios = [theirs / ours for ours, theirs in zip(times, seconds[beside], strict=True)]
        cells = [f"{statistics.median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})"]
        cells += [f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"]
        print(f"| {name} | {' | '.join([*cells, *(f'{score:.3f}' for score in scores[name])])} |")
    print(flush=True)


def extraction(name: str, pages: list[dict[str, Any]], rounds: int) -> None:
    """Both of our extractors beside the libraries' own settings."""
    seconds, texts = timed(extractors(), [page["html"] for page in pages], rounds)
    gold = [page["gold_text"] for page in pages]
    scores = {
        side: mean_prf(token_prf(text or "", wanted) for text, wanted in zip(found, gold, strict=True))
        for side, found in texts.items()
    }
    size = sum(len(page["html"]) for page in pages) / len(pages) / 1000
    title = f"Main text, {len(pages)} pages of {name}, {size:.0f} thousand characters each"
    table(title, len(pages), "pages", seconds, "trafilatura", scores, ("precision", "recall", "F1"))


def extractors() -> dict[str, Side]:
    """The sides, those of them that are installed."""
    import trafilatura
    from resiliparse.extract.html2text import extract_plain_text

    sides = {
        f"{OURS} fast_text": each(fast_text),
        f"{OURS} exact_text": each(exact_text),
        "resiliparse main_content": each(lambda html: extract_plain_text(html, main_content=True)),
        "trafilatura": each(trafilatura.extract),
        "trafilatura fast": each(lambda html: trafilatura.extract(html, fast=True, include_comments=False)),
    }
    try:
        import justext
    except ImportError:
        return sides
    words = justext.get_stoplist("English")

    def without_boilerplate(html: str) -> str:
        try:
            return "\n".join(part.text for part in justext.justext(html.encode(), words) if not part.is_boilerplate)
        except Exception:  # it raises on pages without a body
            return ""

    return {**sides, "justext": each(without_boilerplate)}


def decoding(pages: list[str], rounds: int) -> None:
    """Bytes to text, UTF-8 as the pages are here, beside resiliparse's detection and Python's own decoder."""
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    sides = {
        f"{OURS} decoded": each(decoded),
        "resiliparse": each(lambda content: bytes_to_str(content, detect_encoding(content, from_html_meta=True))),
        "UTF-8 without a question": each(bytes.decode),
    }
    seconds, texts = timed(sides, [page.encode() for page in pages], rounds)
    right = {name: [statistics.mean(map(str.__eq__, found, pages))] for name, found in texts.items()}
    table(f"Decoding, {len(pages)} pages", len(pages), "pages", seconds, "resiliparse", right, ("unchanged",))


def detectors() -> dict[str, Side]:
    """Ours, and each of the two that it is made of, over whole texts."""
    from py3langid.langid import LanguageIdentifier
    from resiliparse.parse.lang import detect_fast

    identify(["a word"])  # reads its model
    careful = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True).classify
    return {
        f"{OURS} identify": identify,
        "resiliparse detect_fast": each(lambda text: detect_fast(text)),
        "py3langid": each(careful),
    }


def languages(pages: list[str], rounds: int, repeats: int) -> None:
    """Languages of extracted pages beside what <html lang> says, which is wrong on some."""
    texts, named = [], []
    for page in pages:
        text, said = fast_text(page), LANG.search(page[:5000])
        if text:
            texts.append(text)
            named.append(said[1].lower() if said else "")
    sides = detectors()
    again: dict[str, Side] = {
        name: side if name == "py3langid" else lambda items, side=side: [side(items) for _ in range(repeats)][-1]
        for name, side in sides.items()
    }
    seconds, found = timed(again, texts, rounds)
    for name in seconds:
        seconds[name] = [one if name == "py3langid" else one / repeats for one in seconds[name]]
    agree = {name: [agreement([code for code, _ in codes], named)] for name, codes in found.items()}
    labelled = sum(map(bool, named))
    title = f"Languages, {len(texts)} extracted pages, {statistics.mean(map(len, texts)):.0f} characters each"
    table(title, len(texts), "documents", seconds, "py3langid", agree, (f"agree with html lang ({labelled} have it)",))


def agreement(codes: Sequence[str], named: Sequence[str]) -> float:
    """The share of texts with a name that were found to be of it."""
    pairs = [(code, name) for code, name in zip(codes, named, strict=True) if name]
    return statistics.mean(code == name for code, name in pairs)


def sentences(n: int, rounds: int) -> None:
    """Languages of single sentences of multi30k, whose language is known."""
    texts, named = [], []
    for code in ("en", "de", "fr"):
        with gzip.open(DATA / "multi30k" / f"val.{code}.gz", "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()[:n]
        texts += lines
        named += [code] * len(lines)
    seconds, found = timed(detectors(), texts, rounds)
    right = {name: [agreement([code for code, _ in codes], named)] for name, codes in found.items()}
    title = f"Languages, {len(texts)} sentences of multi30k, {statistics.mean(map(len, texts)):.0f} characters each"
    table(title, len(texts), "documents", seconds, "py3langid", right, ("right",))


if __name__ == "__main__":
    main()
