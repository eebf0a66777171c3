"""A stack of blocks: the encoder and the decoder are the same code with other data.

B batch   T positions   S positions of the memory   D d_model
"""

import torch
from torch import Tensor, nn

from foretell.model.block import Block, Reach, norm
from foretell.model.cache import Cache
from foretell.model.config import NetworkConfig, Pattern
from foretell.model.rotary import angles
from foretell.model.sparse import Branches, allowed


class Stack(nn.Module):
    """n_layers blocks and, with pre-norm, the norm after the last.

    Layers have names, not places in a list: a stage of a pipeline that holds some of them keeps their names.
    """

    def __init__(self, cfg: NetworkConfig, *, causal: bool, cross: bool = False) -> None:
        super().__init__()
        self.cfg, self.causal = cfg, causal
        blocks = {str(i): Block(cfg, causal=causal, cross=cross) for i in range(cfg.n_layers)}
        self.layers = nn.ModuleDict(blocks)
        self.norm = norm(cfg) if cfg.norm_place == "pre" else nn.Identity()

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        attend: Tensor | None = None,
        memory: Tensor | None = None,
        memory_attend: Tensor | None = None,
        cache: Cache | None = None,
        equal: bool = True,
        branches: Branches | None = None,
    ) -> Tensor:  # (B, T, D), (B, T), (B, T), (B, S, D), (B, S) -> (B, T, D)
        """`attend` and `memory_attend` are True at real tokens; `equal` says that a cache's rows are equally long."""
        cfg = self.cfg
        turn = angles(positions, cfg.d_head, cfg.rotary_base) if cfg.positions == "rotary" else None
        memory_mask = None if memory_attend is None else memory_attend[:, None, None]  # (B, 1, 1, S)
        if branches is None:
            masks = {p: self.mask(p, positions, attend, cache, equal) for p in set(cfg.attention)}
        else:
            masks = {p: branches.allowed(p, cfg.window)[:, None] for p in set(cfg.attention)}  # (B, 1, T, S)
        for name, block in self.layers.items():
            layer = int(name)
            reach = Reach(masks[cfg.pattern(layer)], turn, memory, memory_mask)
            x = block(x, reach, None if cache is None else cache.layers[layer])  # (B, T, D)
        return self.norm(x)

    def mask(
        self, pattern: Pattern, positions: Tensor, attend: Tensor | None, cache: Cache | None, equal: bool
    ) -> Tensor | None:
        """What a layer of this pattern may see, broadcast to (B, H, T, S); None for plain causality, or for all."""
        new, so_far = positions.shape[1], 0 if cache is None else cache.layers[0].end
        plain = equal and (so_far in (0, new) or new == 1)  # nothing hides but the future, and SDPA knows that itself
        if not self.causal:
            return None if attend is None else attend[:, None, None]  # (B, 1, 1, S)
        if pattern == "dense" and attend is None and plain:
            return None
        source = torch.arange(so_far or new, device=positions.device)  # (S,)
        mask = allowed(pattern, self.cfg.window, positions, source)[:, None]  # (B, 1, T, S)
        return mask if attend is None else mask & attend[:, None, None]
