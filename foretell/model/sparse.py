"""Which position attends to which (Child et al. 2019; Brown et al. 2020, section 2.1): the patterns as masks.

    dense    every earlier position
    banded   the last `window` positions, itself included: 0 <= i - j < window
    strided  those, and the positions at distance window, 2 window, 3 window, ...

B rows   T target positions   S source positions
"""

from typing import NamedTuple

import torch
from torch import Tensor

from foretell.model.config import Pattern


class Branches(NamedTuple):
    """Texts behind one another in a row, that go on from what the cache holds or from each other: each row a tree.

    Positions are counted along a branch, so that a pattern's distances are too. One row may stand for all.
    """

    positions: Tensor  # (B, T)
    ancestors: Tensor  # (B, T, S), True at what stands before a token in its text, and at itself; the cache comes first

    def allowed(self, pattern: Pattern, window: int) -> Tensor:  # -> (B, T, S)
        """True where a token of the tree attends to a token of the cache or the row."""
        if pattern == "dense":
            return self.ancestors
        rows, cached = len(self.positions), self.ancestors.shape[-1] - self.positions.shape[-1]
        before = torch.arange(cached, device=self.positions.device).expand(rows, cached)
        source = torch.cat([before, self.positions], 1)  # (B, S)
        return self.ancestors & allowed(pattern, window, self.positions, source)


def branches(positions: Tensor, ends: Tensor) -> Branches:  # (B, T), (B, T)
    """The branches of rows in preorder: token j stands before token i in a text if j <= i < ends[j].

    Texts packed into a row end where the next begins; outputs of one prompt end so too, the prompt after the last.
    """
    place = torch.arange(positions.shape[1], device=positions.device)
    before = (place <= place[:, None]) & (place[:, None] < ends[:, None])  # (B, T, T)
    return Branches(positions, before)


def allowed(
    pattern: Pattern, window: int, target: Tensor, source: Tensor
) -> Tensor:  # (..., T), (S,) or (..., S) -> (..., T, S)
    """True where the causal pattern lets a target position attend to a source position."""
    distance = target[..., :, None] - source[..., None, :]  # (..., T, S)
    past = distance >= 0  # (..., T, S)
    if pattern == "dense":
        return past
    near = past & (distance < window)  # (..., T, S)
    if pattern == "banded":
        return near
    return near | (past & (distance % window == 0))
