"""The only sampling engine: rows join a batch, each step gives every row one token, finished rows leave.

    batch = Batch(network, tokenizer);  batch.add(prompts, sampling);  while batch.rows: batch.step()

B batch   T positions   D d_model   V n_vocab
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from foretell.errors import BadUse
from foretell.generate.config import Sampling
from foretell.generate.decode import logits_of, reader
from foretell.generate.pick import biased, less_said, pick, uniform
from foretell.generate.prompts import Kept, in_order, padded, read_kept, read_prompts, rows_at_once
from foretell.generate.repeats import against_repeats
from foretell.generate.stops import Words, n_spelled, stops_of
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


class Asked(NamedTuple):
    """What a row is to continue, and how; `number` is its name in the batch."""

    prompt: Sequence[int]
    sampling: Sampling
    number: int
    stream: int
    """what its draws follow from, beside the seed"""
    ends: frozenset[int] = frozenset()
    """tokens that end it, beside the end of a text"""


@dataclass(kw_only=True, slots=True)
class Row:
    """A request in the batch."""

    number: int
    stream: int
    ends: frozenset[int]
    sampling: Sampling
    choice: Sampling
    """the settings without what differs between rows that can be drawn together"""
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
        self.n_spelled = n_spelled(words, network.cfg.n_vocab)
        self.rows: list[Row] = []
        self.done: dict[int, Completion] = {}
        self.added = 0
        self.cache: Cache | None = None
        self.stops = lru_cache(64)(partial(stops_of, words))  # bounded: a server's batch lives long

    def add(
        self,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling,
        numbers: Sequence[int] | None = None,
        share: bool = True,
        seen: Tensor | None = None,
    ) -> list[int]:  # seen (M, D)
        """The numbers of new rows, whose prompts are read at once; an empty prompt begins at the end of a text.

        A row's draws follow from its number: those that are given, or the next ones. For a seq2seq a prompt is the
        source, read by the encoder. Ids from n_vocab on are rows of `seen`, the patches of images. BadUse if a prompt
        leaves no room for the new tokens.
        """
        numbers = range(self.added, self.added + len(prompts)) if numbers is None else numbers
        self.added += len(prompts)
        asked = [Asked(prompt, sampling, n, n) for prompt, n in zip(prompts, numbers, strict=True)]
        self.join(asked, share=share, seen=seen)
        return list(numbers)

    def join(
        self, asked: Sequence[Asked], *, share: bool = True, kept: Kept | None = None, seen: Tensor | None = None
    ) -> None:  # seen (M, D)
        """Add rows with settings of their own; `kept` are beginnings that were read before, and takes these ones in.

        Prompts with images are not kept: the same ids would be other images in another call. BadUse if a prompt leaves
        no room for the new tokens; the batch is then as it was.
        """
        end, cfg = self.words.end_of_text, self.network.cfg
        seq2seq = cfg.kind == "seq2seq"
        given = [list(one.prompt) or [end] for one in asked]
        news = [one.sampling.max_new_tokens for one in asked]
        for prompt, new in zip(given, news, strict=True):
            check_room(len(prompt), new, cfg.n_ctx, seq2seq=seq2seq)
            check_ids(prompt, cfg.n_vocab, 0 if seen is None else len(seen))
        room = max(new + (1 if seq2seq else len(prompt)) for prompt, new in zip(given, news, strict=True))
        cache = empty_cache(cfg, len(given), room, self.network.embed.token.weight)
        if seq2seq:
            encode_sources(self.network, given, end, cache)
        elif kept is None or seen is not None:
            read_prompts(self.network, [prompt[:-1] for prompt in given], cache, share=share, seen=seen)
        else:
            read_kept(self.network, [prompt[:-1] for prompt in given], cache, kept)
        self.cache = cache if self.cache is None else self.cache.joined(cache)
        for one, prompt in zip(asked, given, strict=True):
            said = one.prompt if seen is None else [i for i in one.prompt if i < cfg.n_vocab]
            row = row_of(one, () if seq2seq else said, end if seq2seq else prompt[-1])
            row.choice = next((other.choice for other in self.rows if other.choice == row.choice), row.choice)
            self.rows.append(row)

    def cancel(self, numbers: Container[int]) -> None:
        """Take these rows out of the batch as they are, without a completion."""
        staying = [i for i, row in enumerate(self.rows) if row.number not in numbers]
        if len(staying) < len(self.rows):
            self.keep(staying)

    def step(self) -> None:
        """One token for every row; those that end leave the batch."""
        assert self.cache is not None, "a batch without rows cannot step"
        device = self.network.embed.token.weight.device
        hidden = self.read(torch.tensor([row.last for row in self.rows], device=device), self.cache)  # (B, D)
        logits = self.logits(hidden).float()  # (B, V)
        logprobs = torch.log_softmax(logits, -1)  # (B, V)
        if self.n_spelled < logits.shape[1]:
            logits[:, self.n_spelled :] = float("-inf")
        chosen = self.choose(logits)
        told = logprobs.gather(1, torch.tensor(chosen, device=device)[:, None])[:, 0].tolist()
        for i, row in enumerate(self.rows):
            row.last = chosen[i]
            row.ids.append(chosen[i])
            if row.sampling.alternatives:
                best = logprobs[i, : self.n_spelled].topk(min(row.sampling.alternatives, self.n_spelled))
                row.alternatives.append(list(zip(best.indices.tolist(), best.values.tolist(), strict=True)))
            row.logprobs.append(told[i])  # last: a thread that follows the row looks as far as these go
        self.leave([self.ended(row) for row in self.rows])

    def choose(self, logits: Tensor) -> list[int]:  # (B, V)
        """A token of each row by its own settings and its own random stream."""
        first = self.rows[0].choice
        if all(row.choice is first for row in self.rows):  # the common case, without a hash of each row's settings
            return self.drawn(logits, self.rows, first)
        chosen = [0] * len(self.rows)
        groups: dict[Sampling, list[int]] = {}
        for i, row in enumerate(self.rows):
            groups.setdefault(row.choice, []).append(i)
        for how, places in groups.items():
            tokens = self.drawn(logits[places], [self.rows[i] for i in places], how)
            for i, token in zip(places, tokens, strict=True):
                chosen[i] = token
        return chosen

    @staticmethod
    def drawn(logits: Tensor, rows: Sequence[Row], how: Sampling) -> list[int]:  # (B, V)
        """A token of each of these rows, which share their settings but for their seeds."""
        draws = [uniform(row.sampling.seed, row.stream, len(row.ids)) for row in rows] if how.temperature else []
        logits = biased(logits, how.bias)
        if not how.repeats_freely:
            logits = against_repeats(logits, [[*row.prompt, *row.ids] for row in rows], how)
        logits = less_said(logits, [row.ids for row in rows], how.presence_penalty, how.frequency_penalty)
        return pick(logits, how.temperature, how.top_k, how.top_p, draws).tolist()

    def ended(self, row: Row) -> Completion | None:
        """The row's completion if it has ended: by end of text, by a stop text (which is cut off), or by length."""
        if row.ids[-1] == self.words.end_of_text or row.ids[-1] in row.ends:
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
        for row, completion in zip(self.rows, ended, strict=True):
            if completion is not None:
                self.done[row.number] = completion
        self.keep([i for i, completion in enumerate(ended) if completion is None])

    def keep(self, staying: Sequence[int]) -> None:
        """Keep the rows at these places alone."""
        assert self.cache is not None, "rows have a cache"
        if staying:
            self.rows = [self.rows[i] for i in self.cache.leave(staying)]
        else:
            self.rows, self.cache = [], None


