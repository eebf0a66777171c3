"""Beam search: the likeliest completion instead of a drawn one.

    score(Y) = log P(Y | X) / lp(Y),    lp(Y) = (5 + |Y|)^alpha / 6^alpha        Wu et al. 2016, eq. 14

Every source keeps `width` open beginnings. One that takes the end token, or whose text then holds a stop text, is
finished if it is among the `width` best candidates of its step, so that width 1 is greedy. |Y| and log P count the
tokens that end it. A beginning that max_new_tokens cuts is an answer only where none is finished, as in the code that
these papers were made with.

B sources   L sources that are still searched   W width   V n_vocab
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from foretell.generate.config import Beam
from foretell.generate.decode import reader
from foretell.generate.engine import Completion, Finish, check_room, encode_sources
from foretell.generate.prompts import in_order, read_prompts, rows_at_once
from foretell.generate.stops import Stops, Words, n_spelled, stops_of
from foretell.model.cache import Cache, empty_cache
from foretell.model.network import Network

NEVER = float("-inf")


def length_penalty(length: int, alpha: float) -> float:
    """lp(Y) for |Y| tokens."""
    return float(((5 + length) / 6) ** alpha)


@dataclass(kw_only=True, slots=True)
class Search:
    """One source's search: its open beginnings with their log-probabilities, and the finished ones."""

    beginnings: list[list[int]]  # W
    totals: list[float]  # W
    finished: list[tuple[float, list[int], float, Finish]] = field(default_factory=list)
    """score, ids, log-probability, and how it ended"""
    closed: bool = False

    def finish(self, ids: list[int], total: float, how: Finish, alpha: float) -> None:
        """Keep a beginning as a completion."""
        self.finished.append((total / length_penalty(len(ids), alpha), ids, total, how))

    def close_if_settled(self, beam: Beam) -> None:
        """Close when `width` are finished and no open beginning can still beat the worst of the best."""
        best_open = self.totals[0]
        if len(self.finished) >= beam.width:
            worst = sorted(self.finished, reverse=True)[beam.width - 1][0]
            self.closed = worst >= best_open / length_penalty(beam.max_new_tokens, beam.length_penalty)
        self.closed = self.closed or best_open == NEVER

    def best(self, words: Words, stops: Stops, alpha: float) -> Completion:
        """The best completion. Its one log-probability is that of the whole, with the token that ended it."""
        if not self.finished:
            for ids, total in zip(self.beginnings, self.totals, strict=True):
                self.finish(ids, total, "length", alpha)
        _, ids, total, how = max(self.finished, key=lambda found: found[0])
        ids = ids[:-1] if how == "end" else ids
        text = stops(ids) if how == "stop" else None
        return Completion(ids=ids, text=words.decode(ids) if text is None else text, logprobs=[total], finish=how)


