"""How weights begin: each parameter from its own random stream, so that neither order nor sharding changes it."""

import zlib

import torch
from torch import Tensor, nn

from foretell.model.config import NetworkConfig
from foretell.model.network import Network


def build(cfg: NetworkConfig, seed: int = 0, device: str = "cpu") -> Network:
    """A network with the paper's initial weights: shapes on the meta device first, then each weight drawn once."""
    model = build_meta(cfg).to_empty(device=device)
    with torch.no_grad():
        for name, p in model.named_parameters():
            initialise(p, name, cfg, seed)
    return model


def build_meta(cfg: NetworkConfig) -> Network:
    """A network without storage: for counting, and for filling from a file."""
    with torch.device("meta"):
        return Network(cfg)


def initialise(p: Tensor, name: str, cfg: NetworkConfig, seed: int) -> None:
    """Fill one parameter. Biases are 0 and gains 1; the papers say nothing else of them."""
    module, _, kind = name.rpartition(".")
    if kind == "bias":
        nn.init.zeros_(p)
    elif "norm" in module.rpartition(".")[2]:
        nn.init.ones_(p)
    elif cfg.init.zero_residual and writes_to_residual(module):
        nn.init.zeros_(p)
    else:
        own_seed = zlib.crc32(f"{seed} {name}".encode())  # 32 bits: a CPU stream takes no more
        stream = torch.Generator(p.device).manual_seed(own_seed)
        if module == "task_head.output" and cfg.heads.task_bias:
            nn.init.normal_(p, std=(cfg.d_model + 1) ** -0.5, generator=stream)  # Stiennon et al. 2020: their program's
        elif cfg.init.kind == "xavier" and "embed" not in module and module != "lm_head":
            nn.init.xavier_uniform_(p, generator=stream)
        else:
            nn.init.normal_(p, std=_std(module, cfg), generator=stream)


def writes_to_residual(module: str) -> bool:
    """Whether a layer's output is added to the residual stream."""
    return module.endswith((".attention.output", ".cross.output", ".feed_forward.output"))


def _std(module: str, cfg: NetworkConfig) -> float:
    if module == "embed.position":
        return cfg.init.position_std
    if cfg.init.kind == "xavier":
        return float(cfg.d_model**-0.5)
    if cfg.init.scale_residual and writes_to_residual(module):
        return cfg.init.std / (2 * cfg.n_layers) ** 0.5
    return cfg.init.std
