"""The only sampling engine: rows join a batch, each step gives every row one token, finished rows leave.

    batch = Batch(network, tokenizer);  batch.add(prompts, sampling);  while batch.rows: batch.step()

B batch   T positions   D d_model   V n_vocab
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Literal

import torch
from torch import Tensor

from foretell.errors import BadUse
from foretell.generate.config import Sampling
from foretell.generate.decode import logits_of, reader
from foretell.generate.pick import pick, uniform
from foretell.generate.prompts import in_order, padded, read_prompts, rows_at_once
from foretell.generate.repeats import against_repeats
from foretell.generate.stops import Words, stops_of
from foretell.model.cache import Cache, empty_cache
from foretell.model.network import Network

Finish = Literal["stop", "length", "end"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What followed a prompt: why it ended, and the log-probability of each token (of the full distribution)."""

    ids: list[int]
    text: str
    logprobs: list[float]
    finish: Finish
    alternatives: list[list[tuple[int, float]]] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Row:
    """A request in the batch."""

    number: int
    sampling: Sampling
    last: int
    """the token that is read next"""
    prompt: Sequence[int] = ()
    """what is not to be repeated either"""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    alternatives: list[list[tuple[int, float]]] = field(default_factory=list)


class Batch:
    """A running batch. Rows are numbered as they are added; `done` holds the completions by number."""

    def __init__(self, network: Network, words: Words) -> None:
        self.network, self.words = network, words
        self.read, self.logits = reader(network), logits_of(network)
        self.rows: list[Row] = []
        self.done: dict[int, Completion] = {}
        self.added = 0
        self.cache: Cache | None = None
        self.stops = cache(partial(stops_of, words))

    def add(
        self,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling,
        numbers: Sequence[int] | None = None,
        share: bool = True,
    ) -> list[int]:
        """The numbers of new rows, whose prompts are read at once; an empty prompt begins at the end of a text.

        A row's draws follow from its number: those that are given, or the next ones. For a seq2seq a prompt is the
        source, read by the encoder. BadUse if a prompt leaves no room for the new tokens.
        """
        end, cfg = self.words.end_of_text, self.network.cfg
        given = [list(prompt) or [end] for prompt in prompts]
        for prompt in given:
            check_room(len(prompt), sampling.max_new_tokens, cfg.n_ctx, seq2seq=cfg.kind == "seq2seq")
        room = sampling.max_new_tokens + (1 if cfg.kind == "seq2seq" else max(map(len, given)))
        cache = empty_cache(cfg, len(given), room, self.network.embed.token.weight)
        if cfg.kind == "seq2seq":
            encode_sources(self.network, given, end, cache)
            last = [end] * len(given)
        else:
            read_prompts(self.network, [prompt[:-1] for prompt in given], cache, share=share)
            last = [prompt[-1] for prompt in given]
        numbers = range(self.added, self.added + len(given)) if numbers is None else numbers
        self.rows += [
            Row(number=n, sampling=sampling, last=token, prompt=() if cfg.kind == "seq2seq" else prompt)
            for n, token, prompt in zip(numbers, last, prompts, strict=True)
        ]
        self.cache = cache if self.cache is None else self.cache.joined(cache)
        self.added += len(given)
        return list(numbers)

    def step(self) -> None:
        """One token for every row; those that end leave the batch."""
        assert self.cache is not None, "a batch without rows cannot step"
        device = self.network.embed.token.weight.device
        hidden = self.read(torch.tensor([row.last for row in self.rows], device=device), self.cache)  # (B, D)
        logits = self.logits(hidden).float()  # (B, V)
        chosen = self.choose(logits)
        logprobs = torch.log_softmax(logits, -1)  # (B, V)
        told = logprobs.gather(1, torch.tensor(chosen, device=device)[:, None])[:, 0].tolist()
        for i, row in enumerate(self.rows):
            row.last = chosen[i]
            row.ids.append(chosen[i])
            row.logprobs.append(told[i])
            if row.sampling.alternatives:
                best = logprobs[i].topk(row.sampling.alternatives)
                row.alternatives.append(list(zip(best.indices.tolist(), best.values.tolist(), strict=True)))
        self.leave([self.ended(row) for row in self.rows])

    def choose(self, logits: Tensor) -> list[int]:  # (B, V)
        """A token of each row by its own settings and its own random stream."""
        first = self.rows[0].sampling
        if all(row.sampling is first for row in self.rows):  # the common case, without a hash of each row's settings
            return self.drawn(logits, self.rows, first)
        chosen = [0] * len(self.rows)
        groups: dict[Sampling, list[int]] = {}
        for i, row in enumerate(self.rows):
            groups.setdefault(row.sampling, []).append(i)
        for how, places in groups.items():
            tokens = self.drawn(logits[places], [self.rows[i] for i in places], how)
            for i, token in zip(places, tokens, strict=True):
                chosen[i] = token
        return chosen

    @staticmethod
    def drawn(logits: Tensor, rows: Sequence[Row], how: Sampling) -> list[int]:  # (B, V)
        """A token of each of these rows, which share their settings."""
        if not how.repeats_freely:
            logits = against_repeats(logits, [[*row.prompt, *row.ids] for row in rows], how)
        draws = [uniform(how.seed, row.number, len(row.ids)) for row in rows] if how.temperature else []
        return pick(logits, how.temperature, how.top_k, how.top_p, draws).tolist()

    def ended(self, row: Row) -> Completion | None:
        """The row's completion if it has ended: by end of text, by a stop text (which is cut off), or by length."""
        if row.ids[-1] == self.words.end_of_text:
            return self.completion(row, "end", row.ids[:-1])
        if row.sampling.stop:
            cut = self.stops(row.sampling.stop)(row.ids)
            if cut is not None:
                return self.completion(row, "stop", row.ids, cut)
        if len(row.ids) == row.sampling.max_new_tokens:
            return self.completion(row, "length", row.ids)
        return None

    def completion(self, row: Row, finish: Finish, ids: list[int], text: str | None = None) -> Completion:
        """A completion; log-probabilities include that of the token that ended the text."""
        text = self.words.decode(ids) if text is None else text
        return Completion(ids=ids, text=text, logprobs=row.logprobs, finish=finish, alternatives=row.alternatives)

    def leave(self, ended: Sequence[Completion | None]) -> None:
        """Take ended rows out of the batch and its cache."""
        if not any(ended):
            return
        assert self.cache is not None, "rows have a cache"
        for row, completion in zip(self.rows, ended, strict=True):
            if completion is not None:
                self.done[row.number] = completion
        staying = [i for i, completion in enumerate(ended) if completion is None]
        if staying:
            self.rows = [self.rows[i] for i in self.cache.leave(staying)]
        else:
            self.rows, self.cache = [], None


