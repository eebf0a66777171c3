"""An iteration over several processes: each answers and judges its share of the episodes, and all get all of them.

Episodes are small beside networks: every process then computes the same advantages from the same numbers, and the
update deals the minibatches out again (update.py). What a prompt draws follows from its place among all (generate/),
so that the responses are those of one process.

B episodes   R tokens of a response
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch import distributed as dist

from foretell.align.episodes import Episodes, Sampled
from foretell.align.rollouts import Sampler
from foretell.model.network import Network
from foretell.train.parallel import Spread
from foretell.train.together import first_does, gathered


def responses_of_all(
    sampler: Sampler,
    network: Network,
    prompts: Sequence[Sequence[int]],
    seed: int,
    spread: Spread,
    *,
    foreign: bool,
) -> list[Sampled]:
    """The responses to all prompts, in their order. A foreign sampler is asked by the first process alone."""
    if spread.alone:
        return sampler(network, prompts, seed)
    if foreign:
        return first_does(lambda: sampler(network, prompts, seed))
    ranks = spread.ranks
    size = -(-len(prompts) // ranks.world)
    first = ranks.rank * size
    own = prompts[first : first + size]
    mine = sampler(network, own, seed, first=first) if own else []  # type: ignore[call-arg]  # the engine's own
    return [one for some in gathered(mine) for one in some]


def of_all(compute: Callable[[Episodes], Tensor], episodes: Episodes, like: Tensor, spread: Spread) -> Tensor:
    """compute(episodes), (B,) or (B, R) as `like` is, of which each process computes some rows."""
    if spread.alone:
        return compute(episodes)
    rows = torch.arange(spread.ranks.rank, len(like), spread.ranks.world, device=like.device)
    found = torch.zeros_like(like, dtype=torch.float32)
    if len(rows):
        parts = (episodes.ids, episodes.starts, episodes.lengths, episodes.ended, episodes.sampled)
        ids, starts, lengths, ended, sampled = (part[rows] for part in parts)
        found[rows] = compute(Episodes(ids=ids, starts=starts, lengths=lengths, ended=ended, sampled=sampled)).float()
    dist.all_reduce(found)
    return found
