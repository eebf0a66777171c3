"""Contrastive search: a likely token whose hidden state is unlike all before it (Su et al. 2022, equation 5).

    x_t = argmax over the k likeliest v of  (1 - alpha) p(v | x_<t) - alpha max over j < t of cos(h_v, h_j)

h are the last hidden states, after the network's last norm; h_v is that after reading v. The context counts from its
first token on. Nothing is drawn.

B prompts   K candidates   T positions so far   D d_model   V n_vocab
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from foretell.errors import BadUse
from foretell.generate.config import Contrastive
from foretell.generate.decode import reader
from foretell.generate.engine import Completion, Finish, check_room
from foretell.generate.prompts import in_order, padded, rows_at_once
from foretell.generate.stops import Words, n_spelled, stops_of
from foretell.model.cache import Cache, empty_cache
from foretell.model.network import Network


def contrastive_search(
    network: Network, words: Words, prompts: Sequence[Sequence[int]], how: Contrastive, largest: int | None = None
) -> list[Completion]:
    """The completion of each prompt. At most `largest` candidates are read at a time, None for what memory holds.

    BadUse for a network that is no decoder, or a prompt that leaves no room.
    """
    if network.cfg.kind != "decoder":
        raise BadUse(f"contrastive search needs a decoder, not {network.cfg.kind}; leave it out")
    given = [list(prompt) or [words.end_of_text] for prompt in prompts]
    for prompt in given:
        check_room(len(prompt), how.max_new_tokens, network.cfg.n_ctx, seq2seq=False)
    waiting, found = in_order(given), dict[int, Completion]()
    with torch.inference_mode():
        while waiting:
            room = max(len(given[i]) for i in waiting) + how.max_new_tokens
            n = max(rows_at_once(network, room, largest) // how.k, 1)
            batch, waiting = waiting[:n], waiting[n:]
            found |= zip(batch, search(network, words, [given[i] for i in batch], how), strict=True)
    return [found[i] for i in range(len(given))]


def search(network: Network, words: Words, given: Sequence[list[int]], how: Contrastive) -> list[Completion]:
    """contrastive_search() of one batch. A row that has ended is read on with the others, to no avail."""
    device, read = network.embed.token.weight.device, reader(network)
    spelled = n_spelled(words, network.cfg.n_vocab)
    k = min(how.k, spelled)
    cache, states, is_state = begun(network, given, how)
    hidden = states[torch.arange(len(given)), [len(prompt) - 1 for prompt in given]]  # (B, D)
    since, stops = min(cache.lengths), stops_of(words, how.stop)
    cache.select(torch.arange(len(given), device=device).repeat_interleave(k))
    ids: list[list[int]] = [[] for _ in given]
    told: list[list[float]] = [[] for _ in given]
    done: dict[int, Completion] = {}
    for step in range(how.max_new_tokens):
        logprobs = torch.log_softmax(network.logits(hidden).float(), -1)  # (B, V)
        likeliest = logprobs[:, :spelled].topk(k)  # (B, K)
        read_next = read(likeliest.indices.flatten(), cache).unflatten(0, (len(given), k))  # (B, K, D)
        chosen = contrasted(likeliest.values.exp(), read_next, states, is_state, how.alpha)  # (B,)
        rows = torch.arange(len(given), device=device)
        cache.reorder((rows * k + chosen).repeat_interleave(k), since)
        hidden = read_next[rows, chosen]
        states, is_state = extended(states, is_state, hidden)
        tokens = likeliest.indices[rows, chosen].tolist()
        for i, token in enumerate(tokens):
            ids[i].append(token)
            told[i].append(logprobs[i, token].item())
            if i not in done and (ended := end_of(ids[i], words, stops(ids[i]), step + 1 == how.max_new_tokens)):
                done[i] = completion(words, list(ids[i]), list(told[i]), *ended)
        if len(done) == len(given):
            break
    return [done[i] for i in range(len(given))]


def begun(network: Network, given: Sequence[list[int]], how: Contrastive) -> tuple[Cache, Tensor, Tensor]:
    """A cache with the prompts, their hidden states (B, T, D), and which of those are real (B, T)."""
    room = max(map(len, given)) + how.max_new_tokens
    cache = empty_cache(network.cfg, len(given), room, network.embed.token.weight)
    states = network.hidden(padded(given, 0, network), cache=cache)
    cache.lengths = [len(prompt) for prompt in given]
    lengths = torch.tensor(cache.lengths, device=states.device)[:, None]
    return cache, states, torch.arange(states.shape[1], device=states.device) < lengths


def contrasted(
    chances: Tensor, candidates: Tensor, states: Tensor, is_state: Tensor, alpha: float
) -> Tensor:  # (B, K), (B, K, D), (B, T, D), (B, T) -> (B,)
    """The place of the best candidate of each row."""
    likeness = F.normalize(candidates.float(), dim=-1) @ F.normalize(states.float(), dim=-1).transpose(
        1, 2
    )  # (B, K, T)
    worst = likeness.masked_fill(~is_state[:, None], float("-inf")).amax(-1)  # (B, K)
    return ((1 - alpha) * chances - alpha * worst).argmax(-1)


def extended(states: Tensor, is_state: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The states with one more of each row."""
    return torch.cat([states, hidden[:, None]], 1), torch.cat([is_state, torch.ones_like(is_state[:, :1])], 1)


def end_of(ids: Sequence[int], words: Words, cut: str | None, last: bool) -> tuple[Finish, str | None] | None:
    """How a completion ends, if it does, and its text before a stop text."""
    if ids[-1] == words.end_of_text:
        return "end", None
    if cut is not None:
        return "stop", cut
    return ("length", None) if last else None


def completion(words: Words, ids: list[int], logprobs: list[float], how: Finish, text: str | None) -> Completion:
    """A completion; an end token is no part of it, but its log-probability is told."""
    ids = ids[:-1] if how == "end" else ids
    return Completion(ids=ids, text=words.decode(ids) if text is None else text, logprobs=logprobs, finish=how)
