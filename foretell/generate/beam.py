"""Beam search: the likeliest completion instead of a drawn one.

    score(Y) = log P(Y | X) / lp(Y),    lp(Y) = (5 + |Y|)^alpha / 6^alpha        Wu et al. 2016, eq. 14

Every source keeps `width` open beginnings. One that takes the end token is finished if it is among the `width` best
candidates of its step, so that width 1 is greedy. |Y| counts the end token.

B sources   W width   D d_model   V n_vocab
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from foretell.generate.config import Beam
from foretell.generate.decode import reader
from foretell.generate.engine import Completion, Words, before_stop, check_room, encode_sources, read_prompts
from foretell.model.cache import empty_cache
from foretell.model.network import Network


def length_penalty(length: int, alpha: float) -> float:
    """lp(Y) for |Y| tokens."""
    return float(((5 + length) / 6) ** alpha)


@dataclass(kw_only=True, slots=True)
class Search:
    """One source's search: its finished completions as (score, ids, total log-probability)."""

    finished: list[tuple[float, list[int], float]] = field(default_factory=list)
    closed: bool = False

    def close_if_settled(self, best_open: float, beam: Beam) -> None:
        """Close when `width` are finished and no open beginning can still beat the worst of the best."""
        if len(self.finished) >= beam.width:
            worst = sorted(self.finished, reverse=True)[beam.width - 1][0]
            self.closed = worst >= best_open / length_penalty(beam.max_new_tokens, beam.length_penalty)


def beam_search(
    network: Network, words: Words, prompts: Sequence[Sequence[int]], beam: Beam, largest: int = 64
) -> list[Completion]:
    """The best completion of each prompt (of each source, for a seq2seq)."""
    n = max(largest // beam.width, 1)
    with torch.inference_mode():
        parts = [search(network, words, prompts[i : i + n], beam) for i in range(0, len(prompts), n)]
    return [completion for part in parts for completion in part]


def search(network: Network, words: Words, prompts: Sequence[Sequence[int]], beam: Beam) -> list[Completion]:
    """beam_search() of one batch."""
    end, cfg, width = words.end_of_text, network.cfg, beam.width
    given = [list(prompt) or [end] for prompt in prompts]
    for prompt in given:
        check_room(len(prompt), beam.max_new_tokens, cfg.n_ctx, seq2seq=cfg.kind == "seq2seq")
    room = beam.max_new_tokens + (1 if cfg.kind == "seq2seq" else max(map(len, given)))
    cache = empty_cache(cfg, len(given), room, network.embed.token.weight)
    if cfg.kind == "seq2seq":
        encode_sources(network, given, end, cache)
        last = torch.full((len(given),), end)  # (B,)
    else:
        read_prompts(network, [prompt[:-1] for prompt in given], cache)
        last = torch.tensor([prompt[-1] for prompt in given])  # (B,)
    cache.select(torch.arange(len(given)).repeat_interleave(width))
    last = last.repeat_interleave(width).to(network.embed.token.weight.device)  # (B*W,)
    read, searches = reader(network), [Search() for _ in given]
    totals = torch.full((len(given), width), float("-inf"))  # (B, W)
    totals[:, 0] = 0.0  # at first all beginnings of a source are the same one
    ids: list[list[list[int]]] = [[[] for _ in range(width)] for _ in given]
    for step in range(1, beam.max_new_tokens + 1):
        logprobs = torch.log_softmax(network.logits(read(last, cache)).float(), -1).cpu()  # (B*W, V)
        candidates = (totals[:, :, None] + logprobs.unflatten(0, totals.shape)).flatten(1)  # (B, W*V)
        best = candidates.topk(min(2 * width, candidates.shape[1]))
        order, tokens = extend(searches, ids, totals, best.values, best.indices, logprobs.shape[1], end, step, beam)
        if all(one.closed for one in searches):
            break
        cache.select(order)
        last = tokens.to(last.device)
    for one, beginnings, scores in zip(searches, ids, totals.tolist(), strict=True):
        if not one.closed:
            open_ones = [
                (s / length_penalty(len(y), beam.length_penalty), y, s) for y, s in zip(beginnings, scores, strict=True)
            ]
            one.finished += [found for found in open_ones if found[2] > float("-inf")]
    return [completion(max(one.finished, key=lambda found: found[0]), words, beam.stop) for one in searches]


def extend(
    searches: list[Search],
    ids: list[list[list[int]]],
    totals: Tensor,
    values: Tensor,
    indices: Tensor,
    n_vocab: int,
    end: int,
    step: int,
    beam: Beam,
) -> tuple[Tensor, Tensor]:  # -> (B*W,), (B*W,)
    """Which row each new beginning comes from, and its last token; finished ones are kept."""
    order, tokens = [], []
    for source, one in enumerate(searches):
        beginnings: list[tuple[float, int, int]] = []
        ranked = zip(values[source].tolist(), indices[source].tolist(), strict=True)
        for rank, (total, index) in enumerate(ranked):
            row, token = divmod(index, n_vocab)
            if token == end and total > float("-inf"):
                if rank < beam.width and not one.closed:
                    score = total / length_penalty(step, beam.length_penalty)
                    one.finished.append((score, [*ids[source][row], end], total))
            elif len(beginnings) < beam.width:
                beginnings.append((total, row, token))
        filler = (float("-inf"), *beginnings[0][1:]) if beginnings else (float("-inf"), 0, end)
        beginnings += [filler] * (beam.width - len(beginnings))  # can never be chosen
        ids[source] = [[*ids[source][row], token] for _, row, token in beginnings]
        totals[source] = torch.tensor([total for total, _, _ in beginnings])
        order += [source * beam.width + row for _, row, _ in beginnings]
        tokens += [token for _, _, token in beginnings]
        one.close_if_settled(beginnings[0][0], beam)
    return torch.tensor(order), torch.tensor(tokens)


def completion(found: tuple[float, list[int], float], words: Words, stop: tuple[str, ...]) -> Completion:
    """A finished search as a completion, cut at a stop text; its one log-probability is that of the whole."""
    _, ids, total = found
    ended = bool(ids) and ids[-1] == words.end_of_text
    kept = ids[:-1] if ended else ids
    text = words.decode(kept)
    cut = before_stop(text, stop)
    if cut is not None:
        return Completion(ids=kept, text=cut, logprobs=[total], finish="stop")
    return Completion(ids=kept, text=text, logprobs=[total], finish="end" if ended else "length")