def beam_search(
    network: Network,
    words: Words,
    prompts: Sequence[Sequence[int]],
    beam: Beam,
    largest: int | None = None,
    share: bool = True,
) -> list[Completion]:
    """The best completion of each prompt (of each source, for a seq2seq).

    At most `largest` beginnings are in a batch; None takes as many as a bounded memory holds. With `share`, what
    prompts of a batch begin with in common is read once. Neither changes more than the rounding.
    """
    cfg, found = network.cfg, dict[int, Completion]()
    seq2seq = cfg.kind == "seq2seq"
    given = [list(prompt) or [words.end_of_text] for prompt in prompts]
    for prompt in given:
        check_room(len(prompt), beam.max_new_tokens, cfg.n_ctx, seq2seq=seq2seq)
    waiting = list(range(len(given))) if seq2seq else in_order(given)
    with torch.inference_mode():
        while waiting:
            longest = 1 if seq2seq else max(len(given[i]) for i in waiting)
            n = max(rows_at_once(network, longest + beam.max_new_tokens, largest) // beam.width, 1)
            batch, waiting = waiting[:n], waiting[n:]
            found |= zip(batch, search(network, words, [given[i] for i in batch], beam, share), strict=True)
    return [found[i] for i in range(len(given))]


def search(
    network: Network, words: Words, given: Sequence[list[int]], beam: Beam, share: bool = True
) -> list[Completion]:
    """beam_search() of one batch."""
    width, device = beam.width, network.embed.token.weight.device
    cache, first = begun(network, words, given, beam, share)
    since = min(cache.lengths)
    cache.select(torch.arange(len(given)).repeat_interleave(width))
    last = torch.tensor(first).repeat_interleave(width).to(device)  # (B*W,)
    read, stops = reader(network), stops_of(words, beam.stop)
    spelled = n_spelled(words, network.cfg.n_vocab)
    none = [0.0] + [NEVER] * (width - 1)  # at first all beginnings of a source are the same one
    every = [Search(beginnings=[[] for _ in none], totals=none) for _ in given]
    live = every
    for _ in range(beam.max_new_tokens):
        logprobs = torch.log_softmax(network.logits(read(last, cache)).float(), -1).cpu()  # (L*W, V)
        logprobs[:, spelled:] = NEVER
        order, tokens = step(live, logprobs, words.end_of_text, stops, beam)
        open_ones = [one for one in live if not one.closed]
        if not open_ones:
            break
        cache.reorder(torch.tensor(order, device=device), since)
        if len(open_ones) <= len(live) // 2:  # to leave one by one would cost more than it saves
            staying = [i * width + w for i, one in enumerate(live) if not one.closed for w in range(width)]
            cache.select(torch.tensor(staying, device=device))
            tokens, live = [tokens[i] for i in staying], open_ones
        last = torch.tensor(tokens, device=device)
    return [one.best(words, stops, beam.length_penalty) for one in every]


def step(
    live: Sequence[Search], logprobs: Tensor, end: int, stops: Stops, beam: Beam
) -> tuple[list[int], list[int]]:  # (L*W, V)
    """One more token for every beginning: which row each new one comes from, and its last token."""
    totals = torch.tensor([one.totals for one in live])  # (L, W)
    candidates = (totals[:, :, None] + logprobs.unflatten(0, totals.shape)).flatten(1)  # (L, W*V)
    best = candidates.topk(min(2 * beam.width, candidates.shape[1]))
    values, indices = best.values.tolist(), best.indices.tolist()
    order: list[int] = []
    tokens: list[int] = []
    for i, one in enumerate(live):
        ranked = best_first(candidates[i], values[i], indices[i])
        order += [i * beam.width + row for row in extend(one, ranked, logprobs.shape[1], end, stops, beam)]
        tokens += [ids[-1] for ids in one.beginnings]
    return order, tokens


def begun(
    network: Network, words: Words, given: Sequence[list[int]], beam: Beam, share: bool
) -> tuple[Cache, list[int]]:
    """A cache with all that precedes the completions but its last tokens, and those."""
    seq2seq, end = network.cfg.kind == "seq2seq", words.end_of_text
    room = beam.max_new_tokens + (1 if seq2seq else max(map(len, given)))
    cache = empty_cache(network.cfg, len(given), room, network.embed.token.weight)
    if seq2seq:
        encode_sources(network, given, end, cache)
        return cache, [end] * len(given)
    read_prompts(network, [prompt[:-1] for prompt in given], cache, share=share)
    return cache, [prompt[-1] for prompt in given]


def best_first(row: Tensor, values: list[float], indices: list[int]) -> Iterator[tuple[float, int]]:  # (W*V,)
    """A source's candidates with their places, best first: those that were found, then, if asked, all others."""
    yield from zip(values, indices, strict=True)
    rest = row.clone()
    rest[indices] = NEVER
    ordered = rest.sort(descending=True)
    yield from zip(ordered.values.tolist(), ordered.indices.tolist(), strict=True)


def extend(
    one: Search, ranked: Iterator[tuple[float, int]], n_vocab: int, end: int, stops: Stops, beam: Beam
) -> list[int]:
    """Which beginning each new one comes from; those that end are kept as finished."""
    opened: list[tuple[float, int, list[int]]] = []
    for rank, (total, index) in enumerate(ranked):
        if total == NEVER or len(opened) == beam.width:
            break
        row, token = divmod(index, n_vocab)
        ids = [*one.beginnings[row], token]
        how: Finish | None = "end" if token == end else None if stops(ids) is None else "stop"
        if how is None:
            opened.append((total, row, ids))
        elif rank < beam.width and not one.closed:
            one.finish(ids, total, how, beam.length_penalty)
    filler = (NEVER, *opened[0][1:]) if opened else (NEVER, 0, [*one.beginnings[0], end])
    opened += [filler] * (beam.width - len(opened))  # can never be chosen
    one.totals, one.beginnings = [total for total, _, _ in opened], [ids for _, _, ids in opened]
    one.close_if_settled(beam)
    return [row for _, row, _ in opened]