def check_room(prompt: int, new: int, n_ctx: int, *, seq2seq: bool) -> None:
    """BadUse if the tokens do not fit into the context."""
    needed = max(prompt, new) if seq2seq else prompt + new
    if needed > n_ctx:
        sides = f"the source has {prompt} tokens, and {new} new ones are asked for" if seq2seq else ""
        sides = sides or f"the prompt's {prompt} tokens and {new} new ones are {needed}"
        raise BadUse(f"{sides}; the context holds {n_ctx}: shorten the prompt or lower max_new_tokens")


def encode_sources(network: Network, sources: Sequence[Sequence[int]], pad: int, cache: Cache) -> None:
    """Run the encoder once and leave its memory with every layer of the cache."""
    ids = padded(sources, pad, network)  # (B, S)
    lengths = torch.tensor([len(source) for source in sources], device=ids.device)[:, None]
    attend = torch.arange(ids.shape[1], device=ids.device) < lengths  # (B, S)
    cache.memory, cache.memory_attend = network.encode(ids, attend), attend


def generate(
    network: Network,
    words: Words,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    largest: int | None = None,
    share: bool = True,
) -> list[Completion]:
    """The completions of prompts, in their order; new ones join as others leave.

    At most `largest` are in a batch at a time; None takes as many as a bounded memory holds. With `share`, what prompts
    that join together begin with in common is read once. Neither changes more than the rounding, because what a prompt
    draws follows from its place among all.
    """
    cfg, batch = network.cfg, Batch(network, words)
    given = [list(prompt) or [words.end_of_text] for prompt in prompts]
    seq2seq = cfg.kind == "seq2seq"
    for prompt in given:
        check_room(len(prompt), sampling.max_new_tokens, cfg.n_ctx, seq2seq=seq2seq)
    waiting = list(range(len(given))) if seq2seq or not share else in_order(given)
    room = sampling.max_new_tokens + (1 if seq2seq else max(map(len, given), default=0))
    most = rows_at_once(network, room, largest)
    with torch.inference_mode():
        while waiting or batch.rows:
            free = most - len(batch.rows)
            if waiting and (not batch.rows or free >= max(most // 2, 1)):
                batch.add([given[i] for i in waiting[:free]], sampling, numbers=waiting[:free], share=share)
                waiting = waiting[free:]
            batch.step()
    return [batch.done[number] for number in range(len(prompts))]
