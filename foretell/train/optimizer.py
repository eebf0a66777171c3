"""The optimizers, from torch: AdamW for the papers, Muon beside it for the modern recipe."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from foretell.model.network import Network
from foretell.train.config import AdamW, Muon


def build_optimizers(model: Network, cfg: AdamW | Muon) -> list[Optimizer]:
    """The optimizers that together hold each parameter once. Every group keeps its peak rate as `peak`."""
    named = list(model.named_parameters())
    if isinstance(cfg, AdamW):
        return [_adamw(named, cfg, cfg.weight_decay)]
    matrices = [p for name, p in named if _is_block_matrix(name, p)]
    rest = [(name, p) for name, p in named if not _is_block_matrix(name, p)]
    muon = torch.optim.Muon(
        matrices, lr=cfg.muon_lr, momentum=cfg.momentum, weight_decay=cfg.muon_weight_decay, nesterov=True
    )
    return [_with_peak(muon), _adamw(rest, cfg, cfg.weight_decay)]


def _adamw(named: Sequence[tuple[str, Tensor]], cfg: AdamW | Muon, weight_decay: float) -> Optimizer:
    """AdamW that decays matrices and embeddings, not biases and gains (Radford et al. 2018, section 4.1)."""
    decayed = [p for _, p in named if p.ndim > 1]
    plain = [p for _, p in named if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    return _with_peak(torch.optim.AdamW(groups, lr=cfg.lr, betas=cfg.betas, eps=cfg.eps, fused=True))


def _with_peak(optimizer: Optimizer) -> Optimizer:
    for group in optimizer.param_groups:
        group["peak"] = group["lr"]
    return optimizer


def _is_block_matrix(name: str, p: Tensor) -> bool:
    return ".layers." in name and p.ndim == 2


def set_rate(optimizers: list[Optimizer], share: float) -> None:
    """Set every learning rate to this share of its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
