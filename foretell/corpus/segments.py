"""[CLS] A [SEP] B [SEP] with masked tokens (Devlin et al. 2018, section 3.1 and appendix A.1, A.2).

    is_next = 1: B is what follows A in its document; 0: B is from another document; half and half
    15 % of the tokens of A and B are predicted: 80 % of them become [MASK], 10 % a random token, 10 % stay

A row is a stretch of a document, T - 3 tokens or what is left of it. It is cut at an end of sentence near its middle
half, and in half of the samples what follows the cut is replaced by as many tokens of another document, from an end of
sentence on. Where there is one document only, they come from a place of it that is no neighbour. Masks are fresh in
every epoch: the authors' program wrote ten copies of the text with different ones.

Rows of several sources are mixed so that the sources' shares of the tokens predicted are their weights (rows.py); a B
from elsewhere counts with the row that it is set in.

Deviation: the random token is drawn from the ordinary tokens; the authors' program may draw a special one.

B rows   T positions   S sentences of the split   R rows of the split   V n_vocab
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foretell.corpus.batches import IGNORED, Arrays, parts, spread
from foretell.corpus.config import SegmentData
from foretell.corpus.megatron import TokenFile
from foretell.corpus.order import stream
from foretell.corpus.rows import Order, order_of, source_rows
from foretell.corpus.tokens import Tokens, check_kind, check_length, open_tokens
from foretell.errors import BadUse

SHORTEST = 8  # tokens of a row; shorter leftovers of documents are not read
MASKED, REPLACED = 0.8, 0.1
EVALUATION_SEED = 0  # held-out rows are the same in every run
SEEN = 1 << 14  # rows made of each source to know how many tokens one predicts
CUTS, MASKS = 1, 2  # purposes of the random numbers


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretches:
    """The rows of a split: where each begins, how long it is, which rows must not lend it a B, where its text ends."""

    tokens: np.ndarray
    sentences: np.ndarray
    start: np.ndarray
    length: np.ndarray
    own_first: np.ndarray
    own_last: np.ndarray
    text_start: np.ndarray
    text_end: np.ndarray


@dataclass(frozen=True, kw_only=True, slots=True)
class Specials:
    """The ids that a row is set with, and those that are ordinary."""

    cls: int
    sep: int
    pad: int
    mask: int
    ordinary: np.ndarray


@dataclass(frozen=True, kw_only=True, slots=True)
class Segments:
    """Rows of sentence pairs with masks."""

    seed: int
    order: Order
    length: int
    mask_share: float
    train: Stretches
    val: Stretches
    specials: Specials

    @property
    def n_rows(self) -> int:
        return len(self.train.start)

    def batch(self, samples: np.ndarray) -> Arrays:
        return self._made(self.train, self.order.rows(samples), samples, self.seed)

    def epochs(self, n_samples: int) -> dict[str, float]:
        """How often each source was read after so many samples."""
        return self.order.epochs(n_samples)

    def evaluation(self, batch_size: int, limit: int) -> Iterator[Arrays]:
        for rows in parts(spread(len(self.val.start), limit), batch_size):
            yield self._made(self.val, rows, rows, EVALUATION_SEED)

    def _made(self, text: Stretches, rows: np.ndarray, samples: np.ndarray, seed: int) -> Arrays:
        a_start, a_length, b_start, b_length, is_next = chosen(text, rows, stream(seed, samples, 4, CUTS))
        set_rows = laid_out(text.tokens, a_start, a_length, b_start, b_length, self.length, self.specials)
        draws = stream(seed, samples, 3 * self.length, MASKS)
        return {**masked(set_rows, draws, self.mask_share, self.specials), "is_next": is_next}


def chosen(
    text: Stretches, rows: np.ndarray, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # (B,), (B, 4) -> five of (B,)
    """Start and length of A, start and length of B, and whether B follows A."""
    is_next = draws[:, 0] < 0.5  # (B,)
    start, end = text.start[rows], text.start[rows] + text.length[rows]  # (B,)
    cut = _cuts(text, rows, draws[:, 1])  # (B,)
    own_first, own_last = text.own_first[rows], text.own_last[rows]
    others = len(text.start) - (own_last - own_first)
    other = np.minimum((draws[:, 2] * others).astype(np.int64), others - 1)
    other = np.where(other < own_first, other, other + own_last - own_first)  # (B,)
    wanted = end - cut
    far = np.minimum(_cuts(text, other, draws[:, 3]), text.text_end[other] - wanted)
    far = np.maximum(far, text.text_start[other])  # (B,)
    b_start = np.where(is_next, cut, far)
    b_length = np.where(is_next, wanted, np.minimum(wanted, text.text_end[other] - far))
    return start, cut - start, b_start, b_length, is_next.astype(np.int64)


def _cuts(text: Stretches, rows: np.ndarray, draws: np.ndarray) -> np.ndarray:  # (B,), (B,) -> (B,)
    """A place in the middle half of each row: the nearest beginning of a sentence if there is one within a quarter."""
    start, length = text.start[rows], text.length[rows]
    place = start + np.maximum((length * (0.25 + draws / 2)).astype(np.int64), 1)
    after = np.searchsorted(text.sentences, place)
    before = text.sentences[np.maximum(after - 1, 0)]
    after = text.sentences[np.minimum(after, len(text.sentences) - 1)]
    near = np.where(place - before <= after - place, before, after)
    fits = (np.abs(near - place) <= length // 4) & (near > start) & (near < start + length)
    return np.where(fits, near, place)


def laid_out(
    tokens: np.ndarray,
    a_start: np.ndarray,
    a_length: np.ndarray,
    b_start: np.ndarray,
    b_length: np.ndarray,
    length: int,
    specials: Specials,
) -> Arrays:  # (N,), (B,), (B,), (B,), (B,)
    """The rows [CLS] A [SEP] B [SEP] [PAD] ..., before any token is masked."""
    t = np.arange(length)[None]  # (1, T)
    middle, last = (a_length + 1)[:, None], (a_length + b_length + 2)[:, None]  # (B, 1)
    in_a, in_b = (t > 0) & (t < middle), (t > middle) & (t < last)  # (B, T)
    places = np.where(in_a, a_start[:, None] + t - 1, b_start[:, None] + t - middle - 1)
    ids = tokens[np.where(in_a | in_b, places, 0)].astype(np.int64)  # (B, T)
    ids = np.where(in_a | in_b, ids, specials.pad)
    ids = np.where((t == middle) | (t == last), specials.sep, np.where(t == 0, specials.cls, ids))
    return {"inputs": ids, "segments": ((t > middle) & (t <= last)).astype(np.int64), "attend": t <= last}


def masked(rows: Arrays, draws: np.ndarray, share: float, specials: Specials) -> Arrays:  # (B, 3T)
    """The rows with `targets`, and with inputs of which exactly `share` of A and B is hidden, at least one token."""
    ids = rows["inputs"]
    rank_by, kind, token = np.split(draws, 3, axis=1)  # (B, T)
    free = rows["attend"] & (ids != specials.cls) & (ids != specials.sep)  # (B, T)
    n = n_predicted(free.sum(1), share)  # (B,)
    order = np.argsort(np.where(free, rank_by, 2.0), axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(ids.shape[1])[None], axis=1)  # (B, T)
    predicted = rank < n[:, None]
    drawn = specials.ordinary[(token * len(specials.ordinary)).astype(np.int64)]  # (B, T)
    hidden = np.where(kind < MASKED, specials.mask, np.where(kind < MASKED + REPLACED, drawn, ids))
    return {**rows, "inputs": np.where(predicted, hidden, ids), "targets": np.where(predicted, ids, IGNORED)}


def n_predicted(lengths: np.ndarray, share: float) -> np.ndarray:  # (B,) -> (B,)
    """How many tokens of rows whose A and B have so many together are predicted."""
    return np.maximum(np.rint(lengths * share), 1)


def source_predicted(text: Stretches, sizes: Mapping[str, int], share: float) -> dict[str, float]:
    """The mean tokens predicted in a row of each source that has some: over SEEN rows, as a B may be a short one."""
    samples, first, found = np.arange(SEEN), 0, {}
    draws = stream(EVALUATION_SEED, samples, 4, CUTS)
    for name, size in sizes.items():
        if size:
            _, a_length, _, b_length, _ = chosen(text, first + samples % size, draws)
            found[name] = float(n_predicted(a_length + b_length, share).mean())
        first += size
    return found


def open_segments(data: SegmentData, seed: int) -> Segments:
    """The rows of a token folder whose documents are cut into sentences."""
    if data.tokenizer != "wordpiece":
        raise BadUse(f"data.tokenizer={data.tokenizer} has no [CLS], [SEP] and [MASK]; set --data.tokenizer wordpiece")
    if data.length < SHORTEST + 3:
        raise BadUse(f"data.length={data.length} holds no two segments; take {SHORTEST + 3} or more")
    tokens = open_tokens(Path(data.folder))
    check_kind(tokens, data.tokenizer)
    check_length(tokens, data.length)
    tokenizer = tokens.tokenizer()
    special = [tokenizer.special(name) for name in ("[CLS]", "[SEP]", "[PAD]", "[MASK]")]
    ordinary = np.setdiff1d(np.arange(tokenizer.n_vocab), list(tokenizer.specials.values()))
    train = stretches(tokens, tokens.train, data.length)
    sizes = source_rows(tokens, train.start)
    predicted = source_predicted(train, sizes, data.mask_share)
    return Segments(
        seed=seed,
        order=order_of(tokens, len(train.start), sizes, data.mixture, seed, predicted),
        length=data.length,
        mask_share=data.mask_share,
        train=train,
        val=stretches(tokens, tokens.val, data.length),
        specials=Specials(cls=special[0], sep=special[1], pad=special[2], mask=special[3], ordinary=ordinary),
    )


def stretches(tokens: Tokens, file: TokenFile, length: int) -> Stretches:
    """The rows of a split; BadUse if it has too few for a B from elsewhere."""
    ends = file.sequences[file.documents]  # (D+1,)
    room = length - 3
    counts = -(-(ends[1:] - ends[:-1]) // room)  # (D,)
    document = np.repeat(np.arange(len(counts)), counts)  # (R,)
    number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = ends[document] + number * room
    lengths = np.minimum(room, ends[document + 1] - start)
    keep = lengths >= SHORTEST
    document, start, lengths = document[keep], start[keep], lengths[keep]
    several = len(np.unique(document)) > 1
    places = np.arange(len(start))
    first = np.searchsorted(document, document) if several else np.maximum(places - 1, 0)
    last = np.searchsorted(document, document, side="right") if several else np.minimum(places + 2, len(places))
    if not len(start) or (len(start) - (last - first)).min() < 1:
        raise BadUse(
            f"{tokens.folder} has {len(start)} rows of {length} tokens in a split, too few for pairs that do not "
            "follow each other; give more text, or lower --data.length"
        )
    return Stretches(
        tokens=file.tokens,
        sentences=file.sequences,
        start=start,
        length=lengths,
        own_first=first,
        own_last=last,
        text_start=ends[document],
        text_end=ends[document + 1],
    )
