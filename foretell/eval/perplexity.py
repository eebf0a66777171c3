"""How well a model foretells running text: perplexity by token and by word, and bits by byte.

Each token of a document is scored once. Windows of the network's context slide by a stride: the first scores all of its
tokens, each later one the last `stride` of its own, after n_ctx + 1 - stride tokens that are read again; the last one
reaches back until it is full. A stride of n_ctx is the cheap way: windows whose scored tokens are all of their tokens,
with the sums of lm-evaluation-harness' loglikelihood_rolling (max_seq_len=n_ctx, context_len=1).

A document begins after the end-of-text token, so that its first token is scored too. Where the vocabulary has none, the
first token is read only, and its bytes are not counted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import exp, inf, log, sqrt
from typing import Any, NamedTuple

from foretell import progress
from foretell.errors import BadUse
from foretell.eval.measured import Measured, Z
from foretell.generate.model import Model
from foretell.generate.score import score

PARTS = 20  # of a text that is one document, to tell how much its perplexity varies
AT_ONCE = 128  # windows that are handed on together


class Passage(NamedTuple):
    """A document, and how many words its published form has (the divisor of the perplexity by word)."""

    text: str
    n_words: int


class Window(NamedTuple):
    """What is read before, and which tokens are scored: places in a document's tokens."""

    begin: int
    first: int
    end: int


class Measure(NamedTuple):
    """What a document, or a part of one, adds to the sums."""

    nats: float
    n_tokens: float
    n_bytes: float
    n_words: float


