"""Who am I among the processes: what torchrun says, or one process alone. The one place that reads its variables.

The model never asks; the data takes a rank's share of the samples; the step sums over the ranks.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranks:
    """This process's number among `world` processes that train one model together; the first alone writes files."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1
    """processes on this machine"""
    attempt: str = ""
    """the number of this start among the restarts, where all of them talk through one store"""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise ValueError(f"rank={self.rank} is not below world={self.world}; start with torchrun, or alone")

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0


def from_environment() -> Ranks:
    """The ranks as torchrun set them; alone where it did not."""
    variables = os.environ  # noqa: TID251  (torchrun's own interface; nothing else is read from it)
    shared = variables.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return Ranks(
        rank=int(variables.get("RANK", 0)),
        world=int(variables.get("WORLD_SIZE", 1)),
        local_rank=int(variables.get("LOCAL_RANK", 0)),
        local_world=int(variables.get("LOCAL_WORLD_SIZE", 1)),
        attempt=variables.get("TORCHELASTIC_RESTART_COUNT", "0") if shared else "",
    )
