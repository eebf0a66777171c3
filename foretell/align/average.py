"""The average of weights that a run of reinforcement learning writes as its model (Ouyang et al. 2022, C.4).

It begins as the start's weights and moves once per iteration: average = decay average + (1 - decay) weights. The paper
does not say of what an update is counted; ours is the iteration, so that 0.992 forgets half in 86 of its 500.
"""

import copy
from typing import TypeVar

import torch
from torch import nn

from foretell.model.network import Network
from foretell.objective.policy import average

M = TypeVar("M", bound=nn.Module)


def frozen(network: M) -> M:
    """A copy that no optimizer moves, with dropout off."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def halved(network: Network) -> Network:
    """A frozen copy whose matrices are in bf16, as autocast would make them at every call: the results are the same."""
    copied = frozen(network)
    for module in copied.modules():
        if isinstance(module, nn.Linear):
            module.bfloat16()
    return copied


@torch.no_grad()
def move(mean: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an average towards the weights."""
    for kept, weight in zip(mean.parameters(), network.parameters(), strict=True):
        kept.copy_(average(kept, weight, decay))


@torch.no_grad()
def take(network: nn.Module, source: nn.Module) -> None:
    """Copy the source's weights into the network."""
    for into, weight in zip(network.parameters(), source.parameters(), strict=True):
        into.copy_(weight)
