"""Reading prompts into a cache: equal ones once, and what several begin with in common once.

Ids from n_vocab on are rows of `seen`, the patches of images: equal ids are then equal images, and are read once too.

B batch   T positions   M patches of all images   D d_model
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from foretell.generate.prefixes import as_array, common_prefix, shared
from foretell.model.cache import Cache, empty_cache
from foretell.model.network import Network

Ids = Sequence[int]
WORTH = 16  # tokens; a shorter beginning is read again more quickly than it is read apart
AT_ONCE = 8192  # tokens of one pass, which bounds the memory of what is between the layers
MEMORY = 512 * 2**20  # bytes, of the cache and the logits of a batch
MOST = 64  # rows; a processor gains little from more


class Kept(Protocol):
    """Beginnings of prompts that were read before."""

    def known(self, ids: Ids) -> int:
        """How many of a prompt's first tokens are kept."""

    def beginning(self, ids: Ids) -> Cache:
        """A cache of one row that holds these tokens, which are known."""

    def keep(self, ids: Ids, cache: Cache, row: int) -> None:
        """Remember a prompt that stands at the start of a row."""


def rows_at_once(network: Network, room: int, largest: int | None) -> int:
    """`largest`, or how many rows of `room` positions have their keys, values and logits in MEMORY, at most MOST."""
    if largest is not None:
        return max(largest, 1)
    cfg = network.cfg
    position = 2 * cfg.n_layers * cfg.n_heads * cfg.d_head * network.embed.token.weight.element_size()
    logits = cfg.n_vocab * 24  # logits, their log-softmax, and the cumulated probabilities in double precision
    return min(max(MEMORY // (room * position + logits), 1), MOST)


def read_prompts(
    network: Network, prompts: Sequence[Ids], cache: Cache, *, share: bool = True, seen: Tensor | None = None
) -> None:  # seen (M, D)
    """Fill the cache with prompts of any lengths, each at the start of its row.

    With `share`, equal prompts are read once, and so is the beginning that several have in common.
    """
    rows: dict[tuple[int, ...], list[int]] = {}
    for row, prompt in enumerate(prompts):
        rows.setdefault((*prompt,) if share else (row,), []).append(row)
    where = list(rows.values())
    different = [prompts[places[0]] for places in where]
    for family in families(different) if share else [list(range(len(different)))]:
        n = common_prefix([different[i] for i in family]) if share and len(family) > 1 else 0
        beginning = read_beginning(network, different[family[0]][:n], seen) if n >= WORTH else None
        for part in parts(family, different, n):
            if len(part) == len(prompts):  # all of them: they are read where they stay
                read_rows(network, prompts, cache, beginning, seen)
                return
            apart = empty_cache(network.cfg, len(part), len(different[part[0]]), network.embed.token.weight)
            read_rows(network, [different[i] for i in part], apart, beginning, seen)
            taken = [(row, place) for place, i in enumerate(part) for row in where[i]]
            cache.put([row for row, _ in taken], apart, [place for _, place in taken])


def families(prompts: Sequence[Ids]) -> list[list[int]]:
    """The places of prompts in lists: each of prompts with a common beginning, one list of those that have none.

    In the order of their ids, neighbours part where they have less in common than half of what one of them has in
    common with its other neighbour: the questions of one text stay together, apart from those of the next text.
    """
    order = sorted(range(len(prompts)), key=lambda i: list(prompts[i]))
    ordered = [as_array(prompts[i]) for i in order]
    common = [0, *(shared(one, two) for one, two in pairwise(ordered)), 0]  # with the one before
    found: list[list[int]] = []
    for i, place in enumerate(order):
        if common[i] < WORTH or 2 * common[i] < max(common[i - 1], common[i + 1]):
            found.append([])
        found[-1].append(place)
    alone = [family[0] for family in found if len(family) == 1]
    return [family for family in found if len(family) > 1] + ([alone] if alone else [])


def in_order(prompts: Sequence[Ids]) -> list[int]:
    """The places of all prompts so that those with a common beginning, and those of one length, are neighbours.

    The longest come first: what a batch needs is known when it begins.
    """
    found: list[list[int]] = []
    for family in families(prompts):
        by_length = sorted(family, key=lambda i: -len(prompts[i]))
        found += [by_length] if common_prefix([prompts[i] for i in family]) >= WORTH else [[i] for i in by_length]
    return [i for family in sorted(found, key=lambda family: -len(prompts[family[0]])) for i in family]


def parts(family: Sequence[int], prompts: Sequence[Ids], n: int) -> Iterator[list[int]]:
    """A family in parts of at most AT_ONCE tokens with their padding, the first n of each prompt not counted."""
    part: list[int] = []
    for i in sorted(family, key=lambda i: -len(prompts[i])):
        if part and (len(part) + 1) * (len(prompts[part[0]]) - n) > AT_ONCE:
            yield part
            part = []
        part.append(i)
    yield part


def read_beginning(network: Network, ids: Ids, seen: Tensor | None = None) -> Cache:
    """A cache of one row that has read this."""
    cache = empty_cache(network.cfg, 1, len(ids), network.embed.token.weight)
    read_rows(network, [ids], cache, None, seen)
    return cache


def read_rows(
    network: Network, prompts: Sequence[Ids], cache: Cache, beginning: Cache | None, seen: Tensor | None = None
) -> None:
    """Fill an empty cache with prompts that all begin with what `beginning` has read, and read the rest of them."""
    n = 0
    if beginning is not None:
        n = beginning.lengths[0]
        cache.put(range(len(prompts)), beginning, [0] * len(prompts))
    rest = [prompt[n:] for prompt in prompts]
    if any(rest):
        network.hidden(padded(rest, 0, network), cache=cache, seen=seen)
        cache.lengths = [len(prompt) for prompt in prompts]


def padded(rows: Sequence[Ids], pad: int, network: Network) -> Tensor:  # -> (B, T)
    """Rows as one tensor where the network is."""
    longest = max(map(len, rows))
    filled = [[*row, *[pad] * (longest - len(row))] for row in rows]
    return torch.tensor(filled, device=network.embed.token.weight.device)


def read_kept(network: Network, prompts: Sequence[Ids], cache: Cache, kept: Kept) -> None:
    """As read_prompts(), but for beginnings that are kept, which are copied; then all of them are kept."""
    where: dict[tuple[int, ...], list[int]] = {}
    for row, prompt in enumerate(prompts):
        where.setdefault((*prompt[: kept.known(prompt)],), []).append(row)
    for known, rows in where.items():
        if not known and len(rows) == len(prompts):
            read_prompts(network, prompts, cache)
            continue
        some = [prompts[row] for row in rows]
        apart = empty_cache(network.cfg, len(rows), max(map(len, some)), network.embed.token.weight)
        if known:
            read_rows(network, some, apart, kept.beginning(known))
        else:
            read_prompts(network, some, apart)
        cache.put(rows, apart, range(len(rows)))
    for row, prompt in enumerate(prompts):
        kept.keep(prompt, cache, row)