def row_of(asked: Asked, prompt: Sequence[int], last: int) -> Row:
    """A row that begins; equal settings are drawn together whatever their seeds, lengths and stop texts are."""
    choice = replace(asked.sampling, max_new_tokens=1, stop=(), seed=0, alternatives=0)
    return Row(
        number=asked.number,
        stream=asked.stream,
        ends=asked.ends,
        sampling=asked.sampling,
        choice=choice,
        last=last,
        prompt=prompt,
    )


def check_room(prompt: int, new: int, n_ctx: int, *, seq2seq: bool) -> None:
    """BadUse if the tokens do not fit into the context."""
    needed = max(prompt, new) if seq2seq else prompt + new
    if needed > n_ctx:
        sides = f"the source has {prompt} tokens, and {new} new ones are asked for" if seq2seq else ""
        sides = sides or f"the prompt's {prompt} tokens and {new} new ones are {needed}"
        raise BadUse(f"{sides}; the context holds {n_ctx}: shorten the prompt or lower max_new_tokens")


def check_ids(prompt: Sequence[int], n_vocab: int, n_seen: int) -> None:
    """BadUse if a prompt ends with an image, or names what is not seen."""
    if max(prompt) >= n_vocab + n_seen:
        raise BadUse(f"a prompt has the id {max(prompt)}; the vocabulary has {n_vocab}, and {n_seen} patches are seen")
    if prompt[-1] >= n_vocab:
        raise BadUse("a prompt ends with an image; put a word after it")


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
    first: int = 0,
    seen: Tensor | None = None,
) -> list[Completion]:  # seen (M, D)
    """The completions of prompts, in their order; new ones join as others leave.

    At most `largest` are in a batch at a time; None takes as many as a bounded memory holds. With `share`, what prompts
    that join together begin with in common is read once. Neither changes more than the rounding, because what a prompt
    draws follows from its place among all; `first` is the first one's, where others are asked elsewhere. Ids from
    n_vocab on are rows of `seen`, the patches of images.
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
                numbers = [first + i for i in waiting[:free]]
                batch.add([given[i] for i in waiting[:free]], sampling, numbers=numbers, share=share, seen=seen)
                waiting = waiting[free:]
            batch.step()
    return [batch.done[first + number] for number in range(len(prompts))]
