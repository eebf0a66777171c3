"""Sight: an image as tokens of a decoder.

    patches (Dosovitskiy et al. 2020, section 3.1)  ->  encoder blocks  ->  projector (Liu et al. 2023)  ->  (P, D)

The blocks are those of every other network here. The patches take the places of placeholder tokens, so that several
images, between words, are one row of the ordinary decoder. As in LLaVA with SigLIP's tower, the projector reads the
last block's output without a norm.

N images   S pixels of a side   W pixels of a patch's side   P patches   M patches of all images   D d_model
Y, X pixels of an image before it is known to be S, S
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foretell.errors import BadUse
from foretell.model.config import Init, NetworkConfig, VisionConfig
from foretell.model.stack import Stack

CHANNELS = 3


def tower(cfg: VisionConfig) -> NetworkConfig:
    """The vision transformer as an encoder of ours: its blocks, patches for tokens."""
    return NetworkConfig(
        kind="encoder",
        n_vocab=1,
        n_ctx=cfg.n_tokens,
        n_layers=cfg.n_layers,
        d_model=cfg.d_model,
        n_heads=cfg.n_heads,
        d_head=cfg.d_model // cfg.n_heads,
        d_ff=cfg.d_ff,
        norm_place="pre",
        norm_eps=cfg.norm_eps,
        activation=cfg.activation,
        init=Init(),
    )


class Projector(nn.Module):
    """Two layers from the width of the vision transformer to that of the decoder."""

    def __init__(self, d_vision: int, d_model: int) -> None:
        super().__init__()
        self.up = nn.Linear(d_vision, d_model)
        self.output = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:  # (N, P, E) -> (N, P, D)
        return self.output(F.gelu(self.up(x)))


class Vision(nn.Module):
    """Images to what a decoder reads of them."""

    def __init__(self, cfg: VisionConfig, reader: NetworkConfig) -> None:
        super().__init__()
        self.patch_size, self.image_size = cfg.patch_size, cfg.image_size
        self.patch = nn.Linear(CHANNELS * cfg.patch_size**2, cfg.d_model)
        self.position = nn.Embedding(cfg.n_tokens, cfg.d_model)
        self.encoder = Stack(tower(cfg), causal=False)
        self.encoder.norm = nn.Identity()
        self.projector = Projector(cfg.d_model, reader.d_model)

    def forward(self, images: Tensor) -> Tensor:  # (N, 3, Y, X) -> (N, P, D)
        if images.shape[1:] != (CHANNELS, self.image_size, self.image_size):
            wanted = f"(N, {CHANNELS}, {self.image_size}, {self.image_size})"
            raise BadUse(f"images of shape {tuple(images.shape)} are given to a model that sees {wanted}; resize them")
        x = self.patch(patches(images, self.patch_size).to(self.patch.weight.dtype)) + self.position.weight
        places = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])  # (N, P)
        return self.projector(self.encoder(x, places))


def patches(images: Tensor, size: int) -> Tensor:  # (N, 3, S, S) -> (N, P, 3*W*W)
    """The patches of images from left to right and top to bottom, each by channel, row and column."""
    apart = images.unflatten(2, (-1, size)).unflatten(4, (-1, size))  # (N, 3, S/W, W, S/W, W)
    return apart.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def numbered(ids: Tensor, cfg: VisionConfig, n_vocab: int, n_images: int) -> Tensor:  # (B, T) -> (B, T)
    """The ids, each placeholder the next row of what is seen, counted from n_vocab; rows of the batch in their order.

    BadUse where the placeholders are not as many as the images' patches.
    """
    found = ids == cfg.placeholder  # (B, T)
    n = int(found.sum())
    if n != n_images * cfg.n_tokens:
        rule = f"an image takes {cfg.n_tokens}: give one image for each"
        raise BadUse(f"{n} places for images and {n_images} images of {n_images * cfg.n_tokens} patches; {rule}")
    order = found.flatten().cumsum(0).view_as(ids) - 1  # (B, T)
    return torch.where(found, n_vocab + order, ids)


def written(x: Tensor, rows: Tensor, seen: Tensor) -> Tensor:  # (B, T, D), (B, T), (M, D) -> (B, T, D)
    """Embeddings with the rows of what is seen in their places; negative ones are words and stay."""
    return torch.where((rows >= 0)[..., None], seen[rows.clamp(min=0)].to(x.dtype), x)
