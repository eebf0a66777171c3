"""Which position attends to which (Child et al. 2019; Brown et al. 2020, section 2.1): the patterns as masks.

    dense    every earlier position
    banded   the last `window` positions, itself included: 0 <= i - j < window
    strided  those, and the positions at distance window, 2 window, 3 window, ...

T target positions   S source positions
"""

from typing import NamedTuple

import torch
from torch import Tensor

from foretell.model.config import Pattern


class Branches(NamedTuple):
    """Texts behind one another in one row, that go on from what the cache holds or from each other: a tree.

    Positions are counted along a branch, so that a pattern's distances are too.
    """

    positions: Tensor  # (T,)
    ancestors: Tensor  # (T, S), True at what stands before a token in its text, and at itself; the cache comes first

    def allowed(self, pattern: Pattern, window: int) -> Tensor:  # -> (T, S)
        """True where a token of the tree attends to a token of the cache or the row."""
        if pattern == "dense":
            return self.ancestors
        cached = self.ancestors.shape[1] - len(self.positions)
        source = torch.cat([torch.arange(cached, device=self.positions.device), self.positions])  # (S,)
        return self.ancestors & allowed(pattern, window, self.positions, source)


def allowed(pattern: Pattern, window: int, target: Tensor, source: Tensor) -> Tensor:  # (..., T), (S,) -> (..., T, S)
    """True where the causal pattern lets a target position attend to a source position."""
    distance = target[..., :, None] - source  # (..., T, S)
    past = distance >= 0  # (..., T, S)
    if pattern == "dense":
        return past
    near = past & (distance < window)  # (..., T, S)
    if pattern == "banded":
        return near
    return near | (past & (distance % window == 0))
