"""Which position attends to which (Child et al. 2019; Brown et al. 2020, section 2.1): the patterns as masks.

    dense    every earlier position
    banded   the last `window` positions, itself included: 0 <= i - j < window
    strided  those, and the positions at distance window, 2 window, 3 window, ...

T target positions   S source positions
"""

from torch import Tensor

from foretell.model.config import Pattern


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