def perplexity_suite(
    model: Model, texts: Mapping[str, Sequence[str | Passage]], stride: int | None = None, *, quiet: bool = True
) -> list[dict[str, Any]]:
    """A row for each text: counts, `perplexity` (by token), `word_perplexity`, `bits_per_byte`, each with an interval.

    `stride` is in tokens, half of the context where it is None. A document given as text has as many words as white
    space divides. BadUse for a text without a token, a stride outside 1 to n_ctx, or a model that is no decoder.
    """
    n_ctx = model.network.cfg.n_ctx
    stride = max(n_ctx // 2, 1) if stride is None else stride
    documents = {name: [passage_of(each) for each in some] for name, some in texts.items()}
    size = {name: sum(len(passage.text) for passage in some) for name, some in documents.items()}
    rows = []
    with progress.bar("perplexity", sum(size.values()), quiet=quiet) as shown:
        for name, some in documents.items():
            shown.advance(0, text=name)
            found = perplexity(model, some, stride, partial(moved, shown, size[name]))
            rows.append({"text": name, "n_ctx": n_ctx, "stride": stride, **found})
    return rows


def moved(shown: progress.Bar, size: float, part: float) -> None:
    """Move a bar by a part of a text of some size."""
    shown.advance(part * size)


def passage_of(document: str | Passage) -> Passage:
    """A document with its words: those that it is told to have, else those between white space."""
    return Passage(document, len(document.split())) if isinstance(document, str) else document


def perplexity(
    model: Model, documents: Sequence[str | Passage], stride: int, advance: Callable[[float], None] = lambda part: None
) -> dict[str, Any]:
    """The row of one text, without its name (perplexity_suite). `advance` is told each part of it that is done."""
    passages = [passage_of(each) for each in documents]
    rows = [begun(model, passage.text) for passage in passages]
    kept = [(ids, passage) for ids, passage in zip(rows, passages, strict=True) if len(ids) > 1]
    if not kept:
        raise BadUse(f"the text has {len(documents)} documents and no token to score; give text of two tokens or more")
    nats = window_nats(model, [ids for ids, _ in kept], stride, advance)
    found = [
        Measure(sum(n for n, _ in parts), len(ids) - 1, n_bytes(model, ids, passage.text), passage.n_words)
        for parts, (ids, passage) in zip(nats, kept, strict=True)
    ]
    return row(found, found if len(found) > 1 else parts_of(found[0], nats[0]))


def begun(model: Model, text: str) -> list[int]:
    """The tokens of a document after the end-of-text token, where there is one."""
    start = [model.tokenizer.end_of_text] if model.tokenizer.has_end else []
    return start + model.tokenizer.encode(text)


def n_bytes(model: Model, ids: Sequence[int], text: str) -> int:
    """UTF-8 bytes of what is scored of a text."""
    unscored = 0 if model.tokenizer.has_end else int(model.tokenizer.byte_lengths()[ids[0]])
    return len(text.encode("utf-8", "replace")) - unscored


def windows(n: int, n_ctx: int, stride: int) -> Iterator[Window]:
    """The windows of n tokens, of which the first is read only; BadUse for a stride that is not 1 to n_ctx."""
    if not 1 <= stride <= n_ctx:
        raise BadUse(f"a stride of {stride} tokens: the context holds {n_ctx}; give 1 to {n_ctx}")
    first = 1
    while first < n:
        end = min(n, first + (n_ctx if first == 1 else stride))
        yield Window(max(end - n_ctx - 1, 0), first, end)
        first = end


def window_nats(
    model: Model, rows: Sequence[Sequence[int]], stride: int, advance: Callable[[float], None] = lambda part: None
) -> list[list[tuple[float, int]]]:
    """For each document's tokens the negative log-probability (nats) and the number of tokens of each window."""
    model.check("measure perplexity", "decoder")
    n_ctx = model.network.cfg.n_ctx
    places = [(i, window) for i, ids in enumerate(rows) for window in windows(len(ids), n_ctx, stride)]
    found: list[list[tuple[float, int]]] = [[] for _ in rows]
    for start in range(0, len(places), AT_ONCE):
        some = places[start : start + AT_ONCE]
        pairs = [(rows[i][w.begin : w.first], rows[i][w.first : w.end]) for i, w in some]
        for (i, _), scored in zip(some, score(model.network, pairs), strict=True):
            found[i].append((-scored.logprob, scored.n))
        advance(len(some) / len(places))
    return found


def parts_of(whole: Measure, nats: Sequence[tuple[float, int]]) -> list[Measure]:
    """PARTS runs of windows of one document, with bytes and words in proportion to their tokens (batch means)."""
    n = min(PARTS, len(nats))
    found = []
    for i in range(n):
        part = nats[i * len(nats) // n : (i + 1) * len(nats) // n]
        n_tokens = sum(count for _, count in part)
        share = n_tokens / whole.n_tokens
        found.append(Measure(sum(x for x, _ in part), n_tokens, whole.n_bytes * share, whole.n_words * share))
    return found


def row(documents: Sequence[Measure], units: Sequence[Measure]) -> dict[str, Any]:
    """The figures of a text, with intervals from `units`: its documents, or the parts of its only one."""
    total = Measure(*map(sum, zip(*documents, strict=True)))
    by_token = ratio([(unit.nats, unit.n_tokens) for unit in units])
    by_byte = ratio([(unit.nats, unit.n_bytes) for unit in units])
    by_word = ratio([(unit.nats, unit.n_words) for unit in units])
    return {
        "n_documents": len(documents),
        "n_tokens": int(total.n_tokens),
        "n_bytes": int(total.n_bytes),
        "n_words": int(total.n_words),
        "nats": total.nats,
        "interval_over": "documents" if len(documents) > 1 else "parts of the one document",
        "perplexity": exponential(by_token),
        "word_perplexity": exponential(by_word),
        "bits_per_byte": {name: v if name == "n" else v / log(2) for name, v in by_byte.items()},
    }


def ratio(units: Sequence[tuple[float, float]]) -> Measured:
    """Sum of the first over sum of the second, with its standard error `se` over units and the 95 % interval.

    The error is the ratio estimator's, linearised: sqrt(n/(n-1) sum (a - r b)^2) / sum b (Cochran 1977, section 2.11).
    It is infinite for a single unit, of which nothing can be said.
    """
    n, below = len(units), sum(b for _, b in units)
    if below <= 0:
        return {"value": inf, "se": inf, "low": 0.0, "high": inf, "n": n}
    value = sum(a for a, _ in units) / below
    squares = sum((a - value * b) ** 2 for a, b in units)
    se = sqrt(n / (n - 1) * squares) / below if n > 1 else inf
    return {"value": value, "se": se, "low": max(value - Z * se, 0.0), "high": value + Z * se, "n": n}


def exponential(rate: Measured) -> Measured:
    """exp of a rate in nats and of its interval; the standard error to first order."""
    value = bounded_exp(rate["value"])
    low, high = bounded_exp(rate["low"]), bounded_exp(rate["high"])
    return {"value": value, "se": value * rate["se"], "low": low, "high": high, "n": rate["n"]}


def bounded_exp(nats: float) -> float:
    """exp, infinite where it would not fit."""
    return exp(nats) if nats < 700 else inf


def last_word_perplexity(logprobs: Sequence[float]) -> Measured:
    """LAMBADA's perplexity: exp of the mean negative log-probability (nats) of each passage's whole last word.

    A word of several tokens counts once, as in GPT-3's table H.1. BadUse without a passage.
    """
    if not logprobs:
        raise BadUse("there is no last word to measure; give one log-probability for each passage")
    return exponential(ratio([(-logprob, 1.0) for logprob in logprobs]))
